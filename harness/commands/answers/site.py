"""`site`: the pages that answer, from the atlas."""

import argparse
from pathlib import Path
from typing import Any, Final, TextIO

from ...atlas.answer import LANE
from ...config.errors import BadInput
from ...config.text import capitalised, number
from ...report.formats.command import done

ABOUT: Final = "write a site that answers from what was measured before: static pages, which need no server"
EXAMPLE: Final = "Example: site --out public --results results"


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser("site", help=ABOUT, description=f"{capitalised(ABOUT)}.", epilog=EXAMPLE)
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the pages go")
    command.add_argument("--lane", default=LANE, metavar="NAME", help=f"device and precision (default {LANE})")
    own = "the records of your own runs, which stand over what was measured before; repeatable"
    command.add_argument("--results", type=Path, action="append", default=[], metavar="DIR", help=own)
    command.add_argument("--matrix", type=Path, metavar="FILE", help="of these records, another file than matrix.yaml")
    command.add_argument("--quick", action="store_true", help="these records are of runs with --quick")
    command.add_argument("--alone", action="store_true", help="the front page alone, one file that links to no other")
    command.add_argument("--json", action="store_true", help="say what was written as JSON")


def run(arguments: argparse.Namespace, out: TextIO) -> int:
    """Write the site. Raises BadInput."""
    from ...environments import pypi  # noqa: PLC0415  needs libraries that the Python of another command may lack
    from ...site import build  # noqa: PLC0415  as above
    from . import recorded  # noqa: PLC0415  as above

    _refuse_without_records(arguments)
    build.refuse_file(arguments.out)
    own = recorded.of(arguments) if arguments.results else recorded.Own()
    frame = build.site(pypi.today().isoformat(), arguments.lane, own=own.entries.values(), reasons=own.reasons)
    count = build.write(frame, arguments.out, alone=arguments.alone)
    front = str(arguments.out / build.FRONT)
    if arguments.json:
        out.write(done("site", pages=count, front=front, own=list(own.entries), left_out=own.left_out))
        return 0
    if own.entries:
        out.write(f"{number(len(own.entries), 'pair')} of your own runs: {', '.join(own.entries)}\n")
    out.writelines(f"{line}\n" for line in own.left_out)
    out.write(f"{number(count, 'page')}; open {front}\n")
    return 0


def _refuse_without_records(arguments: argparse.Namespace) -> None:
    """Raise BadInput for options about records where none are named."""
    given = [name for name, value in (("--matrix", arguments.matrix), ("--quick", arguments.quick)) if value]
    if given and not arguments.results:
        raise BadInput(f"{', '.join(given)}: only records have that; name their folder with --results")
