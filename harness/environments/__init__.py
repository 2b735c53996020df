"""Installing a pair: its lock, what PyPI has, what the installer said."""
