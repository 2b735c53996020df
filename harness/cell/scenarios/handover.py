"""Checkpoints that one pair saves and another loads, as a deployment does that moves its pin.

The pair that saves keeps what transformers writes; the pair that loads goes the same ways, and where it would save it
takes what the other kept. So the files are the one pair's, and all that reads them, and judges it, is the other's.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final


class NotKept(Exception):
    """The pair that saves has kept no such checkpoint: it has not got this way, or did not come so far."""


@dataclass(frozen=True)
class Handover:
    """Where checkpoints are kept, or taken from; neither by default. Both are on the file system of the cases' own."""

    keeps: Path | None = None
    takes: Path | None = None

    def of(self, case: str) -> "Handover":
        """What belongs to a case."""
        return Handover(*(folder and folder / _plain(case) for folder in (self.keeps, self.takes)))

    def bring(self, name: str, folder: Path) -> bool:
        """Put there what was kept under this name; False where nothing is taken from anywhere.

        Raises NotKept where the other pair kept nothing.
        """
        if self.takes is None:
            return False
        if not (self.takes / _plain(name)).is_dir():
            raise NotKept(name)
        shutil.rmtree(folder, ignore_errors=True)  # the legs of a road save into the same
        shutil.copytree(self.takes / _plain(name), folder, copy_function=os.link)
        return True

    def keep(self, name: str, folder: Path) -> None:
        """Keep what was saved, unless it is there from a first try. A copy that was cut off is none."""
        if self.keeps is not None and not (self.keeps / _plain(name)).exists():
            draft = self.keeps / f".{_plain(name)}.unfinished"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(folder, draft)  # no link: the next leg writes over these files
            draft.rename(self.keeps / _plain(name))


NOTHING: Final = Handover()


def _plain(name: str) -> str:
    """As the name of a folder."""
    return name.replace("/", "--")
