"""matrix.yaml and the command line, parsed once into frozen values."""
