"""The cases of a page as columns of small numbers, so that a hundred thousand of them fit into one file.

What many cases share, such as a reason, stands once in a list, and a case has its place there; -1 is none.
"""

import hashlib
import shlex
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from ...config.option_parser import own_in_words
from ...contract.case import DEFAULT_SIZE, DEFAULT_VARIANT
from ...results.failure import generalised
from ...results.history import PastRun
from ...results.pair_diff import KINDS, STATES, Kind, is_blind
from ...results.verdict import Rule
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
    *("group", "rule", "cause", "reason", "run", "silent", "same_as"),
    *FIGURES,
)


class Index(dict[Any, int]):
    """The place of each value, in the order in which they are first asked for."""

    def place(self, value: Any) -> int:
        """Where it stands in the list of values; at its end where it is new."""
        return self.setdefault(value, len(self))


def data(summary: Summary) -> dict[str, Any]:
    """All that the page knows, for JSON."""
    groups = causes.find(summary.judged)
    group_of = {id(one): place for place, group in enumerate(groups) for one in group.judged}
    run_of = {id(past.run.header): place for place, past in enumerate(summary.past)}
    pairs, lanes, routes, models, outcomes = Index(), Index(), Index(), Index(), Index()
    variants, sizes = Index({DEFAULT_VARIANT: 0}), Index({DEFAULT_SIZE: 0})
    rules, words, reasons, installed = Index(), Index(), Index(), Index()
    for pair in summary.pairs:
        pairs.place(pair.id)  # in the order of the matrix
    for route in in_order(one.case.route for one in summary.judged):
        routes.place(route)
    blind = {one.pair for one in summary.judged if is_blind([one])}
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for one in summary.judged:
        case, record = one.case, one.record or {}
        row = (
            pairs.place(one.pair),
            lanes.place(one.lane),
            routes.place(case.route),
            models.place(case.model),
            variants.place(case.variant),
            sizes.place(case.size),
            marks.MARKS.index(marks.mark_of(one)),
            outcomes.place(one.outcome or ""),
            group_of.get(id(one), NONE),
            NONE if one.rule is None else rules.place(_rule(one.rule)),
            words.place(generalised(one)) if one.broken else NONE,
            NONE if one.reason == one.outcome else reasons.place(one.reason),
            run_of.get(id(one.header), NONE),
            int(one.silent),
            NONE if one.same_as is None else models.place(one.same_as.model),
            *(_figure(record.get(name)) for name in FIGURES),
        )
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return {
        "made": summary.made.astimezone(UTC).isoformat(timespec="seconds"),
        "verdict": summary.verdict,
        "alerts": summary.alerts,
        "said": summary.said,
        "totals": marks.totals(summary.judged),
        "marks": [{"key": mark.key, "word": mark.word, "shape": mark.shape} for mark in marks.MARKS],
        "pairs": [{"id": pair.id, **pair.versions} for pair in summary.pairs],
        "lanes": list(lanes),
        "routes": list(routes),
        "models": list(models),
        "families": [summary.families.get(model, "").rpartition(".")[2] for model in models],
        "variants": list(variants),
        "sizes": list(sizes),
        "outcomes": list(outcomes),
        "rules": [dict(rule) for rule in rules],
        "reasons": list(reasons),
        "groups": [_group(group, summary) for group in groups],
        "commands": _commands(summary),
        "needs": [_need(need, rules) for need in needs.find(summary)],
        "own": own_in_words(summary.selection.get("own")),
        "weights": summary.selection.get("weights"),
        "runs": [_run(past, installed) for past in summary.past],
        "installed": [dict(packages) for packages in installed],
        "states": {outcome or "": state for outcome, state in STATES.items()},
        "kinds": {f"{was} {now}": kind for (was, now), kind in KINDS.items()},
        "kind_order": list(Kind),
        "blind": [pair in blind for pair in pairs],
        "cases": columns,
    }


def _figure(value: Any) -> float | None:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, int | float) else None


def _rule(rule: Rule) -> tuple[tuple[str, str | None], ...]:
    return tuple((name, getattr(rule, name)) for name in ("outcome", "because", "advice", "url", "script"))


def _group(group: causes.Cause, summary: Summary) -> Mapping[str, Any]:
    return {
        "key": hashlib.sha256(repr((group.verdict, group.outcome, group.name)).encode()).hexdigest()[:KEY],
        "mark": marks.MARKS.index(marks.mark_of(group.example)),
        "outcome": group.outcome,
        "why": group.rule.because if group.rule else group.example.reason,
        "lines": list(causes.explain(group)),
        "ways": list(causes.ways(group, summary.judged)),
        "cases": len(group.judged),
    }


def _commands(summary: Summary) -> dict[str, str]:
    """How a command begins, by pair; what leaves one case alone is added to it."""
    first = {one.pair: one for one in reversed(summary.judged)}
    return {
        pair: summary.command(one).removesuffix(shlex.join(reproduction.options(one))) for pair, one in first.items()
    }


def _need(need: needs.Need, rules: Index) -> Mapping[str, Any]:
    fields = ("family", "names", "routes", "pairs", "until")
    return {**{name: getattr(need, name) for name in fields}, "rule": rules.place(_rule(need.rule))}


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
        "installed": installed.place(_items(header.get("packages"))),
        **{name: _text(header.get(name)) for name in ("started", "platform", "device", "lock")},
        "code": past.code,
        "turns": [[turn.case, turn.before, turn.now, turn.reason] for turn in past.turns],
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _items(value: Any) -> tuple[tuple[str, str], ...]:
    """A mapping of texts as a value that can be looked up; of what is none, nothing."""
    return tuple(sorted((str(name), str(text)) for name, text in value.items())) if isinstance(value, dict) else ()
