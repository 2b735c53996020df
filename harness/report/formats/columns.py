"""The data of the page: cases as columns of small numbers, so that a hundred thousand of them fit into one file.

A value that many cases share, such as a reason, is listed once, and a case has its position in the list; -1 is none.
"""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final

from ...config.options import own_in_words
from ...contract.case import DEFAULT_SIZE, DEFAULT_VARIANT
from ...results.explaining import Rule
from ...results.failure import explaining, generalised
from ...results.history import PastRun
from ...results.judging import Judged, Verdict
from ...results.pair_diff import KINDS, STATES, Kind, lacks_catalog
from .. import causes, marks, reproduction
from ..grid import in_order
from ..summary import Summary
from . import needs

NONE: Final = -1
FIGURES: Final = ("max_abs", "max_rel", "noise", "seconds")
DIGITS: Final = 3
KEY: Final = 10  # letters
COLUMNS: Final = (
    *("pair", "lane", "route", "model", "variant", "size", "mark", "outcome"),
    *("rule", "cause", "explaining", "scenarios", "reason", "silent", "same_as"),
    *FIGURES,
    *("group", "run"),
)
"""The names of the columns, in the order of a row."""


class Index(dict[Any, int]):
    """Distinct values with their positions, in the order in which they were added."""

    def position(self, value: Any) -> int:
        """The position of `value`, which is added at the end if it is new."""
        return self.setdefault(value, len(self))


@dataclass(frozen=True)
class Lists:
    """The values that cases share, by kind. A signature is the cause of a failure without names and numbers."""

    pairs: Index = field(default_factory=Index)
    lanes: Index = field(default_factory=Index)
    routes: Index = field(default_factory=Index)
    models: Index = field(default_factory=Index)
    variants: Index = field(default_factory=lambda: Index({DEFAULT_VARIANT: 0}))
    sizes: Index = field(default_factory=lambda: Index({DEFAULT_SIZE: 0}))
    outcomes: Index = field(default_factory=Index)
    rules: Index = field(default_factory=Index)
    signatures: Index = field(default_factory=Index)
    explaining: Index = field(default_factory=Index)
    scenarios: Index = field(default_factory=Index)
    reasons: Index = field(default_factory=Index)


def data(summary: Summary) -> dict[str, Any]:
    """All data of the page, for JSON."""
    groups = causes.find(summary.judged)
    lists, installed = Lists(), Index()
    for pair in summary.pairs:
        lists.pairs.position(pair.id)  # in the order of the matrix
    for route in in_order(judged.case.route for judged in summary.judged):
        lists.routes.position(route)
    blind = {judged.pair for judged in summary.judged if lacks_catalog([judged])}
    columns = _columns(summary, groups, lists)
    return {
        "made": summary.made.astimezone(UTC).isoformat(timespec="seconds"),
        "title": title(summary),
        "ending": summary.ending,
        "answers": list(summary.answers),
        "alerts": summary.alerts,
        "part": summary.part,
        "said": summary.notes,
        "totals": marks.totals(summary.judged),
        "marks": [{"key": mark.key, "word": mark.word, "shape": mark.shape} for mark in marks.MARKS],
        "pairs": [{"id": pair.id, **pair.versions} for pair in summary.pairs],
        "lanes": list(lists.lanes),
        "routes": list(lists.routes),
        "models": list(lists.models),
        "families": [summary.families.get(model, "").rpartition(".")[2] for model in lists.models],
        "stand_ins": {
            model: lists.models[other] for model, other in summary.stand_ins.items() if model not in lists.models
        },
        "variants": list(lists.variants),
        "sizes": list(lists.sizes),
        "outcomes": list(lists.outcomes),
        "rules": [dict(rule) for rule in lists.rules],
        "reasons": list(lists.reasons),
        "scenarios": [dict(states) for states in lists.scenarios],
        "groups": [_group(group, summary) for group in groups],
        "commands": _commands(summary),
        "needs": [_need(need, lists.rules) for need in needs.find(summary)],
        "own": own_in_words(summary.selection.get("own")),
        "weights": summary.selection.get("weights"),
        "runs": [_run(past, installed) for past in summary.past],
        "installed": [dict(packages) for packages in installed],
        "states": {outcome or "": state for outcome, state in STATES.items()},
        "kinds": {f"{was} {now}": kind for (was, now), kind in KINDS.items()},
        "kind_order": list(Kind),
        "blind": [pair in blind for pair in lists.pairs],
        "cases": columns,
    }


