"""The command `repair` as it is typed: its options, and what is wrong with them. It needs no torch."""

import argparse
from pathlib import Path
from typing import Any, Final

from ..config.text import capitalised
from ..contract.checkpoint import Checkpoint, is_path
from . import written

ABOUT: Final = "mends what a release wrote wrongly into a checkpoint folder, or what a load of your model lost"
MORE: Final = """\
A folder is mended in a copy of it, in the new folder DIR: names and fields of config.json that a known rule explains.
Of a model it says what is lost when the installed releases load it, and saves it mended to DIR, if there is one."""
CODES: Final = "Exit codes: 0 mended, or not damaged; 2 bad input, or it cannot be mended, and nothing was written."
EXAMPLE: Final = "Example: repair checkpoints/mine --into checkpoints/mended"


def add_to(commands: Any) -> Any:
    """Add the command, and return its parser."""
    about = f"{capitalised(ABOUT)}. {MORE}"
    command: argparse.ArgumentParser = commands.add_parser(
        "repair", help=ABOUT, description=about, epilog=f"{CODES} {EXAMPLE}"
    )
    into = "a new folder for the mended copy, or the mended model; needed for a folder"
    command.add_argument("--into", type=Path, metavar="DIR", help=into)
    return command


def problem(arguments: argparse.Namespace) -> str | None:
    """What is wrong with a folder that is named, or with where it is to go; None if nothing is."""
    target, into = arguments.target, arguments.into
    folder = Path(target) if is_path(target) else None
    try:
        if folder is not None:
            Checkpoint.read(folder)
            if into is None:
                return f"{folder}: is mended in a copy of it; say with --into DIR where that is to be"
        if into is not None:
            written.refuse(into, folder)
    except (ValueError, OSError) as error:
        return str(error)
    return None
