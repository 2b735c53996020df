"""The models of a timm release by name, and which measured one stands for another."""

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from packaging.version import Version

from ..config.errors import BadInput
from ..contract import catalog as catalogs
from ..contract.catalog import Catalog

NEAR: Final = 3  # names


def stands_for(measured: Sequence[str], model: str, timm: str) -> str:
    """The measured model whose result is that of `model`: itself, or one of its kind; empty if there is none."""
    if model in measured:
        return model
    catalog = _catalog(timm)
    asked = catalog.get(model)
    alike = (other for other in measured if (entry := catalog.get(other)) and asked and entry.kind == asked.kind)
    return next(alike, "")


def _catalog(timm: str) -> Catalog:
    """The catalog of a timm release, or of the packaged one next to it. Raises BadInput if there is none."""
    packaged = {Version(path.stem.removeprefix("timm-")) for path in catalogs.PACKAGED.glob("timm-*.ndjson")}
    asked = Version(timm)
    nearest = max((one for one in packaged if one <= asked), default=min(packaged, default=None))
    found = catalogs.read(catalogs.PACKAGED, str(nearest)) if nearest else None
    if found is None:
        raise BadInput("this package has no catalogs; install it again")
    return found


def named(timm: str, globs: Sequence[str]) -> list[str]:
    """The models of a timm that globs name. Raises BadInput for a glob that names none."""
    catalog = _catalog(timm)
    names = [entry.model for entry in catalog]
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            near = difflib.get_close_matches(glob, names, NEAR)
            hint = f"; near: {', '.join(near)}" if near else ""
            raise BadInput(f"timm {catalog.timm} has no LayerScale model {glob}, and no control of that name{hint}")
    return [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]
