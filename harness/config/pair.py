"""A pair: one transformers release with one timm release, and the torch, torchvision and Python they run on."""

import re
from collections.abc import Sequence
from typing import Final, Self

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version as ParsedVersion
from pydantic import Field, ValidationInfo, field_validator

from . import source
from .errors import BadInput
from .names import Release, Strict, Version, problem, unknown
from .pins import SHORT, pair_id
from .source import Source

PACKAGES: Final = ("transformers", "timm", "torch", "torchvision", "python")
ID: Final = re.compile(
    r"transformers(?P<transformers>[^-]+)-timm(?P<timm>[^-]+)(?:-torch(?P<torch>[^-]+))?(?:-py(?P<python>[^-]+))?"
)
SOURCED: Final = re.compile(r"(?P<name>[A-Za-z0-9_-]+)(?:==(?P<version>[^@\s]+))?\s*@\s*(?P<where>\S+)")
AXES: Final = PACKAGES[:2]
"""The packages under test; the others are what they run on."""


class Defaults(Strict):
    """What a pair runs on unless its row says otherwise."""

    python: Version
    torch: Version
    torchvision: Version


class Pair(Strict):
    """One transformers release tested against one timm release, with all versions filled in."""

    transformers: Version
    timm: Version
    torch: Version
    torchvision: Version
    python: Version
    note: str | None = None
    defaults: Defaults = Field(repr=False)
    sources: tuple[Source, ...] = Field(default=(), repr=False)
    """The sources of development versions."""

    @property
    def id(self) -> str:
        """`transformers5.23.0-timm1.0.31`, and torch and Python where they differ from the defaults."""
        torch = "" if self.torch == self.defaults.torch else f"-torch{self.torch}"
        python = "" if self.python == self.defaults.python else f"-py{self.python}"
        return f"{pair_id((self.transformers, self.timm))}{torch}{python}"

    @property
    def versions(self) -> dict[str, str]:
        """The version of each of PACKAGES."""
        return {name: getattr(self, name) for name in PACKAGES}

    def requirements(self) -> list[str]:
        """The packages to install, without Python."""
        sources = {source.package: source.requirement for source in self.sources}
        return [
            f"{name} @ {sources[name]}" if name in sources else f"{name}=={version}"
            for name, version in self.versions.items()
            if name != "python"
        ]

    def pin(self, name: str) -> str:
        """The command-line argument that names the version of a package."""
        for origin in self.sources:
            if origin.package == name:
                version = "" if origin.is_wheel else f"=={origin.version.partition('+')[0]}"
                return f"{name}{version}@{origin.where}"
        return f"{name}=={getattr(self, name)}"

    def differs_from(self, other: "Pair") -> list[str]:
        """The names of PACKAGES whose versions differ."""
        return [name for name in PACKAGES if getattr(self, name) != getattr(other, name)]

    def with_versions(self, **versions: str) -> "Pair":
        """The same pair with other versions and without the note."""
        sources = tuple(one for one in self.sources if one.package not in versions)
        return self.model_copy(update={**versions, "sources": sources, "note": None})

    @classmethod
    def parse_id(cls, text: str, defaults: Defaults) -> Self | None:
        """The inverse of `id`; None for any other text."""
        match = ID.fullmatch(text)
        if match is None:
            return None
        pins = [f"{name}=={version}" for name, version in match.groupdict().items() if version]
        try:
            return cls.parse_requirements(pins, defaults)
        except BadInput:
            return None

    @classmethod
    def parse_requirements(cls, requirements: Sequence[str], defaults: Defaults) -> Self:
        """The pair that `transformers==5.8.1 timm==1.0.26` names. Raises BadInput with all problems."""
        problems: list[str] = []
        versions: dict[str, str] = {}
        sources: dict[str, Source] = {}
        for text in requirements:
            name, version, wrong = pin(text)
            if sourced := SOURCED.fullmatch(text):
                name, version, wrong = _sourced(sourced, sources)
            if wrong or name in versions:
                problems.append(f"{text}: {wrong or f'{name} is named twice; name one release'}")
            versions.setdefault(name, version)
        problems += [
            f"{name} is not named; add its release, as in {name}=={example}"
            for name, example in (("transformers", "5.23.0"), ("timm", "1.0.31"))
            if name not in versions
        ]
        if problems:
            raise BadInput.from_problems(problems)
        return cls(**{**defaults.model_dump(), **versions}, defaults=defaults, sources=tuple(sources.values()))


def long_id(text: str) -> str:
    """The id that a pair with the default torch and Python has, for `5.23.0,1.0.31`; any other text as it is."""
    short = SHORT.fullmatch(text.strip())
    return pair_id(short.groups()) if short else text


class Row(Strict):
    """A pair as written in matrix.yaml; the defaults fill in what it leaves out."""

    transformers: Release
    timm: Release
    torch: Version | None = None
    torchvision: Version | None = None
    python: Version | None = None
    note: str | None = None

    def resolve(self, defaults: Defaults) -> Pair:
        """The pair with all versions filled in."""
        named = self.model_dump(exclude_none=True)
        sources = {name: source.parse(name, named[name]) for name in AXES if source.is_source(named[name])}
        versions = {name: parsed.version for name, parsed in sources.items()}
        kwargs = {**defaults.model_dump(), **named, **versions}
        return Pair(**kwargs, defaults=defaults, sources=tuple(sources.values()))

    @field_validator(*AXES)
    @classmethod
    def _what_is_named_is_there(cls, text: str, info: ValidationInfo) -> str:
        if source.is_source(text):
            try:
                source.parse(str(info.field_name), text)
            except ValueError as error:
                raise problem(str(error)) from None
        return text


def _sourced(match: re.Match[str], sources: dict[str, Source]) -> tuple[str, str, str | None]:
    """The package, its version, and the problem, if any. Adds a valid source to `sources`."""
    name = match["name"]
    if name not in AXES:
        return name, "", f"only {' and '.join(AXES)} come from a source"
    try:
        sources[name] = source.parse(name, f"{match['version'] or ''}@{match['where']}")
    except ValueError as error:
        return name, "", str(error)
    return name, sources[name].version, None


def pin(text: str) -> tuple[str, str, str | None]:
    """The package, its version, and the problem of the pin, if any."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return text, "", "is no requirement; one reads transformers==5.23.0"
    name, pins = requirement.name, list(requirement.specifier)
    if name not in PACKAGES:
        return name, "", unknown("package", name, PACKAGES)
    if len(pins) != 1 or pins[0].operator != "==" or requirement.extras or requirement.marker or requirement.url:
        return name, "", f"name one release, as in {name}==1.2.3"
    try:
        return name, str(ParsedVersion(pins[0].version)), None
    except ValueError:  # no version, or one with more digits than Python reads
        return name, "", f"name one release, as in {name}==1.2.3"
