"""A model or a checkpoint folder of the user's own, as a target of the harness."""
