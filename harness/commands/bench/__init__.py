"""How fast it is, against its targets."""
