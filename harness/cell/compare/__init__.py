"""Compares a loaded model with its reference, and describes the differences."""
