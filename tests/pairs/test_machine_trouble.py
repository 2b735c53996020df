"""Trouble of the machine is no result, and what it kept from running runs once it is over."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pairs import saboteur
from tests.pairs.command import ONE_LANE, Ended, among_others, cases, nox

MODELS = ("convnext_atto", "test_vit2")
SELECTION = (
    *(*ONE_LANE, "--workers", "1"),
    *("--route", "wrapper", "--route", "hub", "--route", "roundtrip"),
    *among_others(*MODELS),
)


def run(results: Path, deeds: dict[str, str] | None = None, **variables: str) -> Ended:
    sabotage = {saboteur.SABOTAGE: json.dumps(deeds)} if deeds else {}
    return nox("matrix", *SELECTION, results=results, seconds=300, variables={**sabotage, **variables})


def outcomes(results: Path) -> dict[str, str]:
    return {case: line["outcome"] for case, line in cases(results).items()}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MiB, where this user may make one."""
    disk = tmp_path / "small"
    disk.mkdir()
    mount = shutil.which("mount") or "mount"
    made = subprocess.run(  # noqa: S603 - the test's own words
        [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("only root can make a disk that is too small")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)  # noqa: S603, S607 - as above


@pytest.mark.slow
def test_on_a_full_disk_no_case_has_a_result_and_all_run_once_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    ended = run(results, TMPDIR=str(small_disk))
    full = {case: (line["outcome"], line["reason"]) for case, line in cases(results).items()}
    assert len(full) == 6
    written = {case: found for case, found in full.items() if "convnext_atto" in case}
    assert {outcome for outcome, _ in written.values()} == {"not-run"}, full
    assert all(reason.startswith("no space is left on a disk: ") for _, reason in written.values()), full
    assert set(outcomes(results).values()) <= {"passed", "error", "not-run"}
    assert not list(small_disk.glob("layerscale-matrix-*")), ended.said
    assert run(results).code == 0
    assert "not-run" not in outcomes(results).values()


@pytest.mark.slow
def test_cases_after_the_temporary_folder_was_removed_are_not_run_and_run_with_the_next_command(tmp_path: Path) -> None:
    run(tmp_path, {"wrapper/convnext_atto": "remove"})
    line = cases(tmp_path)["wrapper/convnext_atto"]
    assert line["outcome"] in {"not-run", "passed"}
    assert set(outcomes(tmp_path).values()) <= {"not-run", "passed"}
    assert "not-run" in outcomes(tmp_path).values()
    removed = [line["reason"] for line in cases(tmp_path).values() if line["outcome"] == "not-run"]
    assert all(reason.endswith(", was removed meanwhile") for reason in removed)
    assert run(tmp_path).code == 0
    assert "not-run" not in outcomes(tmp_path).values()


@pytest.mark.slow
def test_a_full_disk_under_the_records_is_one_clear_error_and_the_file_stays_readable(small_disk: Path) -> None:
    results = small_disk / "results"
    results.mkdir()
    filler = small_disk / "filler"
    filler.write_bytes(b"\1" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - 12_000))
    ended = run(results)
    assert ended.code == 4, ended.said
    assert "Traceback" not in ended.said + ended.out
    assert any("No space left on device; nothing can be recorded there" in line for line in ended.errors), ended.said
    filler.unlink()
    assert run(results).code == 0
    assert len(outcomes(results)) == 6
