"""A finding: one difference between a loaded model and native timm, typed so that rules can explain it.

Standard library only: it is read and written on both sides of the wall.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .case import GREEN, SEVERITY, SKIPPED, Outcome

MOST: Final = 100
"""The most findings that a scenario records one by one."""
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
"""What a terminal takes for a colour."""
LONGEST_LINE: Final = 2_000
"""Characters of a line of an error."""
LONGEST: Final = 400
"""The most characters of an exception's message that a finding keeps."""


@dataclass(frozen=True)
class Finding:
    """One difference, or `count` equal ones.

    `kind` is the outcome that it alone would make. `where` is what was compared, or an exception's phase; `what` a
    pattern of names, an output, or an exception's type; `how` describes it without figures, or is an exception's
    message. `example` is the first name or figure in words, or an exception's innermost frame.
    """

    kind: Outcome
    where: str
    what: str
    how: str
    count: int = 1
    example: str = ""

    def __post_init__(self) -> None:
        """Escape what names of tensors and messages may hold: they come from files."""
        for name in ("where", "what", "how", "example"):
            if not (text := getattr(self, name)).isprintable():
                object.__setattr__(self, name, printable(text))

    @property
    def fields(self) -> dict[str, Any]:
        """The finding in JSON's own types."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Finding":
        """The inverse of `fields`."""
        return cls(**{**fields, "kind": Outcome(fields["kind"])})

    @property
    def key(self) -> tuple[Outcome, str, str, str]:
        """What it is without its count and its example: findings of one key are alike."""
        return self.kind, self.where, self.what, self.how

    @property
    def words(self) -> str:
        """One line on it."""
        what = f"{self.what}: {self.how}" if self.what else self.how
        times = f", {self.count} times" if self.count > 1 else ""
        at = f" at {self.example}" if self.example else ""
        return f"{self.kind} in {self.where}: {what}{times}{at}" if self.where else f"{self.kind}: {what}{times}{at}"


@dataclass(frozen=True)
class Tried:
    """What a scenario came to with remedies: its outcome, every finding, and the remedies with their versions."""

    outcome: Outcome
    findings: tuple[Finding, ...]
    remedies: tuple[str, ...]

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Tried":
        """From its fields in a record."""
        findings = tuple(map(Finding.of, fields["findings"]))
        return cls(Outcome(fields["outcome"]), findings, tuple(fields["remedies"]))


@dataclass(frozen=True)
class ScenarioLine:
    """The result of one scenario of a case.

    `remedied` holds, by the id of each rule that explains a finding and has a remedy, what the scenario came to when
    it was run again with the remedies of all these rules.
    """

    name: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    seconds: float | None = None
    fingerprint: Mapping[str, Any] | None = None
    remedied: Mapping[str, Tried] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "ScenarioLine":
        """From its fields in a record."""
        findings = tuple(map(Finding.of, fields["findings"]))
        remedied = {rule: Tried.of(tried) for rule, tried in (fields.get("remedied") or {}).items()}
        seconds, fingerprint = fields.get("seconds"), fields.get("fingerprint")
        return cls(fields["name"], Outcome(fields["outcome"]), findings, seconds, fingerprint, remedied)


def bounded(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """At most MOST findings. If there are more, names are counted together by their last part: `*.running_mean`.

    If these are too many, names are counted together whatever they are, so that only a rule for any name explains them.
    """
    for together in (None, lambda what: f"*.{what.rpartition('.')[2]}", lambda _: "(names)"):
        found = findings if together is None else _together(findings, together)
        if len(found) <= MOST:
            return tuple(found)
    rest = found[MOST - 1 :]
    return (*found[: MOST - 1], Finding(rest[0].kind, "", f"{len(rest)} more findings", "too many to record"))


def _together(findings: Iterable[Finding], what: Callable[[str], str]) -> list[Finding]:
    """One finding for those of one kind, place and description whose names are the same for `what`."""
    groups: dict[tuple[Outcome, str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.kind, finding.where, what(finding.what), finding.how), []).append(finding)
    return [
        dataclasses.replace(group[0], what=key[2], count=sum(finding.count for finding in group))
        if len(group) > 1
        else group[0]
        for key, group in groups.items()
    ]


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of some outcomes, in the order of the contract; passed if there are none."""
    return min(outcomes, key=SEVERITY.index, default=Outcome.PASSED)


def scenarios_of(record: Mapping[str, Any]) -> tuple[ScenarioLine, ...]:
    """The scenarios of a case line.

    A case that failed in none of them, as its process died, is a scenario of its own with its reason as the finding. A
    scenario that failed has a finding, so that a rule has to explain it.
    """
    scenarios = tuple(_with_finding(ScenarioLine.of(line)) for line in record.get("scenarios") or ())
    outcome = Outcome(record["outcome"])
    failed_in_one = outcome == worst(scenario.outcome for scenario in scenarios)
    if outcome in GREEN | SKIPPED or failed_in_one:
        return scenarios
    return (*scenarios, ScenarioLine("", outcome, (Finding(outcome, "", "", str(record.get("reason") or outcome)),)))


def _with_finding(scenario: ScenarioLine) -> ScenarioLine:
    if scenario.findings or scenario.outcome in GREEN | SKIPPED:
        return scenario
    return dataclasses.replace(scenario, findings=(Finding(scenario.outcome, "", "", str(scenario.outcome)),))


def one_line(error: BaseException) -> str:
    """Type and message of an exception on one line, cut to 300 characters."""
    return printable(" ".join(COLOUR.sub("", f"{type(error).__name__}: {error}").split()))[:300]


def printable(text: str) -> str:
    """The text with control characters escaped: error messages can move a cursor or break a format."""
    return "".join(letter if letter.isprintable() or letter == NO_BREAK else repr(letter)[1:-1] for letter in text)


def printable_lines(text: str) -> str:
    """The same for each line of a text."""
    return "\n".join(map(printable, text.split("\n")))


def message(text: str) -> str:
    """The text of an error: printable, and no line longer than a person reads."""
    lines = printable_lines(text).split("\n")
    return "\n".join(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..." for line in lines)
