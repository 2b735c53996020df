"""An expectation of matrix.yaml: the cases known to fail, their outcome, the cause, and where it is tracked."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from .names import LaneName, RedOutcome, RouteName, SizeName, Specifier, Strict, TraitName, VariantName, problem

MOST_NAMES: Final = 5
GLOB: Final = re.compile(r"[*?\[]")
Wanted = bool | int | str | list[bool | int | str]


def _wanted(value: Any) -> Wanted:
    if isinstance(value, (bool, int, str)) or (
        isinstance(value, list) and value and all(isinstance(item, (bool, int, str)) for item in value)
    ):
        return value
    raise problem("give true or false, a whole number, a glob, or a list of these")


_SCALARS = [{"type": "boolean"}, {"type": "integer"}, {"type": "string"}]
_SCHEMA = {"anyOf": [*_SCALARS, {"type": "array", "minItems": 1, "items": {"anyOf": _SCALARS}}]}
Text = Annotated[str, Field(min_length=1)]
TraitTest = Annotated[Wanted, PlainValidator(_wanted), WithJsonSchema(_SCHEMA)]


class Rule(Strict):
    """One cause of failures. A field that is left out restricts nothing.

    `where` tests traits of the catalog: true or false for whether there is any, a number for exactly that many, text
    for a glob, a list for any of its items.
    """

    routes: tuple[RouteName, ...] = Field(min_length=1)
    models: tuple[str, ...] | None = Field(default=None, min_length=1)
    where: Mapping[TraitName, TraitTest] | None = Field(default=None, min_length=1)
    transformers: Specifier | None = None
    timm: Specifier | None = None
    torch: Specifier | None = None
    lanes: tuple[LaneName, ...] | None = Field(default=None, min_length=1)
    variants: tuple[VariantName, ...] | None = Field(default=None, min_length=1)
    sizes: tuple[SizeName, ...] | None = Field(default=None, min_length=1)
    outcome: RedOutcome
    because: Text
    url: Text | None = None
    script: Text | None = None
    advice: Text
    until: date | None = None

    @model_validator(mode="after")
    def _names_few_models(self) -> Self:
        named = (self.where or {}).get("model", ())
        globs = [*(self.models or ()), *(named if isinstance(named, list) else [named])]
        if sum(isinstance(glob, str) and not GLOB.search(glob) for glob in globs) > MOST_NAMES:
            raise problem(f"more than {MOST_NAMES} models by name are a list of failures; say which by trait or glob")
        return self

    @model_validator(mode="after")
    def _names_models_in_one_way(self) -> Self:
        if (self.models is None) == (self.where is None):
            raise problem("say which models by either 'models' or 'where'")
        if self.url and self.script:
            raise problem("say where it is tracked by either 'url' or 'script'")
        return self
