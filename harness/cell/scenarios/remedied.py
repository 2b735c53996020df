"""Runs a scenario again with the remedies of the rules that explain its findings: advice is executed."""

from collections.abc import Callable, Sequence

from ...contract.finding import Finding, Tried, worst
from ...contract.matching import explains
from ...contract.plan import Rule
from ...remedies.table import Remedy, remedy_of

Run = Callable[[Sequence[Remedy]], tuple[Finding, ...]]
"""Runs the scenario with remedies and returns its findings."""


def explained(rules: Sequence[Rule], scenario: str, findings: Sequence[Finding]) -> bool:
    """Whether rules explain every finding of a scenario."""
    return all(any(explains(rule, scenario, finding) for rule in rules) for finding in findings)


def with_remedies(rules: Sequence[Rule], scenario: str, findings: Sequence[Finding], run: Run) -> dict[str, Tried]:
    """By rule id, what a scenario of these findings comes to with the remedies of all rules that explain them.

    With a remedy the scenario may come to what another rule explains; then that rule's remedy is added. Empty if no
    rule that explains a finding has a remedy.
    """
    used: list[Rule] = []
    while explained(rules, scenario, findings):
        new = [
            rule
            for rule in rules
            if rule not in used and remedy_of(rule) and any(explains(rule, scenario, finding) for finding in findings)
        ]
        if not new:
            break
        used += new
        findings = run(_remedies(used))
    outcome = worst(finding.kind for finding in findings)
    tried = Tried(outcome, tuple(findings), tuple(remedy.version for remedy in _remedies(used)))
    return {rule.id: tried for rule in used}


def _remedies(rules: Sequence[Rule]) -> list[Remedy]:
    return list(dict.fromkeys(filter(None, map(remedy_of, rules))))
