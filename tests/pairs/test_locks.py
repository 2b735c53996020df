"""Locks as uv makes and installs them, and what a run of the newest releases says of them."""

import json
from pathlib import Path

import pytest

from harness.config import matrix
from harness.config.options import LATEST
from harness.environments import lock
from harness.results.store import path_in
from tests.pairs.command import PAIR, nox, run
from tests.places import ROOT

ONE_CASE = (
    *("--pair", PAIR, "--lane", "cpu-float32", "--route", "processor"),
    *("--model", "resnet18"),
)


def header(results: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path_in(results, PAIR, "cpu-float32").read_text().splitlines()[0])
    return found


@pytest.mark.slow
def test_a_lock_that_is_made_again_fits_its_pair(tmp_path: Path) -> None:
    ended = run("-s", "lock", "--", "--pair", PAIR, "--out", str(tmp_path))
    assert ended.code == 0, ended.said
    pair = next(one for one in matrix.load(ROOT / "matrix.yaml").pairs if one.id == PAIR)
    made = lock.of(pair, tmp_path)
    assert made is not None
    assert made.pins["timm"] == {pair.timm}
    with_companions = lock.of(pair, tmp_path, companions=True)
    assert with_companions is not None
    assert {"accelerate", "peft"} == with_companions.pins.keys() - made.pins.keys() - {"psutil"}


@pytest.mark.slow
def test_the_newest_releases_run_beside_the_locked_ones_and_say_how_they_differ(tmp_path: Path) -> None:
    newest = nox("matrix", *ONE_CASE, "--resolve", "latest", results=tmp_path, seconds=600)
    assert newest.code == 0, newest.said
    assert (
        f"{PAIR}: the newest releases differ from the lock: " in newest.said or f"{PAIR}: as in the lock" in newest.said
    )
    assert header(tmp_path)["lock"] == LATEST
    locked = nox("matrix", *ONE_CASE, results=tmp_path / "locked", seconds=600)
    assert locked.code == 0, locked.said
    found = header(tmp_path / "locked")
    assert found["lock"] == lock.Lock.read(lock.path_in(lock.FOLDER, PAIR)).digest
