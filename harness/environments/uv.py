"""What uv is told, and environments that it alone makes: for an installed command, which has no nox around it."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ..config.errors import BadInput, HarnessError
from ..contract import library_env, package
from ..contract.package import FOLDER, IN_CHECKOUT, ROOT
from . import ahead, followed, installer_output
from .pair_environment import PairEnvironment

DIE_WITH: Final = (
    f"import os, sys; sys.path.insert(0, sys.argv[1]); from {package.module('contract.processes')} import die_with;"
    "die_with(int(sys.argv[2])); os.execvp(sys.argv[3], sys.argv[3:])"
)
DYING: Final = (sys.executable, "-c", DIE_WITH, str(ROOT))
"""A command that ends with the process whose id follows: an orphan would go on installing beside the next run."""
NO_UV: Final = "environments are made by uv, and there is none: pip install uv"


def found() -> str:
    """The path of uv: of the Python package of that name, or on PATH. Raises BadInput where there is none."""
    if find_spec("uv"):
        from uv import find_uv_bin  # noqa: PLC0415  few have it

        return str(find_uv_bin())
    if path := shutil.which("uv"):
        return path
    raise BadInput(NO_UV)


def resolving(  # noqa: PLR0913  as Environment.resolve, with a file more
    requirements: Sequence[str], wanted: Path, resolved: Path, *, until: datetime | None, python: str, everywhere: bool
) -> list[str]:
    """The words after `uv` that resolve the file `wanted`, which holds the requirements, into the file `resolved`."""
    moment = ["--exclude-newer", until.isoformat()] if until else []
    target = ["--universal", "--python-version", python] if everywhere else ["--python", python]
    # A branch is another one tomorrow, whatever is in the cache.
    moving = [word for name in addressed(requirements) for word in ("--refresh-package", name)]
    options = ("--no-header", "--no-annotate", "--generate-hashes", *moment, *target, *moving)
    return ["pip", "compile", *options, str(wanted), "--output-file", str(resolved)]


def making(folder: Path, resolved: Path, *, python: str, locked: bool) -> list[list[str]]:
    """The words after `uv` that make an environment, and those that install what is resolved; locked: by hashes."""
    hashes = ["--require-hashes"] if locked else []
    into = ["--python", str(folder / "bin" / "python")]
    return [["venv", "--python", python, str(folder)], ["pip", "sync", *into, *hashes, str(resolved)]]


def say(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201  progress


def has_cached(installer: str, requirement: str, python: str) -> bool:
    """Whether uv has the requirement in its cache. Takes a tenth of a second, and no network."""
    words = ("pip", "install", "--dry-run", "--offline", "--no-deps", "--python", python, requirement)
    with tempfile.TemporaryDirectory() as folder:
        command = [installer, *words, "--target", folder]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  uv
    return not ended.returncode and "Would install" in ended.stderr and "Would download" not in ended.stderr


def addressed(requirements: Sequence[str]) -> list[str]:
    """The packages that come from an address on the network."""
    return [name.strip() for name, at, where in (text.partition("@") for text in requirements) if "://" in where]


@dataclass(frozen=True)
class UvEnvironments:
    """Environments in the folder `root`, each installed within `seconds`, if that is not None.

    `code` is the folder in which their Pythons find this package; `tell` is handed what these print, line by line.
    """

    root: Path
    uv: str
    seconds: int | None
    code: Path
    tell: Callable[[str], None] = say

    def resolve(
        self, requirements: Sequence[str], resolved: Path, *, until: datetime | None, python: str, everywhere: bool
    ) -> Path:
        """Write down all that the requirements come to. Raises as `Environment.resolve` does."""
        wanted = resolved.with_name(f"wanted-{resolved.name}")
        wanted.write_text("\n".join(requirements))
        words = resolving(requirements, wanted, resolved, until=until, python=python, everywhere=everywhere)
        self._do(requirements, words)
        return resolved

    def has_cached(self, requirement: str, python: str) -> bool:
        """Whether nothing has to be fetched for it."""
        return has_cached(self.uv, requirement, python)

    def create(self, folder: Path, requirements: Sequence[str], *, resolved: Path, python: str, locked: bool) -> None:
        """Make a virtual environment and install quietly. Raises as `resolve` does."""
        with installer_output.within(self.seconds):
            for words in making(folder, resolved, python=python, locked=locked):
                self._do(requirements, words)

    def make_ahead(self, wanted: Sequence[PairEnvironment]) -> None:
        """Make them in a process, if there can be one. It cannot be handed any `tell`, and tells nothing."""
        with contextlib.suppress(HarnessError, OSError):
            ahead.start(replace(self, tell=say), wanted)

    def _do(self, requirements: Sequence[str], words: Sequence[str]) -> None:
        """Run uv among the environments: the settings of the project in which the user stands are for the project."""
        command = [*DYING, str(os.getpid()), self.uv, *words]
        with tempfile.TemporaryFile("w+") as output:
            if subprocess.call(command, cwd=self.root, stdout=output, stderr=subprocess.STDOUT):  # noqa: S603  uv
                output.seek(0)
                raise installer_output.failure(", ".join(requirements[:2]), output.read())

    def python(
        self,
        interpreter: Path,
        /,
        *arguments: str,
        env: Mapping[str, str],
        into: Path | None = None,
        success: Sequence[int] = (0,),
    ) -> bool:
        """Run a Python; whether it ended with one of the exit codes that mean success.

        What it prints is progress, and is told, unless `into` takes it.
        """
        command = [str(interpreter), *arguments]
        env = library_env.of_case(os.environ, {**env, "PYTHONPATH": str(self.code)})
        if into is None:
            return followed.call(command, env, self.tell) in success
        with into.open("w") as out:
            return subprocess.call(command, env=env, stdout=out) in success  # noqa: S603  ours


def code_in(folder: Path) -> Path:
    """A folder in which this package is alone, made in `folder`; a checkout's own.

    Beside an installed package lies all that its user has, which is not the pair's.
    """
    if IN_CHECKOUT:
        return ROOT
    (folder / package.NAME).symlink_to(FOLDER, target_is_directory=True)
    return folder
