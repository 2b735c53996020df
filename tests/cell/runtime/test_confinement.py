"""What a case does to its process, or the machine to it, is that case's record and reaches no other."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cell.guards import process
from harness.cell.runtime.confinement import Confinement
from harness.contract.case import Case, Outcome
from harness.contract.record import CaseLine

CASE = Case("wrapper", "a")
PASSED = CaseLine(Outcome.PASSED, "", {"silent": False})
BROKEN = CaseLine(Outcome.ERROR, "TypeError in phase load", {"silent": False})
FORKING = (
    "import os, sys, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    child = os.fork()\n"
    "    if child == 0: time.sleep(60)\n"
    "    else: print(child, flush=True)\n"
    "    os._exit(0)\n"
    "os.wait()\n"
)


@pytest.fixture(autouse=True)
def spoiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why this process is unfit, as far as the test knows."""
    reasons: list[str] = []
    monkeypatch.setattr(process, "_SPOILED", reasons)
    return reasons


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def confined(scratch: Path) -> Confinement:
    return Confinement(scratch, "gw0")


def raising(error: BaseException) -> Callable[[], CaseLine]:
    def work() -> CaseLine:
        raise error

    return work


class PanicException(BaseException):
    """As libraries in Rust raise it."""


@pytest.mark.parametrize(
    "error",
    [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), PanicException("unwrap"), pytest.skip.Exception("not here")],
    ids=lambda error: type(error).__name__,
)
def test_an_exit_is_an_error_of_the_case_and_nothing_else_runs_in_its_process(
    confined: Confinement, error: BaseException, spoiled: list[str]
) -> None:
    line = confined.run(CASE, raising(error), needed=0)
    assert (line.outcome, spoiled) == ("error", [type(error).__name__])
    assert line.reason.startswith(f"{type(error).__name__} in phase harness")


def test_the_timeout_of_a_case_goes_on(confined: Confinement, spoiled: list[str]) -> None:
    with pytest.raises(pytest.fail.Exception):
        confined.run(CASE, raising(pytest.fail.Exception("Timeout (>15.0s) from pytest-timeout.")), needed=0)
    assert spoiled == []


def test_a_broken_case_on_a_sound_machine_is_broken(confined: Confinement) -> None:
    assert confined.run(CASE, lambda: BROKEN, needed=1) is BROKEN


def test_an_error_of_the_system_is_no_result(confined: Confinement, spoiled: list[str]) -> None:
    line = confined.run(CASE, raising(OSError(28, "No space left on device")), needed=0)
    assert line.outcome == "not-run"
    assert line.reason.startswith("no space is left on a disk: ")
    assert spoiled == []


def test_a_broken_case_for_which_the_disk_is_too_small_is_no_result(confined: Confinement) -> None:
    line = confined.run(CASE, lambda: BROKEN, needed=2**60)
    assert line.outcome == "not-run"
    assert confined.run(CASE, lambda: PASSED, needed=2**60) is PASSED


@pytest.mark.parametrize("outcome", [Outcome.KEYS, Outcome.TENSORS, Outcome.OUTPUTS])
def test_what_was_compared_stands_however_little_room_is_left(confined: Confinement, outcome: Outcome) -> None:
    line = CaseLine(outcome, "4 keys renamed", {"silent": True})
    assert confined.run(CASE, lambda: line, needed=2**60) is line


def test_a_case_that_opens_files_until_there_are_no_more_is_broken(scratch: Path) -> None:
    script = (
        "import os, resource, sys; from pathlib import Path; from harness.contract.case import Case, Outcome\n"
        "from harness.cell.runtime.confinement import Confinement, failed\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]),) * 2)\n"
        "opened = []\n"
        "def work():\n"
        "    try:\n"
        "        while len(opened) < 10**5: opened.append(os.open(os.devnull, os.O_RDONLY))\n"
        "    except OSError as error: return failed(error)\n"
        "confined = Confinement(Path(sys.argv[1]), 'gw0')\n"
        "print(*(confined.run(Case('wrapper', 'a'), work, 0).outcome for again in range(2)))\n"
    )
    for limit, outcomes in (("1024", "error not-run\n"), ("200", "not-run not-run\n")):
        ended = subprocess.run(  # noqa: S603 - the test's own words
            [sys.executable, "-c", script, str(scratch), limit], capture_output=True, text=True, check=True, timeout=30
        )
        assert ended.stdout == outcomes


def test_files_that_stay_open_after_an_exception_end_the_process(confined: Confinement, spoiled: list[str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened: list[int] = []

    def work() -> CaseLine:
        opened.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(200))
        raise ValueError("the harness itself")

    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    try:
        with pytest.raises(ValueError, match="the harness itself"):
            confined.run(CASE, work, needed=0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in opened:
            os.close(file)
    assert len(spoiled) == 1


@pytest.mark.parametrize("again", [False, True], ids=["gone", "made again"])
def test_a_broken_case_whose_folder_somebody_removed_is_no_result(
    confined: Confinement, scratch: Path, *, again: bool
) -> None:
    def work() -> CaseLine:
        shutil.rmtree(scratch)
        if again:
            scratch.mkdir()
        return BROKEN

    line = confined.run(CASE, work, needed=0)
    assert (line.outcome, line.reason) == (
        "not-run",
        f"the temporary folder of the run, {scratch}, was removed meanwhile",
    )


def test_a_case_that_begins_after_the_folder_was_removed_is_no_result(confined: Confinement, scratch: Path) -> None:
    assert confined.run(CASE, lambda: PASSED, needed=0) is PASSED
    shutil.rmtree(scratch)
    line = confined.run(CASE, lambda: PASSED, needed=0)
    assert line.outcome == "not-run"


def test_what_a_case_started_ends_with_it_and_what_was_there_before_lives_on(
    scratch: Path,
) -> None:
    script = (
        "from harness.contract.processes import adopt_orphans; adopt_orphans()\n"
        "import subprocess, sys, time; from pathlib import Path; from harness.contract.case import Case, Outcome\n"
        "from harness.cell.runtime.confinement import Confinement; from harness.contract.record import CaseLine\n"
        "before = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "def work():\n"
        f"    p = subprocess.run([sys.executable, '-c', {FORKING!r}], stdout=open(sys.argv[1] + '/pid', 'w'))\n"
        "    subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "    return CaseLine(Outcome.PASSED, '', {})\n"
        "Confinement(Path(sys.argv[1]), 'gw0').run(Case('wrapper', 'a'), work, 0)\n"
        "from harness.contract.processes import children; import os\n"
        "print(children(os.getpid()) == [before.pid] and before.poll() is None)\n"
        "before.kill()\n"
    )
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-c", script, str(scratch)], capture_output=True, text=True, check=True, timeout=30
    )
    assert ended.stdout == "True\n"
    pid = int((scratch / "pid").read_text())
    time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists()


def test_what_a_case_does_to_its_process_is_undone(confined: Confinement) -> None:
    before, handler = os.environ.get("TORCH_LOGS"), signal.getsignal(signal.SIGALRM)

    def work() -> CaseLine:
        os.environ["TORCH_LOGS"] = "+dynamo"
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        return PASSED

    assert confined.run(CASE, work, needed=0) is PASSED
    assert (os.environ.get("TORCH_LOGS"), signal.getsignal(signal.SIGALRM)) == (before, handler)
