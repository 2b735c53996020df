"""The name of this package and where it lies: `harness` in a checkout, `layerscale_matrix` once it is installed.

Standard library only: this module is imported inside a pair's environment.
"""

from pathlib import Path
from typing import Final

NAME: Final = __name__.partition(".")[0]
FOLDER: Final = Path(__file__).parents[1]
ROOT: Final = FOLDER.parent
IN_CHECKOUT: Final = NAME == "harness"


def module(path: str) -> str:
    """The full name of a module of this package, for `python -m` and `-p`: `module("cell.runtime.plugin")`."""
    return f"{NAME}.{path}"
