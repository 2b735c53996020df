"""The files that `--out` writes, one module a format."""
