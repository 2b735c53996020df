"""The matrix on several machines: shards planned, run as processes beside each other, collected; as one run alone."""

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from harness.results.store import path_in
from tests.pairs.command import FACTS, cases, nox, run
from tests.places import ROOT

PAIRS: Final = ("transformers4.49.0-timm1.0.15", "transformers5.23.0-timm1.0.31")
LANE: Final = "cpu-float32"
LANES: Final = {LANE: {"models": "every"}}


def small_matrix(folder: Path, lanes: Mapping[str, Any] = LANES) -> Path:
    """The shipped matrix with two pairs, and two routes on a handful of models, in these lanes."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - a test's own

    yaml = YAML()
    shipped = yaml.load((ROOT / "matrix.yaml").read_text())
    shipped["pairs"] = [one for one in shipped["pairs"] if one["transformers"] in {"4.49.0", "5.23.0"}]
    models = ["convnext_atto", "test_vit3", "vit_srelpos_small_patch16_224", "test_convnext2", "xcit_nano_12_p16_224"]
    shipped["routes"] = {"wrapper": {"models": models}, "tower": {"models": models}}
    shipped["lanes"] = dict(lanes)
    for rule in shipped["expectations"]:
        rule["routes"] = [route for route in rule["routes"] if route in shipped["routes"]]
    shipped["expectations"] = [rule for rule in shipped["expectations"] if rule["routes"]]
    path = folder / "matrix.yaml"
    yaml.dump(shipped, path)
    return path


def facts(results: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (pair, case): {name: line[name] for name in FACTS}
        for pair in PAIRS
        for case, line in cases(results, pair, LANE).items()
    }


def summary(out: str) -> list[str]:
    """The heat map, and the totals; which case is the example of a cause, durations decide."""
    lines = out.splitlines()
    start = next(at for at, line in enumerate(lines) if "share passed" in line)
    return [*lines[start : lines.index("", start)], *lines[-2:]]


def slowed(results: Path, to: Path) -> Path:
    """The same records of a machine on which everything took a thousand times as long, so that it pays to divide."""
    for pair in PAIRS:
        path = path_in(to, pair, LANE)
        path.parent.mkdir(parents=True)
        lines = [json.loads(line) for line in path_in(results, pair, LANE).read_text().splitlines()]
        slow = [{**line, "seconds": 1000 * line.get("seconds", 0)} for line in lines]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in slow))
    return to


def harness(*words: str) -> str:
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-m", "harness", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return ended.stdout


@pytest.mark.all_faults
def test_shards_run_beside_each_other_are_together_one_run(tmp_path: Path) -> None:
    matrix = small_matrix(tmp_path)
    whole = nox("matrix", "--matrix", str(matrix), results=tmp_path / "whole", seconds=600)
    assert whole.code == 0, whole.out + whole.said
    measured = ["--matrix", str(matrix), "--results", str(slowed(tmp_path / "whole", tmp_path / "slowed"))]
    planned = json.loads(harness("plan", "--shards", "4", *measured))
    assert len(planned["shards"]) == 4

    def shard(place: int) -> None:
        for command in planned["shards"][place]["commands"]:
            words = [*shlex.split(command)[1:], "--results", str(tmp_path / f"shard-{place}")]
            # Machines have environments of their own; here they would install into each other's.
            ended = run("--envdir", str(tmp_path / f"nox-{place}"), *words, seconds=900)
            assert ended.code == 0, ended.out + ended.said

    with ThreadPoolExecutor(2) as machines:
        list(machines.map(shard, range(4)))
    folders = [str(tmp_path / f"shard-{place}") for place in range(4)]
    harness("collect", *folders, "--into", str(tmp_path / "all"))
    assert facts(tmp_path / "all") == facts(tmp_path / "whole")
    report = nox("report", "--matrix", str(matrix), results=tmp_path / "all")
    assert (report.code, summary(report.out)) == (0, summary(whole.out))
