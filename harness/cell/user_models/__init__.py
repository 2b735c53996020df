"""Testing a user's model or checkpoint folder."""
