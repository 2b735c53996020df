"""The data that all reports share: computed once, drawn by each format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from ..config.errors import ExitCode, HarnessError
from ..config.pair import Pair
from ..config.text import capitalised, number
from ..results.history import PastRun
from ..results.judging import Judged, Verdict, exit_code
from ..results.merging import Disagreement
from . import marks

NAMED: Final = 5  # runs, groups of disagreements
FEW: Final = 2  # pairs, which a title names
MEANING: Final = {
    ExitCode.CHANGED: "not everything is as expected",
    ExitCode.BAD_INPUT: "something in the input cannot be used",
    ExitCode.NOTHING_SELECTED: "nothing was selected",
    ExitCode.INCOMPLETE: "not everything has a result",
}
"""What an exit code means in words; 0 means what the headline says."""


@dataclass(frozen=True)
class Summary:
    """Every planned case with its verdict, the runs on record, and the remarks about them.

    `command` gives the command that runs a case again, `families` the module of each model, `parameters` its number of
    parameters at full size, `stand_ins` the model of the same kind that has cases, for a model that has none.
    """

    judged: Sequence[Judged]
    command: Callable[[Judged], str]
    pairs: Sequence[Pair]
    made: datetime
    families: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    answers: Sequence[str] = ()
    """A sentence on each pair and lane in which something was tried, as the atlas says it."""
    past: Sequence[PastRun] = ()
    disagreements: Sequence[Disagreement] = ()
    remarks: Sequence[str] = ()
    problems: Sequence[HarnessError] = ()
    """The errors of pairs that were left out."""
    failed: bool = False
    """Whether a session failed."""
    selection: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    """The options that select a part of the matrix; empty for the whole."""

    @property
    def lanes(self) -> dict[str, list[Judged]]:
        """The cases of each lane."""
        lanes: dict[str, list[Judged]] = {}
        for case in self.judged:
            lanes.setdefault(case.lane, []).append(case)
        return lanes

    @property
    def exit_code(self) -> int:
        """The code that nox ends with; a pair's error comes first, a failed session last."""
        codes = [problem.exit_code for problem in self.problems]
        return min(codes, default=0) or exit_code(self.judged) or int(self.failed)

    @property
    def only_failed(self) -> bool:
        """Whether the exit code comes from a failed session alone."""
        return self.failed and not self.problems and not exit_code(self.judged)

    @property
    def complete(self) -> bool:
        """Whether every planned case has a record, and was run with its remedy."""
        return not self.problems and not self._missing and not self._unmended

    @property
    def alerts(self) -> list[str]:
        """The lines at the top: pairs left out, missing records, and that machines disagree."""
        problems = [f"Left out: {line}" for problem in self.problems for line in str(problem).splitlines()]
        disagreed = number(len(self.disagreements), "case")
        machines = [f"The machines disagree on {disagreed}."] if self.disagreements else []
        return [*problems, *self._unfinished, *machines]

    @property
    def covers(self) -> str:
        """That this is a part, and which; empty for the whole."""
        return f"A part of the matrix: {self.part}" if self.part else ""

    @property
    def _missing(self) -> int:
        return sum(case.record is None for case in self.judged)

    @property
    def _unmended(self) -> int:
        return sum(case.verdict is Verdict.INCOMPLETE for case in self.judged) - self._missing

    @property
    def _unfinished(self) -> list[str]:
        """How many planned cases have no record or no run with their remedy, and which lanes' last runs broke off."""
        sentences = []
        if self._missing:
            planned = number(len(self.judged), "planned case")
            sentences = [f"Half finished: {self._missing:,} of {planned} have no record."]
        if self._unmended:
            sentences.append(f"Known, and not yet run with the remedy: {number(self._unmended, 'case')}.")
        last = {(past.folder, past.pair, past.lane): past for past in self.past}.values()
        broken_off = [past for past in last if past.run.end is None and past.run.missing]
        if broken_off:
            runs = [f"{past.pair} {past.lane}, begun {past.started[:16].replace('T', ' ')} UTC" for past in broken_off]
            sentences.append(f"Broken off: {_first(runs)}.")
        return [" ".join(sentences)] if sentences else []

    @property
    def notes(self) -> list[str]:
        """The lines below the result: the remarks, and on which cases machines disagree."""
        return [*self.remarks, *([f"Disagreements: {_first(self._disagreed)}."] if self.disagreements else [])]

    @property
    def _disagreed(self) -> list[str]:
        """Disagreements in words, grouped by route and by the outcome on each machine."""
        groups: dict[tuple[str, str], list[Disagreement]] = {}
        for disagreement in self.disagreements:
            key = disagreement.first.case.route, str(disagreement.outcomes)
            groups.setdefault(key, []).append(disagreement)
        return [f"{number(len(group), 'case')}, such as {group[0].sentence}" for group in groups.values()]

    @property
    def broken_user_model(self) -> str:
        """How many cases of the user's model fail; empty if none does."""
        broken = sum(case.is_broken_user_model for case in self.judged)
        return f"your model is broken in {broken:,} of {number(len(self.judged), 'case')}" if broken else ""

    @cached_property
    def headline(self) -> str:
        """The result in one line: how many cases need a look, or that none does."""
        counts = marks.count(self.judged)
        problems = [f"{counts[mark]:,} {mark.word}" for mark in marks.ATTENTION if mark in counts]
        problems += [f"{number(len(self.problems), 'pair')} left out"] if self.problems else []
        problems += [self.broken_user_model] if self.broken_user_model else []
        if problems:
            return ", ".join(problems)
        return "nothing was run" if marks.is_untried(self.judged) else "as expected"

    @property
    def title(self) -> str:
        """The headline, and of which pairs."""
        both = " and ".join(f"transformers {pair.transformers} with timm {pair.timm}" for pair in self.pairs)
        pairs = both if len(self.pairs) <= FEW else number(len(self.pairs), "pair")
        return f"{capitalised(self.headline)}{f' on {pairs}' if pairs else ''}"

    @property
    def verdict(self) -> str:
        """The headline as a sentence, and what the exit code means."""
        return " ".join([*([f"{capitalised(self.headline)}."] if self.exit_code else []), self.ending])

    @property
    def ending(self) -> str:
        """What the exit code means, in words, and then the code."""
        words = "a session failed" if self.only_failed else MEANING.get(ExitCode(self.exit_code), self.headline)
        return f"{capitalised(words)} (exit code {self.exit_code})."


def _first(items: Sequence[str]) -> str:
    more = f"; and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return "; ".join(items[:NAMED]) + more
