"""nox -s clean, without nox: remove the environments of pairs in which nothing runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..config.option_parser import Parser, days
from ..config.text import number
from ..environments import pair_folder

DAY: Final = 24 * 3600  # seconds


@dataclass(frozen=True)
class CleanCommand:
    """Removes the environments that nothing has used for `days`, and in which nothing runs."""

    days: int = 0

    @classmethod
    def of(cls, argv: Sequence[str]) -> "CleanCommand":
        """Read the command line. Raises BadInput."""
        parser = Parser("clean", "Remove the environments of pairs in which nothing runs; a run makes them again.", "")
        parser.add_argument("--older-than", dest="days", type=days, metavar="DAYS", help="only those unused so long")
        arguments = parser.read(argv)
        arguments.pop("matrix", None)
        return cls(**arguments)

    def remove(self, root: Path) -> Iterator[str]:
        """Remove environments below `root`, and yield what to print."""
        removed, held = pair_folder.clean(root, self.days * DAY)
        yield from (f"{name}: removed" for name in removed)
        yield from (f"{name}: in use" for name in held)
        yield f"{number(len(removed), 'environment')} removed, {len(held)} in use"
