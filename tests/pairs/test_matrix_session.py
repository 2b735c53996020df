"""A real pair in its real environment, a part of the matrix small enough to wait for."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from harness.planning import device
from tests.pairs.command import PAIR, Ended, nox, run
from tests.places import ROOT, TIMM, TRANSFORMERS

SELECTION = (
    *("--pair", PAIR, "--model", "convnext_atto", "--model", "test_vit_relpos"),
    *("--route", "wrapper", "--route", "tower", "--variant", "safetensors"),
)
CASES = {f"{route}/{model}" for route in ("wrapper", "tower") for model in ("convnext_atto", "test_vit_relpos")}
HERE = 3  # cpu-float32, the same with companions, cpu-bfloat16; in each a case is broken, and mended by its remedy
NOT_RUN = 3 * len(CASES)  # cuda-float32, cuda-float16, cuda-bfloat16
BROKEN = "tower/test_vit_relpos"  # the tower rule of transformers 5: non-persistent buffers

pytestmark = pytest.mark.slow  # a minute, until the matrix has run once

without_gpu = pytest.mark.skipif(device.cuda_devices() > 0, reason="there is a GPU here")

Edit = Callable[[list[dict[str, Any]]], object]


@dataclass(frozen=True)
class Recorded:
    """What one run left, for all tests to look at."""

    ended: Ended
    results: Path

    def lines(self, lane: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.results / PAIR / f"{lane}.jsonl").read_text().splitlines()]

    @property
    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.results.rglob("*.jsonl")}


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    results = tmp_path_factory.mktemp("results")
    return Recorded(nox("matrix", *SELECTION, "--workers", "1", results=results, seconds=900), results)


@pytest.fixture
def judge_by(recorded: Recorded, tmp_path: Path) -> Callable[[Edit], Ended]:
    """Judges the same records again, by expectations that were edited."""

    def judge(edit: Edit) -> Ended:
        yaml = YAML()
        yaml.preserve_quotes = True
        document = yaml.load(ROOT / "matrix.yaml")
        edit(document["expectations"])
        yaml.dump(document, tmp_path / "matrix.yaml")
        before = recorded.content
        ended = nox("matrix", "--matrix", str(tmp_path / "matrix.yaml"), *SELECTION, results=recorded.results)
        assert recorded.content == before
        return ended

    return judge


def find_other_buffers(rules: list[dict[str, Any]]) -> None:
    for rule in filter(of_towers, rules):
        rule["finds"] = [{"kind": "tensors", "what": "*.rope.*", "how": "uninitialised"}]


def explain_all_tensors_twice(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        if rule["id"] == "gamma-renamed":
            rule |= {"transformers": ">=4", "where": {"model": "*"}, "finds": [{"kind": "tensors", "how": "*"}]}
            rule["remedy"] = "move"


def mend_by_something_else(rules: list[dict[str, Any]]) -> None:
    for rule in filter(of_towers, rules):
        rule["remedy"] = "cast_pixels"


def of_towers(rule: dict[str, Any]) -> bool:
    """Whether it is the rule that explains the broken case."""
    return bool(rule["id"] == "buffers-in-own-model")


def test_the_list_of_sessions_reads_like_the_matrix() -> None:
    listed = run("--list").out
    pairs = YAML(typ="safe").load(ROOT / "matrix.yaml")["pairs"]
    for pair in pairs:
        assert f"* matrix(transformers{pair['transformers']}-timm{pair['timm']}) -> Run every pair" in listed


def test_the_shipped_matrix_ends_in_0_while_nothing_has_changed(recorded: Recorded) -> None:
    assert recorded.ended.out.splitlines()[-1] == "Exit code 0: as expected."
    assert recorded.ended.code == 0


def test_the_records_validate(recorded: Recorded) -> None:
    schema = json.loads((ROOT / "harness" / "schemas" / "record.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    lanes = ("cpu-float32", "cpu-bfloat16", "cuda-float32", "cuda-float16", "cuda-bfloat16")
    lines = [line for lane in lanes for line in recorded.lines(lane)]
    assert [error.message for line in lines for error in validator.iter_errors(line)] == []


def test_every_planned_case_has_its_line(recorded: Recorded) -> None:
    run, *cases, end = recorded.lines("cpu-float32")
    assert [run["kind"], end["kind"]] == ["run", "end"]
    assert set(run["cases"]) == {case["case"] for case in cases} == CASES
    assert end["cases"] == len(CASES)


def test_the_header_names_the_pair_that_ran(recorded: Recorded) -> None:
    run = recorded.lines("cpu-float32")[0]
    installed = {run["packages"][name] for name in ("transformers", "timm")}
    assert installed == {run["pair"][name] for name in ("transformers", "timm")} == {TRANSFORMERS, TIMM}


@pytest.mark.parametrize("lane", ["cpu-float32", "cpu-bfloat16"])
def test_only_the_buffers_of_the_tower_are_lost(recorded: Recorded, lane: str) -> None:
    outcomes = {line["case"]: line["outcome"] for line in recorded.lines(lane)[1:-1]}
    assert outcomes.pop(BROKEN) == "tensors"
    assert set(outcomes.values()) <= {"passed", "drifted"}


def test_a_second_run_runs_nothing_and_is_quick(recorded: Recorded) -> None:
    before, started = recorded.content, time.monotonic()
    ended = nox("matrix", *SELECTION, results=recorded.results)
    assert time.monotonic() - started < 15
    assert f"nox > {PAIR}: all cases are recorded; --rerun runs them again" in ended.said.splitlines()
    assert recorded.content == before
    assert ended.code == 0


@without_gpu
def test_without_a_gpu_the_cuda_lane_is_recorded_as_not_run(recorded: Recorded) -> None:
    run, *cases, end = recorded.lines("cuda-float32")
    assert set(run["cases"]) == {case["case"] for case in cases} == CASES
    assert {(case["outcome"], case["reason"]) for case in cases} == {("not-run", "no CUDA device")}
    assert end["counts"] == {"not-run": len(CASES)}


@without_gpu
def test_without_a_gpu_the_summary_says_what_was_not_run_and_why(recorded: Recorded) -> None:
    assert f"cuda-float32: {len(CASES)} not run (no CUDA device)" in recorded.ended.out.splitlines()
    assert recorded.ended.out.splitlines()[-2] == (
        f"{HERE * (len(CASES) - 1)} passed · {HERE} remedied · {NOT_RUN} not run (no CUDA device)"
    )


def test_with_its_rule_deleted_the_broken_case_regresses_and_is_named(judge_by: Callable[[Edit], Ended]) -> None:
    def delete(rules: list[dict[str, Any]]) -> None:
        rules[:] = [rule for rule in rules if not of_towers(rule)]

    ended = judge_by(delete)
    assert "✘ regressed · tower · tensors · 1 model, 3 cases, 1 pair" in ended.out
    assert f"--route tower --model {BROKEN.partition('/')[2]}" in ended.out
    assert "Exit code 1: something regressed or is fixed." in ended.out
    assert ended.code == 1


def test_with_its_rule_widened_the_sound_case_is_fixed(judge_by: Callable[[Edit], Ended]) -> None:
    def widen(rules: list[dict[str, Any]]) -> None:
        for rule in filter(of_towers, rules):
            rule["where"] = {"layer_scale": True}

    ended = judge_by(widen)
    assert "fixed · tower · 1 model, 3 cases, 1 pair" in ended.out
    assert "--route tower --model convnext_atto --variant safetensors --rerun" in ended.out
    assert ended.code == 1


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (find_other_buffers, "relative_position_index is the largest integer throughout"),
        (explain_all_tensors_twice, "gamma-renamed and buffers-in-own-model explain it: narrow one of them"),
    ],
    ids=["narrowed", "widened"],
)
def test_a_rule_that_explains_too_little_or_too_much_ends_in_1(
    judge_by: Callable[[Edit], Ended], edit: Edit, sentence: str
) -> None:
    ended = judge_by(edit)
    assert sentence in " ".join(ended.out.split())
    assert "✘ regressed · tower · tensors · 1 model, 3 cases, 1 pair" in ended.out
    assert ended.code == 1


@pytest.mark.slow
def test_a_remedy_that_does_not_mend_is_run_and_ends_in_1(recorded: Recorded, tmp_path: Path) -> None:
    shutil.copytree(recorded.results, tmp_path / "results")
    yaml = YAML()
    document = yaml.load(ROOT / "matrix.yaml")
    mend_by_something_else(document["expectations"])
    yaml.dump(document, tmp_path / "matrix.yaml")
    ended = nox("matrix", "--matrix", str(tmp_path / "matrix.yaml"), *SELECTION, results=tmp_path / "results")
    said = " ".join(ended.out.split())
    assert "with the remedy cast_pixels: tensors in non-persistent buffer" in said
    assert "the advice is wrong, or something else is broken too" in said
    assert ended.code == 1


def test_a_pair_that_cannot_be_does_not_hide_the_summary_of_the_others(recorded: Recorded, tmp_path: Path) -> None:
    matrix = (ROOT / "matrix.yaml").read_text()
    wrong = 'pairs:\n  - {transformers: "99.0.0", timm: "1.0.31"}\n'
    (tmp_path / "matrix.yaml").write_text(matrix.replace("pairs:\n", wrong, 1))
    ended = nox(
        "matrix",
        *("--matrix", str(tmp_path / "matrix.yaml"), "--pair", "transformers99.0.0-timm1.0.31", *SELECTION),
        results=recorded.results,
        environments=tmp_path / "environments",
    )
    assert f"{HERE * (len(CASES) - 1)} passed" in ended.out
    assert "Exit code 2: bad input." in ended.out
    assert ended.errors[-1].startswith("transformers==99.0.0: there is no such release on PyPI")
    assert ended.code == 2


@pytest.mark.all_faults  # all 1,300 architectures are looked at, which takes minutes
def test_a_pair_that_the_matrix_does_not_name_runs_with_a_catalog_made_on_the_spot(tmp_path: Path) -> None:
    selection = ("--route", "wrapper", "--model", "convnext_atto*")
    ended = nox("pair", "transformers==5.8.1", "timm==1.0.8", *selection, results=tmp_path, seconds=1800)
    assert "catalog of timm 1.0.8: 25/" in ended.said
    assert (tmp_path / "catalogs" / "timm-1.0.8.ndjson").is_file()
    [records] = tmp_path.glob("transformers5.8.1-timm1.0.8/cpu-float32.jsonl")
    cases = [json.loads(line) for line in records.read_text().splitlines()][1:-1]
    assert {case["case"] for case in cases} >= {"wrapper/convnext_atto", "wrapper/convnext_atto_ols"}
    assert {case["outcome"] for case in cases} <= {"passed", "drifted"}
    assert ended.code == 0
