"""What disturbs a run: each interference is done at a moment that a seeded generator chose."""

import contextlib
import errno
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.contract.processes import descendants
from tests.interference.small import Disturbance, Place

Blow = Callable[[int, random.Random, Place], bool]
"""Disturbs the run of nox's process id; whether that hit anything."""
FOUND_WITHIN: Final = 60.0  # seconds
TMPFS_MIB: Final = 256


def _cmdline(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _ends(pid: int) -> bool:
    """Whether a process has ended, or is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True


def _find(nox: int, *words: str) -> list[int]:
    """Processes of the run whose command line has these words, once there are any; none if the run ends before."""
    deadline = time.monotonic() + FOUND_WITHIN
    while time.monotonic() < deadline and not _ends(nox):
        if found := [pid for pid in descendants(nox) if all(word in _cmdline(pid) for word in words)]:
            return found
        time.sleep(0.02)
    return []


def _send(pids: list[int], blow: signal.Signals) -> bool:
    hit = False
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, blow)
            hit = True
    return hit


def kill_worker(nox: int, chance: random.Random, _place: Place) -> bool:
    """One of pytest-xdist's."""
    workers = _find(nox, "exec(eval(sys.stdin")
    return _send([chance.choice(workers)] if workers else [], signal.SIGKILL)


def kill_pytest(nox: int, _chance: random.Random, _place: Place) -> bool:
    return _send(_find(nox, "-m pytest")[:1], signal.SIGKILL)


def kill_nox(nox: int, _chance: random.Random, _place: Place) -> bool:
    return _send([] if _ends(nox) else [nox], signal.SIGKILL)


def interrupt(nox: int, _chance: random.Random, _place: Place) -> bool:
    """Ctrl-C, to the whole process group."""
    if _ends(nox):
        return False
    os.killpg(nox, signal.SIGINT)
    return True


def _during_install(blow: Blow) -> Blow:
    def strike(nox: int, chance: random.Random, place: Place) -> bool:
        if not _find(nox, "uv", "pip", "sync"):
            return False
        time.sleep(chance.uniform(0, 4))
        return blow(nox, chance, place)

    return strike


def kill_uv(nox: int, _chance: random.Random, _place: Place) -> bool:
    return _send([pid for pid in descendants(nox) if "pip sync" in _cmdline(pid)], signal.SIGKILL)


def fill(nox: int, _chance: random.Random, place: Place) -> bool:
    """Until nothing fits any more; it stays so until the run has ended."""
    if _ends(nox):
        return False
    try:
        with (place.temporary / "full").open("wb") as file:
            while True:
                file.write(b"\0" * 2**16)
                file.flush()
    except OSError as error:  # at once if the run itself has filled it
        return error.errno == errno.ENOSPC


def remove_scratch(nox: int, _chance: random.Random, place: Place) -> bool:
    """All that TMPDIR holds."""
    found = [] if _ends(nox) else list(place.temporary.iterdir())
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return bool(found)


def stop(nox: int, chance: random.Random, _place: Place) -> bool:
    """A random process of the run, for some seconds."""
    family = [nox, *descendants(nox)]
    victim = chance.choice(family)
    hit = not _ends(nox) and _send([victim], signal.SIGSTOP)
    time.sleep(chance.uniform(1, 6))
    _send([victim], signal.SIGCONT)
    return hit


def nothing(_nox: int, _chance: random.Random, _place: Place) -> bool:
    """The run was disturbed when it was started."""
    return True


def _shifted(chance: random.Random) -> Disturbance:
    days = chance.choice((-400, -30, -1, 1, 30, 400))
    return Disturbance(("faketime", "-f", f"{days:+d}d"), {"FAKETIME_DONT_FAKE_MONOTONIC": "1"})


def _few_files(chance: random.Random) -> Disturbance:
    return Disturbance(open_files=chance.randint(10, 64))


@dataclass(frozen=True)
class Interference:
    """A way to disturb a run."""

    blow: Blow = nothing
    disturbance: Callable[[random.Random], Disturbance] = lambda _: Disturbance()
    installs: bool = False
    """Whether the pair is installed anew in the run."""
    small_tmpdir: bool = False
    beside: bool = False
    """Whether a run of another pair starts at that moment."""


INTERFERENCES: Final[Mapping[str, Interference]] = {
    "kill a worker": Interference(kill_worker),
    "kill pytest": Interference(kill_pytest),
    "kill nox": Interference(kill_nox),
    "Ctrl-C": Interference(interrupt),
    "kill uv": Interference(_during_install(kill_uv), installs=True),
    "kill nox while it installs": Interference(_during_install(kill_nox), installs=True),
    "Ctrl-C while it installs": Interference(_during_install(interrupt), installs=True),
    "fill TMPDIR": Interference(fill, small_tmpdir=True),
    "remove the scratch folder": Interference(remove_scratch),
    "a run of another pair": Interference(beside=True),
    "another time": Interference(disturbance=_shifted),
    "stop a process": Interference(stop),
    "few open files": Interference(disturbance=_few_files),
}


def impossible(base: Path) -> Mapping[str, str]:
    """The interferences that cannot be had on this machine, and why."""
    why = {}
    if not shutil.which("faketime"):
        why["another time"] = "there is no faketime; apt-get install faketime"
    try:
        with small_folder(base / "probe"):
            pass
    except (OSError, subprocess.CalledProcessError):
        why["fill TMPDIR"] = "no tmpfs can be mounted; it needs root"
    return why


@contextlib.contextmanager
def small_folder(path: Path) -> Iterator[None]:
    """A folder with a file system of its own that is soon full."""
    path.mkdir(parents=True, exist_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    mount = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MIB}m", "tmpfs", str(path)]
    subprocess.run(mount, check=True, **quiet)  # type: ignore[call-overload]  # noqa: S603 - our own words
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False, **quiet)  # type: ignore[call-overload]  # noqa: S603, S607 - as above
