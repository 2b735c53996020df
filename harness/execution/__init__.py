"""Running pending cases: one pair at a time, one run per results folder."""
