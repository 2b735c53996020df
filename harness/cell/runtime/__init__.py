"""The pytest plugin, and how its workers run, are watched and report."""
