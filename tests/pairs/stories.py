"""The stories of harness/docs/in-your-project.md: what is typed there, and what is printed."""

import re
import shlex
from dataclasses import dataclass
from typing import Final

from tests.places import ROOT

PAGE: Final = ROOT / "harness" / "docs" / "in-your-project.md"
LEFT_OUT: Final = re.compile(r"^\(\d+ lines more\)$", re.MULTILINE)


@dataclass(frozen=True)
class Typed:
    """A command, and the parts that are shown of what it prints, however they are wrapped."""

    words: tuple[str, ...]
    shown: tuple[str, ...]

    def lacking(self, printed: str) -> list[str]:
        """The parts that it does not print."""
        return [part for part in self.shown if part not in _unwrapped(printed)]


def story(title: str) -> list[Typed]:
    """The commands below a heading of the page."""
    text = re.split(r"^#+ ", PAGE.read_text().partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    [block] = re.findall(r"^```\n(\$ .*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [_typed(part) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


def _typed(part: str) -> Typed:
    command, _, printed = part.partition("\n")
    return Typed(tuple(shlex.split(command)), tuple(filter(None, map(_unwrapped, LEFT_OUT.split(printed)))))


def _unwrapped(text: str) -> str:
    return " ".join(text.split())
