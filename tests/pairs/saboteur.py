"""A pytest plugin that wrecks the cases it is told to, from outside, while they run in a pair's environment.

tests/matrix/conftest.py takes it in where LAYERSCALE_MATRIX_SABOTAGE holds a JSON object: what to do, by case.
"""

import faulthandler
import json
import os
import resource
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

SABOTAGE: Final = "LAYERSCALE_MATRIX_SABOTAGE"
LEFT: Final = "LAYERSCALE_MATRIX_LEFT"
"""Names the file in which processes that are left behind note themselves."""
GIB: Final = 2**30


def pytest_runtest_setup() -> None:
    """Before the first case of a worker: what is deadly is done at the start of a scenario, what lasts at its end."""
    from harness.cell.scenarios.attempt import Attempt  # noqa: PLC0415  torch: not where the plugin is imported

    if hasattr(Attempt, "honest"):
        return
    run_steps: Callable[..., None] = Attempt._run_steps
    deeds: Mapping[str, str] = json.loads(os.environ.get(SABOTAGE, "{}"))

    def sabotaged(self: Any, name: str, scenario: Any) -> None:
        context = self.context
        route = (context.folder.parent if self.again else context.folder).name
        deed = deeds.get(f"{route}/{context.reference.entry.model}", "")
        if deed in DEADLY:
            DEADLY[deed](context)
        run_steps(self, name, RAISING[deed](scenario) if deed in RAISING else scenario)
        if deed in LASTING:
            LASTING[deed]()

    Attempt.honest = run_steps  # type: ignore[attr-defined]
    Attempt._run_steps = sabotaged  # type: ignore[method-assign]


def _segfault(_context: Any) -> None:
    faulthandler._sigsegv()  # type: ignore[attr-defined]


def _abort(_context: Any) -> None:
    os.abort()


def _exit(_context: Any) -> None:
    sys.stderr.write("so long\n")
    os._exit(3)


def _hang(_context: Any) -> None:
    """Where Python cannot be interrupted."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(10_000)


def _sleep(_context: Any) -> None:
    time.sleep(10_000)


def _eat(_context: Any) -> None:
    eaten = []
    while True:
        eaten.append(b"\1" * (GIB // 4))
        time.sleep(0.05)


class PanicException(BaseException):
    """As libraries in Rust raise it."""


def _raising(error: BaseException) -> Callable[[Any], Any]:
    """A scenario in which a library raises this."""

    def raising(_scenario: Any) -> Any:
        raise error
        yield

    return raising


def _exit_in_the_harness(_context: Any) -> None:
    sys.exit(0)


def _leave(_context: Any) -> None:
    """A child that is its own session's, and that the parent's end does not reach; it holds the worker's pipes."""
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            with Path(os.environ[LEFT]).open("a") as file:
                file.write(f"{os.getpid()}\n")
            time.sleep(10_000)
        os._exit(0)
    os.wait()


def _leave_and_sleep(context: Any) -> None:
    _leave(context)
    time.sleep(10_000)


def _leave_and_die(context: Any) -> None:
    _leave(context)
    time.sleep(0.2)
    os._exit(3)


def _exhaust(_context: Any) -> None:
    """Open files until there can be no more, as on a machine with a low limit."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    OPENED.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(256))


def _remove(context: Any) -> None:
    """Somebody empties the temporary folder."""
    shutil.rmtree(context.folder.parent.parent)


def _change(_context: Any) -> None:
    """What a guard of torch's settings does not see."""
    os.chdir("/")
    os.environ["TRANSFORMERS_VERBOSITY"] = "debug"
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


def dialling(scenario: Any) -> Any:
    """A library that asks another machine on the way."""
    socket.create_connection(("192.0.2.1", 443), timeout=5)
    yield from scenario


def _litter(context: Any) -> None:
    context.folder.mkdir(parents=True, exist_ok=True)
    with (context.folder / "litter").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 3 * GIB)
    time.sleep(10_000)


def _double() -> None:
    import torch  # noqa: PLC0415  as above

    torch.set_default_dtype(torch.float64)


def _train() -> None:
    import torch  # noqa: PLC0415  as above

    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(mode=True)


def _patch() -> None:
    import torch  # noqa: PLC0415  as above

    torch.nn.functional.relu = torch.nn.functional.gelu


OPENED: Final[list[int]] = []
RAISING: Final[Mapping[str, Callable[[Any], Any]]] = {
    "dial": dialling,
    "interrupt": _raising(KeyboardInterrupt()),
    "panic": _raising(PanicException("called `Option::unwrap()` on a `None` value")),
    "full": _raising(RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")),
}
DEADLY: Final[Mapping[str, Callable[[Any], None]]] = {
    "segfault": _segfault,
    "abort": _abort,
    "exit": _exit,
    "hang": _hang,
    "sleep": _sleep,
    "eat": _eat,
    "litter": _litter,
    "quit in the harness": _exit_in_the_harness,
    "leave": _leave,
    "leave and die": _leave_and_die,
    "leave and sleep": _leave_and_sleep,
    "change": _change,
    "exhaust": _exhaust,
    "remove": _remove,
}
LASTING: Final[Mapping[str, Callable[[], None]]] = {"double": _double, "train": _train, "patch": _patch}
