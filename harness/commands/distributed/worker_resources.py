"""What a worker tells a Dask scheduler of its machine, by which cells are placed: memory, GPUs, and its code."""

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Final

from ...contract.package import ROOT
from ...planning import capacity, device

MEMORY: Final = "MEMORY"  # GiB
GPU: Final = "GPU"
OF_CODE: Final = ("harness/**/*", "tests/matrix/*", "noxfile.py", "pyproject.toml")


@cache
def code() -> str:
    """Names the code of this checkout: records of another would not count."""
    digest = hashlib.sha256()
    for path in sorted({path for glob in OF_CODE for path in ROOT.glob(glob)}):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"CODE-{digest.hexdigest()[:16]}"


def resources() -> Mapping[str, float]:
    """By name how much there is; of the code one, for a worker does one cell at a time."""
    gpus = device.cuda_devices()
    return {MEMORY: round(capacity.shared().memory, 1), code(): 1, **({GPU: gpus} if gpus else {})}


def words() -> str:
    """The same as `dask worker --resources` takes it."""
    return " ".join(f"{name}={amount:g}" for name, amount in resources().items())
