"""Which models a release of timm has, and how each is made small: the catalog, made once for a release."""
