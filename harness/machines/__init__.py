"""A run on many machines: the plan of a night, a cluster, and what comes back from them."""
