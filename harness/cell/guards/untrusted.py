"""What a process sets before it reads a checkpoint folder, which anybody may have made: nothing in it is executed."""

import contextlib
import os
import resource
import sys
from pathlib import Path
from typing import Final

from ...contract.package import ROOT

ONLY_WEIGHTS: Final = {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}
"""`torch.load` then unpickles tensors alone, whatever a library asks for."""
ANYTHING: Final = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def read_no_code(folder: Path, *, names_code: bool = False) -> None:
    """Execute nothing of a folder in this process from now on.

    Only weights are unpickled; a library that asks on standard input whether to run code gets no answer. Modules are
    imported neither from the folder nor, unless the user names code of their own there, from the current one.
    """
    os.environ.update(ONLY_WEIGHTS)
    os.environ.pop(ANYTHING, None)
    refused = {str(folder.resolve())} | (set() if names_code else {"", str(Path.cwd())})
    sys.path[:] = [entry for entry in sys.path if entry not in refused or entry == str(ROOT)]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def take_no_more_than_there_is() -> None:
    """From here on memory that the machine lacks is an error of this process, instead of the end of another.

    Does nothing where the system does not tell how much there is.
    """
    with contextlib.suppress(OSError, ValueError, KeyError):
        here, machine = (_kib(Path(name)) for name in ("/proc/self/status", "/proc/meminfo"))
        most = 1_024 * (here["VmData"] + machine["MemAvailable"])
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _kib(path: Path) -> dict[str, int]:
    """The amounts that a file of the system names."""
    named = (line.partition(":") for line in path.read_text().splitlines() if line.endswith(" kB"))
    return {name: int(text.removesuffix(" kB")) for name, _, text in named}
