"""The context of a running case: its phase, captured warnings, and how a route saves and loads in it."""

import contextlib
import functools
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from ...contract.finding import Finding
from ...contract.plan import Costs
from ...remedies.table import Mends, Remedy
from ..compare.costs import compare_costs, exceed_floors
from ..compare.flags import Flags
from ..guards.cost import Cost, measured
from ..guards.library_warnings import capture_warnings
from ..models.installed import DTYPE_RENAMED, MAPPED, Release
from ..models.native import Native, Outputs, refuse_nonfinite
from ..models.reference import ReferenceModel
from ..models.variants import Variant
from . import bare_work
from .handover import NOTHING, Handover
from .loading import loading

CHECKPOINT: Final = "timm-"
PHASES_THAT_WARN: Final = frozenset({"save", "load", "resave"})


@dataclass
class CaseContext:
    """Scenario and phase of a case, seconds by phase, captured warnings, and the folder of its checkpoints.

    `natives` holds the native model of each scenario, which a second attempt uses again.
    """

    reference: ReferenceModel
    variant: Variant
    release: Release
    folder: Path
    natives: dict[str, Native] = field(default_factory=dict)
    handover: Handover = NOTHING
    in_shards: bool = True  # whether a checkpoint too large for one file may be split
    remedies: Sequence[Remedy] = ()  # what the scenario is run again with
    costs: Costs | None = None  # the bounds; None if costs are not compared
    quick: bool = True  # whether routes run their optional scenarios, and gradients are those of a pass back
    scenario: str = ""
    phase: str = "native"
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    """Captured warnings by scenario."""
    loaded_folder: Path | None = None  # that of the last model loaded
    native_outputs: dict[str, Outputs] = field(default_factory=dict)  # by scenario
    after_phase: Callable[[], None] = lambda: None
    """Called when a phase ends, however it ends."""
    looks: dict[int, tuple[Any, Flags]] = field(default_factory=dict)
    """Models by id, and what each was when it came back, before anything was called on it."""
    loads: dict[int, tuple[Cost, Callable[[], Any]]] = field(default_factory=dict)
    """Models by id, what loading each has cost, and how to load it again."""
    went_back: list[str] = field(default_factory=list)
    """The scenarios whose gradients were compared, in all attempts at the case."""

    @contextlib.contextmanager
    def during(self, phase: str, timed: str | None = None) -> Iterator[None]:
        """Enter a phase and add its time to `seconds`, under the name `timed` if that is given.

        Memory is poisoned during "load", so that tensors that nothing sets show.
        """
        self.phase = phase
        name, started = timed or phase, time.perf_counter()
        try:
            with contextlib.ExitStack() as stack:
                if timed is None and phase in PHASES_THAT_WARN:
                    stack.enter_context(capture_warnings(self.captured_warnings))
                if timed is None and phase == "load":
                    stack.enter_context(loading())
                yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
            self.after_phase()

    @property
    def captured_warnings(self) -> list[str]:
        """The warnings of this scenario so far."""
        return self.warnings.setdefault(self.scenario, [])

    @property
    def goes_back(self) -> bool:
        """Whether gradients are compared: a model at full size has no room for those of two."""
        return self.is_default and self.reference.size.is_cut

    @property
    def reads_again(self) -> bool:
        """Whether the values in a file that was written are compared: a remedy may have changed them since.

        At full size they take long to read.
        """
        in_float32 = self.reference.placement.is_default or self.reference.as_stored
        return in_float32 and self.reference.size.is_cut and not self._mends(Mends.FOLDERS)

    @property
    def is_default(self) -> bool:
        """Whether variant and placement are the default. Routes try the options of a configuration only then."""
        return self.variant.is_default and self.reference.placement.is_default

    @property
    def tries_all(self) -> bool:
        """Whether routes run their optional scenarios: by default, on a quick model of each kind."""
        return self.is_default and self.quick

    def native(self, build: Callable[[], Native], *, anew: bool = False) -> Native:
        """The native model of this scenario, built once or `anew`. Raises FloatingPointError if it is not finite."""
        with self.during("native"):
            native = self.natives[self.scenario] = (not anew and self.natives.get(self.scenario)) or build()
            if self.variant.runs:
                refuse_nonfinite(native.runs.first)
                self.native_outputs[self.scenario] = native.runs.first
        return native

    def checkpoint(self) -> Path:
        """The folder of timm's own checkpoint in this variant, which all cases of a model share."""
        with self.during("save"):
            folder = self.folder.parent / f"{CHECKPOINT}{self.variant.name}"
            saved = self.reference.save(folder, self.variant, in_shards=self.in_shards)
            return self.mend_folder(self._copy(saved)) if self._mends(Mends.FOLDERS) else saved

    def save(self, model: Any, folder: Path, *, phase: str = "save", left_out: frozenset[str] = frozenset()) -> Path:
        """Save a model by transformers in this variant, without the tensors `left_out`.

        If checkpoints of another pair are handed over, the folder holds theirs instead.
        """
        save = self.variant.save_in_shards if self.in_shards else self.variant.save
        return self.write(folder, lambda: save(model, folder, self.release, left_out), phase=phase)

    def write(self, folder: Path, writer: Callable[[], Any], *, phase: str = "save") -> Path:
        """Save a checkpoint by calling `writer`, or take the one handed over."""
        name = f"{self.scenario} {folder.relative_to(self.folder)}".strip()
        with self.during(phase):
            if not self.handover.bring(name, folder):
                shutil.rmtree(folder, ignore_errors=True)  # an earlier scenario may have left more shards there
                writer()
                self.handover.keep(name, folder)
            return self.mend_folder(folder)

    def _copy(self, folder: Path) -> Path:
        """A copy of a folder that other cases use too, whose files of tensors are links."""
        copy = self.folder / f"{folder.name}-mended"
        if not copy.exists():
            shutil.copytree(folder, copy, copy_function=os.link)
        return copy

    def mend_folder(self, folder: Path) -> Path:
        """Apply the remedies for checkpoint folders to a folder of this case."""
        mending = self._mends(Mends.FOLDERS)
        for path in folder.glob("*.json") if mending else ():
            content = path.read_bytes()  # it may be linked to a file of another case
            path.unlink()
            path.write_bytes(content)
        for remedy in mending:
            remedy.function(Mends.FOLDERS)(folder)
        return folder

    def mend_model(self, model: Any, report: Any = None, folder: Path | None = None) -> Any:
        """Apply the remedies for loaded models, which may correct the loading report."""
        for remedy in self._mends(Mends.MODELS):
            remedy.function(Mends.MODELS)(model, {} if report is None else report, folder)
        return self.mend_calls(model)

    def mend_calls(self, model: Any) -> Any:
        """Apply the remedies for how a model computes, also to the saved model that it is compared with."""
        for remedy in self._mends(Mends.CALLS):
            remedy.function(Mends.CALLS)(model)
        return model

    def _mends(self, kind: Mends) -> list[Remedy]:
        return [remedy for remedy in self.remedies if kind in remedy.mends]

    def load(
        self, from_pretrained: Callable[..., Any], folder: Path, **arguments: Any
    ) -> tuple[Any, Mapping[str, Any]]:
        """Load a model as a user of this lane and variant does; also returns transformers' loading report."""
        arguments = {**self.dtype, **self.variant.arguments(self.reference.placement.device), **arguments}
        with self.during("load"):
            self.loaded_folder = Path(folder)
            load = functools.partial(from_pretrained, folder, output_loading_info=True, **arguments)
            model, info = self._measure(load) if self._compares_costs else load()
            return self.reference.placement.put(self.look(self.mend_model(model, info, folder))), info

    @property
    def _compares_costs(self) -> bool:
        return self.costs is not None and bare_work.has_measure(self.reference)

    def _measure(self, load: Callable[[], Any]) -> Any:
        (model, info), cost = measured(load)
        self.loads[id(model)] = cost, load
        return model, info

    def excess_costs(self, model: Any) -> list[Finding]:
        """The findings on what loading a model has cost, if that was measured.

        A load beyond its bound is measured once more, and each cost counts that is beyond both times: the first load
        of a process imports modules.
        """
        cost, load = self.loads.get(id(model), (None, None))
        if self.costs is None or cost is None or load is None or not exceed_floors(cost, self.costs):
            return []
        bare, mapped = bare_work.of(self.reference, maps=self.release.transformers >= MAPPED)
        if list(compare_costs(cost, bare, self.costs, mapped)):
            with (
                self.during("load", timed="cost"),
                loading(),
                capture_warnings([]),
                torch.random.fork_rng(devices=[]),
            ):
                _, again = measured(load, with_garbage=False)
            cost = cost.least(again)
        return list(compare_costs(cost, bare, self.costs, mapped))

    def forget_models(self) -> None:
        """Free the models that were loaded."""
        self.looks.clear()
        self.loads.clear()

    def look(self, model: Any) -> Any:
        """Keep what a model is as a library gave it back, and return it."""
        self.looks[id(model)] = model, Flags.of(model)
        return model

    def flags_of(self, model: Any) -> Flags:
        """What a model was when it came back. Raises LookupError if a route has not looked at it."""
        if id(model) not in self.looks:
            raise LookupError(f"nobody looked at the {type(model).__name__} before it was used")
        return self.looks[id(model)][1]

    @functools.cached_property
    def dtype(self) -> Mapping[str, Any]:
        """The dtype argument of `from_pretrained`; empty for float32, and where the checkpoint's is expected."""
        return {} if self.reference.placement.is_default or self.reference.as_stored else self.precision

    @functools.cached_property
    def precision(self) -> Mapping[str, Any]:
        """The lane's dtype as an argument, under its name in this release."""
        name = "dtype" if self.release.transformers >= DTYPE_RENAMED else "torch_dtype"
        return {name: self.reference.placement.dtype}
