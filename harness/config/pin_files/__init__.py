"""Reads the releases that a project's files pin, and those that a diff of such a file moves."""
