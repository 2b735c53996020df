"""What is recorded, which of it counts, and the verdicts. Nothing here runs anything."""
