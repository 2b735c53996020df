"""Runs cause scripts, each in a fork of one process that has imported the libraries: they take longer than a script.

python -m tests.causes.run tests/causes/NAME.py ...
"""

import multiprocessing
import runpy
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection

import timm
import torch
import transformers


def main(scripts: Sequence[str]) -> int:
    """A line a script: what is broken, or sound. An exception says nothing about a cause, and ends with 2."""
    print(f"torch {torch.__version__}, timm {timm.__version__}, transformers {transformers.__version__}", flush=True)  # noqa: T201
    ended = 0
    for script in scripts:
        said = _alone(script)
        ended = ended if said == "sound" or said.startswith("broken: ") else 2
        print(f"{script}: {said}", flush=True)  # noqa: T201
    return ended


def _alone(script: str) -> str:
    forks = multiprocessing.get_context("fork")
    receiving, sending = forks.Pipe(duplex=False)
    process = forks.Process(target=_run, args=(script, sending))
    process.start()
    sending.close()
    try:
        return str(receiving.recv())
    except EOFError:
        return "ended without a word"
    finally:
        process.join()


def _run(script: str, to: Connection) -> None:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        to.send(str(end.code or "sound"))
    except BaseException:  # noqa: BLE001  whatever it is, it is told
        to.send(traceback.format_exc())
    else:
        to.send("sound")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
