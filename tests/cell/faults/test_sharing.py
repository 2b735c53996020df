"""The cases of a model run in one process, and a case may stand for another."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from harness.cell.runtime.plugin import standing_for
from harness.contract.case import Case, Outcome, Size
from harness.contract.catalog import Catalog
from harness.contract.record import CaseLine, read
from tests.cell.faults.conftest import plan_of
from tests.places import ROOT

MODELS = ("convnext_atto", "resnet18", "test_vit2")
ROUTES = ("wrapper", "classifier", "tower", "resume")
WHERE = """
import os
def pytest_runtest_call(item):
    if os.environ["KILLS"] and f"[{os.environ['KILLS']}]" in item.nodeid:
        os._exit(1)
def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" in os.environ and report.when == "call":
        with open(os.environ["WHERE"], "a") as file:
            file.write(os.environ["PYTEST_XDIST_WORKER"] + " " + report.nodeid.partition("[")[2].rstrip("]") + "\\n")
"""


def run(cases: list[Case], entries: Catalog, folder: Path, kills: str = "", **more: Any) -> list[tuple[str, str]]:
    """Run the cases by two workers; worker and case, in the order in which cases ended."""
    plan = plan_of(cases, entries, **more)
    (folder / "plan.json").write_text(plan.dumps())
    (folder / "where.py").write_text(WHERE)
    (folder / "scratch").mkdir()
    options = ("--plan", folder / "plan.json", "--records", folder / "r.jsonl", "--scratch", folder / "scratch")
    here = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}  # these tests' own
    paths = os.pathsep.join([str(ROOT), str(folder)])
    subprocess.run(  # noqa: S603 - the test's own words
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                ROOT / "tests" / "matrix",
                "-p",
                "where",
                "-p",
                "harness.cell.runtime.plugin",
            ),
            *("-p", "no:cacheprovider", "-q", "-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"),
            *("--parent", str(os.getpid()), *options),
        ],
        env={**here, "PYTHONPATH": paths, "PYTEST_ADDOPTS": "", "WHERE": str(folder / "where.txt"), "KILLS": kills},
        check=not kills,
        capture_output=True,
    )
    lines = (folder / "where.txt").read_text().splitlines()
    return [(worker, case) for worker, _, case in (line.partition(" ") for line in lines)]


@pytest.mark.slow
def test_two_workers_never_share_a_model(entries: Catalog, tmp_path: Path) -> None:
    cases = [Case(route, model) for model in MODELS for route in ROUTES]
    ran = run(cases, entries, tmp_path)
    assert sorted(case for _, case in ran) == sorted(case.id for case in cases)
    workers = defaultdict(set)
    for worker, case in ran:
        workers[Case.parse(case).model].add(worker)
    assert len(set.union(*workers.values())) == 2
    assert {model: len(names) for model, names in workers.items()} == dict.fromkeys(MODELS, 1)


@pytest.mark.slow
def test_models_that_do_not_fit_beside_each_other_run_one_after_another(entries: Catalog, tmp_path: Path) -> None:
    cases = [Case(route, model, size=Size.FULL) for model in MODELS for route in ("wrapper", "tower")]
    ran = run(cases, entries, tmp_path, needs=dict.fromkeys(MODELS, (6.0, 1.0)), room=(10.0, 10.0))
    models = [Case.parse(case).model for _, case in ran]
    assert [*dict.fromkeys(models)] == [model for model, _ in groupby(models)]  # none is begun before another's end
    assert len({worker for worker, _ in ran}) == 2
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    took = [line["detail"] for line in lines if line["kind"] == "case"]
    assert all({"held_mb", "disk_mb"} <= detail.keys() for detail in took if detail["phases"]["load"] > 1)
    assert list((tmp_path / "scratch").rglob("*.safetensors")) == []


TWINS = {f"{route}/resnet18": f"{route}/test_vit2" for route in ("wrapper", "tower")}
CASES = [Case(route, model) for model in ("test_vit2", "resnet18") for route in ("wrapper", "tower")]


def recorded(entries: Catalog, folder: Path, kills: str = "") -> Mapping[str, Mapping[str, Any]]:
    """The records of a run in which a ViT stands for a ResNet; `kills` names a case that kills its process."""
    run(CASES, entries, folder, kills=kills, same_as=TWINS)
    [run_record] = read(folder / "r.jsonl")
    assert run_record.end is not None
    assert run_record.end["cases"] == len(CASES)
    return run_record.cases


@pytest.mark.slow
def test_a_case_stands_for_the_cases_of_equal_models(entries: Catalog, tmp_path: Path) -> None:
    records = recorded(entries, tmp_path)
    for case, other in TWINS.items():
        first = records[other]
        detail = {name: value for name, value in first["detail"].items() if name != "phases"}
        named = {"case": case, "model": "resnet18", "same_as": other}
        assert records[case] == {**first, **named, "detail": detail, "seconds": None, "peak_rss_mb": None}


@pytest.mark.slow
def test_a_case_that_dies_stands_for_no_other(entries: Catalog, tmp_path: Path) -> None:
    records = recorded(entries, tmp_path, kills="wrapper/test_vit2")
    assert {case: (record["outcome"], record.get("same_as")) for case, record in records.items()} == {
        "wrapper/test_vit2": ("crashed", None),
        "tower/test_vit2": ("passed", None),
        "wrapper/resnet18": ("passed", None),
        "tower/resnet18": ("passed", "tower/test_vit2"),
    }


@pytest.mark.parametrize(
    "record",
    [
        None,
        CaseLine(Outcome.PASSED, "", {"nondeterministic": {"outcome": "keys", "reason": "once"}}),
        CaseLine(Outcome.PASSED, "slim_test_vit2 has no such layer", {}),
        CaseLine(Outcome.PASSED, "", {"error": {"message": "test_vit2 is unknown"}}),
    ],
    ids=["without a record", "otherwise on a second try", "its name in the reason", "its name in the detail"],
)
def test_a_case_that_is_not_deterministic_or_names_its_model_stands_for_no_other(record: CaseLine | None) -> None:
    assert standing_for(record, Case("wrapper", "test_vit2")) is None


def test_what_a_record_says_of_its_own_run_is_left_out_for_others() -> None:
    detail = {"silent": False, "phases": {"load": 0.1}, "peak_gpu_mb": 5.0}
    record = CaseLine(Outcome.PASSED, "", detail, seconds=0.2, peak_rss_mb=900.0)
    assert standing_for(record, Case("wrapper", "test_vit2")) == CaseLine(
        outcome=Outcome.PASSED,
        reason="",
        detail={"silent": False},
        seconds=None,
        peak_rss_mb=None,
        same_as="wrapper/test_vit2",
    )
