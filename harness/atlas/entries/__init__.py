"""What was measured of each pair: an entry, and the files in which entries are kept."""
