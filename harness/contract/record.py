"""The records: one case's result as a JSON line, written and read here, on both sides of the wall.

A lane's file is a sequence of runs, each `run … end`; lines are appended and flushed, and nothing is ever rewritten.
Standard library only: this module is imported inside a pair's environment.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from .case import Case, Outcome
from .plan import Plan
from .record_fields import FIELDS, SCHEMA

HEADER: Final = ("pair", "lane", "selection", "own", "weights", "seed", "lock", "catalog", "cell", "fallbacks")
"""What a run's header takes from its plan."""


@dataclass(frozen=True)
class CaseLine:
    """What happened in a case. `seconds` and `peak_rss_mb` are null where nothing was run for it.

    `same_as` is the id of the case that was run for this one too.
    """

    outcome: Outcome
    reason: str
    detail: Mapping[str, Any]
    max_abs: float | None = None
    max_rel: float | None = None
    noise: float | None = None
    fingerprint: Mapping[str, Any] | None = None
    seconds: float | None = None
    peak_rss_mb: float | None = None
    same_as: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The line in JSON's own types, as it travels from a worker of pytest-xdist to its controller."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)} | {
            "outcome": str(self.outcome)
        }

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "CaseLine":
        """The inverse of `fields`."""
        return cls(**{**fields, "outcome": Outcome(fields["outcome"])})


@dataclass(frozen=True)
class Run:
    """One run of one lane, as far as it came. `end` is None for a run that did not finish."""

    header: Mapping[str, Any]
    cases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    end: Mapping[str, Any] | None = None

    @property
    def planned(self) -> Sequence[str]:
        """The ids of the cases that the run set out to do."""
        planned: Sequence[str] = self.header["cases"]
        return planned

    @property
    def missing(self) -> list[str]:
        """Planned cases without a line."""
        return [case for case in self.planned if case not in self.cases]


@dataclass(frozen=True)
class Text:
    """A run as its file has it, what was torn included, and when it began."""

    lines: str
    started: str


class Log:
    """Appends to one lane's file. Each line is whole and flushed before its method returns."""

    def __init__(self, path: Path) -> None:
        """Opens the file, making its folder. Raises OSError where that is not possible."""
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.is_file() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        self._file: IO[str] = path.open("a", encoding="utf-8")
        if torn:
            # A killed run can leave half a line. It stays, for nothing is rewritten, but must not swallow the next.
            self._file.write("\n")

    def copy(self, runs: Iterable[Text]) -> None:
        """Appends runs of another file as they are."""
        self._file.writelines(run.lines for run in runs)
        self._file.flush()

    def begin(
        self, plan: Plan, *, started: str, packages: Mapping[str, str], platform: str, device: str | None
    ) -> None:
        """Appends the header of a run: what is planned, and on what it runs."""
        header = {name: getattr(plan, name) for name in HEADER}
        cases = [case.id for case in plan.cases]
        machine = {"packages": packages, "platform": platform, "device": device}
        self._append("run", schema=SCHEMA, **header, cases=cases, started=started, **machine)

    def case(self, case: Case, line: CaseLine) -> None:
        """Appends what happened in a case."""
        told = {name: value for name, value in line.fields.items() if name != "same_as" or value is not None}
        self._append("case", case=case.id, **dataclasses.asdict(case), **told)

    def end(
        self, counts: Mapping[str, int], *, ended: str, failed: str | None = None, reason: str | None = None
    ) -> None:
        """Appends the end of a run; `failed` says what kept it from running its cases, and `reason` why."""
        why = {} if reason is None else {"reason": reason}
        self._append("end", cases=sum(counts.values()), counts=counts, ended=ended, failed=failed, **why)

    def _append(self, kind: str, **fields: Any) -> None:
        """A figure that is not finite becomes null: NaN is no JSON."""
        line = json.dumps({"kind": kind, **_finite(fields)}, allow_nan=False, separators=(",", ":"))
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def now() -> str:
    """The time as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def read(path: Path) -> list[Run]:
    """The runs of a lane's file, oldest first; a line torn by a crash is passed over.

    Raises ValueError, naming the line, for a line of this file that no run owns, or whose fields are not what they are.
    """
    runs: list[Run] = []
    cases: list[dict[str, Mapping[str, Any]]] = []
    for number, line in _lines(path):
        kind = line.get("kind")
        if not isinstance(kind, str) or kind not in FIELDS:
            raise ValueError(f"{path}:{number}: unknown kind {kind!r}")
        if kind != "run" and not runs:
            raise ValueError(f"{path}:{number}: a {kind!r} line before any run")
        if wrong := [name for name, holds in FIELDS[kind].items() if not holds(line.get(name))]:
            raise ValueError(f"{path}:{number}: no {kind} line of this format; see {', '.join(wrong)}")
        if kind == "run":
            cases.append({})
            runs.append(Run(line, cases[-1]))
        elif kind == "case":
            cases[-1][line["case"]] = line
        else:
            runs[-1] = Run(runs[-1].header, cases[-1], line)
    return runs


def texts(path: Path) -> list[Text]:
    """The runs of a lane's file as it has them, oldest first; none for a file that is not there."""
    runs: list[tuple[list[str], str]] = []
    written = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in written.removesuffix("\n").split("\n") if written else ():
        found = _parsed(line)
        begins = found is not None and found.get("kind") == "run"
        if begins or not runs:
            runs.append(([], str((found or {}).get("started", "") if begins else "")))
        runs[-1][0].append(f"{line}\n")
    return [Text("".join(lines), started) for lines, started in runs]


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    # Bytes that are no UTF-8 can only be in a line that was torn, or was never ours; JSON refuses neither for them.
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        line = _parsed(text)
        if line is not None:
            yield number, line


def _parsed(text: str) -> dict[str, Any] | None:
    """The object on a line; None for a line that was torn."""
    try:
        line = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
