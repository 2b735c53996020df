"""What a report is made of: computed once, drawn by each format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ..config.errors import HarnessError
from ..config.pair import Pair
from ..config.text import number
from ..results.history import PastRun
from ..results.merging import Disagreement
from ..results.verdict import Judged, Verdict, exit_code
from . import marks

NAMED: Final = 5  # runs, ways to disagree


@dataclass(frozen=True)
class Summary:
    """Every planned case with its verdict; what was recorded before; and what is to be said about it.

    `command` gives the command that runs a case again, `families` the module of each model,
    `parameters` how many it has at full size.
    """

    judged: Sequence[Judged]
    command: Callable[[Judged], str]
    pairs: Sequence[Pair]
    made: datetime
    families: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)
    past: Sequence[PastRun] = ()
    disagreements: Sequence[Disagreement] = ()
    remarks: Sequence[str] = ()
    problems: Sequence[HarnessError] = ()
    """What was wrong with pairs that are not among these."""
    failed: bool = False
    """Whether a session failed."""
    selection: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    """The options that leave a part of the matrix; empty for the whole."""

    @property
    def lanes(self) -> dict[str, list[Judged]]:
        """The cases of each lane."""
        lanes: dict[str, list[Judged]] = {}
        for one in self.judged:
            lanes.setdefault(one.lane, []).append(one)
        return lanes

    @property
    def exit_code(self) -> int:
        """What nox ends with: that of bad input first."""
        codes = [problem.exit_code for problem in self.problems]
        return min(codes, default=0) or exit_code(self.judged) or int(self.failed)

    @property
    def only_failed(self) -> bool:
        """Whether nothing but a session's failure gives the exit code."""
        return self.failed and not self.problems and not exit_code(self.judged)

    @property
    def complete(self) -> bool:
        """Whether every planned case has a record."""
        return not self.problems and not self._missing

    @property
    def alerts(self) -> list[str]:
        """What is said at the top: what is missing, that this is a part, and that machines disagree."""
        part = [f"A part of the matrix: {self.part}"] if self.part else []
        problems = [f"Left out: {line}" for problem in self.problems for line in str(problem).splitlines()]
        disagreed = number(len(self.disagreements), "case")
        machines = [f"The machines disagree on {disagreed}."] if self.disagreements else []
        return [*problems, *self._unfinished, *part, *machines]

    @property
    def _missing(self) -> int:
        return sum(one.verdict is Verdict.INCOMPLETE for one in self.judged)

    @property
    def _unfinished(self) -> list[str]:
        """How many planned cases have no record, and which lanes' last runs broke off."""
        said = []
        if self._missing:
            said = [f"Half finished: {self._missing:,} of {number(len(self.judged), 'planned case')} have no record."]
        last = {(one.folder, one.pair, one.lane): one for one in self.past}.values()
        broken_off = [one for one in last if one.run.end is None and one.run.missing]
        if broken_off:
            runs = [f"{one.pair} {one.lane}, begun {one.started[:16].replace('T', ' ')} UTC" for one in broken_off]
            said.append(f"Broken off: {_first(runs)}.")
        return [" ".join(said)] if said else []

    @property
    def said(self) -> list[str]:
        """What is to be done about rules, and on which cases machines disagree."""
        return [*self.remarks, *([f"Disagreed on: {_first(self._disagreed)}."] if self.disagreements else [])]

    @property
    def _disagreed(self) -> list[str]:
        """A sentence for each way to disagree: by route, and what each machine says."""
        groups: dict[tuple[str, str], list[Disagreement]] = {}
        for one in self.disagreements:
            groups.setdefault((one.one.case.route, str(one.outcomes)), []).append(one)
        return [f"{number(len(group), 'case')}, as {group[0].sentence}" for group in groups.values()]

    @property
    def headline(self) -> str:
        """The whole in one line: what needs a look, or that nothing does."""
        counts = marks.count(self.judged)
        wanted = [f"{counts[mark]:,} {mark.word}" for mark in marks.ATTENTION if mark in counts]
        wanted += [f"{number(len(self.problems), 'pair')} left out"] if self.problems else []
        if wanted:
            return ", ".join(wanted)
        return "nothing was run" if marks.is_untried(self.judged) else "as expected"

    @property
    def verdict(self) -> str:
        """The same as a sentence, with what nox ends with."""
        return f"{self.headline[:1].upper()}{self.headline[1:]}. Exit code {self.exit_code}."


def _first(items: Sequence[str]) -> str:
    more = f"; and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return "; ".join(items[:NAMED]) + more
