"""Installed files against RECORD: after an edit, an interrupted installation, or with a stray file."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.environments.verification import Installed, in_words

SOURCE = b"x = 1\n"


def listed(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with timm and numpy, a module of two files each."""
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    (tmp_path / "pyvenv.cfg").parent.mkdir(exist_ok=True)
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.11.7\n")
    for name, version in (("timm", "1.0.31"), ("numpy", "2.4.6")):
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        (site / name / "layers").mkdir(parents=True)
        paths = [f"{name}/__init__.py", f"{name}/layers/data.bin"]
        for path in paths:
            (site / path).write_bytes(SOURCE)
        lines = [*(listed(path, SOURCE) for path in paths), f"{info.name}/RECORD,,"]
        (info / "RECORD").write_text("\n".join(lines) + "\n")
    return tmp_path


def site_of(environment: Path) -> Path:
    return environment / "lib" / "python3.11" / "site-packages"


def test_what_is_as_in_its_releases_has_no_problem(environment: Path) -> None:
    installed = Installed(environment)
    assert installed.problems() == []
    assert (installed.versions, installed.python) == ({"timm": "1.0.31", "numpy": "2.4.6"}, "3.11.7")


def edit(site: Path) -> None:
    (site / "timm" / "__init__.py").write_bytes(b"x = 2\n")


def grow(site: Path) -> None:
    (site / "numpy" / "layers" / "data.bin").write_bytes(SOURCE * 2)


def lose(site: Path) -> None:
    (site / "numpy" / "__init__.py").unlink()


def lose_module(site: Path) -> None:
    (site / "timm" / "layers" / "data.bin").unlink()
    (site / "timm" / "layers").rmdir()


def lose_list(site: Path) -> None:
    (site / "numpy-2.4.6.dist-info" / "RECORD").unlink()


def empty_metadata(site: Path) -> None:
    (site / "httpx2-1.0.dist-info").mkdir()


def add_module(site: Path) -> None:
    (site / "timm" / "layers" / "extra.py").write_bytes(SOURCE)


def add_at_start(site: Path) -> None:
    (site / "patch.pth").write_text("import timm\n")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (edit, "timm: timm/__init__.py is not as in its release"),
        (grow, "numpy: numpy/layers/data.bin has 12 bytes, and 6 in its release"),
        (lose, "numpy: numpy/__init__.py is not there"),
        (lose_module, "timm: timm/layers/data.bin is not there"),
        (lose_list, "numpy: its list of files is not there"),
        (empty_metadata, "httpx2: its list of files is not there"),
        (add_module, "timm/layers/extra.py belongs to no release"),
        (add_at_start, "patch.pth belongs to no release"),
    ],
)
def test_whatever_differs_from_the_releases_is_found(
    environment: Path, damage: Callable[[Path], None], problem: str
) -> None:
    damage(site_of(environment))
    assert Installed(environment).problems() == [problem]


def test_an_edit_that_keeps_size_and_time_is_found(environment: Path) -> None:
    import os  # noqa: PLC0415 - only here

    path = site_of(environment) / "timm" / "__init__.py"
    before = path.stat()
    edit(site_of(environment))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert Installed(environment).problems() == ["timm: timm/__init__.py is not as in its release"]


def test_versions_other_than_the_installed_ones_are_found(environment: Path) -> None:
    installed = Installed(environment)
    assert installed.differences({"timm": "1.0.31", "numpy": "2.4.6", "python": "3.11.7"}) == []
    assert installed.differences({"timm": "1.0.30", "peft": "1.0", "python": "3.11.7"}) == [
        "numpy is 2.4.6, and nothing was installed",
        "peft is not there, and 1.0 was installed",
        "timm is 1.0.31, and 1.0.30 was installed",
    ]


def test_of_many_problems_a_few_are_named() -> None:
    assert in_words(["a", "b", "c"]) == "a; b; c"
    assert in_words(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"


def test_an_environment_without_packages_has_none(tmp_path: Path) -> None:
    installed = Installed(tmp_path / "nothing")
    assert (dict(installed.distributions), installed.python) == ({}, "")
