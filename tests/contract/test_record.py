import json
import math
import socket
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.config.names import VARIANTS
from harness.contract import folder, record
from harness.contract.case import Case, Outcome, Size
from harness.contract.fields.record import FIELDS
from harness.contract.finding import ScenarioLine, Tried, scenarios_of
from harness.contract.record import CaseLine, Log
from tests.findings import finding
from tests.places import SCHEMAS
from tests.plans import MACHINE, PAIR, plan_of

SCHEMA = json.loads((SCHEMAS / "record.json").read_text())
LINE = jsonschema.Draft202012Validator(SCHEMA)

STARTED = "2026-01-01T00:00:00+00:00"
PLAN = plan_of(["tower/a", "tower/b@sharded+full"])
RUN: dict[str, Any] = {
    "kind": "run",
    "schema": 2,
    "pair": PAIR,
    "lane": "cpu-float32",
    "cases": ["tower/a", "tower/b@sharded+full"],
    "selection": {"quick": True},
    "own": None,
    "weights": None,
    "started": STARTED,
    **MACHINE,
    "seed": 0,
    "lock": None,
    "catalog": "0123456789abcdef",
    "cell": {"tower": "fedcba9876543210"},
    "fallbacks": 0,
}
FOUND = finding(count=24, example="a.gamma became a.weight")
SCENARIO = ScenarioLine(
    "hidden states",
    Outcome.KEYS,
    (FOUND,),
    0.5,
    {"x": {"shape": [1, 0]}},
    {"gamma-renamed": Tried(Outcome.TENSORS, (finding("tensors"),), ("load_by_exact_names@0123abcd",))},
)
CASE: dict[str, Any] = {
    "kind": "case",
    "case": "tower/a",
    "route": "tower",
    "model": "a",
    "size": "slim",
    "variant": "safetensors",
    "outcome": "keys",
    "reason": "24 keys renamed",
    "detail": {"silent": True},
    "max_abs": 0.5,
    "max_rel": None,
    "noise": 0,
    "fingerprint": {"x": {"shape": [1], "mean": 0.1, "std": 0.0, "absmax": 0.1, "samples": [0.1] * 8}},
    "seconds": 1.5,
    "peak_rss_mb": 900,
    "scenarios": [
        {
            "name": "hidden states",
            "outcome": "keys",
            "findings": [FOUND.fields],
            "seconds": 0.5,
            "fingerprint": {"x": {"shape": [1, 0]}},
            "remedied": {
                "gamma-renamed": {
                    "outcome": "tensors",
                    "findings": [finding("tensors").fields],
                    "remedies": ["load_by_exact_names@0123abcd"],
                }
            },
        }
    ],
}
END: dict[str, Any] = {
    "kind": "end",
    "cases": 1,
    "counts": {"keys": 1},
    "ended": "2026-01-01T00:01:00+00:00",
    "failed": None,
}


LINE_OF_CASE = CaseLine(
    outcome=Outcome.KEYS,
    reason=CASE["reason"],
    detail=CASE["detail"],
    max_abs=0.5,
    noise=0,
    fingerprint=CASE["fingerprint"],
    seconds=1.5,
    peak_rss_mb=900,
    scenarios=(SCENARIO,),
)


def begin(log: Log) -> None:
    log.begin(PLAN, started=STARTED, **MACHINE)


def write_case(log: Log, **fields: Any) -> None:
    log.case(Case("tower", "a"), replace(LINE_OF_CASE, **fields))


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "pair" / "cpu-float32.jsonl"
    with Log(path) as log:
        begin(log)
        write_case(log)
        log.end({"keys": 1}, ended=END["ended"])
        begin(log)
    first, second = record.read(path)
    written_by = {"machine": socket.gethostname(), "folder": folder.identity(tmp_path), "sequence": 1}
    LINE.validate(first.header)
    assert (first.header, first.cases, first.end) == ({**RUN, **written_by}, {"tower/a": CASE}, END)
    assert (second.header, second.cases, second.end) == ({**RUN, **written_by, "sequence": 2}, {}, None)


def test_a_run_has_the_next_place_of_its_folder_whatever_the_clock_says_and_others_recorded(tmp_path: Path) -> None:
    path = tmp_path / "pair" / "lane.jsonl"
    ours = folder.identity(tmp_path)
    path.parent.mkdir()
    there = [{**RUN, "folder": ours, "sequence": 7}, {**RUN, "folder": "another", "sequence": 9}, RUN | {"sequence": 1}]
    path.write_text("".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in there))
    with Log(path) as log:
        log.begin(PLAN, started="2020-01-01T00:00:00+00:00", **MACHINE)
        assert log.place == {"folder": ours, "sequence": 9}
    assert [run.header["sequence"] for run in record.read(path)] == [7, 9, 1, 8]


