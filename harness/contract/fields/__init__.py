"""The checks of the fields of files that come from elsewhere: records and catalogs. Standard library only."""
