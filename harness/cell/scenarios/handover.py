"""Checkpoints that one pair saves and another loads, as when a deployment moves its pin.

The saving pair keeps what transformers writes. The loading pair runs the same scenarios and takes those files instead
of saving its own, so it reads and judges the other pair's files.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNFINISHED: Final = ".unfinished"
"""The suffix of a copy that is being made."""


class NotHandedOver(Exception):
    """The saving pair kept no such checkpoint: it lacks the scenario, or failed before the save."""


@dataclass(frozen=True)
class Handover:
    """The folder in which checkpoints are kept, or from which they are taken; None for neither.

    Both are on the same file system as the cases' own folders.
    """

    keeps: Path | None = None
    takes: Path | None = None

    def of(self, case: str) -> "Handover":
        """The same, limited to the folder of a case."""
        return Handover(*(folder and folder / _folder_name(case) for folder in (self.keeps, self.takes)))

    @property
    def has_any(self) -> bool:
        """Whether the saving pair kept a checkpoint of any scenario of this case."""
        return self.takes is not None and any(not path.name.endswith(UNFINISHED) for path in self.takes.glob("*"))

    def bring(self, name: str, folder: Path) -> bool:
        """Link the checkpoint kept under `name` into `folder`; False if this pair takes none.

        Raises NotHandedOver if the saving pair kept no checkpoint of that name.
        """
        if self.takes is None:
            return False
        if not (self.takes / _folder_name(name)).is_dir():
            raise NotHandedOver(name)
        shutil.rmtree(folder, ignore_errors=True)  # the scenarios of a route save into the same folder
        shutil.copytree(self.takes / _folder_name(name), folder, copy_function=os.link)
        return True

    def keep(self, name: str, folder: Path) -> None:
        """Copy a saved checkpoint unless a first attempt has; an interrupted copy does not count."""
        if self.keeps is not None and not (self.keeps / _folder_name(name)).exists():
            draft = self.keeps / f".{_folder_name(name)}{UNFINISHED}"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(folder, draft)  # no link: the next scenario writes over these files
            draft.rename(self.keeps / _folder_name(name))


NOTHING: Final = Handover()


def _folder_name(name: str) -> str:
    return name.replace("/", "--")
