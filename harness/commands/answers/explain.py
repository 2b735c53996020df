"""`explain`: what the documentation says of a route, an outcome, a verdict, a variant or a rule of matrix.yaml."""

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
PAGES: Final = (RULES, *(DOCS / f"{name}.md" for name in ("routes-and-variants", "results", "glossary")))
"""Where words are looked up, in this order."""
ABOUT: Final = "what the documentation says of a route, an outcome, a verdict, a variant or a rule of matrix.yaml"
RULE: Final = "- Rule: "
RULED_OFF: Final = re.compile(r"\|( *:?-+:? *\|)+")
CELLS: Final = re.compile(r"(?<!\\)\|")
NEAR: Final = 3  # words
LINK: Final = re.compile(r"\[([^]]+)]\(([^)]+)\)")


@dataclass(frozen=True)
class Entry:
    """What a page says of a word: a sentence, and more of it line by line."""

    word: str
    page: str
    says: str
    more: tuple[str, ...]


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    example = "Example: explain tower; explain keys; explain gamma-renamed"
    command = commands.add_parser("explain", help=ABOUT, description=f"{capitalised(ABOUT)}.", epilog=example)
    command.add_argument("word", metavar="ROUTE|OUTCOME|RULE", help="the word, as reports have it")
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
    """What the pages say of a word, each page once. Raises BadInput for a word that is in none."""
    entries = [entry for path in PAGES for entry in _entries(path)]
    found = {entry.page: entry for entry in reversed(entries) if entry.word == word.strip().strip("`")}
    if not found:
        near = difflib.get_close_matches(word, list(dict.fromkeys(entry.word for entry in entries)), NEAR)
        hint = (
            f"near: {', '.join(near)}"
            if near
            else "name a route, an outcome or a rule, as tower, keys or gamma-renamed"
        )
        raise BadInput(f"the documentation has no {word!r}; {hint}")
    return list(reversed(found.values()))


def words() -> frozenset[str]:
    """All words that the pages explain."""
    return frozenset(entry.word for path in PAGES for entry in _entries(path))


def _lines(entry: Entry) -> Iterator[str]:
    yield f"{entry.word}: {_plain(entry.says)}"
    yield from (f"  {_plain(line)}" for line in entry.more)
    yield f"  {DOCS / entry.page}"
    yield ""


def _entries(path: Path) -> Iterator[Entry]:
    lines = path.read_text(encoding="utf-8").splitlines()
    yield from _rules(path, lines) if path == RULES else _rows(path, lines)


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
        elif head:
            word, says, *rest = cells
            more = tuple(f"{name}: {cell}" for name, cell in zip(head[2:], rest, strict=True) if cell)
            yield Entry(word.strip("`"), path.name, says, more)
        before = cells


def _plain(text: str) -> str:
    """Markdown as a terminal shows it: without quotes of code, and of links to other pages the words alone."""
    linked = LINK.sub(lambda link: link[1] if "://" not in link[2] else f"{link[1]} ({link[2]})", text)
    return linked.replace("`", "")
