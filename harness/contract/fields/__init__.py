"""The fields of what other programs read or write: records, catalogs, what commands print. Standard library only."""
