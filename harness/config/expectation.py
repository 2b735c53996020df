"""An expectation of matrix.yaml: known findings, on which cases, their cause, where it is tracked, and the remedy."""

import dataclasses
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from ..contract.case import Outcome
from ..contract.plan import Rule as PlannedRule
from ..remedies.table import MOVE, NONE
from .names import (
    LaneName,
    RedOutcome,
    RemedyName,
    RuleRouteName,
    SizeName,
    Specifier,
    Strict,
    TraitName,
    VariantName,
    problem,
)

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
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
TraitTest = Annotated[Wanted, PlainValidator(_wanted), WithJsonSchema(_SCHEMA)]


class Finds(Strict):
    """A pattern of findings. `where`, `what` and `how` are globs; one that is left out fits anything.

    Of an exception `what` is its type and `how` its message, and both must be given: a rule for any exception would
    hide the next one.
    """

    kind: RedOutcome
    where: Text | None = None
    what: Text | None = None
    how: Text | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.kind == Outcome.ERROR and not (self.what and self.how):
            raise problem("an error needs 'what', the exception's type, and 'how', a glob of its message")
        if not (self.what or self.how):
            raise problem("say which by 'what', a glob of names, or 'how', a glob of what happened to them")
        return self

    @property
    def words(self) -> str:
        """The pattern in Markdown; a glob for anything is left out."""
        kind, where, what, how = (
            f"`{glob}`" if glob not in {None, "*"} else "" for glob in (self.kind, self.where, self.what, self.how)
        )
        which = ", ".join(filter(None, (what, how))) or "any"
        return f"{kind} in {where}: {which}" if where else f"{kind}: {which}"


class Rule(Strict):
    """One cause of failures: which findings it explains on which cases. A field that is left out restricts nothing.

    `where` tests traits of the catalog: true or false for whether there is any, a number for exactly that many, text
    for a glob, a list for any of its items.
    """

    id: Slug
    routes: tuple[RuleRouteName, ...] = Field(min_length=1)
    scenarios: tuple[str, ...] | None = Field(default=None, min_length=1)
    models: tuple[str, ...] | None = Field(default=None, min_length=1)
    where: Mapping[TraitName, TraitTest] | None = Field(default=None, min_length=1)
    transformers: Specifier | None = None
    timm: Specifier | None = None
    torch: Specifier | None = None
    lanes: tuple[LaneName, ...] | None = Field(default=None, min_length=1)
    variants: tuple[VariantName, ...] | None = Field(default=None, min_length=1)
    sizes: tuple[SizeName, ...] | None = Field(default=None, min_length=1)
    finds: tuple[Finds, ...] = Field(min_length=1)
    because: Text
    url: Text | None = None
    script: Text | None = None
    remedy: RemedyName
    advice: Text
    chosen: Mapping[str, Text] | None = Field(default=None, min_length=1)
    """Bounds that are no fact of the package, as `transformers>=4.48`, and why they are where they are."""
    until: date | None = None

    @model_validator(mode="after")
    def _can_run_again(self) -> Self:
        died = {Outcome.CRASHED, Outcome.TIMEOUT} & {pattern.kind for pattern in self.finds}
        if died and self.remedy not in {MOVE, NONE}:
            raise problem(
                f"{', '.join(sorted(died))}: the process died, so that no remedy can be run; say {MOVE} or {NONE}"
            )
        return self

    @property
    def outcome(self) -> str:
        """The kinds of findings that it explains."""
        return " or ".join(dict.fromkeys(pattern.kind for pattern in self.finds))

    @property
    def planned(self) -> PlannedRule:
        """The rule as a plan takes it into a pair's environment."""
        fields = {field.name for field in dataclasses.fields(PlannedRule)}
        return PlannedRule.of(self.model_dump(mode="json", include=fields))

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
