"""Installing a pair: its lock, its releases on PyPI, its environment."""
