"""Reading a command line: the groups of options that commands compose their own from, and how they are read."""

import argparse
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from ..contract.case import DEFAULT_SIZE, HUB, SYNTHETIC, Size
from ..contract.checkpoint import is_path
from .errors import BadInput
from .names import VARIANTS, unknown
from .options import LATEST, LOCKED, Options
from .pair import long_id

PART: Final = "--route tower --model 'eva*'"
"""What the examples of `--help` select."""
SHOWN: Final = 40
"""The most characters of a word that an error repeats."""
LONGEST: Final = 6
"""Digits."""
MANY: Final[dict[str, Any]] = {"action": "append"}


class Parser(argparse.ArgumentParser):
    """The options of one nox session. `--help` prints them and exits with 0."""

    def __init__(self, session: str, about: str, example: str) -> None:
        super().__init__(
            prog=f"nox -s {session} --",
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
            description=about,
            epilog=f"example: nox -s {session} -- {example}",
        )
        self.add_argument("--matrix", type=Path, metavar="FILE", help="another file than matrix.yaml")

    def error(self, message: str) -> NoReturn:
        """Raises BadInput."""
        raise BadInput(f"{message}; --help lists the options")

    def read(self, argv: Sequence[str]) -> dict[str, Any]:
        """The options that are given, by name; lists as tuples. Raises BadInput for what cannot be read."""
        given, rest = self.parse_known_intermixed_args(argv)
        if flags := [word for word in rest if word.startswith("-")]:
            known = [name for action in self._actions for name in action.option_strings]
            problems = [f"{unknown('option', flag, known)}; --help lists the options" for flag in flags]
            raise BadInput.from_problems(problems)
        if rest:
            raise BadInput(
                f"unexpected {' '.join(rest)!r}; releases are named with nox -s pair, parts with --route, --model"
            )
        return {name: tuple(value) if isinstance(value, list) else value for name, value in vars(given).items()}


def whole(least: int, most: int, what: str) -> Callable[[str], int]:
    """Reads a whole number within bounds; the error says what it is, and gives them."""

    def read(text: str) -> int:
        is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not (is_number and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text[:SHOWN]!r} is no number of {what}; give {least} to {most:,}")
        return int(text)

    return read


days = whole(0, 36_500, "days")
"""Reads a number of days that an option gives."""


def shared(given: dict[str, Any], quick_size: Size = Size.NARROW) -> Options:
    """The options that all commands share, taken out of those that are given; `quick_size` is that of `--quick`."""
    options = {field.name: given.pop(field.name) for field in fields(Options) if field.name in given}
    if options.get("weights") == HUB:
        options.setdefault("sizes", (Size.FULL,))  # which is what the hub has
    if options.get("quick"):
        options.setdefault("sizes", (quick_size,))
    return Options(**options)


def typed_in(folder: Path, options: Options) -> Options:
    """The options as they are meant in the folder in which they were typed."""
    if options.own is None or not is_path(options.own):
        return replace(options, here=folder)
    own = folder / options.own
    with contextlib.suppress(OSError, RuntimeError, ValueError):  # a link to itself: reading it says so
        own = own.resolve()
    return replace(options, here=folder, own=str(own))


def add_requirements(parser: Parser, count: str) -> None:
    """The releases of a pair."""
    about = "transformers, timm; also torch"
    parser.add_argument("requirements", nargs=count, metavar="PACKAGE==VERSION", help=about)


def add_pairs(parser: Parser) -> None:
    """The pairs of the matrix."""
    about = "a pair of the matrix, as in 5.23.0,1.0.31, or by its id; repeatable"
    parser.add_argument("--pair", dest="pairs", metavar="ID", type=long_id, help=about, **MANY)


def add_selection(parser: Parser, quick_size: Size = Size.NARROW) -> None:
    """The cases. `quick_size` is that of `--quick`."""
    sizes = f"{' or '.join(Size)} (default {DEFAULT_SIZE}, with --quick {quick_size}); repeatable"
    for name, metavar, about in (
        ("lane", "NAME", "a lane of the matrix; repeatable"),
        ("route", "NAME", "a route of the matrix; repeatable"),
        ("model", "GLOB", "models by timm's names; repeatable"),
        ("size", "NAME", sizes),
        ("variant", "NAME", f"{', '.join(VARIANTS)}; repeatable"),
    ):
        parser.add_argument(f"--{name}", dest=f"{name}s", metavar=metavar, help=about, **MANY)


def add_models(parser: Parser) -> None:
    """A part of timm's models, or what is tried in their place."""
    part = "of N equal parts of the models the I-th, as I/N"  # of two releases, others would be in it
    parser.add_argument("--part", type=_part, metavar="I/N", help=part)
    add_own(parser)
    weights = f"{SYNTHETIC}: made here (default); {HUB}: what the hub has for a model, at full size"
    parser.add_argument("--weights", choices=[SYNTHETIC, HUB], help=weights)


def add_own(parser: Parser) -> None:
    """A model of somebody's own."""
    own = "instead of timm's, a model of your own: package.module:Name, or a checkpoint folder"
    parser.add_argument("--own", metavar="TARGET", help=own)
    parser.add_argument("--config", metavar="CONFIG", help="for --own of a class: JSON, or package.module:function")
    maker = "for --own of a folder: package.module:Name, where transformers has no such model"
    parser.add_argument("--class", dest="maker", metavar="NAME", help=maker)


def add_running(parser: Parser) -> None:
    """How the cases are run."""
    parser.add_argument("--quick", action="store_true", help="the smallest model of each kind, and the controls")
    parser.add_argument("--rerun", action="store_true", help="run again what is recorded already")
    resolve = f"{LATEST}: the newest of what a pair stands on (default {LOCKED})"
    parser.add_argument("--resolve", choices=[LOCKED, LATEST], help=resolve)
    parser.add_argument(
        "--workers", type=whole(1, 1_024, "processes"), metavar="N", help="processes at a time (default: one a core)"
    )


def add_results(parser: Parser) -> None:
    """Where the records go."""
    parser.add_argument("--results", type=Path, metavar="DIR", help="where the records go (default results)")


def _part(text: str) -> tuple[int, int]:
    place, _, of = text.partition("/")
    is_part = all(number.isascii() and number.isdecimal() and len(number) <= LONGEST for number in (place, of))
    if not (is_part and 1 <= int(place) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text[:SHOWN]!r} is no part; the second of four reads 2/4")
    return int(place), int(of)
