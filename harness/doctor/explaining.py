"""What the rules say of cases that ran here: which of them explain the broken ones, and whether all is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..cell.models.installed import Release
from ..contract.finding import Finding, ScenarioLine
from ..contract.matching import explains
from ..contract.routes import OWN, rules_of
from .case_result import CaseResult
from .shipped_matrix import names_pair


class State(StrEnum):
    """How a broken case looks by the rules that name this pair, in the words of every report."""

    REMEDIED = "remedied"
    KNOWN_BROKEN = "known-broken"
    REGRESSED = "regressed"


@dataclass(frozen=True)
class Cause:
    """A rule with the broken cases that it explains, the first of all that do."""

    rule: Any
    results: tuple[CaseResult, ...]
    of_this_pair: bool

    @property
    def holds(self) -> bool | None:
        """Whether the remedy, which was run here, mended all scenarios of these cases; None if it was not run."""
        tried = [
            scenario.remedied[self.rule.id]
            for result in self.results
            for scenario in result.scenarios
            if self.rule.id in scenario.remedied
        ]
        return not any(result.findings for result in tried) if tried else None


@dataclass(frozen=True)
class Explained:
    """The results of all cases, the causes of the broken ones, those without one, and rules not seen at work."""

    results: tuple[CaseResult, ...]
    causes: tuple[Cause, ...]
    unexplained: tuple[CaseResult, ...]
    not_seen: tuple[Any, ...]

    @property
    def broken(self) -> Sequence[CaseResult]:
        """The cases that failed."""
        return [result for result in self.results if result.broken]


def explained(
    results: Sequence[CaseResult], rules: Sequence[Any], release: Release, routes: Sequence[str] = ()
) -> Explained:
    """The broken cases by the rule that explains them; of the rest of the rules those of these routes, if any."""
    groups: dict[int, list[CaseResult]] = {}
    unexplained = []
    for result in (result for result in results if result.broken):
        fitting = _fitting(rules, result)
        if result.case.route == OWN:  # rules of other releases say nothing of a user model
            fitting = [rule for rule in fitting if names_pair(rule, release)]
        fitting.sort(key=lambda rule: not names_pair(rule, release))  # rules that name this pair first
        if fitting:
            groups.setdefault(rules.index(fitting[0]), []).append(result)
        elif not result.is_only_damaged:
            unexplained.append(result)
    causes = [Cause(rules[index], tuple(group), names_pair(rules[index], release)) for index, group in groups.items()]
    rest = [rule for index, rule in enumerate(rules) if index not in groups and names_pair(rule, release)]
    asked = {name for route in routes for name in rules_of(route)}
    not_seen = [
        rule for rule in rest if (not asked or asked.intersection(rule.routes)) and not _is_refuted(rule, results)
    ]
    return Explained(tuple(results), tuple(causes), tuple(unexplained), tuple(not_seen))


def state(result: CaseResult, rules: Iterable[Any]) -> State:
    """What a broken case is by the rules that name this pair. A remedy that leaves what they do not know is none."""
    applicable = [rule for rule in rules if result.is_under(rule)]
    if not _fitting(applicable, result) or any(_unknown(scenario, applicable) for scenario in result.scenarios):
        return State.REGRESSED
    left = any(
        not scenario.remedied or any(tried.findings for tried in scenario.remedied.values())
        for scenario in result.scenarios
        if scenario.findings
    )
    return State.KNOWN_BROKEN if left else State.REMEDIED


def _unknown(scenario: ScenarioLine, rules: Sequence[Any]) -> bool:
    """Whether the remedies of a scenario left a finding that no other rule explains."""
    others = [rule for rule in rules if rule.id not in scenario.remedied]
    left = [finding for tried in scenario.remedied.values() for finding in tried.findings]
    return not all(_explaining(others, scenario.name, finding) for finding in left)


def _fitting(rules: Iterable[Any], result: CaseResult) -> list[Any]:
    """The rules that explain a finding of a case; none if some finding is explained by none of them."""
    applicable = [rule for rule in rules if result.is_under(rule)]
    findings = [(scenario.name, finding) for scenario in result.scenarios for finding in scenario.findings]
    explaining = [_explaining(applicable, *finding) for finding in findings]
    return list({id(rule): rule for some in explaining for rule in some}.values()) if all(explaining) else []


def _explaining(rules: Iterable[Any], scenario: str, finding: Finding) -> list[Any]:
    return [rule for rule in rules if explains(rule, scenario, finding)]


def _is_refuted(rule: Any, results: Sequence[CaseResult]) -> bool:
    """Whether cases to which the rule applies ran here, and all passed."""
    greens = [result.green for result in results if result.is_under(rule)]
    return bool(greens) and all(greens)
