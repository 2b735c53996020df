"""Which cases a lane has, and whether they fit on this machine."""
