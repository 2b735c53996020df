"""Counts in words, and words as a sentence begins."""


def number(count: int, noun: str) -> str:
    """`1 model`, `2 models`, `1,200 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def capitalised(text: str) -> str:
    """The text with a capital first letter, and the others as they are."""
    return f"{text[:1].upper()}{text[1:]}"
