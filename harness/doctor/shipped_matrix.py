"""The tolerances, bounds and rules of the matrix.yaml that came with this harness, for the user's environment.

PyYAML alone reads it here; `harness.config.matrix`, which says what is wrong with one, is no part of that environment.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeVar

import torch
import yaml

from ..cell.models.installed import Release
from ..cell.user_models.target import Unusable
from ..contract.matching import covers_releases
from ..contract.package import FOLDER, ROOT
from ..contract.plan import Costs, Pattern, Rule, Tolerance

Part = TypeVar("Part")
MATRIX: Final = next(filter(Path.is_file, (FOLDER / "matrix.yaml", ROOT / "matrix.yaml")), ROOT / "matrix.yaml")
"""In the package once it is installed, and beside it in a checkout."""
RESTRICTIONS: Final = dict.fromkeys(
    ("scenarios", "models", "where", "transformers", "timm", "torch", "lanes", "variants", "sizes", "url", "script")
)
PLANNED: Final = tuple(field.name for field in fields(Rule))
BROKEN: Final = (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError)
"""What a matrix.yaml raises that somebody has edited, or cut."""


def tolerance(dtype: torch.dtype = torch.float32) -> Tolerance:
    """The tolerance of a precision. Raises Unusable."""
    return _read(lambda matrix: Tolerance(**matrix["tolerances"][str(dtype).removeprefix("torch.")]))


def costs() -> Costs | None:
    """The bounds on what a load costs. Raises Unusable."""
    return _read(lambda matrix: Costs.of(matrix.get("costs")))


def rules() -> list[Any]:
    """The expectations. Raises Unusable."""
    return _read(lambda matrix: list(map(_rule, matrix.get("expectations") or ())))


def planned(rules: Iterable[Any], release: Release) -> list[Rule]:
    """The rules that name this pair, as cases take them to run again with their remedies."""
    named = ({name: getattr(rule, name) for name in PLANNED} for rule in rules if names_pair(rule, release))
    return [Rule.of({**rule, "finds": map(asdict, rule["finds"])}) for rule in named]


def names_pair(rule: Any, release: Release) -> bool:
    """Whether the ranges of a rule hold this pair."""
    return covers_releases(rule, str(release.transformers), str(release.timm), str(release.torch))


def _rule(content: Mapping[str, Any]) -> Any:
    return SimpleNamespace(**{**RESTRICTIONS, **content, "finds": [Pattern(**found) for found in content["finds"]]})


def _read(part: Callable[[Mapping[str, Any]], Part]) -> Part:
    """A part of matrix.yaml. Raises Unusable for one that is none."""
    try:
        return part(_matrix())
    except BROKEN as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise Unusable(f"{MATRIX}: {what}; nox -s matrix -- --list says what is wrong with it") from error


@functools.cache
def _matrix() -> Mapping[str, Any]:
    """The content of matrix.yaml, read once."""
    content: Mapping[str, Any] = yaml.safe_load(MATRIX.read_text(encoding="utf-8"))
    return content
