"""`ask` and `upgrade`: what is known of a pair or a move, from the atlas, without torch and without network."""

import argparse
from typing import Any, Final, TextIO

from ..atlas.answer import LANE, PACKAGES

NEEDS: Final = "It needs neither torch nor network."
ASK: Final = "what was measured of a pair before: which models work on which routes, and why others do not"
ASK_CODES: Final = """\
Exit codes: 0 all that the pair supports works, perhaps with a remedy; 1 something is broken, or nothing supported;
2 bad input; 4 something is not known."""
MOVE: Final = "whether a pin can be moved, from what was measured before: what breaks, why, and what to do"
MOVE_CODES: Final = """\
Exit codes: 0 nothing changes for worse; 1 something breaks, is gone or newly needs a remedy; 2 bad input;
4 not all is known.
nox -s upgrade measures both ends."""


def add_to(commands: Any) -> None:
    """Add the commands and their options."""
    example = "Example: ask transformers==5.23.0 timm==1.0.31 --model 'vit_*' --route tower"
    about = f"{ASK[0].upper()}{ASK[1:]}. {NEEDS}"
    command = commands.add_parser("ask", help=ASK, description=about, epilog=f"{ASK_CODES} {example}")
    command.add_argument("pins", nargs=2, metavar="PIN", help="transformers==X and timm==Y")
    _add_selection(command)
    example = "Example: upgrade transformers==5.23.0 timm==1.0.31 --from transformers==4.57.6,timm==1.0.22"
    about = f"{MOVE[0].upper()}{MOVE[1:]}. {NEEDS}"
    command = commands.add_parser("upgrade", help=MOVE, description=about, epilog=f"{MOVE_CODES} {example}")
    command.add_argument("pins", nargs="+", metavar="PIN", help="transformers==X, timm==Y or both: what moves")
    start = "where it moves from: transformers==X,timm==Y or a pair's id"
    command.add_argument("--from", dest="start", required=True, metavar="PINS", help=start)
    _add_selection(command)


def _add_selection(command: argparse.ArgumentParser) -> None:
    for name, about in (
        ("model", "a model of timm, or a glob of models; repeatable (default: one of each kind)"),
        ("route", "a way into transformers; repeatable (default: all that were measured)"),
    ):
        command.add_argument(f"--{name}", dest=f"{name}s", action="append", default=[], metavar="NAME", help=about)
    command.add_argument("--lane", default=LANE, metavar="NAME", help=f"device and precision (default {LANE})")
    command.add_argument("--json", action="store_true", help="the whole answer as JSON")


def run(arguments: argparse.Namespace, out: TextIO) -> int:
    """Print the answer; its exit code. Raises BadInput."""
    from ..atlas import words  # noqa: PLC0415  needs packaging, which the Python of another command may lack
    from ..atlas.asking import ask  # noqa: PLC0415  as above
    from ..atlas.moving import Move, move  # noqa: PLC0415  as above

    selected, lane = (arguments.models, arguments.routes), arguments.lane
    if arguments.command == "ask":
        transformers, timm = _releases(arguments.pins)
        found: Any = ask(transformers, timm, *selected, lane=lane)
    else:
        start = _releases(_pins(arguments.start))
        found = move(start, _releases(arguments.pins, start), *selected, lane=lane)
    lines = words.lines_of_move(found) if isinstance(found, Move) else words.lines(found)
    out.write(words.as_json(found) if arguments.json else "\n".join(lines))
    out.write("\n")
    code: int = found.exit_code
    return code


def _pins(text: str) -> list[str]:
    """The two pins in `transformers==X,timm==Y` or in a pair's id."""
    head, _, timm = text.partition("-timm")
    if timm and "=" not in text:
        return [f"transformers=={head.removeprefix('transformers')}", f"timm=={timm}"]
    return text.replace(",", " ").split()


def _releases(pins: list[str], otherwise: tuple[str, ...] = ()) -> tuple[str, str]:
    """The release of each package; of one that is not named that of `otherwise`. Raises BadInput."""
    from ..config.errors import BadInput  # noqa: PLC0415  as above

    named = [(name.strip(), version.strip()) for name, _, version in (pin.partition("==") for pin in pins)]
    found = {**dict(zip(PACKAGES, otherwise, strict=False)), **dict(named)}
    if found.keys() != set(PACKAGES) or len({name for name, _ in named}) != len(named):
        raise BadInput(f"{' '.join(pins)}: name both releases, as in transformers==5.23.0 timm==1.0.31")
    transformers, timm = (found[name] for name in PACKAGES)
    return transformers, timm