def title(summary: Summary) -> str:
    """The title of the document: the result first, for a tab shows no more."""
    return f"{summary.title} — layerscale-matrix"


def _columns(summary: Summary, groups: Sequence[causes.Cause], lists: Lists) -> dict[str, list[Any]]:
    """Each of COLUMNS with a number for each case; `lists` takes the values to which they refer."""
    group_of = {id(judged): position for position, group in enumerate(groups) for judged in group.judged}
    run_of = {id(past.run.header): position for position, past in enumerate(summary.past)}
    rows = [
        (*_row(judged, lists), group_of.get(id(judged), NONE), run_of.get(id(judged.header), NONE))
        for judged in summary.judged
    ]
    if not rows:
        return {name: [] for name in COLUMNS}
    return dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))


def _row(judged: Judged, lists: Lists) -> tuple[Any, ...]:
    """The columns of a case that it has by itself."""
    case, record = judged.case, judged.record or {}
    return (
        lists.pairs.position(judged.pair),
        lists.lanes.position(judged.lane),
        lists.routes.position(case.route),
        lists.models.position(case.model),
        lists.variants.position(case.variant),
        lists.sizes.position(case.size),
        marks.MARKS.index(marks.mark_of(judged)),
        lists.outcomes.position(judged.outcome or ""),
        NONE if judged.rule is None else lists.rules.position(_rule(judged.rule)),
        lists.signatures.position(generalised(judged)) if judged.broken else NONE,
        lists.explaining.position(explaining(judged)) if judged.broken and judged.explanation else NONE,
        lists.scenarios.position(_scenarios(judged)) if judged.broken and judged.scenarios else NONE,
        NONE if judged.reason == judged.outcome else lists.reasons.position(judged.reason),
        int(judged.silent),
        NONE if judged.same_as is None else lists.models.position(judged.same_as.model),
        *(_figure(record.get(name)) for name in FIGURES),
    )


def _scenarios(judged: Judged) -> tuple[tuple[str, str], ...]:
    """The state of each scenario by its name."""
    return tuple((scenario.name, STATES[scenario.outcome]) for scenario in judged.scenarios)


def _figure(value: Any) -> float | None:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, int | float) else None


def _rule(rule: Rule) -> tuple[tuple[str, str | None], ...]:
    return tuple((name, getattr(rule, name)) for name in ("outcome", "because", "advice", "url", "script"))


def _group(group: causes.Cause, summary: Summary) -> Mapping[str, Any]:
    return {
        "key": hashlib.sha256(repr((group.verdict, group.outcome, group.name)).encode()).hexdigest()[:KEY],
        "mark": marks.MARKS.index(marks.mark_of(group.example)),
        "outcome": group.outcome,
        "why": group.example.reason if group.rule is None or group.verdict is Verdict.REGRESSED else group.rule.because,
        "lines": list(causes.explain(group)),
        "ways": list(causes.alternatives_to(group, summary.judged)),
        "cases": len(group.judged),
    }


def _commands(summary: Summary) -> dict[str, str]:
    """The start of a command by pair; the page appends the options of a case."""
    first = {judged.pair: judged for judged in reversed(summary.judged)}
    return {
        pair: summary.command(judged).removesuffix(shlex.join(reproduction.options(judged)))
        for pair, judged in first.items()
    }


def _need(need: needs.Need, rules: Index) -> Mapping[str, Any]:
    fields = ("family", "names", "routes", "pairs", "until")
    return {**{name: getattr(need, name) for name in fields}, "rule": rules.position(_rule(need.rule))}


def _run(past: PastRun, installed: Index) -> Mapping[str, Any]:
    header, end = past.run.header, past.run.end
    return {
        "pair": past.pair,
        "lane": past.lane,
        "folder": str(past.folder),
        "planned": len(past.run.planned),
        "counts": past.counts,
        "ended": None if end is None else _text(end.get("ended")) or "",
        "failed": None if end is None or end.get("failed") is None else str(end.get("reason") or end["failed"]),
        "installed": installed.position(_items(header.get("packages"))),
        **{name: _text(header.get(name)) for name in ("started", "platform", "device", "lock")},
        "code": past.code,
        "turns": [[turn.case, turn.before, turn.now, turn.reason] for turn in past.turns],
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _items(value: Any) -> tuple[tuple[str, str], ...]:
    """A mapping as hashable pairs of texts; empty for any other value."""
    return tuple(sorted((str(name), str(text)) for name, text in value.items())) if isinstance(value, dict) else ()
