"""What proves the bounds of rules: a line for each edge, in a file beside the pairs.

{"rule": "gamma-renamed", "bound": "transformers<4.49", "inside": "4.48.3", "outside": "4.49.0", "beside": "1.0.31",
"state": "proven", "lane": "cpu-float32", "day": "2026-11-29", "by": ["tower/convnext_atto"]}
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from packaging.version import Version

from ..config import whole_file
from ..contract.case import SKIPPED, Outcome
from ..contract.matching import covers_scenario, explains
from ..contract.package import FOLDER
from ..results.judging import Judged
from . import files
from .bounds import Bound, Edge, bounds_of, changes_of
from .releases import Known

FILE: Final = FOLDER / "atlas" / "edges.ndjson"
SHOWN: Final = 3
"""The most cases that a line names."""
ENDED: Final = frozenset({Outcome.ERROR, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY})
"""Outcomes after which nothing else can be found."""
SILENT: Final = ENDED | SKIPPED
"""Outcomes of a scenario in which nothing was looked for."""

BROKEN: Final = "broken: "
SOUND: Final = "sound"
"""What a script of tests/causes says."""


class State(StrEnum):
    """What the releases on either side say of a bound."""

    PROVEN = "proven"
    NOWHERE = "nothing found in the range"
    WIDER = "found beyond the range"
    TAKEN_OVER = "found beyond the range, where another rule has it"
    NO_ROUTE = "no case beyond the range"
    HIDDEN = "other failures hide it"
    UNTRIED = "not measured"


CONTRADICTED: Final = frozenset({State.NOWHERE, State.WIDER})


@dataclass(frozen=True)
class Proof:
    """What was found on either side of an edge on a day, and the first cases that show it."""

    edge: Edge
    state: State
    lane: str
    day: str
    by: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One line on it."""
        edge = self.edge
        sides = f"{edge.inside} and {edge.outside} beside {edge.beside}"
        shown = f" by {', '.join(self.by)}" if self.by else ""
        return f"{edge.bound.rule} {edge.bound}: {sides}: {self.state}{shown}, {self.day} in {self.lane}"


def proof_of(edge: Edge, rule: Any, lane: str, day: str, sides: Sequence[Sequence[Judged]]) -> Proof:
    """What the same cases on both sides of an edge say of it, those within the rule's range first."""
    inside, outside = sides
    found, beyond = _found(rule, inside), _found(rule, outside)
    state = _state(rule, found, beyond, inside, outside)
    shown = beyond if state in {State.WIDER, State.TAKEN_OVER} else found
    return Proof(edge, state, lane, day, tuple(dict.fromkeys(case for case, _ in shown))[:SHOWN])


def of_script(inside: str, outside: str) -> State:
    """What a script that said these of the two sides proves: that something is broken, or sound, or neither."""
    if not inside.startswith(BROKEN):
        return State.NOWHERE if inside == SOUND else State.HIDDEN
    return State.PROVEN if outside == SOUND else State.WIDER if outside.startswith(BROKEN) else State.HIDDEN


def _state(
    rule: Any, found: Sequence[tuple[str, str]], beyond: Sequence[tuple[str, str]], *sides: Sequence[Judged]
) -> State:
    inside, outside = sides
    if not found:
        about = [scenario for case in inside for scenario in case.scenarios if covers_scenario(rule, scenario.name)]
        silent = sum(scenario.outcome in SILENT for scenario in about)
        return State.NOWHERE if 2 * silent < len(about) else State.HIDDEN if _has_results(inside) else State.UNTRIED
    if not all(_is_explained(rule, case) for case in outside):
        return State.WIDER
    if any(_tells(key, inside, outside) for key in set(found).difference(beyond)):
        return State.PROVEN  # of several routes another rule may have one
    if beyond:
        return State.TAKEN_OVER
    if not _has_results(outside):
        return State.UNTRIED
    return State.HIDDEN if any(case.broken for case in outside) else State.NO_ROUTE


def _tells(key: tuple[str, str], inside: Sequence[Judged], outside: Sequence[Judged]) -> bool:
    """Whether nothing hides what is asked in a scenario beyond the range: it did not end, or ended likewise within."""
    within, beyond = (
        [scenario for case in side if case.case.id == key[0] for scenario in case.scenarios if scenario.name == key[1]]
        for side in (inside, outside)
    )
    ends = {finding.key for scenario in within for finding in scenario.findings if finding.kind in ENDED}
    return any(
        scenario.outcome not in SILENT
        or ends >= {finding.key for finding in scenario.findings if finding.kind in ENDED} != set()
        for scenario in beyond
    )


