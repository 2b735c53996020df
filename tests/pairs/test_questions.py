"""bisect and upgrade as they are typed, with real releases."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pairs.command import Ended, nox
from tests.places import CURRENT, ROOT, TRANSFORMERS

ONE_CASE = ("--route", "tower", "--model", "test_convnext")
ENDS = ("--bad", "transformers==4.48.3", "--good", "transformers==4.49.0", "--with", "timm==1.0.15")
MOVE = ("transformers==4.49.0", "--from", "transformers4.48.3-timm1.0.14", "--lane", "cpu-float32", "--measure")


def answer(ended: Ended) -> list[str]:
    """Without what pytest-xdist says of its workers."""
    return [line for line in ended.out.splitlines() if line and not line.startswith("bringing up nodes")]


def test_a_question_that_cannot_be_asked_ends_in_2(tmp_path: Path) -> None:
    ended = nox("bisect", *ONE_CASE, "--good", "transformers==4.49.0", results=tmp_path)
    assert ended.errors == ["--bad is not named; add a release, as in --bad transformers==4.57.6"]
    assert ended.code == 2
    ended = nox("upgrade", f"transformers=={TRANSFORMERS}", *ONE_CASE, results=tmp_path)
    assert ended.errors == [f"{CURRENT} is where it starts; name another release, or another start with --from"]
    assert ended.code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_move_is_answered_from_the_atlas_and_nothing_is_run(tmp_path: Path) -> None:
    words = ("transformers==5.23.0", "timm==1.0.31", "--from", "transformers4.57.6-timm1.0.22", *ONE_CASE)
    ended = nox("upgrade", *words, results=tmp_path / "results", seconds=30)
    command = [sys.executable, "-m", "harness", "upgrade", *words]
    by_itself = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  our words
    assert (ended.out, ended.code) == (by_itself.stdout, by_itself.returncode)
    assert ended.out.startswith(
        "Yes: from transformers 4.57.6 with timm 1.0.22 to transformers 5.23.0 with timm 1.0.31"
    )
    assert not (tmp_path / "results").exists()
    ended = nox("upgrade", *words, "--size", "full", results=tmp_path / "results", seconds=30)
    [said] = ended.errors
    assert said.startswith("--size full: the atlas has narrow models alone; to measure it: nox -s upgrade -- transf")
    assert said.endswith(" --measure")
    assert ended.code == 4


@pytest.mark.slow
def test_the_release_that_ended_the_renaming_is_found_and_the_second_time_in_seconds(tmp_path: Path) -> None:
    ended = nox("bisect", *ONE_CASE, *ENDS, results=tmp_path, seconds=600)
    assert ended.code == 0, ended.said
    words = answer(ended)
    assert words[0] == "First good: transformers 4.49.0 (2025-02-17). Last bad: transformers 4.48.3 (2025-02-07)."
    assert "because transformers before 4.49 renames every key that contains gamma to weight" in " ".join(words)
    alone = "--lane cpu-float32 --route tower --model test_convnext --variant safetensors --rerun"
    assert words[-1] == f"  nox -s pair -- transformers==4.49.0 timm==1.0.15 {alone}"
    again = nox("bisect", *ONE_CASE, *ENDS, results=tmp_path, seconds=30)
    assert (again.code, answer(again)) == (0, words)


@pytest.mark.all_faults
def test_a_move_says_what_it_mends_and_what_becomes_of_checkpoints(tmp_path: Path) -> None:
    ended = nox("upgrade", *MOVE, *ONE_CASE, results=tmp_path, seconds=600)
    assert ended.code == 1, ended.said
    words = answer(ended)
    assert words[0] == "transformers4.48.3-timm1.0.14 → transformers4.49.0-timm1.0.14"
    assert "↑ newly fixed · tower · 1 model, " in ended.out
    assert "· by transformers" in ended.out
    assert "loaded by transformers4.49.0-timm1.0.14: 1 of 1 unchanged." in " ".join(words)
    assert "timm itself computes the same numbers as before: 1 model." in words
    assert "  transformers>=4.48.3,<=4.49.0" in words
    again = nox("upgrade", *MOVE, *ONE_CASE, results=tmp_path, seconds=30)
    assert (again.code, answer(again)) == (1, words)
