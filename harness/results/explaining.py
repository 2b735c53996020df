"""Holds the findings of a case line against rules: what they explain, what not, and whether their remedies hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from ..contract.case import GREEN, SKIPPED, Outcome
from ..contract.finding import Finding, ScenarioLine, Tried, scenarios_of
from ..contract.matching import covers_scenario, explains
from ..remedies.table import remedy_of


class Rule(Protocol):
    """The part of an expectation that judging and reports use."""

    @property
    def id(self) -> str:
        """Its name, which never changes."""

    @property
    def scenarios(self) -> Any:
        """Globs of the scenarios that it is about; None for all."""

    @property
    def finds(self) -> Any:
        """Patterns of the findings that it explains."""

    @property
    def outcome(self) -> str:
        """The kinds of these findings."""

    @property
    def because(self) -> str:
        """The cause."""

    @property
    def url(self) -> str | None:
        """The issue that tracks it."""

    @property
    def script(self) -> str | None:
        """The script that shows it, if no issue tracks it."""

    @property
    def remedy(self) -> str:
        """The name of the function that mends it, `move` or `none`."""

    @property
    def advice(self) -> str:
        """The workaround for users."""


class Remedied(StrEnum):
    """What is known of the remedy of a rule that explains a finding of a case."""

    HOLDS = "remedy works"
    FAILS = "remedy fails"
    NOT_RUN = "remedy not run"


@dataclass(frozen=True)
class Seen:
    """A finding, its scenario, and the rules with whose remedies it was made; none for the scenario as it is."""

    scenario: str
    finding: Finding
    remedies: tuple[Rule, ...] = ()

    @property
    def words(self) -> str:
        """One line on it."""
        on = f" ({self.scenario})" if self.scenario else ""
        return f"{self.finding.words}{on}"


@dataclass(frozen=True)
class Explanation:
    """What rules that apply to a case say of its findings.

    `found` are the rules that explain a finding, the worst one's first; `gone` those whose findings would have been
    seen and were not, `absent` those that were not found although nothing raised. `unexplained` also has what a remedy
    left behind. `remedies` is by rule id.
    """

    found: tuple[Rule, ...] = ()
    gone: tuple[Rule, ...] = ()
    unexplained: tuple[Seen, ...] = ()
    remedies: Mapping[str, Remedied] = field(default_factory=dict)
    absent: tuple[Rule, ...] = ()
    disputed: tuple[Rule, ...] = ()
    """Several rules that explain one finding."""


NOTHING: Final = Explanation()
RAISED: Final = frozenset({Outcome.ERROR, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY})
"""The kinds of findings that end a scenario, so that nothing after them is seen."""


def explain(record: Mapping[str, Any], rules: Sequence[Rule]) -> Explanation:
    """What the rules that apply to a case say of its line."""
    if record["outcome"] in SKIPPED or (record["outcome"] in GREEN and not rules):
        return NOTHING
    scenarios = scenarios_of(record)
    found: dict[str, Rule] = {}
    unexplained: list[Seen] = []
    remedies: dict[str, Remedied] = {}
    green: list[str] = [] if scenarios else [""]
    ended: list[str] = list(green)
    for scenario in sorted(scenarios, key=lambda scenario: scenario.outcome != record["outcome"]):
        left = _read(scenario, rules, found, remedies)
        unexplained += left
        last = _last(scenario)
        if not left and not last:
            green.append(scenario.name)
        if not {finding.kind for finding in last} & RAISED:
            ended.append(scenario.name)
    known = {scenario.name for scenario in scenarios} or {""}
    missing = [rule for rule in rules if rule.id not in found]
    gone = tuple(rule for rule in missing if _would_show(rule, known, green))
    absent = tuple(rule for rule in missing if _would_show(rule, known, ended))
    disputed = _disputed(scenarios, rules)
    return Explanation(tuple(found.values()), gone, tuple(unexplained), remedies, absent, disputed)


def _disputed(scenarios: Sequence[ScenarioLine], rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The first rules of which several explain one finding."""
    if len(rules) < 2:  # noqa: PLR2004
        return ()
    explaining = (_explaining(rules, scenario.name, finding) for scenario in scenarios for finding in scenario.findings)
    return next((tuple(some) for some in explaining if len(some) > 1), ())


def _read(
    scenario: ScenarioLine, rules: Sequence[Rule], found: dict[str, Rule], remedies: dict[str, Remedied]
) -> list[Seen]:
    """What no rule explains in a scenario; adds to `found` and `remedies` what rules explain."""
    by_finding = [(finding, _explaining(rules, scenario.name, finding)) for finding in scenario.findings]
    found |= {rule.id: rule for _, explaining in by_finding for rule in explaining}
    left = [Seen(scenario.name, finding) for finding, explaining in by_finding if not explaining]
    mending = {rule.id: rule for _, explaining in by_finding for rule in explaining if remedy_of(rule)}
    if left or not mending:
        return left
    current = _is_current(scenario, rules)
    for rule in mending.values():
        tried = scenario.remedied.get(rule.id)
        if tried is None or not current:
            remedies[rule.id] = Remedied.NOT_RUN
            continue
        left += [seen for seen in _left_by(tried, scenario, rules, found, remedies, rule) if seen not in left]
    return left


def _left_by(  # noqa: PLR0913, PLR0917  what `_read` collects
    tried: Tried,
    scenario: ScenarioLine,
    rules: Sequence[Rule],
    found: dict[str, Rule],
    remedies: dict[str, Remedied],
    rule: Rule,
) -> list[Seen]:
    """What a remedied run left behind. What a rule without a remedy explains is known and stays.

    A rule whose remedy was used explained a finding, perhaps one that was seen only with the remedy of another.
    """
    used = tuple(other for other in rules if other.id in scenario.remedied)
    used_ids = {other.id for other in used}
    found |= {other.id: other for other in used}
    left = []
    for finding in tried.findings:
        explaining = _explaining(rules, scenario.name, finding)
        found |= {other.id: other for other in explaining}
        if not explaining or any(other.id in used_ids for other in explaining):
            left.append(Seen(scenario.name, finding, used))
        else:
            remedies |= {other.id: Remedied.NOT_RUN for other in explaining if remedy_of(other)}
    state = Remedied.FAILS if left else Remedied.HOLDS
    remedies[rule.id] = state if remedies.get(rule.id) in {None, Remedied.HOLDS} else remedies[rule.id]
    for other in used:
        remedies.setdefault(other.id, state)
    return left


def _explaining(rules: Sequence[Rule], scenario: str, finding: Finding) -> list[Rule]:
    return [rule for rule in rules if explains(rule, scenario, finding)]


def _is_current(scenario: ScenarioLine, rules: Sequence[Rule]) -> bool:
    """Whether the remedied run was made with rules that apply, and with the remedies that they name today."""
    remedies = {rule.id: remedy_of(rule) for rule in rules}
    used = ((remedies.get(rule), tried) for rule, tried in scenario.remedied.items())
    return all(remedy is not None and remedy.version in tried.remedies for remedy, tried in used)


def _last(scenario: ScenarioLine) -> tuple[Finding, ...]:
    """The findings of a scenario's last run: with its remedies, or as it is."""
    return next((tried.findings for tried in scenario.remedied.values()), scenario.findings)


def _would_show(rule: Rule, scenarios: set[str], open_: Sequence[str]) -> bool:
    """Whether all scenarios that a rule is about are among these, in which nothing hides what it explains."""
    covered = [name for name in scenarios if covers_scenario(rule, name)]
    return bool(covered) and all(name in open_ for name in covered)
