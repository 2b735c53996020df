"""The arguments of the sessions that go through the pairs of the matrix: matrix, pair, report, catalog, lock."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..config import option_parser
from ..config.option_parser import MANY, PART, Parser
from ..config.options import Options

ALL: Final = "Which cases to run. What can be repeated adds up; without an option everything runs."


@dataclass(frozen=True)
class RunArguments:
    """What one of these sessions is fields."""

    options: Options
    on: str | None = None
    """The address of a Dask scheduler, whose workers run the cases."""
    beside: tuple[Path, ...] = ()
    """Records of other machines, which a report reads too."""
    out: Path | None = None
    """Where reports, or locks, are written."""

    @property
    def problems(self) -> Iterator[str]:
        """What does not go with a scheduler."""
        if self.on and self.options.own:
            yield "--on: the workers have not got what --own names; leave one of them out"
        if self.on and self.options.part:
            yield "--on divides the models itself; leave --part out"


def parse(argv: Sequence[str], session: str = "matrix") -> RunArguments:
    """The arguments of a session. Raises BadInput for what cannot be read."""
    fields = SESSIONS[session].parser().read(argv)
    if isinstance(results := fields.get("results"), tuple):
        fields["results"], *beside = dict.fromkeys(results)
        fields["beside"] = tuple(beside)
    return RunArguments(option_parser.shared(fields), **fields)


def _matrix() -> Parser:
    parser = Parser("matrix", ALL, PART)
    option_parser.add_pairs(parser)
    _add_cases(parser)
    _add_on(parser)
    option_parser.add_results(parser)
    _add_reports(parser)
    return parser


def _pair() -> Parser:
    parser = Parser("pair", ALL, f"transformers==5.23.0 timm==1.0.31 {PART}")
    option_parser.add_requirements(parser, "+")
    _add_cases(parser)
    _add_on(parser)
    option_parser.add_results(parser)
    _add_reports(parser)
    return parser


def _report() -> Parser:
    parser = Parser("report", ALL, PART)
    option_parser.add_requirements(parser, "*")
    option_parser.add_pairs(parser)
    _add_cases(parser)
    results = "where records are (default results); repeatable, for those of several machines"
    parser.add_argument("--results", type=Path, metavar="DIR", help=results, **MANY)
    _add_reports(parser)
    return parser


def _catalog() -> Parser:
    parser = Parser("catalog", ALL, "timm==1.0.31")
    option_parser.add_requirements(parser, "+")
    option_parser.add_selection(parser)
    option_parser.add_running(parser)
    option_parser.add_results(parser)
    return parser


def _lock() -> Parser:
    about = "Resolve pairs anew, with hashes; all of them where none is named."
    parser = Parser("lock", about, "--pair transformers5.23.0-timm1.0.31")
    option_parser.add_pairs(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where locks go (default harness/locks)")
    return parser


@dataclass(frozen=True)
class Session:
    """What a session needs: `runs` cases, which takes devices; `reads` records; a sound lock of each pair."""

    parser: Callable[[], Parser]
    runs: bool = False
    reads: bool = False
    needs_locks: bool = True


SESSIONS: Final[Mapping[str, Session]] = {
    "matrix": Session(_matrix, runs=True),
    "pair": Session(_pair, runs=True),
    "report": Session(_report, reads=True),
    "catalog": Session(_catalog),
    "lock": Session(_lock, needs_locks=False),  # it mends a bad one
}


def _add_cases(parser: Parser) -> None:
    option_parser.add_selection(parser)
    option_parser.add_models(parser)
    option_parser.add_running(parser)


def _add_on(parser: Parser) -> None:
    on = "hand the cases to the workers of a Dask scheduler"
    parser.add_argument("--on", type=_address, metavar="HOST:PORT", help=on)


def _add_reports(parser: Parser) -> None:
    out = "write the page, and what CI systems and programs read, there"
    parser.add_argument("--out", type=Path, metavar="DIR", help=out)


def _address(text: str) -> str:
    host, _, port = text.removeprefix("tcp://").rpartition(":")
    if not (host and port.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no address; that of a scheduler reads HOST:PORT")
    return text
