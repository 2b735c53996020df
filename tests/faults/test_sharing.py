"""The cases of a model run in one process, whatever pytest and pytest-xdist make of each other's ids."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import torch

from harness.catalog import Catalog
from harness.record import Case
from tests.faults.conftest import TOLERANCES

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


def test_two_workers_never_share_a_model(entries: Catalog, tmp_path: Path) -> None:
    cases = [Case(route, model) for model in MODELS for route in ROUTES]
    tolerance = TOLERANCES[torch.float32]
    plan = {
        "pair": {"id": "p"},
        "lane": "cpu-float32",
        "device": "cpu",
        "dtype": "float32",
        "tolerance": asdict(tolerance),
        "limits": {"seconds": 300, "memory_gib": None, "disk_gib": None},
        "cases": [{"case": case.id, **asdict(case)} for case in cases],
        "entries": [asdict(entries[model]) for model in MODELS],
        "needs": {},
        "room": [],
        **dict.fromkeys(("schema", "selection", "own", "weights", "seed", "lock", "catalog", "cell", "fallbacks")),
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    (tmp_path / "where.py").write_text(WHERE)
    (tmp_path / "scratch").mkdir()
    options = ("--plan", tmp_path / "plan.json", "--records", tmp_path / "r.jsonl", "--scratch", tmp_path / "scratch")
    here = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}  # these tests' own
    paths = os.pathsep.join([str(ROOT), str(tmp_path)])
    subprocess.run(  # noqa: S603 - the test's own words
        [
            *(sys.executable, "-m", "pytest", ROOT / "tests" / "matrix", "-p", "where", "-p", "harness.cell.plugin"),
            *("-p", "no:cacheprovider", "-q", "-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"),
            *("--parent", str(os.getpid()), *options),
        ],
        env={**here, "PYTHONPATH": paths, "PYTEST_ADDOPTS": "", "WHERE": str(tmp_path / "where.txt")},
        check=True,
        capture_output=True,
    )
    ran = [line.split() for line in (tmp_path / "where.txt").read_text().splitlines()]
    assert sorted(case for _, case in ran) == sorted(case.id for case in cases)
    workers = defaultdict(set)
    for worker, case in ran:
        workers[Case.parse(case).model].add(worker)
    assert len(set.union(*workers.values())) == 2
    assert {model: len(found) for model, found in workers.items()} == dict.fromkeys(MODELS, 1)
