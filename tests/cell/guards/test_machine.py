"""Trouble of the machine is told from a fault of a library, however deep it is wrapped."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cell.guards import machine
from harness.cell.guards.machine import MachineTrouble
from tests.places import ROOT

NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def while_handling(error: BaseException, context: BaseException) -> BaseException:
    error.__context__ = context
    return error


TROUBLE = {
    "no space": NO_SPACE,
    "quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
    "files": OSError(errno.EMFILE, "Too many open files"),
    "all files": OSError(errno.ENFILE, "Too many open files in system"),
    "fork": OSError(errno.ENOMEM, "Cannot allocate memory"),
    "no process": BlockingIOError(errno.EAGAIN, "cannot fork"),
    "thread": RuntimeError("can't start new thread"),
    "disk": OSError(errno.EIO, "Input/output error"),
    "read-only": OSError(errno.EROFS, "Read-only file system"),
    "caused": caused(ValueError("no checkpoint"), NO_SPACE),
    "while handling": while_handling(RuntimeError("cannot clean up"), caused(ValueError("no"), NO_SPACE)),
    "group": ExceptionGroup("saving", [ValueError("no"), NO_SPACE]),
    "safetensors": RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    "tokenizers": Exception("No space left on device (os error 28)"),
    "key, caused": caused(KeyError("gamma"), NO_SPACE),
    "panic": type("PanicException", (BaseException,), {})("Os { code: 28, message: No space left on device }"),
    "safetensors, files": RuntimeError(
        "Error while deserializing: Io(Os { code: 24 }) Too many open files (os error 24)"
    ),
    "torch.save": RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 1088 vs 982"),
    "torch.save, data": RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"),
    "numpy": OSError("262144 requested and 1024 written"),
    "mmap": RuntimeError("unable to mmap 4096 bytes from file <x>: Cannot allocate memory (12)"),
}
FAULTS = {
    "absent": FileNotFoundError(errno.ENOENT, "No such file or directory"),
    "type": TypeError("forward() takes 1 positional argument"),
    "too large": RuntimeError("DefaultCPUAllocator: can't allocate memory: Error code 12 (Cannot allocate memory)"),
    "reader": RuntimeError("PytorchStreamReader failed reading zip archive: failed finding central directory"),
    "refused": ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "number": KeyError("28"),
    "exit": SystemExit(28),
    "words in a key": KeyError("No space left on device"),
    "words in a value": ValueError("'cannot open: Too many open files' is no label"),
    "number in a type": TypeError("expected [Errno 28], got int"),
    "key while handling": while_handling(KeyError("gamma"), NO_SPACE),
    "attribute while handling": while_handling(AttributeError("no gamma"), OSError(errno.EROFS, "Read-only")),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_of_the_machine_is_recognised(name: str, tmp_path: Path) -> None:
    with pytest.raises(MachineTrouble):
        machine.refuse(TROUBLE[name], tmp_path)


STARTING = {
    "fork": "os.fork()",
    "spawn": "os.posix_spawn('/bin/true', ['/bin/true'], {})",
    "subprocess": "subprocess.run(['/bin/true'])",
    "shell": "os.popen('true')",
    "multiprocessing": "multiprocessing.get_context('fork').Process(target=print).start()",
    "spawned by multiprocessing": "multiprocessing.get_context('spawn').Process(target=print).start()",
}
NOBODY = 54_321
"""A user without processes, so that the limit counts no others. To root no limit applies."""


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("start", STARTING)
def test_a_process_that_cannot_be_started_is_trouble(tmp_path: Path, start: str) -> None:
    script = (
        "import multiprocessing, os, resource, subprocess, sys; from pathlib import Path\n"
        "import multiprocessing.popen_fork, multiprocessing.popen_spawn_posix, multiprocessing.resource_tracker\n"
        "from harness.cell.guards import machine\n"
        "resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))\n"
        f"os.setuid({NOBODY})\n"
        f"try: {STARTING[start]}\n"
        "except Exception as error:\n"
        "    try: machine.refuse(error, Path(sys.argv[1]))\n"
        "    except machine.MachineTrouble as trouble: print(trouble)\n"
        "    else: raise\n"
    )
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ended.stdout == "the system may start no more processes: the limit is 1\n", ended.stderr


def test_a_pipe_without_data_is_no_trouble(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with pytest.raises(BlockingIOError) as caught:
        os.read(reading, 1)
    for end in (reading, writing):
        os.close(end)
    machine.refuse(caught.value, tmp_path)


def test_a_case_that_uses_up_plenty_of_files_is_at_fault_itself(tmp_path: Path) -> None:
    machine.refuse(TROUBLE["files"], tmp_path, free_files=1000)
    with pytest.raises(MachineTrouble):
        machine.refuse(TROUBLE["files"], tmp_path, free_files=200)
    with pytest.raises(MachineTrouble, match="no space is left"):
        machine.refuse(ExceptionGroup("saving", [TROUBLE["files"], NO_SPACE]), tmp_path, free_files=1000)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_a_library_is_not_taken_for_it(name: str, tmp_path: Path) -> None:
    machine.refuse(FAULTS[name], tmp_path)


def test_the_message_says_how_much_there_is(tmp_path: Path) -> None:
    with pytest.raises(MachineTrouble, match=r"^no space is left on a disk: \d+ MiB are free in /"):
        machine.refuse(NO_SPACE, tmp_path)


def test_an_exception_that_leads_back_to_itself_is_no_endless_chain(tmp_path: Path) -> None:
    error = ValueError("a")
    error.__context__ = caused(ValueError("b"), error)
    machine.refuse(error, tmp_path)


def test_a_sound_machine_has_no_trouble_and_nothing_is_left_of_the_probe(tmp_path: Path) -> None:
    assert machine.probe(tmp_path, needed=1) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_trouble(tmp_path: Path) -> None:
    assert machine.probe(tmp_path / "gone") == f"the temporary folder of the run, {tmp_path / 'gone'}, is gone"


def test_less_room_than_a_case_needs_is_trouble(tmp_path: Path) -> None:
    trouble = machine.probe(tmp_path, needed=2**60)
    assert trouble is not None
    assert trouble.startswith("no space is left on a disk: ")
    assert trouble.endswith("; needed: 1099511627776 MiB")


def limited(kind: int, soft: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (soft, soft))


@pytest.mark.parametrize(
    ("kind", "soft", "says"),
    [
        (resource.RLIMIT_NOFILE, 20, "this process may open no more files: the limit is 20"),
        (resource.RLIMIT_FSIZE, 1000, "the temporary folder of the run cannot be written: "),
    ],
    ids=["descriptors", "file size"],
)
def test_a_limit_of_the_process_is_trouble(tmp_path: Path, kind: int, soft: int, says: str) -> None:
    asked = "import sys; from pathlib import Path; from harness.cell.guards import machine"
    answer = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); print(machine.probe(Path(sys.argv[1])))"
    command = [sys.executable, "-c", f"{asked}; {answer}", str(tmp_path)]
    limit = limited(kind, soft)
    ended = subprocess.run(  # noqa: S603 - the test's own words
        command,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert ended.stdout.startswith(says)
