"""Counts in words, words in a row, and words as a sentence begins."""

from collections.abc import Sequence
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


def series(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, end = words
    return f"{', '.join(rest)} {last} {end}" if rest else end
