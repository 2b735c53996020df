"""`site`: the pages that answer, from the atlas."""

import argparse
from pathlib import Path
from typing import Any, Final, TextIO

from ...atlas.answer import LANE
from ...config.text import capitalised, number

ABOUT: Final = "write a site that answers from what was measured before: static pages, which need no server"
EXAMPLE: Final = "Example: site --out public"


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser("site", help=ABOUT, description=f"{capitalised(ABOUT)}.", epilog=EXAMPLE)
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the pages go")
    command.add_argument("--lane", default=LANE, metavar="NAME", help=f"device and precision (default {LANE})")
    command.add_argument("--alone", action="store_true", help="the front page alone, one file that links to no other")


def run(arguments: argparse.Namespace, out: TextIO) -> int:
    """Write the site. Raises BadInput."""
    from ...environments import pypi  # noqa: PLC0415  needs libraries that the Python of another command may lack
    from ...site import build  # noqa: PLC0415  as above

    frame = build.site(pypi.today().isoformat(), arguments.lane)
    count = build.write(frame, arguments.out, alone=arguments.alone)
    out.write(f"{number(count, 'page')}; open {arguments.out / build.FRONT}\n")
    return 0
