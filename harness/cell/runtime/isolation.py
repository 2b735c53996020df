"""Runs a case in a process of its own after the CUDA context of this process broke.

On CUDA an index out of bounds raises nothing at once: it leaves the process without a usable context, so that every
later case would fail in it.
"""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import torch

from ...contract import processes
from ...contract.case import Outcome
from ...contract.record import CaseLine
from ..scenarios.run_case import case_line


def context_is_broken(device: str) -> bool:
    """Whether the device no longer works for this process."""
    if device != "cuda":
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError:  # torch.AcceleratorError is one
        return True
    return False


def in_new_process(work: Callable[..., CaseLine], *arguments: Any) -> CaseLine:
    """The result of `work` in a new process, which has ended when this returns. Work and arguments are pickled."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit the broken context
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(os.getpid(), sending, work, arguments))
    process.start()
    sending.close()
    try:
        line: CaseLine = receiving.recv()
    except EOFError:
        process.join()
        return case_line(Outcome.CRASHED, f"the case's own process ended with exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()
    return line


def _send(parent: int, sending: Connection, work: Callable[..., CaseLine], arguments: tuple[Any, ...]) -> None:
    processes.die_with(parent)
    sending.send(work(*arguments))
