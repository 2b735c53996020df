"""`site`: the pages that answer, from the atlas."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from ...atlas.answer import LANE
from ...atlas.entry import PairEntry
from ...config.text import capitalised, number
from ...contract.case import DEFAULT_VARIANT, Size

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


def run(arguments: argparse.Namespace, out: TextIO) -> int:
    """Write the site. Raises BadInput."""
    from ...environments import pypi  # noqa: PLC0415  needs libraries that the Python of another command may lack
    from ...site import build  # noqa: PLC0415  as above

    build.refuse_file(arguments.out)
    own = list(_own(arguments)) if arguments.results else []
    frame = build.site(pypi.today().isoformat(), arguments.lane, own=own)
    count = build.write(frame, arguments.out, alone=arguments.alone)
    for entry in own:
        if arguments.lane in entry.lanes and not frame.tells(entry):
            out.write(f"{entry.id}: left as it was measured before, for these records have not all of its cases\n")
    out.write(f"{number(count, 'page')}; open {arguments.out / build.FRONT}\n")
    return 0


def _own(arguments: argparse.Namespace) -> Iterator[PairEntry]:
    """What the records of runs say of each pair. Raises HarnessError for options and records that cannot be used."""
    from ...atlas import making  # noqa: PLC0415  as above
    from ..run import MatrixCommand  # noqa: PLC0415  as above

    matrix = ["--matrix", str(arguments.matrix)] if arguments.matrix else []
    folders = [word for folder in arguments.results for word in ("--results", str(folder))]
    quick = ["--quick"] if arguments.quick else []
    words = [*folders, *matrix, *quick, "--lane", arguments.lane, "--variant", DEFAULT_VARIANT]
    summary = MatrixCommand.of(words, "report").summary()
    size = Size.NARROW if arguments.quick else Size.SLIM
    return making.entries_of(summary.pairs, summary.judged, size)
