"""Companions: what some routes and variants need beside a pair, in a second environment of the same pair."""

import contextlib
from collections.abc import Iterator
from typing import Final

from ..config.errors import InstallationError, NoCompanion
from ..config.pair import AXES, Pair
from ..contract.routes import COMPANION_OF, ROUTES
from . import pypi
from .pypi import Index

NAMES: Final = tuple(
    sorted({*COMPANION_OF.values(), *(route.companion for route in ROUTES.values() if route.companion)})
)
UNSATISFIABLE: Final = "requirements are unsatisfiable"
"""What uv says where no releases go together."""


def releases(pair: Pair, *, latest: bool, index: Index | None = None) -> list[str]:
    """The newest release of each companion when the pair's last file appeared, as requirements.

    With `latest`, or for a pair with a development version, any release. Raises NoCompanion for a companion that had no
    release for the pair's Python, and InstallationError where PyPI does not answer.
    """
    if latest or pair.sources:
        return list(NAMES)
    try:
        moment = pypi.appeared([pair.pin(name) for name in AXES], index)
        newest = {name: pypi.newest_on(name, moment, pair.python, index) for name in NAMES}
    except OSError as error:
        raise InstallationError(f"PyPI did not answer, which knows the companions of that day: {error}") from error
    if missing := [name for name, version in newest.items() if version is None]:
        raise NoCompanion(f"{', '.join(missing)} had no release for Python {pair.python} on {moment:%Y-%m-%d}")
    return [f"{name}=={version}" for name, version in newest.items()]


@contextlib.contextmanager
def refused(pair: Pair) -> Iterator[None]:
    """Raises NoCompanion where an installer finds no releases of the companions that go with the pair."""
    try:
        yield
    except InstallationError as error:
        if UNSATISFIABLE not in str(error):
            raise
        raise NoCompanion(f"{', '.join(NAMES)} do not go with {pair.id}: {error}") from error
