"""`completion`: the script with which a shell completes layerscale-matrix. It needs shtab, and the script nothing."""

import argparse
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import shtab

from .atlas.entries import pair_files
from .command_line import INSTALLED, parser
from .commands.answers import explain
from .contract.routes import ROUTES

PLACES: Final[Mapping[str, Any]] = {
    "DIR": shtab.DIRECTORY,
    **dict.fromkeys(("FILE", "PINS", "TARGET"), shtab.FILE),
}
"""By what an argument is called in `--help`, the files or folders that are proposed for it."""

SPECIAL: Final = re.compile(r"""[\s`$"'\\;&|<>(){}\[\]*?!#~]""")
"""In a word that a shell would read as something else; such a word is not proposed."""


def script(shell: str) -> str:
    """The script for a shell that shtab knows: bash, zsh or fish."""
    whole = parser(INSTALLED)
    words = _words()
    for command, action in _arguments(whole):
        proposed: Any = action
        name = action.option_strings[-1] if action.option_strings else command
        if name in words:
            proposed.choices = sorted(words[name])
        elif action.metavar in PLACES:
            proposed.complete = PLACES[str(action.metavar)]
    return str(shtab.complete(whole, shell))


def _words() -> Mapping[str, Collection[str]]:
    """The words that are proposed, by option, or by the command whose argument they are."""
    lanes = {name for pair in pair_files.read().values() for name in pair.lanes}
    plain = [word for word in explain.words() if not SPECIAL.search(word)]
    return {"--route": ROUTES, "--lane": lanes, "explain": plain}


def _arguments(whole: argparse.ArgumentParser, command: str = "") -> Iterator[tuple[str, argparse.Action]]:
    """The arguments of all commands, each with its command."""
    for action in whole._actions:  # noqa: SLF001  argparse has no public way to them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  as above
            for name, subparser in action.choices.items():
                yield from _arguments(subparser, name)
        else:
            yield command, action
