"""transformers, timm and torch as they are installed, and what changed between releases for everybody who loads."""

import importlib.metadata
from dataclasses import dataclass
from typing import Final, Self

from packaging.version import Version

DTYPE_RENAMED: Final = Version("4.56.0")  # from_pretrained takes `dtype`; `torch_dtype` before
MODEL_ARGS: Final = Version("4.53.0")  # TimmWrapper hands `model_args` on; before, it ignores them in silence
ACCELERATE: Final = Version("4.51.0")  # before, low_cpu_mem_usage asks for accelerate
ALWAYS_LOW_CPU_MEM: Final = Version("5.0.0.dev0")  # from here on low_cpu_mem_usage is taken, and does nothing


@dataclass(frozen=True)
class Release:
    """One release of transformers with one of timm, on one of torch."""

    transformers: Version
    timm: Version
    torch: Version

    @classmethod
    def installed(cls) -> Self:
        """The releases in this environment."""
        return cls(*(Version(importlib.metadata.version(name)) for name in ("transformers", "timm", "torch")))
