"""A module that cannot be imported."""

raise OSError("no such driver")
