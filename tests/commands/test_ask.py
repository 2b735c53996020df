"""The commands `ask` and `upgrade`."""

import json
import subprocess
import sys

import pytest

from harness.__main__ import main
from tests.places import ROOT

PINS = ["transformers==5.23.0", "timm==1.0.31"]


def test_the_command_answers_from_the_packaged_atlas(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", *PINS, "--model", "convnext_atto", "--route", "wrapper"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("transformers 5.23.0 with timm 1.0.31 in cpu-float32: works: 1, of 1 case.\n")
    assert main(["ask", *reversed(PINS), "--route", "wrapper", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["transformers"] == "5.23.0"


@pytest.mark.parametrize("start", ["transformers==4.57.6,timm==1.0.22", "transformers4.57.6-timm1.0.22"])
def test_a_move_is_answered_from_the_packaged_atlas(start: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["upgrade", *PINS, "--from", start, "--model", "eva02_tiny_patch14_224", "--route", "tower"]
    assert main(words) == 1
    assert capsys.readouterr().out.startswith("With remedies: from transformers 4.57.6 with timm 1.0.22 to ")
    assert main(["upgrade", "timm==1.0.22", "--from", start, "--route", "wrapper"]) == 0
    assert capsys.readouterr().out.startswith("Yes: from transformers 4.57.6 with timm 1.0.22 to transformers 4.57.6")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["timm==1.0.31", "timm==1.0.30"], "name both releases"),
        (["5.23.0", "1.0.31"], "name both releases"),
        ([*PINS, "--route", "towr"], "there is no route towr; there are wrapper,"),
        ([*PINS, "--lane", "gpu"], "nothing was measured in a lane gpu; there are"),
        (["transformers==x", "timm==1.0.31"], "transformers==x is no release"),
    ],
)
def test_bad_input_is_one_error(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", *words]) == 2
    printed = capsys.readouterr()
    assert why in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    "start", ["5.23.0", "transformers==5.23.0", "a-timmb", "x==1,y==2", "transformers4.57.6-timm1.0.22-torch2.4"]
)
def test_a_start_that_is_no_pair_is_one_error(start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade", *PINS, "--from", start]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_it_imports_neither_torch_nor_the_libraries_of_the_harness() -> None:
    seen = (
        "import sys; from harness.__main__ import main; main(sys.argv[1:]);"
        "found = {'torch', 'timm', 'transformers', 'pydantic', 'ruamel.yaml', 'rich', 'nox'} & set(sys.modules);"
        "sys.exit(f'imported {found}' if found else 0)"
    )
    words = [sys.executable, "-c", seen, "ask", *PINS, "--route", "wrapper"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    assert (ended.returncode, ended.stderr) == (0, "")
