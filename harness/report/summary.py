"""What a report is made of: computed once, drawn by each format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from harness.history import Past
from harness.merging import Disagreement
from harness.pair import Pair
from harness.report import marks
from harness.verdict import Judged, Verdict, exit_code
from harness.words import number

NAMED = 3  # runs, cases


@dataclass(frozen=True)
class Summary:
    """Every planned case with its verdict; what was recorded before; and what is to be said about it.

    `command` gives the command that runs a case again, `families` the module of each model.
    """

    judged: Sequence[Judged]
    command: Callable[[Judged], str]
    pairs: Sequence[Pair]
    made: datetime
    families: Mapping[str, str] = field(default_factory=dict)
    past: Sequence[Past] = ()
    disagreements: Sequence[Disagreement] = ()
    remarks: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        """What nox ends with."""
        return exit_code(self.judged)

    @property
    def unfinished(self) -> list[str]:
        """Said at the top where planned cases have no record: how many, and which runs did not end."""
        missing = sum(one.verdict is Verdict.INCOMPLETE for one in self.judged)
        if not missing:
            return []
        open_ = [one for one in self._last if one.run.end is None]
        runs = "; ".join(f"{one.pair} {one.lane}, begun {one.started[:16].replace('T', ' ')}" for one in open_[:NAMED])
        more = f"; and {len(open_) - NAMED} more" if len(open_) > NAMED else ""
        said = f"Half finished: {missing:,} of {number(len(self.judged), 'planned case')} have no record."
        return [f"{said} Not ended: {runs}{more}." if open_ else said]

    @property
    def _last(self) -> list[Past]:
        """The last run of each lane."""
        return list({(one.pair, one.lane): one for one in self.past}.values())

    @property
    def said(self) -> list[str]:
        """What is to be done about rules, and on which cases machines disagree."""
        if not self.disagreements:
            return [*self.remarks]
        several = f"The machines disagree on {number(len(self.disagreements), 'case')}."
        return [*self.remarks, several, *(one.sentence for one in self.disagreements)]

    @property
    def headline(self) -> str:
        """The whole in one line: what needs a look, or that nothing does."""
        counts = marks.count(self.judged)
        wanted = [f"{counts[mark]:,} {mark.word}" for mark in marks.ATTENTION if mark in counts]
        return ", ".join(wanted) or ("as expected" if self.judged else "nothing selected")