def test_the_lanes_of_a_folder_are_of_one_folder(tmp_path: Path) -> None:
    for name in ("a/cpu-float32.jsonl", "a/cuda-float32.jsonl", "b/cpu-float32.jsonl"):
        with Log(tmp_path / name) as log:
            assert log.place == {"folder": folder.identity(tmp_path), "sequence": 1}


def test_the_time_of_a_run_tells_two_within_a_second_apart() -> None:
    assert len(record.now()) == len("2026-01-01T00:00:00.000000+00:00")


def test_the_versions_that_a_worker_imported_are_in_its_line_where_it_says_them(tmp_path: Path) -> None:
    path = tmp_path / "pair" / "lane.jsonl"
    imported = {"transformers": "5.23.0", "timm": "1.0.31", "torch": "2.14.1+cpu"}
    with Log(path) as log:
        begin(log)
        write_case(log)
        write_case(log, imported=imported)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert ("imported" in lines[1], lines[2]["imported"]) == (False, imported)
    LINE.validate(lines[2])
    assert CaseLine.of(replace(LINE_OF_CASE, imported=imported).fields).imported == imported


def test_a_run_knows_which_planned_cases_have_no_line(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    with Log(path) as log:
        begin(log)
        write_case(log)
    (run,) = record.read(path)
    assert run.missing == ["tower/b@sharded+full"]


def test_a_line_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    with Log(path) as log:
        begin(log)
        assert path.read_text().endswith("}\n")


def test_a_torn_line_stays_and_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    with Log(path) as log:
        begin(log)
    torn = '{"kind":"case","case":"tow'
    path.write_text(path.read_text() + torn)
    with Log(path) as log:
        begin(log)
        write_case(log)
    assert torn in path.read_text().splitlines()
    assert [list(run.cases) for run in record.read(path)] == [[], ["tower/a"]]


def test_a_figure_that_is_not_finite_becomes_null_at_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    detail = {"buffers": [{"max": math.inf}, (-math.inf, 1.0)], "nonfinite": True}
    with Log(path) as log:
        write_case(log, max_abs=math.nan, detail=detail)
    line = json.loads(path.read_text())
    assert line["max_abs"] is None
    assert line["detail"] == {"buffers": [{"max": None}, [None, 1.0]], "nonfinite": True}


@pytest.mark.parametrize("name", ["seconds", "max_abs", "max_rel", "noise"])
@pytest.mark.parametrize("figure", ["NaN", "-Infinity", "1" + 400 * "0", '"1"', "true"], ids=lambda one: one[:8])
def test_a_figure_that_no_report_could_draw_is_refused_by_number(tmp_path: Path, name: str, figure: str) -> None:
    path = tmp_path / "lane.jsonl"
    line = json.dumps({**CASE, name: "here"}).replace('"here"', figure)
    path.write_text(f"{json.dumps(RUN)}\n{line}\n")
    with pytest.raises(ValueError, match=rf"2: no case line of this format; see {name}$"):
        record.read(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [(CASE, "1: a 'case' line before any run"), (END, "1: a 'end' line before any run")],
    ids=["case", "end"],
)
def test_a_line_that_no_run_owns_is_refused_by_number(tmp_path: Path, line: dict[str, Any], message: str) -> None:
    path = tmp_path / "lane.jsonl"
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(ValueError, match=message):
        record.read(path)


def test_a_line_of_an_unknown_kind_is_refused_by_number(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    path.write_text(json.dumps(RUN) + '\n{"kind": "note"}\n')
    with pytest.raises(ValueError, match="2: unknown kind 'note'"):
        record.read(path)


IDS = {
    "tower/eva02_tiny_patch14_224": Case("tower", "eva02_tiny_patch14_224"),
    "tower/eva02_tiny_patch14_224+full": Case("tower", "eva02_tiny_patch14_224", size=Size.FULL),
    "wrapper/a@sharded": Case("wrapper", "a", "sharded"),
    "wrapper/a@low-cpu-mem+full": Case("wrapper", "a", "low-cpu-mem", Size.FULL),
}


@pytest.mark.parametrize(("text", "case"), IDS.items(), ids=IDS)
def test_a_case_and_its_id_are_the_same_thing(text: str, case: Case) -> None:
    assert case.id == text
    assert Case.parse(text) == case


@pytest.mark.parametrize("text", ["tower", "/model", "tower/", "tower/@sharded", "tower/+full"])
def test_a_text_that_is_no_case_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no case id; one reads route/model@variant\+size$"):
        Case.parse(text)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (SCHEMA["$defs"]["outcome"]["enum"], Outcome),
        (SCHEMA["$defs"]["case"]["properties"]["size"]["enum"], Size),
        (SCHEMA["$defs"]["case"]["properties"]["variant"]["enum"], VARIANTS),
    ],
    ids=["outcomes", "sizes", "variants"],
)
def test_the_schema_knows_the_same_words(named: list[str], words: Iterable[str]) -> None:
    assert len(named) == len(set(named))
    assert set(named) == set(words)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def with_scenario(**fields: Any) -> dict[str, Any]:
    """The case with these fields in its scenario."""
    return {**CASE, "scenarios": [{**CASE["scenarios"][0], **fields}]}


