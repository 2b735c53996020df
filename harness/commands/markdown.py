"""Answers as a comment on a pull request has them."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ..atlas.words import COMMAND, KINDS, MARKS

SPECIAL: Final = re.compile(r"[*_<>`\\]")
"""What Markdown takes for more than itself."""


def as_markdown(lines: Iterable[str]) -> Iterator[str]:
    """The lines of an answer in Markdown: the first in bold, causes as lists."""
    first = True
    for line in lines:
        text, depth = line.strip(), (len(line) - len(line.lstrip())) // 2
        label, _, command = text.partition(COMMAND)
        told = text if "://" in text else SPECIAL.sub(r"\\\g<0>", text)
        told = f"{COMMAND}`{command}`" if command and not label else told
        bold = text and (first or text[0] in {*MARKS.values(), *KINDS.values()})
        yield f"{'  ' * (depth - 1)}- {told}" if depth else f"**{told}**" if bold else told
        first = False
