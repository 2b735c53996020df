"""uv itself, with nothing that has to be downloaded."""

import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.errors import BadInput, InstallationError
from harness.contract import package
from harness.environments import uv
from harness.environments.uv import UvEnvironments
from tests.places import ROOT

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def environments(tmp_path: Path) -> UvEnvironments:
    root = tmp_path / "pairs"
    root.mkdir()
    return UvEnvironments(root, uv.found(), 60, ROOT)


def test_without_uv_there_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(uv, "find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"^environments are made by uv, and there is none: pip install uv$"):
        uv.found()


def test_uv_on_the_path_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "uv").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(uv, "find_spec", lambda _: None)
    assert uv.found() == str(tmp_path / "uv")


def test_an_environment_is_made_and_its_python_finds_the_package_alone(
    environments: UvEnvironments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # the user's, and none of the pair's business
    resolved, folder, said = tmp_path / "resolved.txt", environments.root / "pair", tmp_path / "said.txt"
    resolved.touch()
    environments.create(folder, ["nothing"], resolved=resolved, python=PYTHON, locked=False)
    words = ("-c", "import harness, sys; print(*sys.path)")
    assert environments.python(folder / "bin" / "python", *words, env={"PYTHONPATH": "/elsewhere"}, into=said)
    assert str(ROOT) in said.read_text().split()
    assert not {str(tmp_path), "/elsewhere"} & set(said.read_text().split())
    assert not environments.python(folder / "bin" / "python", "-c", "raise SystemExit(3)", env={})
    assert environments.python(folder / "bin" / "python", "-c", "raise SystemExit(3)", env={}, success=(3,))


def tiny_wheel(folder: Path) -> None:
    """A wheel of nothing, with which uv works as with one from PyPI."""
    info = "tiny_thing-1.0.dist-info"
    texts = {
        "METADATA": "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    listed = "".join(f"{info}/{name},,\n" for name in (*texts, "RECORD"))
    with zipfile.ZipFile(folder / "tiny_thing-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in {**texts, "RECORD": listed}.items():
            wheel.writestr(f"{info}/{name}", text)


def test_what_is_in_uv_s_cache_is_not_fetched(
    environments: UvEnvironments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_wheel(tmp_path)
    for name, value in {"CACHE_DIR": str(tmp_path / "cache"), "FIND_LINKS": str(tmp_path), "NO_INDEX": "1"}.items():
        monkeypatch.setenv(f"UV_{name}", value)
    assert not environments.has_cached("tiny-thing==1.0", PYTHON)
    resolved = tmp_path / "resolved.txt"
    resolved.write_text("tiny-thing==1.0\n")
    environments.create(environments.root / "pair", ["tiny"], resolved=resolved, python=PYTHON, locked=False)
    assert environments.has_cached("tiny-thing==1.0", PYTHON)
    assert not environments.has_cached("tiny-thing==1.1", PYTHON)


def test_progress_goes_to_standard_error(environments: UvEnvironments, capfd: pytest.CaptureFixture[str]) -> None:
    assert environments.python(Path(sys.executable), "-c", "print('1 of 3')", env={})
    assert capfd.readouterr() == ("", "1 of 3\n")


def test_progress_is_told_line_by_line_while_it_comes(environments: UvEnvironments) -> None:
    told: list[tuple[float, str]] = []
    telling = replace(environments, tell=lambda line: told.append((time.monotonic(), line)))
    code = (
        "import os, time; os.write(1, b'1 of'); time.sleep(1); os.write(2, b' 3\\n'); time.sleep(1); os.write(1, b'2')"
    )
    assert telling.python(Path(sys.executable), "-c", code, env={})
    assert [line for _, line in told] == ["1 of 3", "2"]
    assert told[1][0] - told[0][0] > 0.5


def test_what_a_python_left_running_is_not_waited_for(environments: UvEnvironments) -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])"
    began = time.monotonic()
    assert environments.python(Path(sys.executable), "-c", code, env={})
    assert time.monotonic() - began < 15


def test_what_uv_says_of_a_failure_is_the_error(environments: UvEnvironments, tmp_path: Path) -> None:
    wrong = tmp_path / "resolved.txt"
    wrong.write_text("no requirement at all\n")
    with pytest.raises(InstallationError, match="no requirement at all"):
        environments.create(environments.root / "pair", ["nothing"], resolved=wrong, python=PYTHON, locked=False)


def test_the_project_in_which_the_user_stands_does_not_change_what_is_resolved(
    environments: UvEnvironments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[tool.uv]\nno-such-setting = [\n")
    monkeypatch.chdir(project)
    resolved = environments.resolve([], tmp_path / "to.txt", until=None, python=sys.executable, everywhere=False)
    assert resolved.read_text() == ""


def test_an_installed_package_is_linked_without_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert uv.code_in(tmp_path) == ROOT
    monkeypatch.setattr(uv, "IN_CHECKOUT", False)
    code = uv.code_in(tmp_path)
    assert [path.name for path in code.iterdir()] == [package.NAME]
    assert (code / package.NAME).resolve() == ROOT / "harness"


def test_a_package_with_an_address_is_asked_for_again(tmp_path: Path) -> None:
    asked = ["timm @ git+https://example.org/timm@main", "torch==2.14.1"]
    words = uv.resolving(asked, tmp_path / "a", tmp_path / "b", until=None, python="3.11", everywhere=True)
    assert words[words.index("--refresh-package") + 1] == "timm"
    assert "--universal" in words
