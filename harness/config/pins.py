"""Which releases of transformers and timm a project pins: in words, by a pair's id, or in a file.

packaging and the standard library only.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from ..contract.finding import printable
from ..contract.surroundings import is_file
from .errors import BadInput
from .pin_files.project_file import not_followed, of_file
from .pin_files.reading import EXAMPLE, PACKAGES, TOMLS, Pins
from .text import series

SHORT: Final = re.compile(r"(\d[\w.!+]*)\s*,\s*(\d[\w.!+]*)")
"""A release of each, as in `5.23.0,1.0.31`."""
PIN: Final = re.compile(r"(\w[\w.-]*)\s*(?:\[[^\]]*\]\s*)?===?\s*([^\s,;=]+)")
"""A package and its release as pip takes them, perhaps with extras and spaces."""
PINS: Final = re.compile(rf"\s*{PIN.pattern}(?:[\s,]+{PIN.pattern})*[\s,]*")
SUFFIXES: Final = TOMLS | {".txt", ".in", ".yml", ".yaml", ".json", ".cfg", ".py"}
SHOWN: Final = 80  # characters of a word


def pair_id(releases: Sequence[str]) -> str:
    """The id of a pair with the default torch and Python, from its releases of PACKAGES."""
    return "-".join(f"{name}{release}" for name, release in zip(PACKAGES, releases, strict=True))


def in_words(words: Sequence[str], otherwise: Pins | None = None) -> tuple[str, str]:
    """The releases that `transformers==X timm==Y`, `X,Y`, a pair's id or a file's path says; else those of `otherwise`.

    A file has to pin both, unless the other is named beside it: what it does not pin may be anything. Raises BadInput
    for what pins none, or a package twice.
    """
    found = named(words)
    files = [Path(word) for word in words if is_file(Path(word))]
    both = found if files else {**(otherwise or {}), **found}
    if missing := [name for name in PACKAGES if name not in both]:
        left = "".join(map(not_followed, files))
        raise BadInput(f"{printable(' '.join(words))}: no release of {series(missing)} is named{left}; as in {EXAMPLE}")
    transformers, timm = (both[name] for name in PACKAGES)
    return transformers, timm


def named(words: Sequence[str]) -> Pins:
    """The releases that the words name, perhaps of one package alone. Raises BadInput as `in_words` does."""
    found: dict[str, str] = {}
    for word in sorted(words, key=lambda word: is_file(Path(word))):
        for name, version in of_file(Path(word), found).items() if is_file(Path(word)) else _pins(word):
            if found.setdefault(name, version) != version:
                two = f"two releases of {name}, {found[name]} and {version}"
                raise BadInput(f"{printable(' '.join(words))}: {two}; name one")
    return found


def _pins(word: str) -> Iterator[tuple[str, str]]:
    head, _, timm = word.partition("-timm")
    if timm and head.startswith(PACKAGES[0]) and "=" not in word:
        timm, _, besides = timm.partition("-")
        if besides:
            why = "each pair was measured with one torch and one Python, without companions"
            raise BadInput(f"{_shown(word)}: {why}; leave -{printable(besides)} out")
        yield from zip(PACKAGES, (head.removeprefix(PACKAGES[0]), timm), strict=True)
    elif short := SHORT.fullmatch(word.strip()):
        yield from zip(PACKAGES, short.groups(), strict=True)
    elif PINS.fullmatch(word):
        for typed, version in PIN.findall(word):
            name = canonicalize_name(typed)
            if name not in PACKAGES:
                raise BadInput(f"{_shown(word)}: {name} is neither of the two packages; leave it out, as in {EXAMPLE}")
            yield name, version
    elif Path(word).suffix in SUFFIXES:
        raise BadInput(f"{_shown(word)}: there is no such file")
    else:
        raise BadInput(f"{_shown(word)}: it is no pin as in {EXAMPLE}, no pair's id, and no file that pins both")


def _shown(text: str) -> str:
    return printable(text[:SHOWN])
