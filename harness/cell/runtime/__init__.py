"""The pytest plugin and what keeps its workers going."""
