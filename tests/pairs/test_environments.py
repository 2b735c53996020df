"""Environments of pairs: interrupted installations, two pairs at a time, wheels that stay, edited files."""

import base64
import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from harness.contract import record
from harness.contract.processes import descendants
from harness.environments import ahead
from harness.environments.pair_folder import MARKER
from harness.results.store import path_in
from tests.pairs.command import PAIR, VARIABLES, Ended, cases, nox, run
from tests.pairs.processes import runs, until
from tests.places import ROOT, TIMM, TRANSFORMERS

OLD: Final = ("transformers==4.48.3", "timm==1.0.14")
OLD_PAIR: Final = "transformers4.48.3-timm1.0.14"
TOWER: Final = ("--lane", "cpu-float32", "--route", "tower", "--variant", "safetensors", "--model", "convnext_atto")
WRAPPER: Final = ("--lane", "cpu-float32", "--route", "wrapper", "--variant", "safetensors", "--model", "test_convnext")
SEED: Final = 20261128
LONGEST: Final = 4.0  # seconds after its beginning at which an installation is interrupted, at the latest

A_FEW = pytest.param(3, marks=pytest.mark.slow, id="3 interruptions")
MANY = pytest.param(25, marks=pytest.mark.all_faults, id="25 interruptions")


def started(words: Sequence[str], environments: Path, results: Path) -> "subprocess.Popen[bytes]":
    """A command with its environments in a folder, in a process group of its own."""
    command = [sys.executable, "-m", "nox", "--envdir", str(environments), "-s", *words, "--results", str(results)]
    return subprocess.Popen(  # noqa: S603 - the tests' own words
        command,
        cwd=ROOT,
        env={**os.environ, **VARIABLES},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def current(*words: str) -> list[str]:
    return ["pair", "--", *pins_of(PAIR), *words]


def pins_of(pair: str) -> tuple[str, ...]:
    transformers, timm = pair.split("-")
    return tuple(f"{name}=={pin.removeprefix(name)}" for name, pin in (("transformers", transformers), ("timm", timm)))


def until_it_installs(process: "subprocess.Popen[bytes]", environments: Path) -> None:
    """Wait until an environment is being made; how long that takes is up to the machine."""
    until(lambda: process.poll() is not None or any(environments.glob("pairs/*/pyvenv.cfg")), 120)


def interrupt(process: "subprocess.Popen[bytes]", chance: random.Random) -> None:
    """Kill a command alone or with all that it started, or press Ctrl-C. Nothing of it goes on after that."""
    family = list(descendants(process.pid))
    send, blow, whom = os.killpg, signal.SIGINT, [process.pid]
    if chance.random() < 0.8:
        send, blow, whom = os.kill, signal.SIGKILL, [process.pid, *(family if chance.random() < 0.5 else ())]
    for pid in whom:
        with contextlib.suppress(ProcessLookupError):  # it may have ended
            send(pid, blow)
    process.wait(60)
    until(lambda: not any(map(runs, family)))


@pytest.mark.parametrize("times", [A_FEW, MANY])
def test_after_interrupted_installations_the_same_command_installs_everything(times: int, tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    environments, results = tmp_path / "environments", tmp_path / "results"
    interrupted = 0
    for number in range(times):
        process = started(current(*WRAPPER), environments, results)
        until_it_installs(process, environments)
        time.sleep(LONGEST * chance.random() ** 3)  # mostly soon: some machines install in a second
        interrupt(process, chance)
        installed = list(environments.glob(f"pairs/*/{MARKER}"))
        interrupted += not installed
        if number == times - 1 or (installed and interrupted):
            ended = nox("pair", *pins_of(PAIR), *WRAPPER, results=results, environments=environments, seconds=600)
            assert (ended.code, outcomes(results, PAIR)) == (0, {"wrapper/test_convnext": "passed"}), ended.said
        if installed:  # the next one is to be interrupted too
            shutil.rmtree(environments)
    assert interrupted


def outcomes(results: Path, pair: str) -> dict[str, str]:
    return {case: line["outcome"] for case, line in cases(results, pair).items()}


@pytest.mark.slow
def test_two_pairs_at_a_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    old = started(["pair", "--", *OLD, *TOWER], ROOT / ".nox", tmp_path / "old")
    new = started(current(*TOWER), ROOT / ".nox", tmp_path / "new")
    assert (old.wait(600), new.wait(600)) == (0, 0)
    assert outcomes(tmp_path / "old", OLD_PAIR) == {"tower/convnext_atto": "keys"}
    assert outcomes(tmp_path / "new", PAIR) == {"tower/convnext_atto": "passed"}
    for results, pair in ((tmp_path / "old", OLD_PAIR), (tmp_path / "new", PAIR)):
        (written,) = record.read(path_in(results, pair, "cpu-float32"))
        packages = written.header["packages"]
        assert f"transformers{packages['transformers']}-timm{packages['timm']}" == pair


@pytest.mark.slow
def test_while_a_pair_runs_the_next_one_is_installed(tmp_path: Path) -> None:
    """With a path as nox has it by default: it begins in the project's folder."""
    if shutil.disk_usage(tmp_path).free < ahead.SPACE:
        pytest.skip("disk is short, so nothing is made ahead")
    environments = Path(os.path.relpath(tmp_path / "environments", ROOT))
    pairs = ("--pair", OLD_PAIR, "--pair", PAIR)
    ended = nox("matrix", *pairs, *WRAPPER, results=tmp_path, environments=environments, seconds=600)
    assert (outcomes(tmp_path, OLD_PAIR), outcomes(tmp_path, PAIR)) == ({"wrapper/test_convnext": "passed"},) * 2
    assert f"{OLD_PAIR}: installing" in ended.said
    assert f"{PAIR}: installing" not in ended.said


@pytest.mark.all_faults
def test_a_wheel_does_not_stay_behind(tmp_path: Path) -> None:
    """A pair with a wheel of timm, then one of the released timm with a wheel of transformers: neither has a lock."""
    assert run("-s", "cause", "--", *pins_of(PAIR), seconds=600).code == 0
    transformers, timm = (relabelled(pin.partition("==")[0], tmp_path, "x1") for pin in pins_of(PAIR))
    first = pair_of(pins_of(PAIR)[0], f"timm@{timm}", results=tmp_path / "first")
    assert (first.code, imported(tmp_path / "first", "timm")) == (0, f"{TIMM}+x1"), first.said
    second = pair_of(f"transformers@{transformers}", pins_of(PAIR)[1], results=tmp_path / "second")
    assert (second.code, imported(tmp_path / "second", "timm")) == (0, TIMM), second.said
    assert imported(tmp_path / "second", "transformers") == f"{TRANSFORMERS}+x1"


def pair_of(*pins: str, results: Path) -> Ended:
    return nox("pair", *pins, *WRAPPER, results=results, seconds=600)


def relabelled(name: str, folder: Path, label: str) -> Path:
    """A wheel of what the current pair has installed, with a local version."""
    (marker, *_) = (ROOT / ".nox" / "pairs").glob(f"{PAIR}-*/{MARKER}")
    (site,) = marker.parent.glob("lib/python*/site-packages")
    (info,) = site.glob(f"{name}-*.dist-info")
    version = info.name.removeprefix(f"{name}-").removesuffix(".dist-info")
    new_info = f"{name}-{version}+{label}.dist-info"
    paths = [path for path in (*site.glob(f"{name}/**/*"), *info.iterdir()) if path.is_file()]
    record = []
    wheel = folder / f"{name}-{version}+{label}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as target:
        for path in paths:
            inside = path.relative_to(site).as_posix().replace(info.name, new_info)
            if path.suffix == ".pyc" or path.name in {"RECORD", "INSTALLER", "REQUESTED", "uv_cache.json"}:
                continue
            content = path.read_bytes()
            if path == info / "METADATA":
                content = content.replace(f"Version: {version}".encode(), f"Version: {version}+{label}".encode(), 1)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{inside},sha256={digest},{len(content)}")
            target.writestr(inside, content)
        target.writestr(f"{new_info}/RECORD", "\n".join([*record, f"{new_info}/RECORD,,", ""]))
    return wheel


def imported(results: Path, package: str) -> str:
    """The version of a package in the header of the only run."""
    (path,) = results.glob("*/cpu-float32.jsonl")
    version: str = record.read(path)[0].header["packages"][package]
    return version


@pytest.mark.all_faults
def test_files_edited_in_place_are_not_measured(tmp_path: Path) -> None:
    """The edited file is a copy: a link would change the installer's cache."""

    def ran(*options: str) -> Ended:
        words = ("pair", *pins_of(PAIR), *WRAPPER, *options)
        return nox(*words, results=tmp_path / "a", environments=tmp_path / "environments", seconds=600)

    assert ran().code == 0
    (marker,) = tmp_path.glob(f"environments/pairs/*/{MARKER}")
    (edited,) = marker.parent.glob("lib/python*/site-packages/timm/models/convnext.py")
    text = edited.read_bytes()
    edited.unlink()
    edited.write_bytes(text.replace(b"gamma", b"gamme"))
    ended = ran("--rerun")
    assert "timm: timm/models/convnext.py is not as in its release; installing it again" in ended.said
    assert (ended.code, outcomes(tmp_path / "a", PAIR)) == (0, {"wrapper/test_convnext": "passed"})
