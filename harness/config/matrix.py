"""matrix.yaml, the one file that people edit, read into a Matrix or refused with all its problems.

`python -m harness.config.matrix > harness/schemas/matrix.json` writes the JSON Schema that editors use for completion.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from ..contract import package
from ..contract.case import DEFAULT_VARIANT
from ..contract.catalog import BERT, Entry
from ..contract.package import FOLDER
from ..contract.routes import OF_TEXT, ROUTES
from . import messages, yaml_document
from .errors import BadInput
from .expectation import Rule
from .lane import Lane, LaneScope, Selected
from .names import DtypeName, LaneName, RouteName, Strict, VariantName, problem, unknown
from .pair import Defaults, Pair, Row

SCHEMA: Final = FOLDER / "schemas" / "matrix.json"


class Route(Strict):
    """The models of a route. `variants` run on the quick models, beside the default variant."""

    models: Selected
    variants: tuple[VariantName, ...] = ()

    @field_validator("variants")
    @classmethod
    def _each_variant_once(cls, variants: tuple[str, ...]) -> tuple[str, ...]:
        _refuse_repeated((DEFAULT_VARIANT, *variants))
        return variants


class Models(Strict):
    """Controls are models without LayerScale: a bug that breaks them too is no LayerScale bug."""

    controls: tuple[str, ...]


class Tolerance(Strict):
    """The tolerated difference of an output: atol + rtol · max abs(native)."""

    rtol: float = Field(ge=0, allow_inf_nan=False)
    atol: float = Field(ge=0, allow_inf_nan=False)


class Bound(Strict):
    """The highest cost of a load: floor + ratio · that of the bare work."""

    ratio: float = Field(ge=0, allow_inf_nan=False)
    floor: float = Field(ge=0, allow_inf_nan=False)


class Costs(Strict):
    """What a load may cost in CPU seconds, and in MiB of memory that no file backs.

    The bare work is to build the timm model and to give it the tensors of its checkpoint, in the same process.
    """

    seconds: Bound
    mib: Bound


class Limits(Strict):
    """Limits on a case's wall-clock time, its process's memory and its checkpoints' disk, and on installing a pair.

    None is no limit. `full_seconds` replaces `seconds` for full-size cases.
    """

    seconds: int = Field(gt=0, strict=True)
    full_seconds: int | None = Field(default=None, gt=0, strict=True)
    memory_gib: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    disk_gib: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    install_seconds: int | None = Field(default=None, gt=0, strict=True)

    @property
    def of_a_case(self) -> dict[str, Any]:
        """The limits on cases, which decide outcomes; installing is left out."""
        return self.model_dump(exclude={"install_seconds"})


class Uses(Strict):
    """The models and routes that a project depends on."""

    models: tuple[str, ...] = Field(min_length=1)
    routes: tuple[RouteName, ...] = Field(min_length=1)


class Matrix(Strict):
    """The content of matrix.yaml."""

    as_of: date | None = None
    defaults: Defaults
    rows: tuple[Row, ...] = Field(alias="pairs", min_length=1)
    current: str
    tolerances: Mapping[DtypeName, Tolerance]
    lane_scopes: Mapping[LaneName, LaneScope] = Field(alias="lanes", min_length=1)
    routes: Mapping[RouteName, Route] = Field(min_length=1)
    models: Models
    costs: Costs | None = None
    limits: Limits
    uses: Uses | None = None
    expectations: tuple[Rule, ...] = ()

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs in the order of the file, with all versions filled in."""
        return tuple(row.resolve(self.defaults) for row in self.rows)

    @cached_property
    def current_pair(self) -> Pair:
        """The pair that a new project would pin."""
        return next(pair for pair in self.pairs if pair.id == self.current)

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes in the order of the file."""
        return tuple(Lane(name, scope.models, scope.variants) for name, scope in self.lane_scopes.items())

    def tries(self, entry: Entry) -> bool:
        """Whether a model of the catalog belongs to the matrix: it has LayerScale or is a control."""
        return entry.layer_scale or entry.model in self.models.controls

    @field_validator("expectations")
    @classmethod
    def _each_rule_has_an_id_of_its_own(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        _refuse_repeated(rule.id for rule in rules)
        return rules

    # A validator sees the fields declared above its own, if they are valid.
    @field_validator("rows")
    @classmethod
    def _each_pair_once(cls, rows: tuple[Row, ...], above: ValidationInfo) -> tuple[Row, ...]:
        if "defaults" in above.data:
            _refuse_repeated(row.resolve(above.data["defaults"]).id for row in rows)
        return rows

    @field_validator("current")
    @classmethod
    def _current_is_a_pair(cls, current: str, above: ValidationInfo) -> str:
        if "rows" in above.data and "defaults" in above.data:
            ids = [row.resolve(above.data["defaults"]).id for row in above.data["rows"]]
            if current not in ids:
                raise problem(unknown("pair", current, ids))
        return current

    @field_validator("lane_scopes")
    @classmethod
    def _each_lane_has_a_tolerance(
        cls, lanes: Mapping[str, LaneScope], above: ValidationInfo
    ) -> Mapping[str, LaneScope]:
        for lane in map(Lane, lanes):
            if lane.dtype not in above.data.get("tolerances", {lane.dtype}):
                raise problem(f"{lane.name} has no tolerance; add {lane.dtype} to tolerances")
        return lanes

    @field_validator("routes")
    @classmethod
    def _each_route_has_what_it_names(cls, routes: Mapping[str, Route]) -> Mapping[str, Route]:
        for name, route in routes.items():
            if (name in OF_TEXT) != (route.models == (BERT.model,)):
                only = f"{' and '.join(OF_TEXT)}, and no other route, have 'models: [{BERT.model}]'"
                raise problem(f"{name}: {only}: no timm model is in them")
            idle = [variant for variant in route.variants if variant not in ROUTES[name].variants]
            if idle:
                having = ", ".join(ROUTES[name].variants) or "none"
                raise problem(f"{name}: {', '.join(idle)} would change nothing that this route does; it has {having}")
        return routes

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The published schema; its first line says what made it."""
        made_by = f"python -m {package.module('config.matrix')} > harness/schemas/matrix.json"
        made = {"$comment": f"Made by: {made_by}"}
        return {**made, "$schema": "https://json-schema.org/draft/2020-12/schema", **cls.model_json_schema()}


def load(path: Path) -> Matrix:
    """Reads and checks a file. Raises BadInput with all problems, one per line."""
    source = yaml_document.read(path)
    try:
        matrix = Matrix.model_validate(source.data)
    except ValidationError as error:
        raise BadInput.from_problems([*source.problems, *messages.describe(source, error, Matrix)]) from None
    if source.problems:
        raise BadInput.from_problems(source.problems)
    return matrix


def _refuse_repeated(names: Iterable[str]) -> None:
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise problem(f"{', '.join(repeated)} is named more than once; keep one")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(Matrix.json_schema(), indent=2) + "\n")
