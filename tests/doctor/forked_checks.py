"""Checks folders one after another, each in a copy of one process that has imported the libraries already.

`python -m tests.doctor.forked_checks` reads folders from standard input, a line each, and writes a line of JSON each.
"""

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from harness import __main__ as commands
from harness.cell.guards import importing
from harness.contract.library_env import LIBRARIES

HANGS_AFTER: Final = 30.0  # seconds
POLL: Final = 0.02
KIB: Final = 1_024


def check(folder: Path) -> dict[str, Any]:
    """Run `check` on a folder: `code`, None for what was killed; `said` on both streams; `seconds`; `peak` in MiB."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            _check_here(folder, output.fileno())
        status, peak = _ended(child, began + HANGS_AFTER)
        output.seek(0)
        return {
            "folder": str(folder),
            "code": None if status is None else os.waitstatus_to_exitcode(status),
            "said": output.read().decode(errors="replace"),
            "seconds": round(time.monotonic() - began, 2),
            "peak": peak,
        }


def _check_here(folder: Path, output: int) -> None:
    """In the copy: standard streams as a terminal's would be, with `y` on standard input for a library that asks."""
    code = 70
    try:
        os.setsid()
        for stream in (1, 2):
            os.dup2(output, stream)
        read, write = os.pipe()
        os.write(write, b"y\n" * 100)
        os.close(write)
        os.dup2(read, 0)
        os.chdir(folder if folder.is_dir() else folder.parent)
        code = commands.main(["check", str(folder)])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - it would have been a traceback
        import traceback  # noqa: PLC0415 - only here

        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _ended(child: int, deadline: float) -> tuple[int | None, int]:
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            return status, usage.ru_maxrss // KIB
        time.sleep(POLL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _, _, usage = os.wait4(child, 0)
    return None, usage.ru_maxrss // KIB


def main() -> None:
    """Check every folder that standard input names."""
    os.environ.update(LIBRARIES)
    os.environ["OMP_NUM_THREADS"] = "1"
    for module in (*importing.IN_ORDER, "harness.doctor.environment", "harness.doctor.user_model"):
        importlib.import_module(module)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(check(Path(line.rstrip(chr(10)))))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
