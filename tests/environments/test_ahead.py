"""Real processes; what they install is a fake."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.config.errors import InstallationError
from harness.config.matrix import Matrix
from harness.environments import ahead, lock
from harness.environments.lock import Lock
from harness.environments.pair_environment import PairEnvironment
from tests.fake_environment import FakeEnvironment
from tests.places import ROOT

LONG = 60  # seconds, in which a process starts on any machine
SCRIPT = """
import os, sys, time
from pathlib import Path
from harness.environments import ahead

ahead.SPACE = 0

class Sleeping:
    root = Path(sys.argv[1])

class Slow:
    def is_in(self, root): return False
    def installed(self, environment, say):
        (environment.root / f"{os.getpid()}").touch()
        time.sleep(600)

if __name__ == "__main__":
    process = ahead.start(Sleeping(), [Slow()])
    print(process.pid, flush=True)
    while not list(Sleeping.root.iterdir()): time.sleep(0.05)
    time.sleep(float(sys.argv[2]))
    os._exit(0) if len(sys.argv) > 3 else sys.exit(0)
"""


class Noting(FakeEnvironment):
    """Leaves a file when its Python runs."""

    def python(self, _interpreter: Path, /, *arguments: str, **_: Any) -> bool:
        (self.root / arguments[-1]).touch()
        return True


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with little disk too."""
    monkeypatch.setattr(ahead, "SPACE", 0)


@pytest.fixture
def wanted(small_matrix: Matrix) -> PairEnvironment:
    """An environment without a lock, of releases of any day: nobody asks PyPI."""
    pair = small_matrix.pairs[1].model_copy(update={"transformers": "5.8.1"})
    return PairEnvironment(small_matrix.model_copy(update={"as_of": None}), pair)


def said_by_the_next_run(wanted: PairEnvironment, environment: FakeEnvironment) -> list[str]:
    said: list[str] = []
    with wanted.installed(environment, said.append):
        return said


def test_what_was_made_ahead_is_there_when_its_turn_comes(
    wanted: PairEnvironment, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = FakeEnvironment()
    process = ahead.start(environment, [wanted])
    assert process is not None
    process.join(LONG)
    assert process.exitcode == 0
    assert said_by_the_next_run(wanted, environment) == []
    assert environment.installed == []
    assert capfd.readouterr() == ("", "")


def test_what_workers_import_is_compiled_once(wanted: PairEnvironment) -> None:
    environment = Noting()
    process = ahead.start(environment, [wanted])
    assert process is not None
    process.join(LONG)
    assert (environment.root / "harness.cell.guards.importing").is_file()


def test_what_goes_wrong_ahead_is_said_when_its_turn_comes(
    wanted: PairEnvironment, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = FakeEnvironment(problem=InstallationError("no disk"))
    process = ahead.start(environment, [wanted])
    assert process is not None
    process.join(LONG)
    assert process.exitcode == 0
    assert capfd.readouterr() == ("", "")
    with pytest.raises(InstallationError, match="no disk"):
        said_by_the_next_run(wanted, environment)


def test_no_process_is_started_for_what_is_there(wanted: PairEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = FakeEnvironment()
    path = environment.root / "lock.txt"
    pins = "".join(f"{pin} --hash=sha256:0\n" for pin in wanted.pair.requirements())
    path.write_text(lock.text(wanted.pair, pins, "2026-11-20"))
    monkeypatch.setattr(lock, "of", lambda *_, **__: Lock.read(path))
    assert not wanted.is_in(environment.root)
    said_by_the_next_run(wanted, environment)
    assert wanted.is_in(environment.root)
    assert ahead.start(environment, [wanted]) is None


def test_no_process_is_started_where_disk_is_short(wanted: PairEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "SPACE", 2**62)
    assert ahead.start(FakeEnvironment(), [wanted]) is None


@pytest.mark.parametrize("abruptly", [True, False])
def test_it_ends_with_the_run_that_started_it(tmp_path: Path, *, abruptly: bool) -> None:
    script, root = tmp_path / "script.py", tmp_path / "pairs"
    root.mkdir()
    script.write_text(SCRIPT)
    words = [sys.executable, str(script), str(root), "0", *(["abruptly"] if abruptly else [])]
    ended = subprocess.run(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=LONG, check=False)  # noqa: S603  ours
    assert ended.returncode == 0
    [process] = (int(path.name) for path in root.iterdir())
    assert is_gone(process)


@pytest.mark.parametrize("seconds", [0, 5])
def test_ctrl_c_in_a_terminal_is_for_the_run_that_started_it(seconds: int, tmp_path: Path) -> None:
    """At once, when Python is still starting there, and later."""
    script, root = tmp_path / "script.py", tmp_path / "pairs"
    root.mkdir()
    script.write_text(SCRIPT)
    with subprocess.Popen(  # noqa: S603  ours
        [sys.executable, str(script), str(root), "600"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout
        process = int(run.stdout.readline())
        assert blocks(process, signal.SIGINT)
        time.sleep(seconds)
        os.killpg(run.pid, signal.SIGINT)
        _, said = run.communicate(timeout=LONG)
    assert said.count("Traceback") == said.count("KeyboardInterrupt") == 1  # the script's own
    assert is_gone(process)


def blocks(process: int, which: signal.Signals) -> bool:
    """Whether a process does not hear a signal."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    [blocked] = (line.split()[1] for line in status if line.startswith("SigBlk"))
    return bool(int(blocked, 16) >> (which - 1) & 1)


def is_gone(process: int) -> bool:
    """Whether it has ended, or ends soon."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
