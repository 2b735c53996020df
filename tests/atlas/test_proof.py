"""What the cases on either side of a bound say of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.atlas import proof
from harness.atlas.bounds import Bound, Edge
from harness.atlas.proof import Proof, State
from harness.config.errors import BadInput
from harness.contract.case import Case
from harness.contract.finding import ScenarioLine
from harness.results.judging import NO_RECORD, Judged, Verdict, decide
from tests.findings import case_line, finding, scenario
from tests.known import known

RULE = known("tensors", "unset")
OTHER = known("tensors", "unset elsewhere")
EDGE = Edge(Bound(RULE.id, "transformers", ">=5.0"), "5.0.0", "4.57.6", "1.0.22")
UNSET = finding("tensors", "rope", "uninitialised")
RAISED = finding("error", "RuntimeError", "meta")
OTHERWISE = finding("error", "TypeError", "an argument")


def judged(*scenarios: ScenarioLine, rules: Any = (), **more: Any) -> Judged:
    record = case_line(*scenarios, **more)
    verdict, explained = decide(record, rules)
    return Judged("pair", "cpu-float32", Case("tower", "a"), verdict, record, None, None, tuple(rules), explained)


SEEN = judged(scenario("", UNSET), rules=[RULE])
BOTH = judged(scenario("", UNSET), scenario("training", UNSET), rules=[RULE])
GREEN = judged(scenario(""))
OPEN = Judged("pair", "cpu-float32", Case("tower", "a"), Verdict.INCOMPLETE, missing=NO_RECORD)
NOT_RUN = judged(outcome="not-run", reason="no room")
IMPOSSIBLE = judged(outcome="unsupported", reason="no such route")


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [
        ([SEEN], [GREEN], State.PROVEN),
        ([SEEN], [judged(scenario("", finding("keys")))], State.PROVEN),
        ([GREEN], [GREEN], State.NOWHERE),
        ([SEEN], [SEEN], State.TAKEN_OVER),
        ([SEEN], [judged(scenario("", UNSET), rules=[OTHER])], State.TAKEN_OVER),
        ([SEEN], [judged(scenario("", UNSET))], State.WIDER),
        ([BOTH], [judged(scenario("", UNSET), scenario("training"), rules=[OTHER])], State.PROVEN),
        ([BOTH], [judged(scenario("", UNSET), scenario("training"))], State.WIDER),
        ([SEEN], [judged(scenario("", UNSET), scenario("training", UNSET))], State.WIDER),
        ([SEEN], [IMPOSSIBLE], State.NO_ROUTE),
        ([SEEN], [judged(scenario("", RAISED))], State.HIDDEN),
        ([judged(scenario("", UNSET, RAISED), rules=[RULE])], [judged(scenario("", RAISED))], State.PROVEN),
        ([judged(scenario("", UNSET, RAISED), rules=[RULE])], [judged(scenario("", OTHERWISE))], State.HIDDEN),
        ([SEEN], [judged(scenario("training"))], State.NO_ROUTE),
        ([judged(scenario("", RAISED))], [GREEN], State.HIDDEN),
        ([judged(scenario("", RAISED), scenario("report"))], [GREEN], State.HIDDEN),
        ([judged(scenario("", RAISED), scenario("report"), scenario("training"))], [GREEN], State.NOWHERE),
        ([judged(outcome="crashed", reason="killed")], [GREEN], State.HIDDEN),
        ([OPEN], [GREEN], State.UNTRIED),
        ([NOT_RUN], [GREEN], State.UNTRIED),
        ([SEEN], [OPEN], State.UNTRIED),
        ([SEEN], [NOT_RUN], State.UNTRIED),
        ([], [], State.UNTRIED),
    ],
)
def test_a_bound_is_proven_where_its_rule_finds_something_on_one_side_and_nothing_on_the_other(
    inside: list[Judged], outside: list[Judged], expected: State
) -> None:
    assert proof.proof_of(EDGE, RULE, "cpu-float32", "2026-11-29", [inside, outside]).state is expected


def test_the_cases_that_show_it_are_named() -> None:
    assert proof.proof_of(EDGE, RULE, "cpu-float32", "2026-11-29", [[SEEN], [GREEN]]).by == ("tower/a",)


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [
        ("broken: it raises", "sound", State.PROVEN),
        ("broken: it raises", "broken: it raises", State.WIDER),
        ("sound", "sound", State.NOWHERE),
        ("", "sound", State.HIDDEN),
        ("broken: it raises", "Traceback", State.HIDDEN),
    ],
)
def test_a_script_proves_by_what_it_says_of_both_sides(inside: str, outside: str, expected: State) -> None:
    assert proof.of_script(inside, outside) is expected


def proven(edge: Edge = EDGE, state: State = State.PROVEN) -> Proof:
    return Proof(edge, state, "cpu-float32", "2026-11-29", ("tower/a",))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "edges.ndjson"
    assert proof.read(path) == []
    proof.write([proven()], path)
    assert proof.read(path) == [proven()]


@pytest.mark.parametrize("text", ["{", "[]\n", '{"rule": "a"}\n', '{"rule": 1, "package": 2, "state": "sure"}\n'])
def test_a_file_that_was_cut_or_edited_is_one_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "edges.ndjson"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"edges\.ndjson is no file of the atlas: .*nox -s atlas -- --edges"):
        proof.read(path)


KNOWN = {"transformers": ["4.57.3", "4.57.6", "5.0.0", "5.1.0"], "timm": ["1.0.22"]}


def rule(**chosen: str) -> Any:
    return SimpleNamespace(id=RULE.id, transformers=">=5.0", timm=None, chosen=chosen or None)


def line(state: State, *, beside: bool = False) -> str:
    return f"{RULE.id} transformers>=5.0: {proven(BESIDE if beside else EDGE, state).words}"


BESIDE = Edge(EDGE.bound, "5.0.0", "4.57.6", "1.0.31")


@pytest.mark.parametrize(
    ("proofs", "left"),
    [
        ([], ["tensors-unset transformers>=5.0: 5.0.0 and 4.57.6: not measured"]),
        ([proven()], []),
        ([proven(), proven(BESIDE, State.HIDDEN)], []),
        (
            [proven(), proven(BESIDE, State.WIDER)],
            [line(State.WIDER, beside=True)],
        ),
        ([proven(state=State.HIDDEN)], [line(State.HIDDEN)]),
    ],
)
def test_a_bound_that_nothing_proves_or_something_contradicts_is_told(proofs: list[Proof], left: list[str]) -> None:
    assert list(proof.unproven([rule()], proofs, KNOWN)) == left


def test_a_bound_that_is_said_to_be_chosen_needs_no_proof() -> None:
    assert list(proof.unproven([rule(**{"transformers>=5.0": "the route begins there"})], [], KNOWN)) == []


def of(inside: str, outside: str, state: State, specifier: str = ">=5.0") -> Proof:
    return proven(Edge(Bound(RULE.id, "transformers", specifier), inside, outside, "1.0.22"), state)


@pytest.mark.parametrize(
    ("proofs", "is_proven"),
    [
        ([of("5.0.0", "4.57.6", State.HIDDEN), of("5.1.0", "4.57.6", State.PROVEN)], True),
        ([of("5.0.0", "4.57.6", State.HIDDEN), of("5.0.0", "4.57.3", State.PROVEN)], True),
        ([of("5.1.0", "4.57.6", State.PROVEN)], False),
        ([of("5.0.0", "4.57.6", State.NO_ROUTE), of("5.1.0", "4.57.6", State.PROVEN)], False),
        ([of("5.0.0", "4.57.6", State.HIDDEN), of("5.1.0", "4.57.3", State.PROVEN)], False),
        ([of("5.0.0", "4.57.6", State.UNTRIED)], False),
    ],
)
def test_only_adjacent_releases_prove_a_bound_unless_failures_hide_it(proofs: list[Proof], is_proven: bool) -> None:  # noqa: FBT001
    assert (not list(proof.unproven([rule()], proofs, KNOWN))) == is_proven


def test_both_sides_of_a_single_release_have_to_be_proven() -> None:
    single = SimpleNamespace(id=RULE.id, transformers="!=5.0.0", timm=None, chosen=None)
    below, above = (of(inside, "5.0.0", State.PROVEN, "!=5.0.0") for inside in ("4.57.6", "5.1.0"))
    assert list(proof.unproven([single], [below, above], KNOWN)) == []
    for one in (below, above):
        assert len(list(proof.unproven([single], [one], KNOWN))) == 1
    hidden = of("5.1.0", "5.0.0", State.HIDDEN, "!=5.0.0")
    assert len(list(proof.unproven([single], [below, hidden], KNOWN))) == 1
