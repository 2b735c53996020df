"""The records: one case's result as a JSON line, written and read here, on both sides of the wall.

A lane's file is a sequence of runs, each `run … end`; lines are appended and flushed, and nothing is ever rewritten.
Standard library only: this module is imported inside a pair's environment.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

SCHEMA: Final = 1
SEED: Final = 0  # of weights and inputs
HEADER: Final = (
    "pair",
    "lane",
    "selection",
    "own",
    "weights",
    "seed",
    "lock",
    "catalog",
    "cell",
    "fallbacks",
)  # from the plan

STATISTICS: Final = ("mean", "std", "absmax")  # of a fingerprint, beside
SAMPLES: Final = 8
LARGEST: Final = 10**300  # of whole numbers that are a float too

GREEN: Final = frozenset({"passed", "drifted"})
SKIPPED: Final = frozenset({"unsupported", "not-run"})
RED: Final = frozenset({"keys", "tensors", "outputs", "nonfinite", "error", "crashed", "timeout", "out-of-memory"})
OUTCOMES: Final = GREEN | SKIPPED | RED

DEFAULT_VARIANT: Final = "safetensors"
DEFAULT_SIZE: Final = "slim"
FULL: Final = "full"
HUB: Final = "hub"
SYNTHETIC: Final = "synthetic"
OWN_VARIANTS: Final = (DEFAULT_VARIANT, "sharded", "bin")


@dataclass(frozen=True, order=True)
class Case:
    """What is tried once, within a pair and a lane."""

    route: str
    model: str
    variant: str = DEFAULT_VARIANT
    size: str = DEFAULT_SIZE

    @property
    def id(self) -> str:
        """`route/model@variant+size`, the defaults left out."""
        variant = "" if self.variant == DEFAULT_VARIANT else f"@{self.variant}"
        size = "" if self.size == DEFAULT_SIZE else f"+{self.size}"
        return f"{self.route}/{self.model}{variant}{size}"

    @classmethod
    def parse(cls, text: str) -> "Case":
        """The inverse of `id`. Raises ValueError for a text that is no case id."""
        route, slash, rest = text.partition("/")
        rest, _, size = rest.partition("+")
        model, _, variant = rest.partition("@")
        if not (route and slash and model):
            raise ValueError(f"{text!r} is no case id; one reads route/model@variant+size")
        return cls(route, model, variant or DEFAULT_VARIANT, size or DEFAULT_SIZE)


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
    """Appends to one lane's file. Each line is whole and flushed before `write` returns."""

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

    def write(self, kind: str, **fields: Any) -> None:
        """Appends one line. A figure that is not finite becomes null: NaN is no JSON."""
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


def _is_case_id(value: Any) -> bool:
    try:
        Case.parse(value)
    except (ValueError, AttributeError):
        return False
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_figure_or_null(value: Any) -> bool:
    """JSON as Python reads it has NaN, infinities, and whole numbers that are no float. Asked a million times."""
    if type(value) is float:
        return math.isfinite(value)
    return value is None or (type(value) is int and abs(value) < LARGEST)


def _is_fingerprint(value: Any) -> bool:
    """By output a shape, and figures unless it is empty; one that is not finite is null."""
    return value is None or (
        isinstance(value, dict) and all(isinstance(one, dict) and _is_print(one) for one in value.values())
    )


def _is_print(output: dict[str, Any]) -> bool:
    if not isinstance(output.get("shape"), list):
        return False
    if "absmax" not in output:
        return True
    samples = output.get("samples")
    if not isinstance(samples, list) or len(samples) != SAMPLES:
        return False
    return all(_is_figure_or_null(figure) for figure in (*(output.get(name, "") for name in STATISTICS), *samples))


def _are_case_ids(value: Any) -> bool:
    return isinstance(value, list) and all(_is_case_id(one) for one in value)


FIELDS: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "run": {"schema": lambda value: value == SCHEMA, "cases": _are_case_ids, "pair": _is_object},
    "case": {
        "case": _is_case_id,
        "route": _is_text,
        "model": _is_text,
        "outcome": lambda value: isinstance(value, str) and value in OUTCOMES,
        "reason": _is_text_or_null,
        "detail": _is_object,
        **dict.fromkeys(("seconds", "max_abs", "max_rel", "noise"), _is_figure_or_null),
        "fingerprint": _is_fingerprint,
        "same_as": lambda value: value is None or _is_case_id(value),
    },
    "end": {"failed": _is_text_or_null, "reason": _is_text_or_null},
}
"""What must be true of the fields by which records are judged and shown, by kind of line; others may come and go."""
