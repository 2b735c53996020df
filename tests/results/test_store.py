from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config.errors import BadInput
from harness.contract.case import Case, Outcome
from harness.contract.record import CaseLine, Log, Run
from harness.results import store
from harness.results.provenance import Foreign
from harness.results.store import Current
from tests.plans import MACHINE, PAIR, plan_of

HEADER = {"catalog": "k1", "seed": 0, "pair": {"timm": "1.0.31", "torch": "2.14.1"}}
CELL = {"tower": "t1", "hub": "h1"}
CURRENT = Current(HEADER, CELL)


def run(*planned: str, end: dict[str, Any] | None = None, header: dict[str, Any] | None = None, **outcomes: str) -> Run:
    """A run of cases of route `tower`; `outcomes` are by model."""
    cases = {f"tower/{model}": {"case": f"tower/{model}", "outcome": found} for model, found in outcomes.items()}
    ids = [f"tower/{model}" for model in (*planned, *outcomes)]
    return Run({**HEADER, "cell": CELL, "cases": ids, **(header or {})}, cases, end)


def outcomes(runs: list[Run]) -> dict[str, str]:
    return {case: line["outcome"] for case, line in recorded(runs).records.items()}


def recorded(runs: list[Run], current: Current | None = CURRENT) -> store.Recorded:
    return store.of("pair", "cpu-float32", runs, current)


NO_INDEX = {"failed": "environment", "reason": "no such release: timm 9.9.9"}


def test_the_last_current_line_of_a_case_counts() -> None:
    assert outcomes([run(a="keys", b="passed"), run(a="passed")]) == {"tower/a": "passed", "tower/b": "passed"}


@pytest.mark.parametrize("name", HEADER)
def test_a_run_made_under_another_header_does_not_count(name: str) -> None:
    assert outcomes([run(a="passed"), run(header={name: "other"}, a="keys")]) == {"tower/a": "passed"}


def test_an_expected_value_of_none_is_none_or_nothing() -> None:
    unlocked = Current({**HEADER, "lock": None}, CELL)
    assert unlocked.is_header(run(header={"lock": None}))
    assert unlocked.is_header(run())
    assert not unlocked.is_header(run(header={"lock": "abc"}))


def test_a_record_counts_by_the_digest_of_its_own_route() -> None:
    assert outcomes([run(header={"cell": {"tower": "t1", "hub": "new"}}, a="passed")]) == {"tower/a": "passed"}
    assert outcomes([run(header={"cell": {"tower": "old", "hub": "h1"}}, a="passed")]) == {}


@pytest.mark.parametrize("cell", ["t1", None, {}], ids=["one digest for all routes", "none", "another route's"])
def test_a_run_without_a_digest_of_the_route_does_not_count(cell: object) -> None:
    assert outcomes([run(header={"cell": cell}, a="passed")]) == {}


def test_without_a_current_value_every_record_counts() -> None:
    runs = [run(header={"cell": None, "pair": {"timm": "9"}}, a="passed")]
    assert recorded(runs, None).records["tower/a"]["outcome"] == "passed"


def test_a_run_that_did_not_finish_counts_as_far_as_it_came() -> None:
    assert outcomes([run("b", a="passed")]) == {"tower/a": "passed"}


@pytest.mark.parametrize("end", [None, NO_INDEX, {"failed": None}], ids=["killed", "failed", "ended"])
@pytest.mark.parametrize("before", ["passed", "keys", "not-run", "unsupported"])
def test_a_planned_case_without_a_line_withdraws_whatever_was_there(before: str, end: dict[str, Any] | None) -> None:
    runs = [run(a=before, b=before, end={"failed": None}), run("a", b="passed", end=end)]
    assert outcomes(runs) == {"tower/b": "passed"}
    assert recorded(runs).standing.withdrawn == (set() if before == "not-run" else {"tower/a"})


def test_a_run_of_other_code_withdraws_nothing() -> None:
    runs = [run(a="keys"), run("a", header={"cell": {"tower": "old"}})]
    assert outcomes(runs) == {"tower/a": "keys"}


@pytest.mark.parametrize("before", ["passed", "keys", "unsupported"])
def test_that_a_case_could_not_be_run_replaces_no_result(before: str) -> None:
    found = recorded([run(a=before), run(a="not-run")])
    assert found.records["tower/a"]["outcome"] == before
    assert found.standing.not_run == {"tower/a"}
    again = recorded([run(a=before), run(a="not-run"), run(a="passed")])
    assert (again.records["tower/a"]["outcome"], again.standing.not_run) == ("passed", set())


@pytest.mark.parametrize(("before", "beside"), [("passed", 0), ("unsupported", 0), ("keys", 1)])
def test_that_a_case_could_not_be_run_withdraws_a_result_that_is_not_lasting(before: str, beside: int) -> None:
    current = replace(CURRENT, lasting=False)
    found = recorded([run(a=before), run(a="not-run")], current)
    assert (found.records, found.standing.withdrawn) == ({}, {"tower/a"})
    assert len(found.standing.rivals.get("tower/a", ())) == beside
    again = recorded([run(a=before), run(a="not-run"), run(a="passed")], current)
    assert (list(again.records), again.standing.withdrawn) == (["tower/a"], set())
    assert recorded([run(a="not-run")], current).records["tower/a"]["outcome"] == "not-run"


