"""The exit code of a command, from the messages of the process that ran it and the way in which that ended."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .messages import Kind, Message

BROKEN: Final = 1
BAD_INPUT: Final = 2


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, negative for a signal, and whether it did so of its own."""

    code: int
    in_time: bool = True

    @property
    def words(self) -> str:
        """The end in words."""
        if self.code >= 0:
            return f"the tested code ended its process with exit code {self.code}"
        try:
            name = signal.Signals(-self.code).name
        except ValueError:
            name = f"signal {-self.code}"
        return f"{name} ended the process"


@dataclass(frozen=True)
class Verdict:
    """An exit code, and a sentence where the printed report does not say why."""

    code: int
    sentence: str = ""


def judge(messages: Sequence[Message], ended: Ended) -> Verdict:
    """The exit code: 0 only if one report was printed, says so, and its process then ended as it should."""
    by_kind = {message.kind: message.text for message in messages}
    failed = BROKEN if Kind.TESTING in by_kind else BAD_INPUT
    doing = next((message.text for message in reversed(messages) if message.kind in {Kind.READING, Kind.TESTING}), "")
    during = f" {doing}" if doing else ""
    if Kind.UNPRINTED in by_kind:
        return Verdict(BAD_INPUT, f"No verdict: the report could not be written: {by_kind[Kind.UNPRINTED]}.")
    if Kind.FORKED in by_kind:
        process = by_kind[Kind.FORKED]
        sentence = f"No verdict: the tested code forked, and its copy, process {process}, went on with the report too."
        return Verdict(failed, sentence)
    if Kind.RAISED in by_kind:
        return Verdict(failed, f"No verdict: the tested code raised {by_kind[Kind.RAISED]}{during}.")
    if Kind.VERDICT not in by_kind:
        return Verdict(failed, f"No verdict: {ended.words}{during}.")
    return _of_report(int(by_kind[Kind.VERDICT]), ended)


def _of_report(code: int, ended: Ended) -> Verdict:
    """The exit code of a printed report, unless its process ended in another way."""
    if not ended.in_time:
        why = "its process did not end and was killed: a thread or an exit handler of the tested code keeps it"
    elif ended.code != code:
        why = f"{ended.words} after that: something that runs at exit"
    else:
        return Verdict(code)
    return Verdict(code or BROKEN, f"The report says exit code {code}, but {why}.")
