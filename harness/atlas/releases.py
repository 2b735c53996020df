"""Which releases there were on the day on which the atlas was extended last: a version that is none has no answer.

{"package": "transformers", "day": "2026-11-29", "releases": ["4.44.0", ...]}
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from packaging.version import Version

from ..config import whole_file
from ..config.errors import BadInput
from . import files

NAME: Final = "releases.ndjson"
"""The file beside the folder of pairs."""
Known = Mapping[str, Sequence[str]]
"""The releases of each package, oldest first."""


def write(known: Known, day: str, path: Path) -> None:
    """Write the file anew."""
    lines = ({"package": package, "day": day, "releases": list(known[package])} for package in sorted(known))
    whole_file.write("".join(f"{json.dumps(line)}\n" for line in lines), path)


def read(path: Path) -> Known:
    """The releases of each package; none where there is no file. Raises BadInput for one that was cut or edited."""
    if not path.is_file():
        return {}
    try:
        lines = files.objects(path.read_text(encoding="utf-8"))
        return {str(line["package"]): sorted(map(str, line["releases"]), key=Version) for line in lines}
    except files.WRONG as error:
        raise files.refusal(path, error, "restore it, or make it again: nox -s atlas") from error


def release_of(package: str, version: Version, known: Known) -> str:
    """A release as it is spelled on PyPI: 5.23 is 5.23.0.

    Raises BadInput for a version that none has, between the oldest and the newest, with the releases next to it.
    Versions after the newest, pre-releases and development versions are taken as they are.
    """
    releases = {Version(release): release for release in known.get(package, ())}
    if version in releases:
        return releases[version]
    below = [release for release in releases if release < version]
    above = [release for release in releases if release > version]
    if below and above and not version.is_prerelease and not version.local:
        near = f"{releases[below[-1]]} and {releases[above[0]]}"
        raise BadInput(f"{package} {version} is no release, or was withdrawn; next to it are {near}")
    return str(version)
