"""`--json` of commands that test this Python, as they are typed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.places import ROOT, TIMM, TRANSFORMERS

SCHEMA: Final = json.loads((ROOT / "harness" / "schemas" / "command.json").read_text())["$defs"]
NOISY: Final = """\
import os
import timm

def make():
    print("my own words")
    os.system("echo those of a child")
    return timm.create_model("test_convnext")
"""
LOUD: Final = "my own words"

pytestmark = pytest.mark.slow


def run(*words: str, cwd: Path = ROOT) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    command = [sys.executable, "-m", "harness", *words, "--json"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(  # noqa: S603 - own words
        command, cwd=cwd, capture_output=True, text=True, check=False, env=variables
    )
    return ended.returncode, ended.stdout, ended.stderr


def read(command: str, code: int, text: str) -> Any:
    """The object, which has the fields of its command; jsonschema is not in this environment."""
    said = json.loads(text)
    assert set(said) <= set(SCHEMA[command]["properties"])
    assert (said["command"], said["exit_code"], said["problem"]) == (command, code, None)
    assert (said["packages"]["transformers"], said["packages"]["timm"]) == (TRANSFORMERS, TIMM)
    return said


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    (tmp_path / "noisy.py").write_text(NOISY)
    return tmp_path


def test_names_at_risk_are_told_each_by_itself(noisy: Path) -> None:
    code, out, err = run("names", "noisy:make", cwd=noisy)
    said = read("names", code, out)
    assert (code, said["target"]) == (0, "noisy:make")
    assert {risk["here"] for risk in said["at_risk"]} == {False}
    assert all(set(risk) == {"name", "here", "fates", "advice"} for risk in said["at_risk"])
    assert f"{len(said['at_risk'])} at risk, 0 of them with this transformers" in err
    assert LOUD in err


def test_a_check_has_its_cases_and_the_rules_that_explain_them() -> None:
    code, out, err = run("check", "tests.own.towers:unset_buffers")
    said = read("check", code, out)
    assert {case["outcome"] for case in said["cases"]} == {"tensors"}
    assert set(said["cases"][0]) == set(SCHEMA["case"]["properties"])
    [cause] = said["causes"]
    assert set(cause) == set(SCHEMA["cause"]["properties"])
    assert (cause["rule"], cause["cases"]) == ("buffers-in-own-model", [case["case"] for case in said["cases"]])
    assert said["counts"] == {"passed": 0, "broken": 3, "unsupported": 0, "not_run": 0}
    assert (code, said["unexplained"]) == (1, [])
    assert "0 passed, 3 broken" in err


def test_what_was_mended_of_a_folder_and_of_a_model(tmp_path: Path) -> None:
    make = [sys.executable, "-m", "tests.own.checkpoint", "timm-rewritten", str(tmp_path / "mine")]
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - own words
    code, out, err = run("repair", str(tmp_path / "mine"), "--into", str(tmp_path / "mended"))
    said = read("repair", code, out)
    assert (code, said["into"], said["losses"]) == (0, str(tmp_path / "mended"), [])
    assert "gamma-renamed" in {change["rule"] for change in said["changes"]}
    assert all(set(change) == {"rule", "because", "what", "renamed"} for change in said["changes"])
    assert "Written to" in err
    code, out, _ = run("repair", str(tmp_path / "mine"), "--into", str(tmp_path / "mended"))
    assert (code, out) == (2, "")


def test_what_was_mended_of_a_model() -> None:
    code, out, _ = run("repair", "tests.own.towers:OpenVLALike")
    said = read("repair", code, out)
    assert (code, said["into"], said["changes"]) == (0, None, [])
    assert all(set(loss) == {"rule", "names", "because", "advice"} for loss in said["losses"])


def test_a_route_of_the_pair_has_its_cases(tmp_path: Path) -> None:
    code, out, err = run("doctor", "--route", "classifier", cwd=tmp_path)
    said = read("doctor", code, out)
    assert (code, said["routes"]) == (0, ["classifier"])
    assert {(case["route"], case["state"]) for case in said["cases"]} == {("classifier", "passed")}
    assert said["atlas"].startswith("By the atlas, ")
    assert said["atlas"] in err
