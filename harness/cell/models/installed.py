"""The installed releases of transformers, timm and torch, and the releases in which loading changed."""

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import Final, Self

from packaging.version import Version

from ...contract.routes import ROUTES

DTYPE_RENAMED: Final = Version("4.56.0")  # from_pretrained takes `dtype`; before, `torch_dtype`
MODEL_ARGS: Final = Version("4.53.0")  # TimmWrapper passes `model_args` on; before, it silently ignores them
ACCELERATE: Final = Version("4.51.0")  # low_cpu_mem_usage works without accelerate; before, it needs it
KEEPS_DTYPE: Final = Version("5.0.0.dev0")  # without a dtype a model has that of its checkpoint; before, float32
MAPPED: Final = Version("4.57.0")  # every class leaves tensors mapped; in 4.49 TimmWrapper copies them, others do not
PROCESSING_CLASS: Final = Version("4.46.0")  # Trainer takes `processing_class`; before, `tokenizer`
LOGS_EXACTLY: Final = Version("5.0.0.dev0")  # Trainer logs a loss as it is; before, rounded to four digits
ALWAYS_LOW_CPU_MEM: Final = Version("5.0.0.dev0")  # low_cpu_mem_usage is accepted, and does nothing


@dataclass(frozen=True)
class Release:
    """One release each of transformers, timm and torch."""

    transformers: Version
    timm: Version
    torch: Version

    @classmethod
    def installed(cls) -> Self:
        """The releases in this environment."""
        return cls(*(Version(importlib.metadata.version(name)) for name in ("transformers", "timm", "torch")))


def missing_companion(route: str) -> str | None:
    """The reason why a route cannot run without the package that it needs beside the pair; None if it can."""
    companion = ROUTES[route].companion
    return f"{route} needs {companion}, which is not installed" if companion and not is_there(companion) else None


def is_there(package: str) -> bool:
    """Whether a package is installed, which is not imported for that."""
    return importlib.util.find_spec(package) is not None
