"""A run on many machines: shards for CI, workers of a Dask scheduler."""
