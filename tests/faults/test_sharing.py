"""The cases of a model run in one process, whatever pytest and pytest-xdist make of each other's ids."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from harness.catalog import Catalog
from harness.record import SCHEMA, Case, read
from tests.faults.conftest import plan_of

ROOT = Path(__file__).parents[2]
MODELS = ("convnext_atto", "resnet18", "test_vit2")
ROUTES = ("wrapper", "classifier", "tower", "resume")
WHERE = """
import os
from pathlib import Path
from harness.cell.plugin import RECORD
def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" in os.environ and report.when == "call":
        with open(os.environ["WHERE"], "a") as file:
            file.write(os.environ["PYTEST_XDIST_WORKER"] + " " + report.nodeid.partition("[")[2].rstrip("]") + "\\n")
"""


def run(cases: list[Case], entries: Catalog, folder: Path, **more: Any) -> list[tuple[str, str]]:
    """Two workers' share of these cases: which of them ran which, in the order in which they ended."""
    plan = plan_of(cases, entries, **more)
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "where.py").write_text(WHERE)
    (folder / "scratch").mkdir()
    options = ("--plan", folder / "plan.json", "--records", folder / "r.jsonl", "--scratch", folder / "scratch")
    here = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}  # these tests' own
    paths = os.pathsep.join([str(ROOT), str(folder)])
    subprocess.run(  # noqa: S603 - the test's own words
        [
            *(sys.executable, "-m", "pytest", ROOT / "tests" / "matrix", "-p", "where", "-p", "harness.cell.plugin"),
            *("-p", "no:cacheprovider", "-q", "-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"),
            *("--parent", str(os.getpid()), *options),
        ],
        env={**here, "PYTHONPATH": paths, "PYTEST_ADDOPTS": "", "WHERE": str(folder / "where.txt")},
        check=True,
        capture_output=True,
    )
    lines = (folder / "where.txt").read_text().splitlines()
    return [(worker, case) for worker, _, case in (line.partition(" ") for line in lines)]


def test_two_workers_never_share_a_model(entries: Catalog, tmp_path: Path) -> None:
    cases = [Case(route, model) for model in MODELS for route in ROUTES]
    ran = run(cases, entries, tmp_path)
    assert sorted(case for _, case in ran) == sorted(case.id for case in cases)
    workers = defaultdict(set)
    for worker, case in ran:
        workers[Case.parse(case).model].add(worker)
    assert len(set.union(*workers.values())) == 2
    assert {model: len(found) for model, found in workers.items()} == dict.fromkeys(MODELS, 1)


@pytest.mark.slow
def test_models_for_which_there_is_no_room_beside_each_other_run_one_after_the_other(
    entries: Catalog, tmp_path: Path
) -> None:
    cases = [Case(route, model, size="full") for model in MODELS for route in ("wrapper", "tower")]
    ran = run(cases, entries, tmp_path, needs={model: [6, 1] for model in MODELS}, room=[10, 10])
    models = [Case.parse(case).model for _, case in ran]
    assert [*dict.fromkeys(models)] == [model for model, _ in groupby(models)]  # none is begun before another's end
    assert len({worker for worker, _ in ran}) == 2
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    took = [line["detail"] for line in lines if line["kind"] == "case"]
    assert all({"held_mb", "disk_mb"} <= detail.keys() for detail in took if detail["phases"]["load"] > 1)
    assert list((tmp_path / "scratch").rglob("*.safetensors")) == []


def test_what_is_run_for_another_is_recorded_for_it_too(entries: Catalog, tmp_path: Path) -> None:
    cases = [Case("wrapper", model) for model in ("convnext_atto", "resnet18", "test_vit2")]
    ran = run(cases, entries, tmp_path, schema=SCHEMA, same_as={"wrapper/resnet18": "wrapper/test_vit2"})
    assert sorted(case for _, case in ran) == ["wrapper/convnext_atto", "wrapper/test_vit2"]
    [told] = read(tmp_path / "r.jsonl")
    assert told.missing == []
    assert told.end is not None
    assert told.end["counts"] == {"passed": 3}
    other, itself = told.cases["wrapper/resnet18"], told.cases["wrapper/test_vit2"]
    named = {"case": "wrapper/resnet18", "model": "resnet18", "same_as": "wrapper/test_vit2"}
    assert other == {**itself, **named, "seconds": None, "peak_rss_mb": None}
