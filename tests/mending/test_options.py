"""`repair` without the libraries: what is wrong with a folder, or with where its copy is to go, is one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    (made / "config.json").write_text(json.dumps({"architecture": "test_convnext", "num_classes": 10}))
    (made / "model.safetensors").write_bytes(b"")
    return made


def repair(*words: str | Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "harness", "repair", *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the test's own words
    return ended.returncode, ended.stdout, ended.stderr


def test_a_folder_needs_a_place_for_its_copy(folder: Path) -> None:
    said = f"{folder}: is mended in a copy of it; say with --into DIR where that is to be\n"
    assert repair(folder) == (2, "", said)


def test_nothing_is_written_over(folder: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "theirs").write_text("theirs")
    said = f"{full}: is not empty, and nothing is written over; name a folder that is not there yet\n"
    assert repair(folder, "--into", full) == (2, "", said)
    assert repair("their.models:make", "--into", full) == (2, "", said)
    assert [path.name for path in full.iterdir()] == ["theirs"]


def test_a_copy_lies_beside_its_folder(folder: Path) -> None:
    inside = folder / "mended"
    said = f"{inside}: lies in {folder}, which is left as it is; name a place beside it\n"
    assert repair(folder, "--into", inside) == (2, "", said)
    assert not inside.exists()


def test_a_folder_that_is_no_checkpoint_is_said_before_anything_else(tmp_path: Path) -> None:
    code, out, err = repair(tmp_path, "--into", tmp_path.with_name("copy"))
    assert (code, out) == (2, "")
    assert err == f"{tmp_path}: no config.json in it, which timm and transformers both write\n"


def test_then_the_libraries_are_needed(folder: Path, tmp_path: Path) -> None:
    code, out, err = repair(folder, "--into", tmp_path / "copy")
    assert (code, out) == (2, "")
    assert "torch, torchvision, timm, transformers not found" in err
    assert not (tmp_path / "copy").exists()


def test_help_says_what_is_mended_and_what_the_exit_codes_are() -> None:
    code, out, err = repair("--help")
    assert (code, err) == (0, "")
    assert "2 bad input, or it cannot be mended, and nothing was written" in " ".join(out.split())
