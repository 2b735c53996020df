"""One case on its way: what a route needs to save and load, where the case is, and what was said."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..guards import memory
from ..guards.library_warnings import capture_warnings
from ..models.installed import DTYPE_RENAMED, Release
from ..models.native import Native, Outputs
from ..models.reference import ReferenceModel
from ..models.variants import Variant
from .handover import NOTHING, Handover

CHECKPOINT: Final = "timm-"
LIBRARIES_SPEAK: Final = frozenset({"save", "load", "resave"})


@dataclass
class CaseContext:
    """Where a case is, the seconds spent in each phase, what the libraries said, and its checkpoints' folder.

    `natives` holds the native side of each leg, which a second try of it does not make again.
    """

    reference: ReferenceModel
    variant: Variant
    release: Release
    folder: Path
    natives: dict[str, Native] = field(default_factory=dict)
    handover: Handover = NOTHING
    in_shards: bool = True  # whether a checkpoint that is too large for one file may lie in several
    scenario: str = ""
    phase: str = "native"
    seconds: dict[str, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    native_outputs: dict[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def during(self, phase: str, timed: str | None = None) -> Iterator[None]:
        """Name a phase, and time it, under another name where comparing is part of it.

        What is loaded is loaded into memory that shows what nobody has set.
        """
        self.phase = phase
        name, started = timed or phase, time.perf_counter()
        try:
            with contextlib.ExitStack() as stack:
                if timed is None and phase in LIBRARIES_SPEAK:
                    stack.enter_context(capture_warnings(self.said))
                if timed is None and phase == "load":
                    stack.enter_context(memory.poisoned())
                yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    @property
    def is_default(self) -> bool:
        """Whether checkpoint and precision are the usual ones. What a route can be asked for besides, it tries then."""
        return self.variant.is_default and self.reference.placement.is_default

    def native(self, build: Callable[[], Native]) -> Native:
        """What this leg's end is held against, run. Raises FloatingPointError where it is not finite itself."""
        with self.during("native"):
            native = self.natives[self.scenario] = self.natives.get(self.scenario) or build()
            refuse_nonfinite(native.runs.first)
            self.native_outputs = self.native_outputs or dict(native.runs.first)
        return native

    def checkpoint(self) -> Path:
        """The checkpoint as users of timm store it, in this variant; the cases of one model share it."""
        with self.during("save"):
            folder = self.folder.parent / f"{CHECKPOINT}{self.variant.name}"
            return self.reference.save(folder, self.variant, in_shards=self.in_shards)

    def save(self, model: Any, folder: Path, *, phase: str = "save", left_out: frozenset[str] = frozenset()) -> Path:
        """Let transformers store its model, in this variant, but for the tensors that are left out.

        Where another pair's checkpoints are carried over, theirs is what is there afterwards.
        """
        save = self.variant.save_in_shards if self.in_shards else self.variant.save
        return self.write(folder, lambda: save(model, folder, self.release, left_out), phase=phase)

    def write(self, folder: Path, into: Callable[[], Any], *, phase: str = "save") -> Path:
        """The same by another writer, which is called for it."""
        name = f"{self.scenario} {folder.relative_to(self.folder)}".strip()
        with self.during(phase):
            if not self.handover.bring(name, folder):
                into()
                self.handover.keep(name, folder)
        return folder

    def load(
        self, from_pretrained: Callable[..., Any], folder: Path, **arguments: Any
    ) -> tuple[Any, Mapping[str, Any]]:
        """What a user of this lane and variant gets back, and transformers' loading report."""
        given = {**self.dtype, **self.variant.arguments(self.reference.placement.device), **arguments}
        with self.during("load"):
            model, info = from_pretrained(folder, output_loading_info=True, **given)
            return self.reference.placement.put(model), info

    @functools.cached_property
    def dtype(self) -> Mapping[str, Any]:
        """What `from_pretrained` is given: nothing for float32, in which every checkpoint is stored."""
        return {} if self.reference.placement.is_default else self.precision

    @functools.cached_property
    def precision(self) -> Mapping[str, Any]:
        """The lane's dtype as an argument, by the name that it has in this release."""
        name = "dtype" if self.release.transformers >= DTYPE_RENAMED else "torch_dtype"
        return {name: self.reference.placement.dtype}


def refuse_nonfinite(outputs: Outputs) -> None:
    """Raises FloatingPointError for an output of native timm that is not finite."""
    for name, tensor in outputs.items():
        if not bool(tensor.isfinite().all()):
            raise FloatingPointError(f"native timm's {name} is not finite")
