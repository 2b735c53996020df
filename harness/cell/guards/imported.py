"""Which versions of the libraries this process imported, and whether they are the installed ones."""

import importlib
import importlib.metadata
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from packaging.version import Version

LIBRARIES: Final = ("transformers", "timm", "torch")


class ForeignImport(Exception):
    """A library came from somewhere else than from this environment, or is not of the version that is installed."""


def versions(names: tuple[str, ...] = LIBRARIES) -> Mapping[str, str]:
    """The version of each library that this process imported. Raises ForeignImport."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    module = importlib.import_module(name)
    place = Path(module.__file__ or "")
    if not any(place.is_relative_to(prefix) for prefix in (sys.prefix, Path(sys.prefix).resolve())):
        raise ForeignImport(f"{name} was imported from {place}, outside the environment {sys.prefix}")
    stated, installed = str(module.__version__), importlib.metadata.version(name)
    if not _agree(stated, installed):
        raise ForeignImport(f"{name} says that it is {stated}, and installed is {installed}")
    return installed


def _agree(stated: str, installed: str) -> bool:
    """Whether both name one release. A local version may stand on one side alone: torch's wheels state theirs so."""
    try:
        first, second = Version(stated), Version(installed)
    except ValueError:  # no version, or one with more digits than Python reads
        return stated == installed
    local = {version.local for version in (first, second)} - {None}
    return first.public == second.public and len(local) <= 1
