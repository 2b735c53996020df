"""Runs cause scripts, each in a fork of one process that has imported the libraries: they take longer than a script.

python -m tests.causes.run tests/causes/NAME.py ...
python -m tests.causes.run --remedy tests/causes/NAME.py ...
"""

import argparse
import multiprocessing
import runpy
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import timm
import torch
import transformers

from tests.causes import scripts
from tests.causes.scripts import OPTION


def main(argv: Sequence[str]) -> int:
    """A line a script: what is broken, or sound. An exception says nothing about a cause, and ends with 2.

    So does a script that is to run its remedy, and has none that can be run.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.causes.run")
    parser.add_argument(
        OPTION, action="store_true", help="apply the remedy of each script, with which it must be sound"
    )
    parser.add_argument("scripts", nargs="+", metavar="SCRIPT")
    arguments = parser.parse_intermixed_args(argv)
    print(f"torch {torch.__version__}, timm {timm.__version__}, transformers {transformers.__version__}", flush=True)  # noqa: T201
    ended = 0
    for script in arguments.scripts:
        said = (_without_remedy(script) if arguments.remedy else None) or _alone(script, remedy=arguments.remedy)
        ended = ended if said == "sound" or said.startswith("broken: ") else 2
        print(f"{script}: {said}", flush=True)  # noqa: T201
    return ended


def _without_remedy(script: str) -> str | None:
    """Why a script has no remedy that can be run; None if it has one."""
    try:
        row = scripts.parse(Path(script).name, Path(script).read_text())
    except (OSError, ValueError) as error:
        return str(error)
    return None if row.can_be_remedied else f"its remedy is {row.remedy}, which is no function; leave out {OPTION}"


def _alone(script: str, *, remedy: bool) -> str:
    forks = multiprocessing.get_context("fork")
    receiving, sending = forks.Pipe(duplex=False)
    process = forks.Process(target=_run, args=(script, remedy, sending))
    process.start()
    sending.close()
    try:
        return str(receiving.recv())
    except EOFError:
        return "ended without a word"
    finally:
        process.join()


def _run(script: str, remedy: bool, to: Connection) -> None:  # noqa: FBT001
    sys.argv = [script, OPTION] if remedy else [script]
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
