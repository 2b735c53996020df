"""The script of the front page: built by npm from the sources in `web/src`, and kept built, so that no npm is needed.

`nox -s web` builds it again. Its first line has the digest of what it was built from, and a test compares them.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from .frame import FOLDER

WEB: Final = FOLDER / "web"
BUILT: Final = WEB / "front.js"
LIBRARIES: Final = ("@leeoniya/ufuzzy", "lit-html")
LICENSES: Final = WEB / "licenses.txt"
"""Those of the libraries that are in it."""
BUILD: Final = (("npm", "ci", "--no-audit", "--no-fund"), ("npm", "run", "build"))
"""The commands, in a folder with the sources."""


def digest(web: Path = WEB) -> str:
    """Of all sources, and of what npm is told."""
    files = sorted([*web.glob("src/*.js"), web / "package.json", web / "package-lock.json"])
    summed = hashlib.sha256()
    for file in files:
        summed.update(file.relative_to(web).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return summed.hexdigest()


def head(web: Path = WEB) -> str:
    """The first line of the built script."""
    return f"// Built by nox -s web from sources with the digest {digest(web)}\n"


def build(run: Callable[[Sequence[str], Path], object]) -> None:
    """Build the script anew, beside the checkout. `run` runs a command in a folder, and raises if it fails."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "web"
        shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("node_modules"))
        for command in BUILD:
            run(command, folder)
        BUILT.write_text(head() + (folder / BUILT.name).read_text(encoding="utf-8"), encoding="utf-8")
        texts = ((name, (folder / "node_modules" / name / "LICENSE").read_text(encoding="utf-8")) for name in LIBRARIES)
        licenses = "\n\n".join(f"{name}\n\n{text}" for name, text in texts)
        LICENSES.write_text(licenses, encoding="utf-8")
