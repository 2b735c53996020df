"""`check` and `names` on models whose code ends, doubles or silences its process: no such end is exit code 0."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

pytestmark = pytest.mark.slow  # each in a process that imports the libraries

GREEN = "3 passed, 0 broken, 0 unsupported by this pair"
GONE = "No verdict: the tested code ended its process with exit code 0 while "
# What is said, in the report or after it: a case that met an exception may be a record of its own.
SOME = [
    pytest.param("second_exits", "SystemExit: 0|cannot be (made|read)", id="a constructor that exits"),
    pytest.param("third_ends", f"{GONE}own/", id="a forward that ends its process"),
]
MORE = [
    ("third_panics", "Panic.*index out of bounds"),
    ("third_dies", "No verdict: SIGKILL ended the process while own/"),
    ("third_forks", "the tested code forked"),
    ("constructor_ends", f"{GONE}tests.own.deadly:constructor_ends was read."),
    ("sound_fails_at_exit", "exit code 5 after that"),
]
ALL = [
    ("third_quits", "SystemExit"),
    ("third_exits", "SystemExit"),
    ("forward_quits", "cannot be run on 0 of shape (1, 4): SystemExit"),
    ("constructor_exits", "cannot be made: SystemExit: 0"),
    ("second_ends", GONE),
    ("naming_ends", f"{GONE}tests.own.deadly:naming_ends was read."),
    ("third_interrupts", "KeyboardInterrupt"),
    ("constructor_panics", "Panic: index out of bounds"),
    ("third_leaves", "the tested code forked"),
    ("sound_keeps", "did not end and was killed"),
    ("sound_closes_all", "No verdict: "),
]


def run(command: str, name: str, folder: Path) -> tuple[int, str]:
    """Exit code, and all that was printed; nothing is left in the temporary folder."""
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-m", "harness", command, f"tests.own.deadly:{name}"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert [path.name for path in folder.iterdir() if path.name.startswith("layerscale-matrix")] == []
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *SOME,
        *(pytest.param(name, told, id=name, marks=pytest.mark.slow) for name, told in MORE),
        *(pytest.param(name, re.escape(told), id=name, marks=pytest.mark.all_faults) for name, told in ALL),
    ],
)
def test_code_that_ends_its_process_is_reported_and_never_green(name: str, told: str, tmp_path: Path) -> None:
    code, said = run("check", name, tmp_path)
    assert code in {1, 2}, said
    assert re.search(told, said), said


@pytest.mark.all_faults
@pytest.mark.parametrize("name", ["sound_redirects", "sound_ends_at_exit"])
def test_a_sound_model_is_green_where_its_report_was_printed(name: str, tmp_path: Path) -> None:
    code, said = run("check", name, tmp_path)
    assert (code, GREEN in said) == (0, True), said


@pytest.mark.all_faults
@pytest.mark.parametrize("name", ["constructor_ends", "second_exits", "second_panics"])
def test_names_of_such_a_model_are_not_green_either(name: str, tmp_path: Path) -> None:
    code, said = run("names", name, tmp_path)
    assert code in {1, 2}, said
    assert "No verdict" in said or "cannot be" in said
