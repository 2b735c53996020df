"""Whether a line is a record of its pair: whether the versions imported, and those installed, are the pair's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from packaging.version import Version

from ..contract.record import Run
from ..environments import lock

IMPORTED: Final = ("transformers", "timm", "torch")
"""The packages whose versions a worker says."""


@dataclass(frozen=True)
class Foreign:
    """A case whose last line is no record of its pair: it comes from another version of a package."""

    case: str
    package: str
    imported: str
    wanted: str


@dataclass
class Lines:
    """The lines of runs that are records of their pair. `wheels` gives the versions of packages from a wheel."""

    wheels: Mapping[str, str]
    _known: dict[tuple[Any, ...], tuple[str, str, str] | None] = field(default_factory=dict)

    @property
    def are_mixed(self) -> bool:
        """Whether one of the lines asked for was no record of its pair."""
        return any(self._known.values())

    def of(self, run: Run, case: str) -> Mapping[str, Any] | None:
        """The line of a case; None if there is none, or it is no record of the pair."""
        line = run.cases.get(case)
        return None if line is None or self._other(run, line) else line

    def foreign(self, last: Mapping[str, Run]) -> list[Foreign]:
        """The cases whose last run has a line that is no record of the pair. `last` gives the run by case."""
        found = ((case, self._other(run, run.cases[case])) for case, run in last.items() if case in run.cases)
        return [Foreign(case, *other) for case, other in found if other]

    def _other(self, run: Run, line: Mapping[str, Any]) -> tuple[str, str, str] | None:
        """The first package of another version, with that version and the pair's."""
        for versions in (run.header.get("packages"), line.get("imported")):
            if isinstance(versions, Mapping) and (other := self._differs(run.header["pair"], versions)):
                return other
        return None

    def _differs(self, pair: Mapping[str, Any], versions: Mapping[str, Any]) -> tuple[str, str, str] | None:
        key = tuple((pair.get(name), versions.get(name)) for name in IMPORTED)
        if key not in self._known:
            wanted = {name: str(self.wheels.get(name, pair[name])) for name in IMPORTED if name in pair}
            others = (
                (name, str(versions[name]), version)
                for name, version in wanted.items()
                if name in versions and not _is(str(versions[name]), version, labelled=name not in self.wheels)
            )
            self._known[key] = next(others, None)
        return self._known[key]


def _is(version: str, wanted: str, *, labelled: bool) -> bool:
    """Whether a version is the wanted one; that of a source has a label in the pair's id, which no package has."""
    try:
        asked = Version(wanted)
        if labelled and asked.local is not None:
            return Version(version).public == asked.public
        return lock.is_version(version, wanted)
    except ValueError:  # no version, or one with more digits than Python reads
        return False
