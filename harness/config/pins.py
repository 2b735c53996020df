"""Which releases of transformers and timm a project pins: in words, by a pair's id, in a file, or in a diff of one.

packaging and the standard library only.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from .errors import BadInput

PACKAGES: Final = ("transformers", "timm")
EXAMPLE: Final = "transformers==5.23.0 timm==1.0.31"
KINDS: Final = "uv.lock, poetry.lock, pdm.lock, pylock.toml, pyproject.toml and requirements.txt"
NAMED: Final = re.compile(
    r"""(?<![\w.-])(?P<name>transformers|timm)(?:\[[^]]*])?\s*==\s*(?P<version>[\w.!+]+)"""  # requirements.txt
    r"""|name\s*=\s*"(?P<locked>transformers|timm)"\s*\n\s*version\s*=\s*"(?P<at>[^"]+)\"""",  # a lock
)
EXACT: Final = re.compile(r"(={2,3})?\d[\w.+!]*")
"""One release; without a sign as poetry writes it."""
SHORT: Final = re.compile(r"(\d[\w.!+]*)\s*,\s*(\d[\w.!+]*)")
"""A release of each, as in `5.23.0,1.0.31`."""
OPTION: Final = re.compile(r"\s+--hash[= ]\S+|\s+#.*$|\s*\\$")
LARGEST: Final = 64 * 2**20  # bytes
Pins = Mapping[str, str]
"""The release of each package that is pinned."""


def in_words(words: Sequence[str], otherwise: Pins | None = None) -> tuple[str, str]:
    """The releases that `transformers==X timm==Y`, `X,Y`, a pair's id or a file's path says; else those of `otherwise`.

    Raises BadInput for what pins none, or a package twice.
    """
    found: dict[str, str] = {}
    for word in words:
        for name, version in _pins(word):
            if found.setdefault(name, version) != version:
                raise BadInput(f"{' '.join(words)}: two releases of {name}, {found[name]} and {version}; name one")
    both = {**(otherwise or {}), **found}
    if missing := [name for name in PACKAGES if name not in both]:
        raise BadInput(f"{' '.join(words)}: no release of {' and '.join(missing)} is named; as in {EXAMPLE}")
    transformers, timm = (both[name] for name in PACKAGES)
    return transformers, timm


def _pins(word: str) -> Iterator[tuple[str, str]]:
    head, _, timm = word.partition("-timm")
    if timm and head.startswith(PACKAGES[0]) and "=" not in word:
        yield from zip(PACKAGES, (head.removeprefix(PACKAGES[0]), timm), strict=True)
    elif short := SHORT.fullmatch(word.strip()):
        yield from zip(PACKAGES, short.groups(), strict=True)
    elif "==" in word:
        for pin in word.replace(",", " ").split():
            name, _, version = pin.partition("==")
            if name not in PACKAGES or not version:
                raise BadInput(f"{word}: name the releases of both packages, as in {EXAMPLE}")
            yield name, version
    elif (path := Path(word)).is_file():
        yield from of_file(path).items()
    else:
        raise BadInput(f"{word}: it is no pin as in {EXAMPLE}, no pair's id, and no file that pins both")


def of_file(path: Path) -> Pins:
    """The releases that a project's file pins. Raises BadInput for another file, and one without either package."""
    text = _text(path)
    try:
        found = list(_of_toml(tomllib.loads(text)) if path.suffix in {".lock", ".toml"} else _of_lines(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path}: {' '.join(str(error).split())}; {KINDS} can be read") from error
    exact: dict[str, set[str]] = {name: set() for name in PACKAGES}
    loose: dict[str, str] = {}
    for name, version in found:
        if EXACT.fullmatch(version):
            exact[name].add(version.lstrip("="))
        else:
            loose[name] = version
    if not found:
        raise BadInput(f"{path}: neither transformers nor timm is in it; {KINDS} can be read")
    if several := [f"{name} {' and '.join(sorted(some))}" for name, some in exact.items() if len(some) > 1]:
        raise BadInput(f"{path}: more than one release of {', '.join(several)}; name one, as in {EXAMPLE}")
    if unpinned := [f"{name}{loose[name]}" for name in loose if not exact[name]]:
        raise BadInput(f"{path}: {', '.join(unpinned)} pins no release; give a lock file, or name it: {EXAMPLE}")
    return {name: some.pop() for name, some in exact.items() if some}


def of_diff(path: Path) -> tuple[Pins, Pins]:
    """The releases before and after a diff of such files, as Dependabot and Renovate make them. Raises BadInput."""
    lines = [line for line in _text(path).splitlines() if not line.startswith(("---", "+++", "@@", "diff ", "index "))]
    before = _named("\n".join(line[1:] for line in lines if not line.startswith("+")))
    after = _named("\n".join(line[1:] for line in lines if not line.startswith("-")))
    if before == after:
        raise BadInput(f"{path}: no pin of transformers or timm moves in it; give a diff of {KINDS}")
    return before, after


def _named(text: str) -> Pins:
    found = ((match["name"] or match["locked"], match["version"] or match["at"]) for match in NAMED.finditer(text))
    return dict(found)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path}: it is larger than {LARGEST // 2**20} MiB; {KINDS} can be read")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadInput(f"{path}: {why}; {KINDS} can be read") from error


def _of_toml(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a lock has installed, or what a project asks for."""
    for package in (*content.get("package", ()), *content.get("packages", ())):
        name = canonicalize_name(package.get("name", ""))
        if name in PACKAGES:
            yield name, f"=={package['version']}"
    project = content.get("project", {})
    groups = (*project.get("optional-dependencies", {}).values(), *content.get("dependency-groups", {}).values())
    for asked in (project.get("dependencies", ()), *groups):
        yield from _of_requirements(line for line in asked if isinstance(line, str))
    for asked_for, version in _of_poetry(content.get("tool", {}).get("poetry", {})):
        name = canonicalize_name(asked_for)
        text = str(version.get("version", "") if isinstance(version, dict) else version)
        if name in PACKAGES:
            yield name, text


def _of_poetry(poetry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from poetry.get("dependencies", {}).items()
    for group in poetry.get("group", {}).values():
        yield from group.get("dependencies", {}).items()


def _of_lines(text: str) -> Iterator[tuple[str, str]]:
    return _of_requirements(OPTION.sub("", line).strip() for line in text.splitlines())


def _of_requirements(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        try:
            asked = Requirement(line)
        except InvalidRequirement:
            continue
        if (name := canonicalize_name(asked.name)) in PACKAGES:
            yield name, str(asked.specifier or asked.url or "")
