"""Counts in words, and words as a sentence begins."""

from typing import Final

NAMES: Final = frozenset({"timm", "torch", "transformers"})
"""Names that stand as they are where a sentence begins."""


def number(count: int, noun: str) -> str:
    """`1 model`, `2 models`, `1,200 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def capitalised(text: str) -> str:
    """The text with a capital first letter, and the others as they are; names of code and packages stay whole."""
    first = text.partition(" ")[0]
    is_name = first in NAMES or any(mark in first for mark in "_(.`")
    return text if is_name else f"{text[:1].upper()}{text[1:]}"
