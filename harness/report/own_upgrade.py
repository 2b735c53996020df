"""What a move of the pins does to a model of somebody's own: a sentence, then why and what to do; and as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ..config.pair import Pair
from ..contract.case import GREEN
from ..results.judging import Judged
from ..results.pair_diff import key_of
from ..results.upgrade_result import UpgradeResult
from . import causes

WORDS: Final = {0: "Yes", 1: "No", 4: "Not known"}


@dataclass(frozen=True)
class OwnUpgrade:
    """The answer for the model that `target` names."""

    target: str
    answer: UpgradeResult

    @cached_property
    def broken(self) -> list[Judged]:
        """The cases that are broken at the end."""
        return [case for case in self.answer.new if case.broken]

    @property
    def lost(self) -> list[Judged]:
        """What the start saved and the end loads as something else, though not what it saves itself."""
        return [change.either for change in (*self.answer.lost, *self.answer.lost_otherwise)]

    @property
    def unknown(self) -> list[Judged]:
        """The cases that have no result at the end, or that were not run there."""
        end = (*self.answer.new, *self.answer.carried)
        return [*self.answer.unknown, *(case for case in end if case.outcome == "not-run")]

    @property
    def exit_code(self) -> int:
        """1 if the model or what was saved of it is broken at the end, else 4 if something is not known, else 0."""
        if self.broken or self.lost:
            return 1
        return 4 if self.unknown or not self.answer.new else 0

    @property
    def sentence(self) -> str:
        """The answer."""
        start, end = map(_named, (self.answer.start, self.answer.end))
        was_broken = any(case.broken for case in self.answer.old)
        if self.broken:
            what = (
                f"is broken with {end}, as with {start}" if was_broken else f"comes back with {start}, not with {end}"
            )
        elif self.lost:
            what = f"comes back with {end}, but not from a checkpoint that {start} saved"
        elif self.exit_code:
            known = [case.reason for case in self.unknown]
            what = f"has no result with {end}: {known[0] if known else 'nothing was run'}"
        elif was_broken:
            what = f"comes back with {end}, and not with {start}"
        else:
            carried = any(case.outcome in GREEN for case in self.answer.carried)
            what = f"comes back with {end} as with {start}{', also from a checkpoint saved before' if carried else ''}"
        return f"{WORDS[self.exit_code]}: {self.target} {what}."


def lines(found: OwnUpgrade) -> Iterator[str]:
    """The sentence; each cause with its advice; and whether the model computes the same as before."""
    yield found.sentence
    for title, cases in (("", found.broken), ("from a checkpoint saved before: ", found.lost)):
        for cause in causes.find(cases):
            yield ""
            yield f"✘ {title}{_seen(cause.example)}"
            by = sorted({found.answer.by[key] for case in cause.judged if (key := key_of(case)) in found.answer.by})
            yield from (f"  by {' or '.join(by)}",) if by else ()
            if rule := cause.rule:
                yield f"  because {rule.because}"
                yield f"  {rule.advice}"
                yield from (f"    {rule.url}",) if rule.url else ()
    models, compared = found.answer.other_numbers
    if compared:
        yield ""
        yield f"It computes {'other numbers than' if models else 'the same as'} before."


def as_json(found: OwnUpgrade) -> str:
    """The whole answer."""
    answer = found.answer
    before, carried = ({key_of(case): case.outcome for case in side} for side in (answer.old, answer.carried))
    models, compared = answer.other_numbers
    content: Mapping[str, Any] = {
        "exit_code": found.exit_code,
        "sentence": found.sentence,
        "own": found.target,
        **{name: _releases(pair) for name, pair in (("start", answer.start), ("end", answer.end))},
        "cases": [
            {
                "lane": case.lane,
                "case": case.case.id,
                "before": before.get(key_of(case)),
                "after": case.outcome,
                "carried": carried.get(key_of(case)),
                "by": answer.by.get(key_of(case)),
                "reason": _seen(case),
                **_rule(case),
            }
            for case in answer.new
        ],
        "same_numbers": not models if compared else None,
    }
    return json.dumps(content, indent=1)


def _seen(case: Judged) -> str:
    """What was found. What a remedy for timm's modules does to those of somebody's own says nothing."""
    return str((case.record or {}).get("reason") or case.reason)


def _rule(case: Judged) -> dict[str, Any]:
    rule = case.explanation if case.broken else None
    return {name: getattr(rule, name, None) for name in ("id", "because", "advice", "url")}


def _releases(pair: Pair) -> Sequence[str]:
    return [pair.transformers, pair.timm]


def _named(pair: Pair) -> str:
    return f"transformers {pair.transformers} and timm {pair.timm}"
