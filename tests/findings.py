"""Findings, scenarios and case lines as values, for tests of what rules explain."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.contract.case import Outcome
from harness.contract.finding import Finding, ScenarioLine, Tried, worst
from harness.remedies.table import REMEDIES


def finding(kind: str = "keys", what: str = "a.gamma", how: str = "renamed", **more: Any) -> Finding:
    """A finding of this kind."""
    return Finding(**{"kind": Outcome(kind), "where": "the loading report", "what": what, "how": how, **more})


def tried(rules: Sequence[Any], *findings: Finding) -> dict[str, Tried]:
    """What a scenario came to with the remedies of these rules, in their versions of today."""
    versions = tuple(REMEDIES[rule.remedy].version for rule in rules)
    return {rule.id: Tried(worst(found.kind for found in findings), findings, versions) for rule in rules}


def scenario(name: str, *findings: Finding, remedied: Mapping[str, Tried] | None = None) -> ScenarioLine:
    """A scenario that came to these findings."""
    return ScenarioLine(name, worst(found.kind for found in findings), findings, remedied=remedied or {})


def case_line(*scenarios: ScenarioLine, **more: Any) -> dict[str, Any]:
    """A case line of these scenarios, as it is read from a record."""
    outcome = str(worst(line.outcome for line in scenarios))
    fields = {"model": "a", "outcome": outcome, "reason": f"{outcome} here", "detail": {}}
    return {**fields, "scenarios": list(map(asdict, scenarios)), **more}
