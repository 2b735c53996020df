"""Whether what people import of a pair can be imported, and what does not fit if not.

    python -m harness.cell.guards.importing > FILE

Prints the problem; nothing if there is none.
"""

import importlib
import importlib.metadata
import platform
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

PACKAGES: Final = ("transformers", "timm", "torch", "torchvision")
IN_ORDER: Final = ("torch", "torchvision", "timm", "transformers")
"""The same, each after what it imports itself."""
NAMES: Final = ("AutoModel", "BertModel", "AutoImageProcessor", "TimmBackbone", "TimmWrapperModel", "pipeline")
"""Names of transformers. One that a release lacks is left out."""


def problem(note: Callable[[str], None] = lambda _: None) -> str | None:
    """What cannot be imported, by the statement that raises, and why; None if everything can. Takes a few seconds.

    `note` is told what is being imported.
    """
    for package in IN_ORDER:
        note(f"while {package} was imported")
        try:
            importlib.import_module(package)
        except Exception as error:  # noqa: BLE001  an incompatible package may raise anything
            return _in_words(f"import {package}", error)
    transformers = importlib.import_module("transformers")
    known = set(dir(transformers))  # asked once: it goes through a thousand modules
    for name in NAMES:
        if name not in known:
            continue
        note(f"while {name} was imported")
        try:
            getattr(transformers, name)
        except Exception as error:  # noqa: BLE001  as above
            return _in_words(f"from transformers import {name}", error)
    return None


def found() -> str:
    """The releases of these packages that are installed, with that of Python."""
    return ", ".join((*map(_release, PACKAGES), f"Python {platform.python_version()}"))


def versions() -> dict[str, str | None]:
    """The installed version of each; None where what would be imported belongs to no distribution."""
    return {package: _version(package) for package in PACKAGES}


def _in_words(statement: str, error: Exception) -> str:
    *_, first = chain(error)  # transformers raises its own from what a package raises
    said = " ".join(f"{type(first).__name__}: {first}".split()).removesuffix(":")
    return "; ".join((f"`{statement}` raises {said}", *(list(_unmet()) or _misfit(first))))


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, and each that it was raised from."""
    yield error
    if error.__cause__ is not None:
        yield from chain(error.__cause__)


def _unmet() -> Iterator[str]:
    """The releases of these packages that another of them requires otherwise."""
    from packaging.requirements import Requirement  # noqa: PLC0415  comes with transformers

    there = {package: version for package, version in versions().items() if version}
    for package in there:
        for wanted in map(Requirement, importlib.metadata.requires(package) or ()):
            version = there.get(wanted.name)
            if version is None or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
                continue
            if not wanted.specifier.contains(version, prereleases=True):
                required = f"{wanted.name}{wanted.specifier}"
                yield f"{_release(package)} requires {required}, and {_release(wanted.name)} is installed"


def _misfit(error: BaseException) -> list[str]:
    """Which release lacks what another wants of it, where the exception says that."""
    lacking = str(getattr(error, "name", None) or "").partition(".")[0]
    wanting = [package for package in map(_package, traceback.extract_tb(error.__traceback__)) if package]
    if lacking not in PACKAGES or not wanting or wanting[-1] == lacking:
        return []
    return [f"{_release(lacking)} lacks what {_release(wanting[-1])} wants of it"]


def _package(frame: traceback.FrameSummary) -> str | None:
    """The package in whose code a frame is."""
    return next((package for package in PACKAGES if package in Path(frame.filename).parts), None)


def _release(package: str) -> str:
    return f"{package} {_version(package) or 'of no release'}"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.stdout.write(problem() or "")
