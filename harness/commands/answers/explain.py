"""`explain`: what the documentation says of a word that reports use."""

import argparse
import difflib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from ...config.errors import BadInput
from ...config.text import capitalised
from ...contract.package import FOLDER

DOCS: Final = FOLDER / "docs"
RULES: Final = DOCS / "known-failures.md"
GLOSSARY: Final = "glossary.md"
PAGES: Final = (
    RULES,
    *(DOCS / f"{name}.md" for name in ("routes-and-variants", "results", "atlas", "matrix-yaml")),
    DOCS / GLOSSARY,
)
"""Where words are looked up, in this order."""
ABOUT: Final = "what the documentation says of a word of the reports: a route, an outcome, a state, a rule, a remedy"
OTHERS: Final = "Also verdicts, shapes, lanes, sizes, variants, traits and what the glossary has, in any spelling."
RULE: Final = "- Rule: "
RULED_OFF: Final = re.compile(r"\|( *:?-+:? *\|)+")
CELLS: Final = re.compile(r"(?<!\\)\|")
NEAR: Final = 3  # words
TABLE_OF_SENTENCES: Final = "cause"
"""The head of a table whose first column has no words to look up."""
REFERENCE: Final = re.compile(r"an? \[\w+]\(#\w+\)")
"""Of a word that another table of the page explains."""
APART: Final = re.compile(r"[\s_-]+")
LINK: Final = re.compile(r"\[([^]]+)]\(([^)]+)\)")


@dataclass(frozen=True)
class Entry:
    """What a page says of a word: a sentence, and more of it line by line."""

    word: str
    page: str
    says: str
    more: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The word; or several, as a row of the glossary may have."""
        return tuple(self.word.split(", ")) if self.page == GLOSSARY else (self.word,)


def _spelled(word: str) -> str:
    """A word without what people spell in different ways: case, spaces, hyphens and underscores."""
    return APART.sub("-", word.strip().strip("`").strip()).casefold()


def _shape(word: str) -> str:
    """What a table says of the word that has this shape."""
    return f"shape: {word.strip()}"


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    example = "Example: explain tower; explain 'known broken'; explain gamma-renamed"
    about = f"{capitalised(ABOUT)}. {OTHERS}"
    command = commands.add_parser("explain", help=ABOUT, description=about, epilog=example)
    command.add_argument("word", metavar="WORD", help="the word, as reports have it")
    command.add_argument("--json", action="store_true", help="the same as JSON")


def run(arguments: argparse.Namespace, out: TextIO) -> int:
    """Print what the documentation says. Raises BadInput for a word that is in no page."""
    found = look_up(arguments.word)
    if arguments.json:
        out.write(json.dumps([asdict(entry) for entry in found], ensure_ascii=False, indent=1) + "\n")
    else:
        out.write("\n".join(line for entry in found for line in _lines(entry)))
    return 0


def look_up(word: str) -> list[Entry]:
    """What the pages say of a word. Raises BadInput for a word that is in none."""
    entries = [entry for path in PAGES for entry in _entries(path)]
    word = next((entry.word for entry in entries if _shape(word) in entry.more), word)
    found = [entry for entry in entries if _spelled(word) in map(_spelled, entry.words)]
    if not found:
        near = difflib.get_close_matches(_spelled(word), sorted(words()), NEAR)
        hint = (
            f"near: {', '.join(near)}"
            if near
            else "name a route, an outcome or a rule, as tower, keys or gamma-renamed"
        )
        raise BadInput(f"the documentation has no {word!r}; {hint}")
    return [entry for entry in found if not REFERENCE.fullmatch(entry.says)]


def words() -> frozenset[str]:
    """All words that the pages explain, each as one that a shell completes."""
    entries = (entry for path in PAGES for entry in _entries(path))
    return frozenset(word.replace(" ", "-") for entry in entries for word in entry.words)


def _lines(entry: Entry) -> Iterator[str]:
    yield f"{entry.word}: {_plain(entry.says)}"
    yield from (f"  {_plain(line)}" for line in entry.more)
    yield f"  {DOCS / entry.page}"
    yield ""


def _entries(path: Path) -> Iterator[Entry]:
    lines = path.read_text(encoding="utf-8").splitlines()
    if path == RULES:
        yield from _rules(path, lines)
    yield from _rows(path, lines)


def _rules(path: Path, lines: Iterable[str]) -> Iterator[Entry]:
    """The sections of the page of rules: the cause, and a list that begins with the rule's id."""
    cause = ""
    listed: list[str] = []
    for line in [*lines, "#"]:
        if line.startswith("#"):
            if listed and listed[0].startswith(RULE):
                told = tuple(item.removeprefix("- ") for item in listed[1:])
                yield Entry(listed[0].removeprefix(RULE).strip("`"), path.name, cause, told)
            cause, listed = line.lstrip("# "), []
        elif line.startswith("- "):
            listed.append(line)


def _rows(path: Path, lines: Iterable[str]) -> Iterator[Entry]:
    """The rows of a page's tables, by the word in their first column."""
    head: list[str] = []
    before: list[str] = []
    for line in lines:
        cells = [cell.strip().replace("\\|", "|") for cell in CELLS.split(line)[1:-1]]
        if RULED_OFF.fullmatch(line):
            head = before
        elif not cells:
            head = []
        elif head and head[0] != TABLE_OF_SENTENCES:
            word, says, *rest = cells
            more = tuple(f"{name}: {cell}" for name, cell in zip(head[2:], rest, strict=True) if cell)
            yield Entry(word.strip("`"), path.name, says, more)
        before = cells


def _plain(text: str) -> str:
    """Markdown as a terminal shows it: without quotes of code, and of links to other pages the words alone."""
    linked = LINK.sub(lambda link: link[1] if "://" not in link[2] else f"{link[1]} ({link[2]})", text)
    return linked.replace("`", "")
