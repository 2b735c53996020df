"""What a project needs beside a pair: the other dependencies that its lock pins."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..config.errors import BadInput
from ..config.pair import AXES
from ..config.pin_files.reading import named
from ..config.pin_files.requirement_lines import OPTION, requirement_lines

OF_THE_PAIR: Final = frozenset({*AXES, "torch", "torchvision", "triton"})
OF_TORCH: Final = ("nvidia-", "cuda-")
EXPORT: Final = ("export", "--frozen", "--no-dev", "--no-hashes", "--no-header", "--no-annotate", "--no-emit-project")
KINDS: Final = "give uv.lock or requirements.txt, as poetry export -o requirements.txt writes it"


def requirements(lock: Path, uv: str) -> tuple[str, ...]:
    """The requirements in `uv.lock`, which uv exports, or in a requirements file, without what torch and a pair bring.

    Files and folders of the project itself are left out. Raises BadInput for another file.
    """
    if lock.name == "uv.lock":
        ended = subprocess.run([uv, *EXPORT], cwd=lock.parent, capture_output=True, text=True, check=False)  # noqa: S603  uv
        if ended.returncode:
            said = " ".join(ended.stderr.split()).removeprefix("error: ")
            raise BadInput(f"--with-lock: uv cannot read {named(lock)}: {said}")
        lines: Iterable[str] = ended.stdout.splitlines()
    elif lock.suffix == ".txt":
        lines = requirement_lines(lock, constraints=False)
    else:
        raise BadInput(f"--with-lock: {named(lock)} cannot be installed; {KINDS}")
    return tuple(_others(lines))


def _others(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        try:
            asked = Requirement(OPTION.sub("", line).strip())
        except InvalidRequirement:
            continue
        name = canonicalize_name(asked.name)
        if name not in OF_THE_PAIR and not name.startswith(OF_TORCH) and not (asked.url or "").startswith("file:"):
            yield str(asked)
