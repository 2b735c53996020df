"""Comparing a loaded model with its reference, and the words for what differs."""
