"""Counts in words."""


def number(count: int, noun: str) -> str:
    """`1 model`, `2 models`, `1,200 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
