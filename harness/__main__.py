"""python -m harness doctor: what is wrong with the pair of transformers and timm that is installed here."""

import importlib
import importlib.util
import os
import sys
from typing import Final

from harness.variables import LIBRARIES

OLDEST: Final = (3, 11)
NEEDED: Final = ("torch", "torchvision", "timm", "transformers")
USAGE: Final = """\
usage: python -m harness doctor

Looks at the transformers and timm of this Python, and changes nothing: loads a few small models by every route,
compares them with native timm, and says what is broken, why, and what to do. Run it with the Python of your own
project, from this project's folder or with that on PYTHONPATH. It takes about a minute, and no network.

Exit codes: 0 nothing is broken here; 1 something is; 2 bad input.
"""


def main(argv: list[str]) -> int:
    """The exit code."""
    if argv in (["--help"], ["-h"], ["doctor", "--help"], ["doctor", "-h"]):
        sys.stdout.write(USAGE)
        return 0
    if argv != ["doctor"]:
        sys.stderr.write(f"unexpected {' '.join(argv) or 'nothing'}; there is: python -m harness doctor\n")
        return 2
    if sys.version_info < OLDEST:
        sys.stderr.write(f"this Python is {sys.version.split()[0]}; 3.11 is the oldest that will do\n")
        return 2
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        sys.stderr.write(
            f"{sys.executable}: there is no {', '.join(missing)} here; run this with the Python of your own project, "
            f"or install them: pip install {' '.join(missing)}\n"
        )
        return 2
    os.environ.update(LIBRARIES)  # before they are imported
    for name in (*NEEDED, "harness.cell.doctor"):
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  whatever a package raises that does not fit the others
            sys.stderr.write(_unusable(name, error))
            return 2
    from harness.cell import doctor  # noqa: PLC0415  needs what was looked for

    return doctor.examine(sys.stdout)


def _unusable(name: str, error: Exception) -> str:
    """A package that is there and cannot be imported, or one too old for what is looked at."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    if name in NEEDED:
        return f"{sys.executable}: {name} is here and cannot be imported ({said}); install one that fits the others\n"
    return f"{sys.executable}: transformers or timm is older than what this looks at ({said}); see README.md\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
