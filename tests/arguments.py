"""Command lines as sessions read them."""

from collections.abc import Sequence

from harness.commands import bisect, releases, run_arguments, upgrade
from harness.config import option_parser
from harness.config.options import Options

PARSERS = {"upgrade": upgrade._parser, "bisect": bisect._parser, "releases": releases._parser}


def parse(argv: Sequence[str], session: str = "matrix") -> Options:
    """What a session selects, and how it runs it."""
    if session in PARSERS:
        return option_parser.shared(PARSERS[session]().read(argv))
    return run_arguments.parse(argv, session).options
