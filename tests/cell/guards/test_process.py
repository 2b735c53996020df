"""What a case does to its process is undone, and what cannot be undone ends the process."""

import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from harness.cell.guards.process import ProcessState, refuse_timeout


def test_what_belongs_to_the_process_is_put_back(tmp_path: Path) -> None:
    folder, before, handler = os.getcwd(), dict(os.environ), signal.getsignal(signal.SIGALRM)  # noqa: PTH109
    umask = os.umask(0o22)
    state = ProcessState()
    os.chdir(tmp_path)
    os.environ["TORCH_LOGS"] = "+dynamo"
    del os.environ["PATH"]
    os.umask(0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    sys.setrecursionlimit(10_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft // 2, hard))
    sys.stdout = sys.stderr
    state.restore()
    assert os.getcwd() == folder  # noqa: PTH109
    assert dict(os.environ) == before
    assert os.umask(umask) == 0o22
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.SIGALRM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert sys.getrecursionlimit() != 10_000
    assert sys.stdout is not sys.stderr
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)


def test_a_working_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    folder = os.getcwd()  # noqa: PTH109
    gone = tmp_path / "gone"
    gone.mkdir()
    try:
        os.chdir(gone)
        state = ProcessState()
        gone.rmdir()
        os.chdir(folder)
        state.restore()
    finally:
        os.chdir(folder)


def test_only_the_exception_of_pytest_timeout_goes_on() -> None:
    refuse_timeout(SystemExit(0))
    refuse_timeout(KeyboardInterrupt())
    refuse_timeout(pytest.fail.Exception("from a library"))
    with pytest.raises(pytest.fail.Exception):
        refuse_timeout(pytest.fail.Exception("Timeout (>15.0s) from pytest-timeout."))
