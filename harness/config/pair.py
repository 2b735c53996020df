"""A pair: one transformers release with one timm release, and the torch, torchvision and Python they run on."""

import re
from collections.abc import Sequence
from typing import Final, Self

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion
from packaging.version import Version as ParsedVersion
from pydantic import Field, ValidationInfo, field_validator

from . import source
from .errors import BadInput
from .names import Release, Strict, Version, problem, unknown
from .source import Source

PACKAGES: Final = ("transformers", "timm", "torch", "torchvision", "python")
ID: Final = re.compile(
    r"transformers(?P<transformers>[^-]+)-timm(?P<timm>[^-]+)(?:-torch(?P<torch>[^-]+))?(?:-py(?P<python>[^-]+))?"
)
SOURCED: Final = re.compile(r"(?P<name>[A-Za-z0-9_-]+)(?:==(?P<version>[^@\s]+))?\s*@\s*(?P<where>\S+)")
AXES: Final = PACKAGES[:2]
"""What this project is about; the rest is what these run on."""


class Defaults(Strict):
    """What a pair runs on where it does not say."""

    python: Version
    torch: Version
    torchvision: Version


class Pair(Strict):
    """One transformers release tested against one timm release, every version known."""

    transformers: Version
    timm: Version
    torch: Version
    torchvision: Version
    python: Version
    note: str | None = None
    defaults: Defaults = Field(repr=False)
    sources: tuple[Source, ...] = Field(default=(), repr=False)
    """Where development versions are installed from."""

    @property
    def id(self) -> str:
        """`transformers5.23.0-timm1.0.31`, and torch and Python where they differ from the defaults."""
        torch = "" if self.torch == self.defaults.torch else f"-torch{self.torch}"
        python = "" if self.python == self.defaults.python else f"-py{self.python}"
        return f"transformers{self.transformers}-timm{self.timm}{torch}{python}"

    @property
    def versions(self) -> dict[str, str]:
        """The version of each of PACKAGES."""
        return {name: getattr(self, name) for name in PACKAGES}

    def requirements(self) -> list[str]:
        """What to install; Python is no package and is not among them."""
        sources = {one.package: one.requirement for one in self.sources}
        return [
            f"{name} @ {sources[name]}" if name in sources else f"{name}=={version}"
            for name, version in self.versions.items()
            if name != "python"
        ]

    def pin(self, name: str) -> str:
        """What names the version of a package on a command line."""
        for one in self.sources:
            if one.package == name:
                said = "" if one.is_wheel else f"=={one.version.partition('+')[0]}"
                return f"{name}{said}@{one.where}"
        return f"{name}=={getattr(self, name)}"

    def differs_from(self, other: "Pair") -> list[str]:
        """Of PACKAGES those that are another version there."""
        return [name for name in PACKAGES if getattr(self, name) != getattr(other, name)]

    def with_versions(self, **versions: str) -> "Pair":
        """The same with other versions, and no note."""
        sources = tuple(one for one in self.sources if one.package not in versions)
        return self.model_copy(update={**versions, "sources": sources, "note": None})

    @classmethod
    def parse_id(cls, text: str, defaults: Defaults) -> Self | None:
        """The inverse of `id`; None for a text that is none."""
        found = ID.fullmatch(text)
        if found is None:
            return None
        pins = [f"{name}=={version}" for name, version in found.groupdict().items() if version]
        try:
            return cls.parse_requirements(pins, defaults)
        except BadInput:
            return None

    @classmethod
    def parse_requirements(cls, requirements: Sequence[str], defaults: Defaults) -> Self:
        """The pair that `transformers==5.8.1 timm==1.0.26` names. Raises BadInput with everything that is wrong."""
        problems: list[str] = []
        versions: dict[str, str] = {}
        sources: dict[str, Source] = {}
        for text in requirements:
            name, version, wrong = pin(text)
            if found := SOURCED.fullmatch(text):
                name, version, wrong = _sourced(found, sources)
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


class Row(Strict):
    """A pair as matrix.yaml writes it: what it leaves out, the defaults say."""

    transformers: Release
    timm: Release
    torch: Version | None = None
    torchvision: Version | None = None
    python: Version | None = None
    note: str | None = None

    def resolve(self, defaults: Defaults) -> Pair:
        """The pair with every version filled in."""
        named = self.model_dump(exclude_none=True)
        sources = {name: source.parse(name, named[name]) for name in AXES if source.is_source(named[name])}
        versions = {name: found.version for name, found in sources.items()}
        found = tuple(sources.values())
        return Pair(**{**defaults.model_dump(), **named, **versions}, defaults=defaults, sources=found)

    @field_validator(*AXES)
    @classmethod
    def _what_is_named_is_there(cls, text: str, info: ValidationInfo) -> str:
        if source.is_source(text):
            try:
                source.parse(str(info.field_name), text)
            except ValueError as error:
                raise problem(str(error)) from None
        return text


def _sourced(found: re.Match[str], sources: dict[str, Source]) -> tuple[str, str, str | None]:
    """The package, its version, and what is wrong; a source that is none is not among the sources."""
    name = found["name"]
    if name not in AXES:
        return name, "", f"only {' and '.join(AXES)} come from a source"
    try:
        sources[name] = source.parse(name, f"{found['version'] or ''}@{found['where']}")
    except ValueError as error:
        return name, "", str(error)
    return name, sources[name].version, None


def python_named(argv: Sequence[str], default: str) -> str:
    """The Python that a command line names, on which its session runs."""
    named = [word.removeprefix("python==") for word in argv if word.startswith("python==")]
    return named[-1] if named else default


def pin(text: str) -> tuple[str, str, str | None]:
    """The package, its version, and what is wrong with the pin, if anything."""
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
    except InvalidVersion:
        return name, "", f"name one release, as in {name}==1.2.3"
