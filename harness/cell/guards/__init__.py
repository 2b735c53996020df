"""Guards that keep a case inside its process, and notice what it changed outside."""
