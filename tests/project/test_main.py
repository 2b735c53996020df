"""The command line of `python -m harness`, without the libraries that it tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.__main__ import FITTING
from harness.cell.guards.importing import IN_ORDER
from harness.command_line import ABOUT
from tests.places import ROOT


def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-m", "harness", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_without_the_libraries_there_is_one_error_with_the_remedy() -> None:
    code, out, err = run("doctor")
    missing = "torch, torchvision, timm, transformers"
    assert err == (
        f"{sys.executable}: {missing} not found; run this with the Python of your own project, "
        f"or install them: pip install {missing.replace(',', '')}\n"
    )
    assert (code, out) == (2, "")


def test_a_package_that_cannot_be_imported_is_a_finding_with_the_remedy(tmp_path: Path) -> None:
    for name in IN_ORDER:
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('made for another torch')" if name == "timm" else "")
    code, out, err = run("doctor", PYTHONPATH=str(tmp_path))
    found, problem, remedy = out.splitlines()
    assert found.startswith("transformers of no release, timm of no release, ")
    assert problem == "✘ import: `import timm` raises RuntimeError: made for another torch"
    assert remedy == f"  {FITTING}"
    assert (code, err) == (1, "")


def test_libraries_that_are_too_old_are_one_error(tmp_path: Path) -> None:
    for name in IN_ORDER:
        (tmp_path / f"{name}.py").touch()
    code, _, err = run("doctor", PYTHONPATH=str(tmp_path))
    assert "transformers or timm is too old to be tested here (" in err
    assert err.endswith(f"); see {ROOT / 'harness' / 'docs' / 'limits.md'}\n")
    assert err.count("\n") == 1
    assert code == 2


@pytest.mark.parametrize("words", [("plan",), ("collect", "results")], ids=["plan", "collect"])
def test_without_the_harness_s_own_libraries_there_is_one_error_that_any_pip_can_follow(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "pydantic.py").write_text("raise ModuleNotFoundError(\"No module named 'pydantic'\")")
    code, _, err = run(*words, PYTHONPATH=str(tmp_path))
    assert (code, err) == (2, "No module named 'pydantic'; in a checkout: pip install .\n")
    assert "--group" not in run(words[0], "--help")[1]


def installed(folder: Path, **versions: str) -> Path:
    """A folder in which packages are installed, and nothing is in them."""
    for name, version in versions.items():
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


def test_the_doctor_begins_with_what_was_measured_before_without_torch(tmp_path: Path) -> None:
    code, out, err = run("doctor", PYTHONPATH=str(installed(tmp_path, transformers="5.23.0", timm="1.0.31")))
    [said] = out.splitlines()
    assert re.match(
        r"By the atlas, measured on 20\d\d-\d\d-\d\d with torch 2\.14\.1: transformers 5\.23\.0 with timm", said
    )
    assert "torch" in err
    assert code == 2
    route = run("doctor", "--route", "wrapper", PYTHONPATH=str(tmp_path))[1]
    assert "works: 33, of 33 cases." in route


@pytest.mark.parametrize("timm", ["1.0.99", "1.0.31+mine", "0.4.12"], ids=["later", "another build", "older"])
def test_of_a_pair_that_was_not_measured_the_doctor_says_nothing_before(timm: str, tmp_path: Path) -> None:
    code, out, _ = run("doctor", PYTHONPATH=str(installed(tmp_path, transformers="5.23.0", timm=timm)))
    assert (code, out) == (2, "")


def test_a_route_that_there_is_not_is_refused_before_the_libraries_are_imported() -> None:
    code, out, err = run("doctor", "--route", "towr", "--route", "hub")
    assert (code, out) == (2, "")
    assert err.startswith("there is no route towr; near: tower\n")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["doctor", "--help"], ["check", "--help"]])
def test_help_describes_the_commands_and_exit_codes(arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    codes = "0 nothing is broken, or all that is was known of this pair; 1 something is broken that no rule explains"
    assert ("Exit codes: " + (codes if "doctor" in arguments else "0 nothing is broken; 1 something is")) in " ".join(
        out.split()
    )
    if len(arguments) == 1:
        assert " ".join(ABOUT.split()) in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["docter"], "argument COMMAND: invalid choice: 'docter'"),
        (["doctor", "now"], "unrecognized arguments: now"),
        (["check"], "the following arguments are required: TARGET"),
    ],
    ids=["nothing", "no command", "too much", "no target"],
)
def test_other_arguments_are_refused_in_a_line(arguments: list[str], problem: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(problem)
    assert err.endswith("; see python -m harness --help\n")
    assert err.count("\n") == 1


def test_an_answer_that_nobody_reads_ends_in_silence() -> None:
    command = f"{{ sleep 1; {sys.executable} -m harness ask transformers==5.23.0 timm==1.0.31; echo $? >&2; }} | true"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)  # noqa: S603, S607 - ours
    assert ended.stderr == "141\n"


def test_an_answer_for_which_there_is_no_room_is_one_error() -> None:
    command = f"{sys.executable} -m harness ask transformers==5.23.0 timm==1.0.31 > /dev/full"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)  # noqa: S603, S607 - ours
    assert (ended.returncode, ended.stderr) == (2, "the answer could not be written: No space left on device\n")