def _found(rule: Any, cases: Iterable[Judged]) -> list[tuple[str, str]]:
    """The cases and scenarios with a finding that is a rule's, whatever the release."""
    return [
        (case.case.id, scenario.name)
        for case in cases
        for scenario in case.scenarios
        if any(explains(rule, scenario.name, finding) for finding in scenario.findings)
    ]


def _is_explained(rule: Any, case: Judged) -> bool:
    """Whether the rules of a case's own releases explain all that is this rule's too."""
    lines = ((scenario.name, finding) for scenario in case.scenarios for finding in scenario.findings)
    same = [(name, finding) for name, finding in lines if explains(rule, name, finding)]
    return all(any(explains(other, name, finding) for other in case.rules) for name, finding in same)


def _has_results(cases: Iterable[Judged]) -> bool:
    return any(case.record is not None and case.outcome != Outcome.NOT_RUN for case in cases)


def dumps(proofs: Iterable[Proof]) -> str:
    """The text of the file, ordered by rule."""
    lines = sorted(proofs, key=lambda proof: (proof.edge.bound.rule, str(proof.edge.bound), proof.edge.inside,
                                              proof.edge.beside))  # fmt: skip
    return "".join(f"{json.dumps(_fields(proof), ensure_ascii=False)}\n" for proof in lines)


def _fields(proof: Proof) -> Mapping[str, Any]:
    edge, bound = proof.edge, proof.edge.bound
    sides = {"inside": edge.inside, "outside": edge.outside, "beside": edge.beside}
    told = {"state": proof.state, "lane": proof.lane, "day": proof.day, "by": proof.by}
    return {"rule": bound.rule, "package": bound.package, "bound": bound.specifier, **sides, **told}


def read(path: Path = FILE) -> list[Proof]:
    """Every line of the file; none of a file that is not there. Raises BadInput for one that was cut or edited."""
    try:
        return [_proof(line) for line in files.objects(path.read_text(encoding="utf-8"))] if path.is_file() else []
    except files.WRONG as error:
        remedy = "restore it, or delete it and measure again: nox -s atlas -- --edges"
        raise files.refusal(path, error, remedy) from error


def _proof(line: Mapping[str, Any]) -> Proof:
    bound = Bound(str(line["rule"]), str(line["package"]), str(line["bound"]))
    edge = Edge(bound, *(str(line[name]) for name in ("inside", "outside", "beside")))
    return Proof(edge, State(line["state"]), str(line["lane"]), str(line["day"]), tuple(map(str, line["by"])))


def write(proofs: Iterable[Proof], path: Path) -> None:
    """Write the file anew."""
    whole_file.write(dumps(proofs), path)


def unproven(rules: Iterable[Any], proofs: Iterable[Proof], known: Known) -> Iterator[str]:
    """A line for each bound that is not proven, or is contradicted, and that its rule does not say is chosen.

    `known` are the releases that there are: each two of them between which a bound lies have to prove it.
    """
    of_bound: dict[Bound, list[Proof]] = {}
    for proof in proofs:
        of_bound.setdefault(proof.edge.bound, []).append(proof)
    for rule in rules:
        for bound in bounds_of(rule):
            there = of_bound.get(bound, [])
            wrong = next((proof for proof in there if proof.state in CONTRADICTED), None)
            left = next((change for change in changes_of(rule, bound, known) if not _is_proven(change, there)), None)
            if str(bound) not in (rule.chosen or {}) and (wrong or left):
                yield f"{bound.rule} {bound}: {wrong.words if wrong else _left(left, there)}"


def _left(change: tuple[str, str] | None, proofs: Iterable[Proof]) -> str:
    """What is known of two releases that do not prove a bound."""
    told = (proof.words for proof in proofs if change == (proof.edge.inside, proof.edge.outside))
    return next(told, f"{' and '.join(change or ())}: {State.UNTRIED}")


def _is_proven(change: tuple[str, str], proofs: Sequence[Proof]) -> bool:
    """Whether two releases prove a bound; where other failures hide it, with the next one that tells on one side."""
    sides = {(proof.edge.inside, proof.edge.outside) for proof in proofs if proof.state is State.PROVEN}
    hidden = any(proof.state is State.HIDDEN for proof in proofs if (proof.edge.inside, proof.edge.outside) == change)
    return change in sides or (hidden and any(_is_further(side, change) for side in sides))


def _is_further(side: tuple[str, str], change: tuple[str, str]) -> bool:
    """Whether one of the two releases is the same, and the other further from it in the same direction."""
    (inside, outside), (near, far) = (tuple(map(Version, pair)) for pair in (side, change))
    if inside == near:
        return (outside > far) == (far > near) and outside != far
    return outside == far and (inside > near) == (near > far) and inside != near