TRIED = CASE["scenarios"][0]["remedied"]["gamma-renamed"]
FAILED = {**END, "cases": 0, "counts": {}, "failed": "environment", "reason": "no such release: transformers 9.9.9"}
VALID = {
    "run": RUN,
    "case": CASE,
    "end": END,
    "case run for another": {**CASE, "same_as": "tower/b"},
    "passed without a reason": {**CASE, "outcome": "passed", "reason": None},
    "environment failed": FAILED,
    "a case without scenarios": {**CASE, "scenarios": []},
    "a scenario without a time": with_scenario(seconds=None, fingerprint=None, remedied={}),
}


@pytest.mark.parametrize("line", VALID.values(), ids=VALID)
def test_the_schema_takes(line: dict[str, Any]) -> None:
    LINE.validate(line)


@pytest.mark.parametrize(
    ("line", "name"),
    [(line, name) for line in (RUN, CASE, END) for name in line],
    ids=[f"{line['kind']} {name}" for line in (RUN, CASE, END) for name in line],
)
def test_the_schema_misses_each_required_field(line: dict[str, Any], name: str) -> None:
    lacking = deepcopy(line)
    del lacking[name]
    assert not LINE.is_valid(lacking)


INVALID = {
    "unknown field in run": {**RUN, "extra": 1},
    "unknown field in case": {**CASE, "extra": 1},
    "unknown field in end": {**END, "extra": 1},
    "another schema": {**RUN, "schema": 1},
    "a pair without an id": {**RUN, "pair": {name: text for name, text in RUN["pair"].items() if name != "id"}},
    "unknown lane": {**RUN, "lane": "cpu"},
    "no case planned": {**RUN, "cases": []},
    "a case id without a route": {**RUN, "cases": ["a"]},
    "unknown outcome": {**CASE, "outcome": "failed"},
    "unknown size": {**CASE, "size": "tiny"},
    "unknown variant": {**CASE, "variant": "gguf"},
    "a signed difference": {**CASE, "max_abs": -1.0},
    "a figure as text": {**CASE, "max_abs": "NaN"},
    "a reason of two lines": {**CASE, "reason": "one\ntwo"},
    "broken without a reason": {**CASE, "reason": None},
    "not run without a reason": {**CASE, "outcome": "not-run", "reason": ""},
    "an unknown outcome counted": {**END, "counts": {"failed": 1}},
    "failed without a reason": {**END, "failed": "environment"},
    "unknown kind": {**END, "kind": "note"},
    "an unknown outcome of a scenario": with_scenario(outcome="failed"),
    "an unknown field in a scenario": with_scenario(extra=1),
    "a finding of no kind": with_scenario(findings=[{**FOUND.fields, "kind": "failed"}]),
    "a finding of nothing": with_scenario(findings=[{**FOUND.fields, "count": 0}]),
    "a finding without a description": with_scenario(findings=[{"kind": "keys", "count": 1}]),
    "remedied without a remedy": with_scenario(remedied={"gamma-renamed": {**TRIED, "remedies": []}}),
}


@pytest.mark.parametrize("line", INVALID.values(), ids=INVALID)
def test_the_schema_refuses(line: dict[str, Any]) -> None:
    assert not LINE.is_valid(line)


PRINT = {"shape": [1], "mean": 0.1, "std": 0.0, "absmax": 0.1, "samples": [0.1] * 8}


@pytest.mark.parametrize(
    ("fingerprint", "readable"),
    [
        (None, True),
        ({}, True),
        ({"x": PRINT}, True),
        ({"x": {"shape": [1, 0]}}, True),
        ({"x": {**PRINT, "mean": None}}, True),
        ({"x": {**PRINT, "mean": "0.1"}}, False),
        ({"x": {**PRINT, "samples": [0.1]}}, False),
        ({"x": {**PRINT, "samples": None}}, False),
        ({"x": {"absmax": 0.1}}, False),
        ({"x": 5}, False),
        ([1], False),
    ],
)
def test_a_fingerprint_is_figures_or_the_line_is_refused(fingerprint: object, readable: bool) -> None:  # noqa: FBT001
    assert FIELDS["case"]["fingerprint"](fingerprint) is readable


