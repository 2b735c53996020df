"""The commands of `layerscale-matrix` that answer from what this package knows, without torch and without network."""
