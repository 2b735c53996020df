"""`ask` and `upgrade`: what is known of a pair or a move, from the atlas; `--own` measures it, and needs a network."""

import argparse
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from ...atlas.answer import LANE, Answer
from ...config.errors import BadInput
from ...config.pin_files.reading import ONE_OF, PACKAGES
from ...config.text import capitalised
from ...contract.finding import printable

if TYPE_CHECKING:
    from ...atlas.moving import Move

PINS: Final = f"transformers==X timm==Y, in short X,Y, a pair's id, or a file that pins both: {ONE_OF}"
_OF_OWN: Final = {"--config": "config", "--class": "maker", "--with-lock": "with_lock", "--envs": "envs"}
EXAMPLE: Final = "upgrade transformers==5.23.0 timm==1.0.31 --from transformers==4.57.6,timm==1.0.22"
NEEDS: Final = "It needs neither torch nor network."
ASK: Final = "what was measured of a pair before: which models work on which routes, and why others do not"
ASK_CODES: Final = """\
Exit codes: 0 all that the pair supports works, perhaps with a remedy; 1 something is broken, or nothing supported;
2 bad input; 4 something is not known."""
MOVE: Final = "whether a pin can be moved, from what was measured before: what breaks, why, and what to do"
MOVE_CODES: Final = """\
Exit codes: 0 nothing changes for worse; 1 something breaks, is gone or newly needs a remedy; 2 bad input;
4 not all is known.
With --own: 1 the model is broken at the end, or what was saved of it; 4 it has no result there."""
WORST: Final = (1, 4, 0)
"""The exit codes of answers, the worst first."""


def add_to(commands: Any) -> None:
    """Add the commands and their options."""
    example = "Example: ask transformers==5.23.0 timm==1.0.31 --model 'vit_*' --route tower"
    about = f"{capitalised(ASK)}. {NEEDS}"
    command = commands.add_parser("ask", help=ASK, description=about, epilog=f"{ASK_CODES} {example}")
    command.add_argument("pins", nargs="+", metavar="PINS", help=PINS)
    _add_selection(command)
    about = f"{capitalised(MOVE)}. {NEEDS} --own tries it."
    command = commands.add_parser("upgrade", help=MOVE, description=about, epilog=f"{MOVE_CODES} Example: {EXAMPLE}")
    moves = f"transformers==X, timm==Y or both: what moves; or a file that pins both as they are to be: {ONE_OF}"
    command.add_argument("pins", nargs="*", metavar="PINS", help=moves)
    start = "where it moves from: transformers==X,timm==Y, in short X,Y, a pair's id, or such a file"
    command.add_argument("--from", "--lockfile", dest="start", metavar="PINS", help=start)
    diff = (
        "instead: both ends from a diff of such a file, as Dependabot and Renovate make them, or - for standard input; "
        "--lockfile then names the file that pins what does not move"
    )
    command.add_argument("--diff", type=Path, metavar="FILE", help=diff)
    _add_own(command)
    _add_selection(command)


def _add_own(command: argparse.ArgumentParser) -> None:
    own = "instead: save a model of your own with the old pair, and load it with the new one; needs uv and a network"
    command.add_argument("--own", type=dotted, metavar="TARGET", help=own)
    command.add_argument("--config", metavar="CONFIG", help="for --own of a class, as check takes it")
    command.add_argument("--class", dest="maker", metavar="NAME", help="for --own of a folder, as check takes it")
    lock = "for --own: install also what the lock that is named has beside the two libraries"
    command.add_argument("--with-lock", action="store_true", help=lock)
    envs = "for --own: where the environments lie (default: layerscale-matrix in the user's cache)"
    command.add_argument("--envs", type=Path, metavar="DIR", help=envs)


def dotted(target: str) -> str:
    """A target that names its file, as package/module.py:Name, in the form package.module:Name.

    Raises argparse.ArgumentTypeError for a file that is not there.
    """
    path, _, name = target.rpartition(".py:")
    is_below = path and not path.startswith(("/", "."))
    if is_below and not Path(f"{path}.py").is_file():
        raise argparse.ArgumentTypeError(f"there is no file {path}.py here")
    return f"{path.replace('/', '.')}:{name}" if is_below else target


