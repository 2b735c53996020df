"""nox -s cause, without nox: scripts of tests/causes, run in the environment of one pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..config.errors import BadInput
from ..config.option_parser import Parser
from ..execution.pair_run import PairRun
from .run import MatrixCommand

ABOUT: Final = "Run scripts of tests/causes with a pair alone: each says what is broken, or sound."
EXAMPLE: Final = "transformers==5.23.0 timm==1.0.31 --remedy tests/causes/hub_classes_twice.py"
REMEDY: Final = "--remedy"


@dataclass(frozen=True)
class CauseCommand:
    """The pair, the scripts, and whether each applies its remedy."""

    pair_run: PairRun
    scripts: tuple[str, ...]
    remedy: bool

    @classmethod
    def of(cls, argv: Sequence[str]) -> "CauseCommand":
        """Read the command line. Raises BadInput."""
        given = _parser().read(argv)
        words = given.get("words", ())
        pins = [word for word in words if _is_requirement(word)]
        scripts = tuple(word for word in words if word not in pins)
        remedy = given.get("remedy", False)
        if remedy and not scripts:
            raise BadInput(f"{REMEDY}: no script is named; name one of tests/causes")
        matrix = ["--matrix", str(given["matrix"])] if "matrix" in given else []
        return cls(MatrixCommand.of([*pins, *matrix], "pair").pair_runs[0], scripts, remedy)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the pair's Python is given to run the scripts."""
        return ("-m", "tests.causes.run", *((REMEDY,) if self.remedy else ()), *self.scripts)


def _parser() -> Parser:
    parser = Parser("cause", ABOUT, EXAMPLE)
    words = "the pair's releases, and scripts; without a script the pair is installed"
    parser.add_argument("words", nargs="+", metavar="PACKAGE==VERSION|SCRIPT", help=words)
    remedy = (
        "apply each script's remedy, the function that its REMEDY names, with which it must be "
        "sound; a script whose remedy is no function ends with 2"
    )
    parser.add_argument(REMEDY, action="store_true", help=remedy)
    return parser


def _is_requirement(word: str) -> bool:
    return "==" in word or "@" in word
