"""What a route is written with, and running a case of it."""
