"""A line of a record whose fields are not of their kind is refused with its number and the fields' names."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.contract import record
from harness.contract.fields.record import FIELDS, LARGEST
from tests.findings import finding
from tests.plans import PAIR

RUN: dict[str, Any] = {"kind": "run", "schema": 2, "cases": ["tower/a"], "pair": PAIR}
CASE: dict[str, Any] = {
    "kind": "case",
    "case": "tower/a",
    "route": "tower",
    "model": "a",
    "outcome": "keys",
    "reason": "24 keys renamed",
    "detail": {},
}
END: dict[str, Any] = {"kind": "end", "failed": None}
PRINT = {"shape": [1], "mean": 0.1, "std": 0.0, "absmax": 0.1, "samples": [0.1] * 8}


def written(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    """A lane's file of these lines."""
    path = tmp_path / "lane.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


UNREADABLE: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a case without a model": ([RUN, {**CASE, "case": "tower"}], "2: no case line of this format; see case"),
    "a case id that is no text": ([RUN, {**CASE, "case": 3}], "2: no case line of this format; see case"),
    "run for what is no case": ([RUN, {**CASE, "same_as": "b"}], "2: no case line of this format; see same_as"),
    "a size that is none": ([RUN, {**CASE, "case": "tower/a+tiny"}], "2: no case line of this format; see case"),
    "a planned case without a route": (
        [{**RUN, "cases": ["tower/a", "a"]}],
        "1: no run line of this format; see cases",
    ),
    "planned cases as text": ([{**RUN, "cases": "tower/a"}], "1: no run line of this format; see cases"),
    "planned cases by id": ([{**RUN, "cases": {"tower/a": 1}}], "1: no run line of this format; see cases"),
    "an outcome and a reason": (
        [RUN, {**CASE, "outcome": "fine", "reason": 3}],
        "2: no case line of this format; see outcome, reason",
    ),
    "an end without a word": ([RUN, {**END, "failed": True}], "2: no end line of this format; see failed"),
}


@pytest.mark.parametrize(("lines", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_whose_fields_are_not_what_they_are_is_refused_with_their_names(
    tmp_path: Path, lines: list[dict[str, Any]], message: str
) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(ValueError, match="of this format") as caught:
        record.read(path)
    assert str(caught.value) == f"{path}:{message}"


@pytest.mark.parametrize("name", ["mean", "std", "shape", "samples"])
def test_a_fingerprint_that_lacks_one_of_its_figures_is_refused(tmp_path: Path, name: str) -> None:
    lacking = {key: figure for key, figure in PRINT.items() if key != name}
    path = written(tmp_path, RUN, {**CASE, "fingerprint": {"x": PRINT, "y": lacking}})
    with pytest.raises(ValueError, match="of this format") as caught:
        record.read(path)
    assert str(caught.value) == f"{path}:2: no case line of this format; see fingerprint"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_whole_number_is_a_figure_as_long_as_it_is_a_float_too(tmp_path: Path, sign: int) -> None:
    largest = sign * (LARGEST - 1)
    [run] = record.read(written(tmp_path, RUN, {**CASE, "max_abs": largest}))
    assert run.cases["tower/a"]["max_abs"] == largest
    path = written(tmp_path, RUN, {**CASE, "max_abs": sign * LARGEST})
    with pytest.raises(ValueError, match="of this format") as caught:
        record.read(path)
    assert str(caught.value) == f"{path}:2: no case line of this format; see max_abs"


def test_fields_that_a_line_need_not_have_may_come_and_go(tmp_path: Path) -> None:
    [run] = record.read(written(tmp_path, RUN, {**CASE, "fingerprint": {"x": PRINT}, "of_tomorrow": 1}, END))
    assert (list(run.cases), run.end) == (["tower/a"], END)


FOUND = finding().fields
TRIED: dict[str, Any] = {"outcome": "passed", "findings": [], "remedies": ["load_by_exact_names@0123abcd"]}
SCENARIO: dict[str, Any] = {
    "name": "",
    "outcome": "keys",
    "findings": [FOUND],
    "seconds": 1.5,
    "fingerprint": {"x": PRINT},
    "remedied": {"gamma-renamed": TRIED},
}


def lacking(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


READABLE: dict[str, Any] = {
    "none": None,
    "no scenario": [],
    "whole": [SCENARIO],
    "without a finding": [{**SCENARIO, "findings": []}],
    "without a remedy": [{**SCENARIO, "remedied": None}],
    "without a time and figures": [{"name": "", "outcome": "passed", "findings": []}],
    "a field of tomorrow": [{**SCENARIO, "of_tomorrow": 1}],
}


@pytest.mark.parametrize("scenarios", READABLE.values(), ids=READABLE)
def test_scenarios_are_read(scenarios: object) -> None:
    assert FIELDS["case"]["scenarios"](scenarios)


MALFORMED: dict[str, Any] = {
    "by name": {"": SCENARIO},
    "text": "hidden states",
    "a scenario as text": ["hidden states"],
    "one of two": [SCENARIO, {**SCENARIO, "outcome": "failed"}],
    **{f"without {name}": [lacking(SCENARIO, name)] for name in ("name", "outcome", "findings")},
    "a name that is no text": [{**SCENARIO, "name": 1}],
    "findings that are no list": [{**SCENARIO, "findings": {"0": FOUND}}],
    "a finding as text": [{**SCENARIO, "findings": ["renamed"]}],
    "a finding of no kind": [{**SCENARIO, "findings": [{**FOUND, "kind": "failed"}]}],
    "a finding with another field": [{**SCENARIO, "findings": [{**FOUND, "extra": 1}]}],
    **{f"a finding without {name}": [{**SCENARIO, "findings": [lacking(FOUND, name)]}] for name in FOUND},
    **{
        f"{name} as a number": [{**SCENARIO, "findings": [{**FOUND, name: 1}]}]
        for name in ("where", "what", "how", "example")
    },
    "a count as text": [{**SCENARIO, "findings": [{**FOUND, "count": "1"}]}],
    "a count that is true": [{**SCENARIO, "findings": [{**FOUND, "count": True}]}],
    "seconds that are not finite": [{**SCENARIO, "seconds": float("nan")}],
    "a fingerprint that is none": [{**SCENARIO, "fingerprint": {"x": 1}}],
    "remedied as a list": [{**SCENARIO, "remedied": [TRIED]}],
    **{
        f"remedied without {name}": [{**SCENARIO, "remedied": {"gamma-renamed": lacking(TRIED, name)}}]
        for name in TRIED
    },
    "a remedy that is no text": [{**SCENARIO, "remedied": {"gamma-renamed": {**TRIED, "remedies": [1]}}}],
    "a remedied outcome that is none": [{**SCENARIO, "remedied": {"gamma-renamed": {**TRIED, "outcome": "mended"}}}],
    "an outcome that is a list": [{**SCENARIO, "outcome": []}],
    "a kind that is a list": [{**SCENARIO, "findings": [{**FOUND, "kind": []}]}],
}


@pytest.mark.parametrize("scenarios", MALFORMED.values(), ids=MALFORMED)
def test_scenarios_that_rules_could_not_read_are_refused(scenarios: object) -> None:
    assert not FIELDS["case"]["scenarios"](scenarios)


def test_a_line_whose_scenarios_cannot_be_read_is_refused_by_number(tmp_path: Path) -> None:
    path = written(tmp_path, RUN, {**CASE, "scenarios": [{**SCENARIO, "outcome": "failed"}]})
    with pytest.raises(ValueError, match=r"2: no case line of this format; see scenarios$"):
        record.read(path)