def test_that_a_case_could_not_be_run_hides_no_result_that_was_withdrawn() -> None:
    found = recorded([run(a="keys"), run("a"), run(a="not-run")])
    assert (found.records, found.standing.withdrawn) == ({}, {"tower/a"})


def test_where_there_is_no_result_the_last_run_counts() -> None:
    assert outcomes([run("a"), run(a="not-run")]) == {"tower/a": "not-run"}
    assert outcomes([run(a="not-run"), run("a")]) == {}


IMPORTED = {"transformers": "5.23.0", "timm": "1.0.31", "torch": "2.14.1"}


def imports(**versions: str) -> Run:
    found = run(a="passed")
    return replace(found, cases={"tower/a": {**found.cases["tower/a"], "imported": {**IMPORTED, **versions}}})


def installed(**versions: str) -> Run:
    return run(a="passed", header={"packages": {**IMPORTED, **versions}})


@pytest.mark.parametrize("foreign", [imports, installed], ids=["imported", "installed"])
@pytest.mark.parametrize(
    ("package", "version", "counts"),
    [
        ("timm", "1.0.31", True),
        ("timm", "1.0.31+x1", False),
        ("timm", "1.0.30", False),
        ("timm", "none of ours", False),
        ("torch", "2.14.1+cpu", True),
        ("torch", "2.14.1+cu130", True),
        ("torch", "2.14.1+x1", False),
        ("numpy", "1", True),
    ],
)
def test_a_line_of_other_versions_is_no_record_of_the_pair(
    foreign: Callable[..., Run],
    package: str,
    version: str,
    counts: bool,  # noqa: FBT001
) -> None:
    found = recorded([foreign(**{package: version})])
    assert bool(found.records) is counts
    wanted = {"timm": "1.0.31", "torch": "2.14.1"}.get(package, "")
    assert list(found.foreign) == ([] if counts else [Foreign("tower/a", package, version, wanted)])


def test_a_line_of_other_versions_withdraws_as_if_it_were_not_there_until_there_is_one_of_the_pair() -> None:
    found = recorded([run(a="keys"), imports(timm="1.0.30")])
    assert (found.records, found.standing.withdrawn) == ({}, {"tower/a"})
    found = recorded([imports(timm="1.0.30"), imports()])
    assert (list(found.records), list(found.foreign)) == (["tower/a"], [])


def test_a_version_from_a_source_has_the_label_of_its_pair_alone() -> None:
    pair = {"pair": {"timm": "1.0.31+a1b2c3d", "torch": "2.14.1"}}
    runs = [replace(found, header={**found.header, **pair}) for found in (imports(), imports(timm="1.0.31+x1"))]
    from_an_address = Current({**HEADER, **pair}, CELL)
    assert [len(recorded([found], from_an_address).records) for found in runs] == [1, 1]
    from_a_wheel = Current({**HEADER, **pair}, CELL, wheels={"timm": "1.0.31+x1"})
    assert [len(recorded([found], from_a_wheel).records) for found in runs] == [0, 1]


def test_an_environment_that_could_not_be_made_withdraws_what_was_to_run_again() -> None:
    runs = [run(a="passed", b="passed"), run("a", end=NO_INDEX)]
    assert outcomes(runs) == {"tower/b": "passed"}
    assert store.last_failure(runs, CURRENT) == "no such release: timm 9.9.9"


def test_an_environment_made_since_counts_again() -> None:
    runs = [run("a", end=NO_INDEX), run(a="passed", end={"failed": None})]
    assert outcomes(runs) == {"tower/a": "passed"}
    assert store.last_failure(runs, CURRENT) is None


def test_another_pair_of_pins_failing_to_install_says_nothing_here() -> None:
    assert store.last_failure([run("a", end=NO_INDEX, header={"pair": "other"})], CURRENT) is None


def test_a_lane_without_a_file_has_no_records(tmp_path: Path) -> None:
    assert store.load(tmp_path, "pair", "cpu-float32", CURRENT) == store.Recorded("pair", "cpu-float32", {})


def test_a_lane_is_read_from_the_folder_of_its_pair(tmp_path: Path) -> None:
    path = store.path_in(tmp_path, "pair", "cpu-float32")
    assert path == tmp_path / "pair" / "cpu-float32.jsonl"
    with Log(path) as log:
        log.begin(plan_of(["tower/a"]), started="", **MACHINE)
        log.case(Case("tower", "a"), CaseLine(Outcome.PASSED, "", {}))
    lane = store.load(tmp_path, "pair", "cpu-float32", Current({"pair": PAIR}, plan_of([]).cell))
    assert {case: line["outcome"] for case, line in lane.records.items()} == {"tower/a": "passed"}


def test_a_file_that_holds_no_records_is_bad_input_with_a_remedy(tmp_path: Path) -> None:
    path = store.path_in(tmp_path, "pair", "cpu-float32")
    path.parent.mkdir()
    path.write_text('{"kind": "case"}\n')
    with pytest.raises(BadInput) as caught:
        store.load(tmp_path, "pair", "cpu-float32", CURRENT)
    assert str(caught.value) == (
        f"{path}:1: a 'case' line before any run; move that file away, or name another folder with --results"
    )
