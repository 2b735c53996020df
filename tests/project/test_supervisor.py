"""Exit code 0 is said only after a verdict was printed, whatever the code does to its process. It needs no torch."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from harness.contract.processes import children
from harness.doctor import messages
from harness.doctor.messages import Kind, Message
from harness.doctor.verdict import Ended, Verdict, judge
from tests.places import ROOT

pytestmark = pytest.mark.slow  # each in processes of its own

PROGRAM: Final = """\
import atexit, os, signal, sys, threading, time
from harness.doctor import supervisor

class Panic(BaseException):
    pass

def command(console):
    console.reading("while it was read")
    {at_reading}
    console.testing("while it ran")
    {at_testing}
    console.out.write("the report\\n")
    return {code}

sys.exit(supervisor.supervise(command, grace=1.0))
"""
GONE: Final = "the tested code ended its process with exit code"


def program(deed: str = "pass", *, reading: str = "pass", code: int = 0) -> list[str]:
    return [sys.executable, "-c", PROGRAM.format(at_reading=reading, at_testing=deed, code=code)]


def run(command: Sequence[str], folder: Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; nothing is left in the temporary folder."""
    ended = subprocess.run(  # noqa: S603 - the test's own words
        command,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert list(folder.iterdir()) == []
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_exit_code_is_that_of_the_printed_report(code: int, tmp_path: Path) -> None:
    assert run(program(code=code), tmp_path) == (code, "the report\n", "")


NO_VERDICT: Final = {
    "sys.exit(0)": "No verdict: the tested code raised SystemExit: 0 while it ran.",
    "exit()": "No verdict: the tested code raised SystemExit: None while it ran.",
    "os._exit(0)": f"No verdict: {GONE} 0 while it ran.",
    "os._exit(3)": f"No verdict: {GONE} 3 while it ran.",
    "os.kill(os.getpid(), signal.SIGKILL)": "No verdict: SIGKILL ended the process while it ran.",
    "os.abort()": "No verdict: SIGABRT ended the process while it ran.",
    "os.execv('/bin/true', ['true'])": f"No verdict: {GONE} 0 while it ran.",
    "raise KeyboardInterrupt": "No verdict: the tested code raised KeyboardInterrupt while it ran.",
    "raise Panic('out of bounds')": "No verdict: the tested code raised Panic: out of bounds while it ran.",
    "raise GeneratorExit": "No verdict: the tested code raised GeneratorExit while it ran.",
    "os.closerange(0, 4096)": f"No verdict: {GONE} 1 while it ran.",
    "threading.Thread(target=os._exit, args=(0,)).start(); time.sleep(9)": f"No verdict: {GONE} 0 while it ran.",
}


@pytest.mark.parametrize(("deed", "sentence"), NO_VERDICT.items(), ids=NO_VERDICT)
def test_without_a_verdict_there_is_one_sentence_and_exit_code_1(deed: str, sentence: str, tmp_path: Path) -> None:
    code, out, err = run(program(deed), tmp_path)
    assert (code, out) == (1, "")
    assert err == f"{sentence}\n"


@pytest.mark.parametrize("deed", [deed for deed in NO_VERDICT if "closerange" not in deed])
def test_what_ends_before_its_target_is_known_is_bad_input(deed: str, tmp_path: Path) -> None:
    code, out, err = run(program(reading=deed), tmp_path)
    assert (code, out) == (2, "")
    assert err.replace("was read", "ran") == f"{NO_VERDICT[deed]}\n"


def test_an_exception_of_ours_or_theirs_keeps_its_traceback(tmp_path: Path) -> None:
    code, _, err = run(program("{}['key']"), tmp_path)
    assert code == 1
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("No verdict: the tested code raised KeyError: 'key' while it ran.\n")


AFTER: Final = {
    "atexit.register(os._exit, 5)": f"but {GONE} 5 after that: something that runs at exit.",
    "atexit.register(os.abort)": "but SIGABRT ended the process after that: something that runs at exit.",
    "threading.Thread(target=time.sleep, args=(99,)).start()": (
        "but its process did not end and was killed: a thread or an exit handler of the tested code keeps it."
    ),
    "atexit.register(time.sleep, 99)": (
        "but its process did not end and was killed: a thread or an exit handler of the tested code keeps it."
    ),
}


@pytest.mark.parametrize(("deed", "sentence"), AFTER.items(), ids=AFTER)
def test_a_process_that_ends_in_another_way_than_its_report_is_exit_code_1(
    deed: str, sentence: str, tmp_path: Path
) -> None:
    assert run(program(deed), tmp_path) == (1, "the report\n", f"The report says exit code 0, {sentence}\n")


def test_an_exit_handler_does_not_turn_a_red_verdict_green(tmp_path: Path) -> None:
    code, out, err = run(program("atexit.register(os._exit, 0)", code=1), tmp_path)
    assert (code, out) == (1, "the report\n")
    assert err == f"The report says exit code 1, but {GONE} 0 after that: something that runs at exit.\n"


CLOSED: Final = (
    "sys.stdout.close(); os.close(1)",
    "os.dup2(os.open('/dev/null', os.O_WRONLY), 1)",
    "sys.stdout = None",
)


@pytest.mark.parametrize("deed", CLOSED, ids=["closed", "redirected", "replaced"])
@pytest.mark.parametrize("code", [0, 1])
def test_the_report_is_printed_where_the_code_closed_or_redirected_its_output(
    deed: str, code: int, tmp_path: Path
) -> None:
    assert run(program(deed, code=code), tmp_path)[:2] == (code, "the report\n")


@pytest.mark.parametrize("deed", ["os.fork()", "os.fork() and os._exit(0)", "os.fork() or time.sleep(0.5)"])
def test_a_copy_that_goes_on_prints_no_second_report_and_leaves_no_verdict(deed: str, tmp_path: Path) -> None:
    code, out, err = run(program(deed), tmp_path)
    assert (code, out) == (1, "" if "_exit" in deed else "the report\n")
    assert err.startswith("No verdict: the tested code forked, and its copy, process ")
    assert err.endswith(", went on with the report too.\n")


@pytest.mark.parametrize("deed", ["os.fork() or os._exit(7)", "os.fork() or sys.exit()"])
def test_a_copy_that_ends_before_the_report_is_none_of_ours(deed: str, tmp_path: Path) -> None:
    assert run(program(deed), tmp_path) == (0, "the report\n", "")


def test_what_the_code_leaves_running_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    folder = tmp_path / "tmp"
    folder.mkdir()
    daemon = f"import os, time; os.setsid(); open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    deed = f"import subprocess; subprocess.Popen([sys.executable, '-c', {daemon!r}]); time.sleep(1)"
    assert run(program(deed), folder) == (0, "the report\n", "")
    assert not Path(f"/proc/{file.read_text()}").exists()
    fork = "os.fork() or time.sleep(99)"
    code, _, err = run(program(fork), folder)
    assert (code, err) == (0, "A process that the tested code had forked was still running; it was killed.\n")


@pytest.mark.parametrize(
    ("output", "why"), [("> /dev/full", "the report could not be written: [Errno 28]"), (">&-", "output is closed")]
)
def test_a_report_that_cannot_be_printed_is_no_verdict(output: str, why: str, tmp_path: Path) -> None:
    code, _, err = run(["/bin/sh", "-c", f'"$@" {output}', "sh", *program()], tmp_path)
    assert code == 2
    assert why in err
    assert "Traceback" not in err


def test_without_a_temporary_folder_there_is_one_sentence(tmp_path: Path) -> None:
    full = "import tempfile, os; tempfile.tempdir = '/proc/none'; "
    command = program()
    code, out, err = run([*command[:-1], full + command[-1]], tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith("no temporary folder could be made: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_other_streams_that_are_closed_at_the_start_do_not_matter(closed: str, tmp_path: Path) -> None:
    assert run(["/bin/sh", "-c", f'"$@" {closed}', "sh", *program()], tmp_path)[:2] == (0, "the report\n")


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("deed", ["time.sleep(99)", "signal.signal(2, signal.SIG_IGN); time.sleep(99)"])
def test_a_signal_to_the_command_ends_both_and_leaves_nothing(blow: signal.Signals, deed: str, tmp_path: Path) -> None:
    said = f"print('ready', flush=True); {deed}"
    with subprocess.Popen(  # noqa: S603 - the test's own words
        program(said), cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        [child] = children(started.pid)
        started.send_signal(blow)
        if blow is signal.SIGINT:  # as a terminal does
            os.kill(child, blow)
        assert started.wait(timeout=30) == -blow
    assert not Path(f"/proc/{child}").exists()
    assert list(tmp_path.iterdir()) == []


def test_the_child_dies_with_a_command_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: S603 - the test's own words
        program("print('ready', flush=True); time.sleep(99)"),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        [child] = children(started.pid)
        started.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}/exe").exists()


def test_only_lines_with_the_token_are_messages() -> None:
    ours = b'{"token": "t", "kind": "verdict", "text": "0"}\n'
    others = b'0\nnull\n{"token": "u", "kind": "verdict", "text": "0"}\n{"token": "t", "kind": "v", "text": ""}\n\xff\n'
    assert list(messages.parse(others + ours + others, "t")) == [Message(Kind.VERDICT, "0")]


def test_no_end_without_a_verdict_is_green() -> None:
    for kinds in ([], [Kind.READING], [Kind.TESTING], [Kind.RAISED], [Kind.UNPRINTED], [Kind.FORKED]):
        for code in (0, 1, 2, -9, -250):
            assert judge([Message(kind, "0") for kind in kinds], Ended(code)).code in {1, 2}
            more = [Message(kind, "0") for kind in (*kinds, Kind.VERDICT)]
            if code or set(kinds) - {Kind.READING, Kind.TESTING}:
                assert judge(more, Ended(code)).code in {1, 2}
    assert judge([Message(Kind.VERDICT, "0")], Ended(0)) == Verdict(0)
