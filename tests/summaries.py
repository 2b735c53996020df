"""Judged cases and summaries as values, for tests of reports."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harness.config.pair import Defaults, Pair
from harness.contract.case import Case
from harness.contract.record import Run
from harness.report import reproduction
from harness.report.summary import Summary
from harness.results import history
from harness.results.judging import Judged, judge
from harness.results.store import Recorded
from tests.known import Known, known

DEFAULTS: Final = Defaults(python="3.11", torch="2.14.1", torchvision="0.29.1")
OLD: Final = "transformers4.48.3-timm1.0.14"
NEW: Final = "transformers5.23.0-timm1.0.31"
MADE: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


RENAMED: Final = known("keys", "every key with gamma or beta is renamed at load")

Results = Mapping[str, tuple[str, str | None] | None]
"""Outcome and reason by case id; None for a case without a record."""


def pair(id_: str) -> Pair:
    """The pair with this id."""
    parsed = Pair.parse_id(id_, DEFAULTS)
    assert parsed, id_
    return parsed


def header(pair: str, lane: str, cases: Sequence[str], **more: Any) -> dict[str, Any]:
    """The header of a run, which `more` completes or overrides."""
    started = "2026-11-20T02:00:00+00:00"
    machine = {"packages": {"numpy": "2.3.0"}, "platform": "Linux", "device": None}
    machine |= {"lock": "l1", "cell": {"tower": "c1"}}
    return {
        "schema": 2,
        "pair": {"id": pair},
        "lane": lane,
        "cases": list(cases),
        "started": started,
        **machine,
        **more,
    }


def recorded(
    pair: str,
    results: Results,
    *,
    lane: str = "cpu-float32",
    failure: str | None = None,
    end: bool = True,
    details: Mapping[str, Any] | None = None,
    seconds: Mapping[str, float] | None = None,
    **more: Any,
) -> Recorded:
    """A lane's file of one run with these `results`.

    `details` are added to the details of records, by case id; `seconds` are the durations of cases, by case id.
    """
    records = {
        case: {
            "case": case,
            "model": Case.parse(case).model,
            "outcome": result[0],
            "reason": result[1],
            "detail": {"silent": result[0] == "keys", **(details or {}).get(case, {})},
            "seconds": (seconds or {}).get(case),
        }
        for case, result in results.items()
        if result is not None
    }
    ended = {"failed": None, "ended": "2026-11-20T03:00:00+00:00"} if end else None
    return Recorded(pair, lane, records, failure, [Run(header(pair, lane, list(results), **more), records, ended)])


def cases(
    pair: str, results: Results, *, lane: str = "cpu-float32", rules: Sequence[Known] = (), **more: Any
) -> list[Judged]:
    """The judged cases of one run with these `results`; every rule applies to every case."""
    return judge(map(Case.parse, results), recorded(pair, results, lane=lane, **more), lambda _: rules)


def from_lines(pair: str, lines: Mapping[str, Mapping[str, Any]], rules: Sequence[Known]) -> list[Judged]:
    """The judged cases of one run with these case lines, by case id; every rule applies to every case."""
    records = {case: {"case": case, **line, "model": Case.parse(case).model} for case, line in lines.items()}
    lane, ended = "cpu-float32", {"failed": None, "ended": "2026-11-20T03:00:00+00:00"}
    run = Run(header(pair, lane, list(lines)), records, ended)
    return judge(map(Case.parse, lines), Recorded(pair, lane, records, None, [run]), lambda _: rules)


def each(route: str, outcome: str, *reasons: str | None) -> dict[str, tuple[str, str | None]]:
    """Results of models m0, m1, …, one for each reason."""
    return {f"{route}/m{number}": (outcome, reason) for number, reason in enumerate(reasons)}


def summary(judged: Sequence[Judged], *, past: Sequence[Recorded] = (), **more: Any) -> Summary:
    """A summary of these cases, with every pair that they name."""
    pairs = [pair(id_) for id_ in dict.fromkeys(case.pair for case in judged)]
    return Summary(
        judged,
        reproduction.of_matrix(),
        pairs,
        MADE,
        past=history.of({Path("results"): past}),
        **{"families": {}, **more},
    )