def written(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    """A lane's file of these lines."""
    path = tmp_path / "lane.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def test_a_line_torn_within_a_letter_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, RUN)
    path.write_bytes(path.read_bytes() + '{"kind":"case","reason":"λ'.encode()[:-1] + b"\n" + b"[1]\n")
    with Log(path) as log:
        write_case(log)
    assert [list(run.cases) for run in record.read(path)] == [["tower/a"]]


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("{", "{\n"), ("{}\n", "{}\n"), ('{"kind', '{"kind\n')],
    ids=["nothing", "one letter", "a whole line", "half a line"],
)
def test_a_line_break_is_added_to_a_line_that_was_torn_alone(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "lane.jsonl"
    path.write_text(before)
    with Log(path) as log:
        log.end({"keys": 2, "passed": 1}, ended="now", failed="λ")
    line = '{"kind":"end","cases":3,"counts":{"keys":2,"passed":1},"ended":"now","failed":"\\u03bb"}\n'
    assert path.read_text(encoding="utf-8") == after + line


def test_a_file_that_is_empty_has_no_runs(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    path.touch()
    assert record.read(path) == []


def types_in(value: Any) -> set[type]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*map(types_in, inside))


def test_what_a_worker_sends_has_no_type_of_ours_at_any_depth() -> None:
    line = replace(LINE_OF_CASE, detail={"cause": Outcome.OUTPUTS, "sizes": [(Size.FULL, 1.5)]})
    assert types_in(line.fields) <= {dict, list, str, float, int, bool, type(None)}
    assert CaseLine.of(line.fields).outcome is Outcome.KEYS


def test_a_scenario_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    with Log(path) as log:
        begin(log)
        write_case(log)
    [run] = record.read(path)
    LINE.validate(run.cases["tower/a"])
    assert scenarios_of(run.cases["tower/a"]) == (SCENARIO,)
    assert CaseLine.of(LINE_OF_CASE.fields) == LINE_OF_CASE


OLDER_RUN, OLDER_CASE = {**RUN, "schema": 1}, {"kind": "case", "case": "tower/a", "outcome": "keys", "reason": "lost"}


def test_a_run_of_an_older_schema_is_skipped_and_no_other_is_lost(tmp_path: Path) -> None:
    older = [OLDER_RUN, OLDER_CASE, END]
    path = written(tmp_path, RUN, CASE, END, *older, {**RUN, "lock": "l2"}, {**CASE, "outcome": "tensors"}, *older)
    runs = record.read(path)
    assert [(run.header["lock"], run.cases["tower/a"]["outcome"], run.end) for run in runs] == [
        (None, "keys", END),
        ("l2", "tensors", None),
    ]
    assert record.read(written(tmp_path, *older)) == []


def test_an_older_run_does_not_end_the_one_before_it(tmp_path: Path) -> None:
    [run] = record.read(written(tmp_path, RUN, OLDER_RUN, {**CASE, "outcome": "passed"}, END))
    assert (run.cases, run.end) == ({}, None)


@pytest.mark.parametrize("schema", [3, True, None, "2", 1.0], ids=str)
def test_a_schema_that_is_neither_ours_nor_older_is_refused_by_number(tmp_path: Path, schema: object) -> None:
    path = written(tmp_path, RUN, {**RUN, "schema": schema}, OLDER_CASE)
    with pytest.raises(ValueError, match=r"2: no run line of this format; see schema$"):
        record.read(path)


def test_a_line_of_an_unknown_kind_in_an_older_run_is_refused_by_number(tmp_path: Path) -> None:
    path = written(tmp_path, OLDER_RUN, OLDER_CASE, {"kind": "note"})
    with pytest.raises(ValueError, match="3: unknown kind 'note'"):
        record.read(path)


def test_a_new_run_after_an_older_one_has_the_next_place_of_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "pair" / "lane.jsonl"
    path.parent.mkdir()
    there = {**OLDER_RUN, "folder": folder.identity(tmp_path), "sequence": 7}
    path.write_text(json.dumps(there, separators=(",", ":")) + "\n")
    with Log(path) as log:
        begin(log)
    assert [run.header["sequence"] for run in record.read(path)] == [8]
    assert len(path.read_text().splitlines()) == 2
