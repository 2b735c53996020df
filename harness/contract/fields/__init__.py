"""The fields of what other programs read or write: records, catalogs, and what commands print. Standard library only."""
