"""`nox -s atlas -- --edges`, without nox."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.atlas import proof
from harness.atlas.proof import State
from harness.commands import edges, shown_case
from harness.commands.atlas import AtlasCommand
from harness.commands.edges import Edges
from harness.config.errors import BadInput, CannotImport, InstallationError
from harness.environments import pypi
from harness.environments.pypi import Release
from harness.execution.pair_run import PairRun
from harness.results.judging import Judged, decide
from tests.findings import case_line, finding, scenario
from tests.places import ROOT

LINE = {
    "transformers": [Release("4.48.3", date(2025, 2, 7)), Release("4.49.0", date(2025, 2, 17))],
    "timm": [Release("1.0.14", date(2025, 1, 19)), Release("1.0.31", date(2026, 8, 1))],
}
KNOWN = {"transformers": ["4.48.3", "4.49.0", "4.50.0"], "timm": ["1.0.14", "1.0.31"]}
RENAMED = finding("keys", "blocks.*.gamma", "gamma renamed to weight")


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edges:
    monkeypatch.setattr(pypi, "since", lambda name, *_: LINE[name])
    words = ["--matrix", str(ROOT / "matrix.yaml"), "--results", str(tmp_path / "results")]
    asked = AtlasCommand.of(["--edges", "--rule", "gamma-renamed", "--into", str(tmp_path / "pairs"), *words])
    assert asked.edges
    return asked.edges


def results(pair_run: PairRun, *, broken: bool) -> list[Judged]:
    """What the planned cases came to; rules of the pair explain what is broken."""
    rules = [rule for rule in pair_run.matrix.expectations if rule.id == "gamma-renamed"] if broken else []
    record = case_line(scenario("", *([RENAMED] if broken else [])))
    verdict, explained = decide(record, rules)
    [lane] = pair_run.records.lanes
    catalog = pair_run.records.catalog()
    assert catalog
    planned = pair_run.records.planned(lane, catalog)
    return [
        Judged(pair_run.pair.id, lane.name, case, verdict, record, None, None, tuple(rules), explained)
        for case in planned
    ]


def test_what_is_not_proven_is_listed_by_bound(found: Edges) -> None:
    assert list(found.lines()) == [
        "2 edges of 1 bound to prove:",
        "  gamma-renamed transformers<4.49: 4.48.3 and 4.49.0 beside 1.0.31",
        "  gamma-renamed transformers<4.49: 4.48.3 and 4.49.0 beside 1.0.14",
    ]


def test_the_same_cases_run_on_both_sides_and_what_they_say_is_written(
    found: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, int]] = []

    def tried(pair_run: PairRun, *_: Any) -> list[Judged]:
        told = results(pair_run, broken=pair_run.pair.transformers == "4.48.3")
        ran.append((pair_run.pair.id, len(told)))
        return told

    monkeypatch.setattr(edges, "tried", tried)
    said: list[str] = []
    found.measure(10, lambda _: None, said.append)  # type: ignore[arg-type,return-value]
    assert [pair for pair, _ in ran] == [
        *("transformers4.48.3-timm1.0.14", "transformers4.48.3-timm1.0.31"),
        *("transformers4.49.0-timm1.0.14", "transformers4.49.0-timm1.0.31"),
    ]
    assert ran[0][1] == ran[2][1] > 2
    proofs = proof.read(found.file)
    assert [(known.edge.beside, known.state) for known in proofs] == [("1.0.14", "proven"), ("1.0.31", "proven")]
    assert sum("4.48.3 and 4.49.0" in line and ": proven by " in line for line in said) == 2


def test_an_edge_that_few_models_do_not_prove_is_tried_with_all_and_its_state_written(
    found: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def tried(pair_run: PairRun, *_: Any) -> list[Judged]:
        told = results(pair_run, broken=False)
        sizes.append(len(told))
        return told

    monkeypatch.setattr(edges, "tried", tried)
    found.measure(10, lambda _: None, lambda _: None)  # type: ignore[arg-type,return-value]
    assert len(sizes) == 8
    assert sizes[4] > 2 * sizes[0]
    assert {known.state for known in proof.read(found.file)} == {State.NOWHERE}


def test_where_other_failures_hide_it_the_next_release_is_asked(found: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {**LINE, "transformers": [*LINE["transformers"], Release("4.50.0", date(2025, 3, 1))]}
    moved = replace(found, line=line, wanted=found.wanted[:1])
    raised = finding("error", "NameError", "not defined")

    def tried(pair_run: PairRun, *_: Any) -> list[Judged]:
        told = results(pair_run, broken=pair_run.pair.transformers == "4.48.3")
        if pair_run.pair.transformers != "4.49.0":
            return told
        return [replace(case, record=case_line(scenario("", raised))) for case in told]

    monkeypatch.setattr(edges, "tried", tried)
    moved.measure(10, lambda _: None, lambda _: None)  # type: ignore[arg-type,return-value]
    told = {(known.edge.outside, known.state) for known in proof.read(found.file)}
    assert told == {("4.49.0", State.HIDDEN), ("4.50.0", State.PROVEN)}
    assert list(proof.unproven([found.rules["gamma-renamed"]], proof.read(found.file), KNOWN)) == []


def test_a_side_that_cannot_be_installed_leaves_the_edge_and_one_that_cannot_be_imported_tells_nothing(
    found: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tried(pair_run: PairRun, *_: Any) -> list[Judged]:
        if pair_run.pair.timm == "1.0.14":
            raise InstallationError("the index did not answer")
        if pair_run.pair.transformers == "4.49.0":
            raise CannotImport("timm raises")
        return results(pair_run, broken=True)

    monkeypatch.setattr(edges, "tried", tried)
    found.measure(10, lambda _: None, lambda _: None)  # type: ignore[arg-type,return-value]
    assert [(known.edge.beside, known.state) for known in proof.read(found.file)] == [("1.0.31", State.UNTRIED)]


def test_what_is_proven_is_not_tried_again(found: Edges, tmp_path: Path) -> None:
    known = [proof.Proof(edge, State.PROVEN, "cpu-float32", "2026-11-29") for edge in found.wanted[:1]]
    proof.write(known, found.file)
    words = ["--matrix", str(ROOT / "matrix.yaml"), "--results", str(tmp_path / "results")]
    again = AtlasCommand.of(["--edges", "--rule", "gamma-renamed", "--into", str(tmp_path / "pairs"), *words])
    assert again.edges
    assert again.edges.wanted == found.wanted[1:]


def test_what_no_rule_claims_any_more_is_left_out_of_the_file(found: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    [first, *_] = found.wanted
    gone = replace(first, bound=replace(first.bound, specifier="<4.48"))
    proof.write([proof.Proof(gone, State.NOWHERE, "cpu-float32", "2026-11-29")], found.file)
    monkeypatch.setattr(edges, "tried", lambda pair_run, *_: results(pair_run, broken=False))
    found.measure(10, lambda _: None, lambda _: None)  # type: ignore[arg-type,return-value]
    assert {known.edge for known in proof.read(found.file)} == set(found.wanted)


def test_no_pair_is_begun_after_the_time(found: Edges) -> None:
    said: list[str] = []
    found.measure(-1, lambda _: None, said.append)  # type: ignore[arg-type,return-value]
    assert said == ["the time is over; 4 pairs are left for the next run"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--edges", "--rule", "gamma-rename"], "did you mean 'gamma-renamed'"),
        (["--rule", "gamma-renamed"], "--rule: only bounds are of a rule; add --edges"),
    ],
)
def test_bad_input_is_one_error(words: list[str], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypi, "since", lambda name, *_: LINE[name])
    with pytest.raises(BadInput, match=why):
        AtlasCommand.of(["--matrix", str(ROOT / "matrix.yaml"), *words])


def test_the_rule_s_own_lane_is_used_and_companions_where_all_its_routes_need_them(found: Edges) -> None:
    lanes = {rule: shown_case.lane_of(known) for rule, known in found.rules.items()}
    assert lanes["gamma-renamed"] == "cpu-float32"
    assert lanes["conditional-detr-half"] == "cpu-bfloat16"
    assert lanes["training-arguments-as-weights"] == "cpu-float32-companions"
