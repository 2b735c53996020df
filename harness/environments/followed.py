"""A process whose lines are handed on while it runs."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

EVERY: Final = 0.1  # seconds
GRACE: Final = 0.25  # seconds in which a process ends by itself after Ctrl-C, as subprocess.call grants them


def call(command: Sequence[str], env: Mapping[str, str], tell: Callable[[str], None]) -> int:
    """Run it, hand on each line of its output, and return its exit code.

    A file takes the output, not a pipe: what it left running may hold a pipe open for ever.
    """
    with tempfile.NamedTemporaryFile() as output, Path(output.name).open(errors="replace") as reading:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603  ours
        rest = ""
        try:
            while (code := process.poll()) is None:
                time.sleep(EVERY)
                *lines, rest = f"{rest}{reading.read()}".split("\n")
                for line in lines:
                    tell(line)
        except BaseException:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            process.kill()
            raise
        for line in f"{rest}{reading.read()}".splitlines():
            tell(line)
        return code
