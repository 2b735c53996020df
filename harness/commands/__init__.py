"""One file for each nox session that does more than one call."""
