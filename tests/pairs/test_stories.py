"""What harness/docs/in-your-project.md tells people to type, typed from a clean environment that has the wheel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.pairs.conftest import uv
from tests.pairs.stories import Typed, story
from tests.places import CURRENT, ROOT

pytestmark = pytest.mark.slow

ENVIRONMENTS = ROOT / ".nox" / "pairs"  # those that other tests have made
SECONDS = 1_200
PINS = {"last-week": ("4.57.6", "1.0.22"), ".": ("5.23.0", "1.0.31")}
MOST = 2  # commands


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has a tower of its own, and pins that have moved since last week."""
    shutil.copy(ROOT / "tests" / "own" / "towers.py", tmp_path)
    for folder, (transformers, timm) in PINS.items():
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "requirements.txt").write_text(f"transformers=={transformers}\ntimm=={timm}\n")
    return tmp_path


@pytest.fixture(scope="module")
def beside_the_libraries(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that has the current pair, and the wheel."""
    folder = tmp_path_factory.mktemp("libraries") / "venv"
    into = ("--quiet", "--python", folder / "bin" / "python")
    [wheel] = built.glob("*.whl")
    uv("venv", "--quiet", "--python", f"{sys.version_info.major}.{sys.version_info.minor}", folder)
    uv("pip", "install", *into, "--no-deps", "-r", ROOT / "harness" / "locks" / f"{CURRENT}.txt")
    uv("pip", "install", *into, wheel)
    return folder / "bin"


def run(typed: Typed, commands: Path, folder: Path, *more: str | Path) -> tuple[int, str]:
    """The exit code and what is printed; standard error where nothing is."""
    command, *words = typed.words
    path = os.pathsep.join([str(commands), str(Path(find_uv_bin()).parent), os.environ["PATH"]])
    ended = subprocess.run(  # noqa: S603  the page's own words
        [commands / command, *words, *map(str, more)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return ended.returncode, ended.stdout or ended.stderr


def test_can_i_move_my_pin_with_a_lock_and_a_tower_of_ones_own(installed: Path, project: Path) -> None:
    (project / "requirements.txt").write_text((project / "last-week" / "requirements.txt").read_text())
    known, own = story("Can I move my pin?")
    code, printed = run(known, installed, project)
    assert (code, known.lacking(printed)) == (1, []), printed
    code, printed = run(own, installed, project, "--envs", ENVIRONMENTS)
    assert (code, own.lacking(printed)) == (0, []), printed


def test_my_numbers_are_wrong_since_last_week(beside_the_libraries: Path, project: Path) -> None:
    typed = story("My numbers are wrong since last week")
    assert len(typed) <= MOST
    for command in typed:
        code, printed = run(command, beside_the_libraries, project)
        assert (code, command.lacking(printed)) == (1, []), printed


def test_is_this_name_safe(beside_the_libraries: Path, project: Path) -> None:
    [command] = story("Is this name safe?")
    code, printed = run(command, beside_the_libraries, project)
    assert (code, command.lacking(printed)) == (0, []), printed
