"""The records of a lane, one JSON line per case, written and read here on both sides of the wall.

A lane's file is a sequence of runs, each `run … end`; lines are appended and flushed, and never rewritten.
Standard library only: this module is imported inside a pair's environment.
"""

import dataclasses
import json
import math
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from . import folder
from .case import Case, Outcome
from .fields.line import parsed
from .fields.record import FIELDS, SCHEMA
from .finding import ScenarioLine
from .plan import Plan

HEADER: Final = ("pair", "lane", "selection", "own", "weights", "seed", "lock", "catalog", "cell", "fallbacks")
"""The fields of a run's header that come from its plan."""
OPTIONAL: Final = ("same_as", "imported")
"""The fields of a case that are left out where they hold nothing."""
_RUN: Final = '{"kind":"run"'


@dataclass(frozen=True)
class CaseLine:
    """The result of a case. `seconds` and `peak_rss_mb` are null if it was not run.

    `scenarios` are those of the case that ran, each with its own outcome and findings; the case's outcome is the worst.
    `same_as` is the id of the case that was run in its stead, and `imported` the versions that the worker imported.
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
    scenarios: tuple[ScenarioLine, ...] = ()
    same_as: str | None = None
    imported: Mapping[str, str] | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The line in JSON's own types at any depth: pytest-xdist sends no others from a worker to its controller."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        scenarios = list(map(dataclasses.asdict, self.scenarios))
        fields: dict[str, Any] = json.loads(json.dumps({**plain, "detail": dict(self.detail), "scenarios": scenarios}))
        return fields

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "CaseLine":
        """The inverse of `fields`."""
        scenarios = tuple(map(ScenarioLine.of, fields.get("scenarios") or ()))
        return cls(**{**fields, "outcome": Outcome(fields["outcome"]), "scenarios": scenarios})


@dataclass(frozen=True)
class Run:
    """One run of one lane. `end` is None for a run that did not finish."""

    header: Mapping[str, Any]
    cases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    end: Mapping[str, Any] | None = None

    @property
    def planned(self) -> Sequence[str]:
        """The ids of the planned cases."""
        planned: Sequence[str] = self.header["cases"]
        return planned

    @property
    def missing(self) -> list[str]:
        """The ids of planned cases without a line."""
        return [case for case in self.planned if case not in self.cases]


class Log:
    """Appends to one lane's file. Each method writes and flushes a whole line."""

    def __init__(self, path: Path) -> None:
        """Opens the file and creates its folder. Raises OSError if that fails."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.is_file() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        self._file: IO[str] = path.open("a", encoding="utf-8")
        if torn:
            # A killed run can leave half a line. It stays, as nothing is rewritten, but the next line must not join it.
            self._file.write("\n")

    def copy(self, runs: Iterable[str]) -> None:
        """Appends the lines of runs of another file."""
        self._file.writelines(runs)
        self._file.flush()

    @property
    def place(self) -> dict[str, Any]:
        """The `folder` and `sequence` of the next run: the id of the results folder, and its place in the order there.

        No clock decides which of two runs is the later: one can be set back.
        """
        found = folder.identity(self.path.parents[1])
        headers = [line for text in _text_lines(self.path) if text.startswith(_RUN) and (line := parsed(text))]
        last = [line.get("sequence") for line in headers if line.get("folder") == found]
        return {"folder": found, "sequence": 1 + max((here for here in last if isinstance(here, int)), default=0)}

    def begin(
        self, plan: Plan, *, started: str, packages: Mapping[str, str], platform: str, device: str | None
    ) -> None:
        """Appends the header of a run: its plan, the machine that it runs on, and its place among the runs there."""
        header = {name: getattr(plan, name) for name in HEADER}
        cases = [case.id for case in plan.cases]
        machine = {"packages": packages, "platform": platform, "device": device, "machine": socket.gethostname()}
        self._append("run", schema=SCHEMA, **header, cases=cases, started=started, **machine, **self.place)

    def case(self, case: Case, line: CaseLine) -> None:
        """Appends the result of a case."""
        result = {name: value for name, value in line.fields.items() if name not in OPTIONAL or value is not None}
        self._append("case", case=case.id, **dataclasses.asdict(case), **result)

    def end(
        self, counts: Mapping[str, int], *, ended: str, failed: str | None = None, reason: str | None = None
    ) -> None:
        """Appends the end of a run. `failed` names the step that kept cases from running, and `reason` says why."""
        why = {} if reason is None else {"reason": reason}
        self._append("end", cases=sum(counts.values()), counts=counts, ended=ended, failed=failed, **why)

    def _append(self, kind: str, **fields: Any) -> None:
        """Appends a line. A number that is not finite becomes null: JSON has no NaN."""
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
    """The current time in UTC, as records store it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def read(path: Path) -> list[Run]:
    """The runs of a lane's file, oldest first; lines torn by a crash are skipped.

    Runs of an older schema are skipped. Raises ValueError, naming the line, for a line before the first run, of an
    unknown kind, or with invalid fields.
    """
    runs: list[Run] = []
    cases: list[dict[str, Mapping[str, Any]]] = []
    older = False
    for number, line in _lines(path):
        kind = line.get("kind")
        older = _is_older(line) if kind == "run" else older
        if older and kind in FIELDS:
            continue
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


def _is_older(header: Mapping[str, Any]) -> bool:
    """Whether a run was recorded in an older schema, which says too little to be judged by."""
    schema = header.get("schema")
    return type(schema) is int and schema < SCHEMA


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in enumerate(_text_lines(path), 1):
        line = parsed(text)
        if line is not None:
            yield number, line


def _text_lines(path: Path) -> list[str]:
    # Only a torn or a foreign line can hold bytes that are not UTF-8; JSON takes their replacement.
    return path.read_text(encoding="utf-8", errors="replace").split("\n")
