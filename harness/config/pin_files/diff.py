"""Both ends of a move, from a diff of files that pin releases, as Dependabot and Renovate make them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.version import InvalidVersion, Version

from ..errors import BadInput
from ..text import series
from .project_file import NO_RELEASE
from .reading import EXAMPLE, FILES, ONE_OF, PACKAGES, TOMLS, Pins, named, text

NAMED: Final = re.compile(
    r"""(?<![\w.-])(?P<name>transformers|timm)(?:\[[^]\n]*])?\s*={2,3}\s*(?P<version>[\w.!+]+)(?![\w.!+*])"""  # pip
    r"""|name\s*=\s*"(?P<locked>transformers|timm)"\s*\n\s*version\s*=\s*"(?P<at>[^"]+)\""""  # a lock
    r"""|^(?P<asked>transformers|timm)\s*=\s*(?:\{.*\bversion\s*=\s*)?"(?:==)?(?P<of_poetry>\d[\w.!+]*)\"""",  # poetry
    re.MULTILINE,
)
RANGE: Final = re.compile(
    r"""(?<![\w./-])(?P<name>transformers|timm)(?:\[[^]\n]*])?["']?\s*"""
    r"""(?:=\s*(?:\{.*\bversion\s*=\s*)?["']|,\s*specifier\s*=\s*")?"""
    r"""(?P<range>(?:[<>~!^]|==\s*[\d.]+\*)[^"'#;\\}]*)"""
)
ELSEWHERE: Final = re.compile(r"^\s*source\s*=\s*\{[^}]*\b(git|url|path|directory|editable)\b\s*=", re.MULTILINE)
PROJECT: Final = "pyproject.toml"
LONGEST: Final = 1_000  # characters of a line: what pins is at its beginning
BREAK: Final = " @@"
"""Between two hunks: what follows is not the next line of the file."""
ENDS: Final = f"name both ends: upgrade {EXAMPLE} --from 4.57.6,1.0.22"


@dataclass(frozen=True)
class Diff:
    """A diff by its name in messages, the lines of files that pin releases, and the names of these files."""

    where: str
    lines: Sequence[str]
    files: Sequence[str]

    @classmethod
    def of(cls, path: Path) -> "Diff":
        """Read it from a file, or from standard input for `-`. Raises BadInput."""
        every = [line[:LONGEST] for line in text(path).splitlines()]
        files = [name for line in every if line.startswith("+++ ") and _pins(name := _file(line))]
        return cls(named(path), list(_of_pins(every)), files)

    def pins(self, leave_out: str) -> Pins:
        """The releases that it pins at one end: without the lines that begin with `leave_out`."""
        return _named(self.where, "\n".join(line[1:] for line in self.lines if not line.startswith(leave_out)))

    @property
    def ranges(self) -> Mapping[str, tuple[str, str]]:
        """Both ends of each range that moves."""
        found: dict[str, dict[str, str]] = {name: {} for name in PACKAGES}
        for line in self.lines:
            if line.startswith(("-", "+")):
                for match in RANGE.finditer(line[1:]):
                    found[match["name"]].setdefault(line[0], match["range"].strip(" ,"))
        both = {name: (ends["-"], ends["+"]) for name, ends in found.items() if len(ends) > 1}
        return {name: (old, new) for name, (old, new) in both.items() if old != new}


def of_diff(path: Path, standing: Pins | None = None) -> tuple[Pins, Pins]:
    """The releases before and after; `standing` are those of what does not move, which may be in no diff.

    Raises BadInput where nothing moves, where a range moves, where a package is pinned at one end alone, or twice, and
    where one is pinned nowhere.
    """
    diff = Diff.of(path)
    before, after = diff.pins("+"), diff.pins("-")
    moves_in_a_lock = before != after and any(map(_is_lock, diff.files))
    for name, (old, new) in diff.ranges.items():
        if name not in before and name not in after and not moves_in_a_lock:
            why = f"a range of {name} moves in it, from {old} to {new}, which is no pin"
            raise BadInput(f"{diff.where}: {why}; give the diff of a lock file, or {ENDS}")
    if before == after:
        raise BadInput(f"{diff.where}: no pin of transformers or timm moves in it; give a diff of {ONE_OF}")
    if one := [name for name in PACKAGES if (name in before) != (name in after)]:
        pinned = "is pinned" if len(one) == 1 else "are pinned"
        raise BadInput(f"{diff.where}: {series(one)} {pinned} at one end alone; {ENDS}")
    for name, release in (standing or {}).items():
        if name in before and not any(_is_same(release, end[name]) for end in (before, after)):
            both = dict.fromkeys((before[name], after[name]))
            raise BadInput(
                f"{diff.where}: {name} is {series(list(both), 'and then')} in it, and {release} beside it; {ENDS}"
            )
    ends = {**(standing or {}), **before}, {**(standing or {}), **after}
    if missing := [name for name in PACKAGES if name not in ends[0]]:
        lock = next((name for name in diff.files if Path(name).name != PROJECT), FILES[0])
        there = "it and in what --lockfile names" if standing else "it"
        why = f"no release of {series(missing)} is in {there}"
        raise BadInput(f"{diff.where}: {why}; name the file that pins what does not move, as --lockfile {lock}")
    return ends


def _of_pins(lines: Sequence[str]) -> Iterator[str]:
    """The lines of a diff that are of files that pin something, without comments."""
    is_one = not any(line.startswith("+++ ") for line in lines)  # a diff without headers is of one file
    for line in lines:
        if line.startswith(("+++ ", "--- ")):
            is_one = _pins(_file(line))
            yield BREAK
        elif line.startswith("@@"):
            yield BREAK
        elif is_one and not line.startswith(("diff ", "index ")):
            yield line.partition(" #")[0] if not line[1:].lstrip().startswith("#") else line[:1]


def _file(header: str) -> str:
    """The file that a header names, without the prefix of git."""
    name = header[4:].partition("\t")[0].strip()
    return name[2:] if name.startswith(("a/", "b/")) else name


def _pins(name: str) -> bool:
    """Whether a file of this name pins releases."""
    is_of_pip = "requirements" in name or "constraints" in name
    return Path(name).suffix in TOMLS or (Path(name).suffix in {".txt", ".in"} and is_of_pip)


def _is_lock(name: str) -> bool:
    return _pins(name) and Path(name).name != PROJECT and Path(name).suffix in TOMLS


def _named(where: str, lines: str) -> Pins:
    found: dict[str, str] = {}
    for match in NAMED.finditer(lines):
        name = match["name"] or match["locked"] or match["asked"]
        version = match["version"] or match["at"] or match["of_poetry"]
        after = re.split(r"\[\[|^@@", lines[match.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        if match["locked"] and ELSEWHERE.search(after):
            raise BadInput(
                f"{where}: {name} {version} comes from elsewhere than PyPI, and may be another; {NO_RELEASE}"
            )
        if found.setdefault(name, version) != version:
            raise BadInput(f"{where}: two releases of {name}, {found[name]} and {version}; {ENDS}")
    return found


def _is_same(one: str, other: str) -> bool:
    """Whether two spellings are of one release."""
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
