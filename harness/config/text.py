"""Counts in words, and untrusted text made safe to print."""

from typing import Final

NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def number(count: int, noun: str) -> str:
    """`1 model`, `2 models`, `1,200 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """The text with control characters escaped: error messages can move a cursor or break a format."""
    return "".join(letter if letter.isprintable() or letter == NO_BREAK else repr(letter)[1:-1] for letter in text)
