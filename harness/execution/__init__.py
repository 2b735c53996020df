"""Running what is pending: one pair at a time, one run a results folder."""
