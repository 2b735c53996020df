"""The closed sets of names that people write in matrix.yaml and on the command line, and what refuses other names."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version as ParsedVersion
from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ..contract.case import DEFAULT_VARIANT, RED, Size
from ..contract.catalog import HOW_TO_RUN, Entry
from ..contract.lane_name import COMPANIONS
from ..contract.routes import OWN, ROUTES
from ..remedies.table import MOVE, NONE, REMEDIES
from .source import is_source

LIKENESS: Final = 0.8  # below it a guess misleads: passed is no misspelt crashed

LANES: Final = (
    *("cpu-float32", "cpu-bfloat16", "cuda-float32", "cuda-float16", "cuda-bfloat16"),
    *(f"{lane}{COMPANIONS}" for lane in ("cpu-float32", "cuda-float32")),
)
DTYPES: Final = ("float32", "float16", "bfloat16")
VARIANTS: Final = (DEFAULT_VARIANT, *dict.fromkeys(name for route in ROUTES.values() for name in route.variants))
TRAITS: Final = (*(field.name for field in fields(Entry) if field.name not in HOW_TO_RUN), "layer_scale")


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """The message for a word that is none of the known ones: the nearest of them, or else all of them."""
    known = list(map(str, known))
    near = difflib.get_close_matches(word, known, n=1, cutoff=LIKENESS)
    return f"unknown {kind} {word!r}" + (f", did you mean {near[0]!r}?" if near else f"; there is {', '.join(known)}")


def problem(message: str) -> PydanticCustomError:
    """An error for a validator to raise, whose message reaches the reader as it is."""
    return PydanticCustomError("problem", "{message}", {"message": message})


class Strict(BaseModel):
    """A frozen value in which an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class OneOf:
    """Annotates text that must be one of the known words; editors complete it from the schema."""

    kind: str
    known: tuple[str, ...]

    def check(self, word: str) -> str:
        """Gives the word back. Raises the error with what was perhaps meant."""
        if word not in self.known:
            raise problem(unknown(self.kind, word, self.known))
        return word

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": sorted(self.known)}


def _normalised(text: str) -> str:
    try:
        return str(ParsedVersion(text))
    except ValueError:  # no version, or one with more digits than Python reads
        raise problem(f'{text!r} is no version; one reads "5.23.0"') from None


def _specifier(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise problem(f'{text!r} is no range of versions; one reads ">=5.0, <5.24"') from None
    return text


def _release(text: str) -> str:
    return text if is_source(text) else _normalised(text)


Version = Annotated[str, AfterValidator(_normalised)]
Release = Annotated[str, AfterValidator(_release)]
Specifier = Annotated[str, AfterValidator(_specifier)]
RuleRouteName = Annotated[str, OneOf("route", (*ROUTES, OWN))]
RouteName = Annotated[str, OneOf("route", tuple(ROUTES))]
LaneName = Annotated[str, OneOf("lane", LANES)]
DtypeName = Annotated[str, OneOf("dtype", DTYPES)]
SizeName = Annotated[str, OneOf("size", tuple(Size))]
VariantName = Annotated[str, OneOf("variant", VARIANTS)]
TraitName = Annotated[str, OneOf("trait", TRAITS)]
RemedyName = Annotated[str, OneOf("remedy", (*REMEDIES, MOVE, NONE))]
RedOutcome = Annotated[str, OneOf("failing outcome", tuple(sorted(RED)))]
