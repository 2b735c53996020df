"""Verifies installed packages by the RECORD file of each distribution.

All files must be there in their size. Python files of the packages under test and of torch must also have the recorded
hash, and no other Python file may lie among them: installers link files from a cache, so that one edit in place changes
every environment.
"""

import base64
import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

HASHED: Final = frozenset({"transformers", "timm", "torch", "torchvision"})
"""Distributions whose Python files are compared by hash; each has one package of its own name."""
AT_START: Final = (".pth", "sitecustomize.py", "usercustomize.py")
"""The ends of names of files in `site-packages` that Python runs when it starts."""
OF_VENV: Final = frozenset({"_virtualenv.pth", "distutils-precedence.pth"})
"""Those that virtualenv and uv write."""
NAMED: Final = 3  # problems in a message


@dataclass(frozen=True)
class Installed:
    """The packages of the virtual environment in a folder."""

    environment: Path

    @cached_property
    def site(self) -> Path:
        """Its `site-packages`."""
        return next(iter(sorted(self.environment.glob("lib/python3*/site-packages"))), self.environment)

    @cached_property
    def distributions(self) -> Mapping[str, Distribution]:
        """Name -> distribution."""
        return {canonicalize_name(_name_and_version(dist)[0]): dist for dist in distributions(path=[str(self.site)])}

    @property
    def versions(self) -> dict[str, str]:
        """Name -> version of each distribution."""
        return {name: _name_and_version(dist)[1] for name, dist in self.distributions.items()}

    @property
    def python(self) -> str:
        """The version of the environment's Python, from its configuration; empty if there is none."""
        path = self.environment / "pyvenv.cfg"
        lines = (line.partition("=") for line in path.read_text().splitlines()) if path.is_file() else ()
        fields = {name.strip(): value.strip() for name, _, value in lines}
        return fields.get("version_info") or fields.get("version", "")

    def differences(self, packages: Mapping[str, str]) -> list[str]:
        """How the versions differ from those that were installed, Python's among them."""
        now = {**self.versions, "python": self.python}
        return [
            f"{name} is {now.get(name, 'not there')}, and {packages.get(name, 'nothing')} was installed"
            for name in sorted({*now, *packages})
            if now.get(name) != packages.get(name)
        ]

    def problems(self) -> list[str]:
        """How the files differ from those of the releases; empty if they do not. Takes half a second for a pair."""
        listed: set[str] = set()
        problems = []
        for name, dist in self.distributions.items():
            record = dist.read_text("RECORD")
            if not record:
                problems.append(f"{name}: its list of files is not there")
                continue
            for path, digest, size in csv.reader(record.splitlines()):
                listed.add(os.path.normpath(path))
                if problem := self._problem(path, digest if _is_hashed(name, path) else "", size):
                    problems.append(f"{name}: {path} {problem}")
        return problems + [f"{path} belongs to no release" for path in self._foreign(listed)]

    def _problem(self, path: str, digest: str, size: str) -> str | None:
        location = self.site / path
        try:
            if size and location.stat().st_size != int(size):
                return f"has {location.stat().st_size} bytes, and {size} in its release"
            if not location.exists():
                return "is not there"
            return "is not as in its release" if digest and digest != _digest(location, digest) else None
        except OSError:
            return "is not there"

    def _foreign(self, listed: set[str]) -> Iterator[str]:
        """Python files that no distribution lists, where they would be run in place of, or before, a release's."""
        for name in (path.name for path in self.site.iterdir()):
            if name.endswith(AT_START) and name not in listed | OF_VENV:
                yield name
        for package in sorted(HASHED):
            for parent, _, names in os.walk(self.site / package):
                folder = os.path.relpath(parent, self.site)
                paths = (f"{folder}/{name}" for name in names if name.endswith(".py"))
                yield from (path for path in paths if path not in listed)


def in_words(problems: list[str]) -> str:
    """A few of the problems, and how many more there are."""
    more = f"; and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
    return "; ".join(problems[:NAMED]) + more


def _name_and_version(dist: Distribution) -> tuple[str, str]:
    """Those of the folder's name: an interrupted installation can leave it without metadata."""
    folder: str = getattr(dist, "_path", Path()).name
    name, _, version = folder.rpartition(".")[0].partition("-")
    return name, version


def _is_hashed(distribution: str, path: str) -> bool:
    return distribution in HASHED and path.endswith(".py")


def _digest(path: Path, like: str) -> str:
    algorithm = like.partition("=")[0]
    digest = hashlib.new(algorithm, path.read_bytes()).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
