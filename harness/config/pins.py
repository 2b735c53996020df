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
TOMLS: Final = frozenset({".lock", ".toml"})
SOURCES: Final = frozenset({"git", "url", "path", "directory", "editable", "virtual", "vcs", "archive", "file"})
"""Where a locked package comes from if not from an index, in the words of uv, poetry, pdm and pylock.toml."""
ELSEWHERE: Final = re.compile(r"^\s*source\s*=\s*\{[^}]*\b(git|url|path|directory|editable)\b\s*=", re.MULTILINE)
NO_RELEASE: Final = "name the release that it is nearest to, or measure it: nox -s pair"
SHOWN: Final = 80  # characters of a word
LARGEST: Final = 64 * 2**20  # bytes
Pins = Mapping[str, str]
"""The release of each package that is pinned."""


def pair_id(releases: Sequence[str]) -> str:
    """The id of a pair with the default torch and Python, from its releases of PACKAGES."""
    return "-".join(f"{name}{release}" for name, release in zip(PACKAGES, releases, strict=True))


def in_words(words: Sequence[str], otherwise: Pins | None = None) -> tuple[str, str]:
    """The releases that `transformers==X timm==Y`, `X,Y`, a pair's id or a file's path says; else those of `otherwise`.

    A file has to pin both, unless the other is named beside it: what it does not pin may be anything. Raises BadInput
    for what pins none, or a package twice.
    """
    found: dict[str, str] = {}
    for word in words:
        for name, version in _pins(word):
            if found.setdefault(name, version) != version:
                raise BadInput(f"{' '.join(words)}: two releases of {name}, {found[name]} and {version}; name one")
    both = {**(otherwise or {}), **found} if not any(map(_is_file, words)) else found
    if missing := [name for name in PACKAGES if name not in both]:
        raise BadInput(f"{' '.join(words)}: no release of {' and '.join(missing)} is named; as in {EXAMPLE}")
    transformers, timm = (both[name] for name in PACKAGES)
    return transformers, timm


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):  # longer than a name can be, or with a null in it
        return False


def _pins(word: str) -> Iterator[tuple[str, str]]:
    head, _, timm = word.partition("-timm")
    if _is_file(word):
        yield from of_file(Path(word)).items()
    elif timm and head.startswith(PACKAGES[0]) and "=" not in word:
        yield from zip(PACKAGES, (head.removeprefix(PACKAGES[0]), timm), strict=True)
    elif short := SHORT.fullmatch(word.strip()):
        yield from zip(PACKAGES, short.groups(), strict=True)
    elif "==" in word:
        for pin in word.replace(",", " ").split():
            name, _, version = pin.partition("==")
            if name not in PACKAGES or not version:
                raise BadInput(f"{word}: name the releases of both packages, as in {EXAMPLE}")
            yield name, version
    else:
        raise BadInput(f"{word[:SHOWN]}: it is no pin as in {EXAMPLE}, no pair's id, and no file that pins both")


def of_file(path: Path) -> Pins:
    """The releases that a project's file pins. Raises BadInput for another file, and one without either package."""
    text = _text(path)
    try:
        found = list(_of_toml(tomllib.loads(text)) if path.suffix in TOMLS else _of_lines(text))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
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
    """The releases before and after a diff of such files, as Dependabot and Renovate make them.

    Raises BadInput where nothing moves, where a package is pinned at one end alone, or twice.
    """
    lines = list(_of_pins(_text(path).splitlines()))
    before = _named(path, "\n".join(line[1:] for line in lines if not line.startswith("+")))
    after = _named(path, "\n".join(line[1:] for line in lines if not line.startswith("-")))
    if before == after:
        raise BadInput(f"{path}: no pin of transformers or timm moves in it; give a diff of {KINDS}")
    if one := sorted(before.keys() ^ after.keys()):
        raise BadInput(f"{path}: {', '.join(one)} is pinned at one end alone; name both ends, as in {EXAMPLE}")
    return before, after


def _of_pins(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a diff that are of files that pin something, without comments."""
    is_one = True  # a diff without headers is of one file
    for line in lines:
        if line.startswith(("+++ ", "--- ")):
            name = Path(line[4:].partition("\t")[0].strip())
            is_one = name.suffix in TOMLS or (name.suffix == ".txt" and "requirements" in name.name)
        elif is_one and not line.startswith(("@@", "diff ", "index ")):
            yield line.partition(" #")[0] if not line[1:].lstrip().startswith("#") else line[:1]


def _named(path: Path, text: str) -> Pins:
    found: dict[str, str] = {}
    for match in NAMED.finditer(text):
        name, version = match["name"] or match["locked"], match["version"] or match["at"]
        after = text[match.end() :].partition("[[")[0]
        if match["locked"] and ELSEWHERE.search(after):
            raise BadInput(f"{path}: {name} {version} comes from elsewhere than PyPI, and may be another; {NO_RELEASE}")
        if found.setdefault(name, version) != version:
            raise BadInput(f"{path}: two releases of {name}, {found[name]} and {version}; name both ends: {EXAMPLE}")
    return found


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
            source = package.get("source", {})
            if SOURCES & package.keys() or SOURCES & source.keys() or source.get("type") in SOURCES:
                raise BadInput(f"{name} {package.get('version', '')} comes from elsewhere than PyPI; {NO_RELEASE}")
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
