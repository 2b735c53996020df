"""Numbers in words, and untrusted text made harmless."""

from typing import Final

NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def number(count: int, noun: str) -> str:
    """`1 model`, `2 models`, `1,200 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Text as it is, but for what would move a cursor, colour a terminal or break a format: an error says anything."""
    return "".join(one if one.isprintable() or one == NO_BREAK else repr(one)[1:-1] for one in text)
