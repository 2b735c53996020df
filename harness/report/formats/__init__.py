"""The files that `--out` writes, a module for each format."""
