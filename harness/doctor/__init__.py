"""Checks inside a user's own environment: the installed pair, and a model of theirs."""
