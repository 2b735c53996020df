"""What runs inside a pair's environment, and needs nothing there but the pair and pytest."""