def _add_selection(command: argparse.ArgumentParser) -> None:
    for name, about in (
        ("model", "a model of timm, or a glob of models; repeatable (default: one of each kind)"),
        ("route", "a way into transformers; repeatable (default: all that were measured)"),
    ):
        command.add_argument(f"--{name}", dest=f"{name}s", action="append", default=[], metavar="NAME", help=about)
    command.add_argument("--lane", default=LANE, metavar="NAME", help=f"device and precision (default {LANE})")
    forms = command.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="the whole answer as JSON")
    forms.add_argument("--markdown", action="store_true", help="the same in Markdown, for a comment on a pull request")


def run(arguments: argparse.Namespace, out: TextIO) -> int:
    """Print the answer; its exit code. Raises BadInput."""
    from ...atlas.asking import ask  # noqa: PLC0415  needs packaging, which the Python of another command may lack
    from ...atlas.moving import as_json, move  # noqa: PLC0415  as above
    from ...config import pins  # noqa: PLC0415  as above

    selected, lane = (arguments.models, arguments.routes), arguments.lane
    if arguments.command == "ask":
        found: Answer | Move = ask(*pins.in_words(arguments.pins), *selected, lane=lane)
    else:
        ends = _ends(arguments)
        if arguments.own:
            from ..own import upgrade as own_upgrade  # noqa: PLC0415  as above

            return own_upgrade.run(arguments, ends, out)
        if stray := [flag for flag, value in _OF_OWN.items() if getattr(arguments, value)]:
            raise BadInput(f"{', '.join(stray)}: it is for a model of your own; name it with --own")
        found = move(*ends, *selected, lane=lane)
    if arguments.json:
        out.write(f"{as_json(found)}\n")
        return found.exit_code
    return tell_all([found], out, markdown=arguments.markdown)


def tell_all(answers: "Sequence[Answer | Move]", out: TextIO, *, markdown: bool = False) -> int:
    """Print answers, with an empty line between two; the exit code of the one that is worst."""
    from ...atlas import words  # noqa: PLC0415  as above
    from ..markdown import as_markdown  # noqa: PLC0415  as above

    told = ["\n".join(as_markdown(lines) if markdown else lines) for lines in map(words.lines_of, answers)]
    out.write("\n\n".join(told))
    out.write("\n")
    return min((answer.exit_code for answer in answers), key=WORST.index)


def of_installed(routes: Sequence[str]) -> str:
    """What was measured before of the installed pair, as a line; empty if nothing was. Needs no torch."""
    try:
        transformers, timm = map(importlib.metadata.version, PACKAGES)
        said = in_brief(transformers, timm, routes)
    except (BadInput, ImportError):  # none is installed; or a version that no release has; or packaging is missing
        return ""
    return f"{said}\n" if said else ""


def in_brief(transformers: str, timm: str, routes: Sequence[str] = (), folder: Path | None = None) -> str | None:
    """What the atlas says of a pair, in a sentence; None if it was not measured, nor lies between two that were.

    Raises BadInput for what is no pair, and for an atlas that was cut.
    """
    from ...atlas import words  # noqa: PLC0415  needs packaging
    from ...atlas.answer import State  # noqa: PLC0415  as above
    from ...atlas.asking import answered, opened, spelled  # noqa: PLC0415  as above
    from ...atlas.entries import pair_files  # noqa: PLC0415

    atlas = opened(folder or pair_files.PACKAGED, LANE)
    releases = spelled(atlas, transformers, timm)
    answer = answered(atlas, releases, routes=routes)
    if not any(part.state not in {State.UNKNOWN, State.UNSUPPORTED} for part in answer.parts):
        return None
    measured = atlas.lanes.get(releases)
    on = f"measured on {measured.day} with torch {atlas.pairs[releases].versions['torch']}" if measured else ""
    return f"By the atlas, {on or 'where the releases on either side agree'}: {next(words.lines(answer))}"


def _ends(arguments: argparse.Namespace) -> tuple[tuple[str, str], tuple[str, str]]:
    """Both ends of a move. Raises BadInput."""
    from ...config import pins  # noqa: PLC0415  as above
    from ...config.pin_files.diff import of_diff  # noqa: PLC0415  as above

    if arguments.diff:
        if arguments.pins:
            raise BadInput(f"--diff: it names both ends; leave {printable(' '.join(arguments.pins))} out")
        before, after = of_diff(arguments.diff, pins.named([arguments.start]) if arguments.start else None)
        transformers, timm = PACKAGES
        return (before[transformers], before[timm]), (after[transformers], after[timm])
    if not arguments.start or not arguments.pins:
        raise BadInput(f"say what moves, and from where: {EXAMPLE}")
    start = pins.in_words([arguments.start])
    return start, pins.in_words(arguments.pins, dict(zip(PACKAGES, start, strict=True)))
