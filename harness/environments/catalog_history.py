"""The packaged catalogs of timm releases, as one history: what a model is, from which release to which.

The file begins with a line a release, oldest first: the head of its catalog, and a digest of the whole. Then come the
models by name, a line for each description: `since` and `until` are the first and the last release with it of those
that the history has; without `until` that is the newest. A new release therefore touches the lines that it changes.
A catalog is put together from the text of its lines, so that no other is parsed.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final

from packaging.version import Version

from ..config import whole_file
from ..config.errors import BadInput
from ..contract import catalog as catalogs
from ..contract.catalog import Catalog

NAME: Final = "history.ndjson"
REMEDY: Final = "install this package again, or take the file from git; of another schema, delete it and make it again"
HEAD: Final = re.compile(r'\{"digest": "([0-9a-f]{16})", ("catalog": "([^"]+)", .*\})')
ROW: Final = re.compile(r'\{"since": "([^"]+)", (?:"until": "([^"]+)", )?("model": .*\})')


@dataclass(frozen=True)
class _Head:
    """The first line of a release's catalog, and the digest of the catalog."""

    number: int
    digest: str
    text: str


@dataclass(frozen=True)
class _Row:
    """A description of a model as a line of its catalogs, and the places of the first and the last of these."""

    since: int
    until: int
    text: str


class _Damaged(Exception):
    """A line of the history that is not as it was written."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"line {number}: {what}")


@dataclass(frozen=True)
class _History:
    """The heads by release, oldest first, and the rows in the order of the file."""

    heads: Mapping[str, _Head]
    rows: Sequence[_Row]

    def catalog(self, timm: str) -> Catalog:
        """The catalog of a release of the history. Raises _Damaged for one that is not as it was written."""
        head, place = self.heads[timm], list(self.heads).index(timm)
        lines = (head.text, *(row.text for row in self.rows if row.since <= place <= row.until))
        text = "".join(f"{line}\n" for line in lines)
        if _digest(text) != head.digest:
            raise _Damaged(head.number, f"the catalog of timm {timm} does not come out as it was written")
        try:
            return catalogs.loads(text)
        except ValueError as error:
            raise _Damaged(head.number, f"timm {timm}: {error}") from error


def releases() -> tuple[str, ...]:
    """The releases with a packaged catalog, oldest first. Raises BadInput for a file that was cut or edited."""
    with _refused():
        return tuple(_parsed(_text()).heads)


def read(timm: str) -> Catalog | None:
    """The packaged catalog of a timm release, or None. Raises BadInput for a file that was cut or edited."""
    with _refused():
        return _catalog(_text(), timm)


def add(catalog: Catalog) -> None:
    """Write the catalog of a release into the history, in the place of what that has of it. Raises as `read` does."""
    others = (known for timm in releases() if timm != catalog.timm and (known := read(timm)))
    whole_file.write(dumps([*others, catalog]), _path())


def dumps(described: Sequence[Catalog]) -> str:
    """The text of the history of some catalogs, each of another release."""
    ordered = sorted(described, key=lambda catalog: Version(catalog.timm))
    names = [catalog.timm for catalog in ordered]
    heads, rows = [], dict[str, dict[int, str]]()
    for place, catalog in enumerate(ordered):
        text = catalogs.dumps(catalog)
        head, *lines = text.splitlines()
        heads.append(f'{{"digest": "{_digest(text)}", {head[1:]}\n')
        for model, line in zip(sorted(entry.model for entry in catalog), lines, strict=True):
            rows.setdefault(model, {})[place] = line
    return "".join([*heads, *(line for _, of_model in sorted(rows.items()) for line in _lines(of_model, names))])


def _lines(of_model: Mapping[int, str], names: Sequence[str]) -> Iterator[str]:
    """The lines of a model, from what each catalog that has it says of it."""
    for text, group in groupby(range(len(names)), of_model.get):
        if text is not None:
            places = list(group)
            until = "" if places[-1] == len(names) - 1 else f'"until": "{names[places[-1]]}", '
            yield f'{{"since": "{names[places[0]]}", {until}{text[1:]}\n'


def _path() -> Path:
    return catalogs.PACKAGED / NAME


def _text() -> str | None:
    """The text of the file, or None if there is none. What is no text is not as it was written either."""
    try:
        return _path().read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{_path()}: {error.strerror}; {REMEDY}") from error


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """Damage, as an error that names the file and the remedy."""
    try:
        yield
    except _Damaged as error:
        raise BadInput(f"{_path()}, {error}; {REMEDY}") from error


@lru_cache(maxsize=4)
def _parsed(text: str | None) -> _History:
    """Cached: the pairs of a run share it, and each reads it many times. Raises _Damaged."""
    if text is None:
        return _History({}, ())
    heads: dict[str, _Head] = {}
    rows: list[_Row] = []
    places: dict[str | None, int] = {}
    *lines, cut = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not rows and (head := HEAD.fullmatch(line)):
            heads[head[3]] = _Head(number, head[1], f"{{{head[2]}")
            places = {**{timm: place for place, timm in enumerate(heads)}, None: len(heads) - 1}
        elif (row := ROW.fullmatch(line)) and row[1] in places and row[2] in places:
            rows.append(_Row(places[row[1]], places[row[2]], f"{{{row[3]}"))
        else:
            raise _Damaged(number, "not as it was written")
    if cut or not rows:
        raise _Damaged(len(lines) + 1, "the file ends too early")
    return _History(heads, rows)


@lru_cache(maxsize=64)
def _catalog(text: str | None, timm: str) -> Catalog | None:
    """Cached as the history is."""
    history = _parsed(text)
    return history.catalog(timm) if timm in history.heads else None


def _digest(text: str) -> str:
    """The digest that a catalog of this text has, as in the headers of runs."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
