"""One try at a case: its scenarios walked, and whatever they yield compared."""

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ...contract.plan import Tolerance
from ..compare import divergence, reasons
from ..compare.comparison import compare_names, compare_outputs, compare_tensors
from ..compare.diagnosis import equal
from ..compare.findings import Findings, NameDifference, TensorDifference
from ..guards import offline
from ..guards.leaks import Leaks
from ..models.layer_scales import has_layer_scale
from ..models.placement import tensors_of
from ..models.reference import ReferenceModel
from .context import CaseContext, refuse_nonfinite
from .handover import NotKept
from .protocol import Computed, Damaged, Loaded, Scenario, Step, Written


@dataclass
class Attempt:
    """One try at a case, `again` where it is the second: its trip, and what was found on it."""

    context: CaseContext
    tolerance: Tolerance
    again: bool = False
    findings: Findings = field(default_factory=Findings)
    failed: list[str] = field(default_factory=list)
    met: int = 0  # what was there to be compared
    unrun: bool = False  # whether a model came back that nobody can run
    uncarried: bool = False
    """Whether a leg had no checkpoint of the pair whose checkpoints are carried over."""

    def take(self, name: str, scenario: Scenario) -> None:
        """Go one way, comparing whatever is met. What is found is kept where a later step raises; an exception too."""
        found, leaks = self.findings.failures, Leaks()
        try:
            self._walk(name, scenario)
        finally:  # also where pytest-timeout interrupts it
            self.findings.errors += [_leaked(one, self.context.phase, name) for one in leaks.undo()]
            self._tell_refused(name)
        if self.findings.failures > found:
            self.failed.append(name)

    def _tell_refused(self, scenario: str) -> None:
        """A try to reach the network is an error, also where a library took it for nothing."""
        told = {error["message"] for error in self.findings.errors}
        self.findings.errors += [
            _on({"type": "Offline", "message": one, "frame": "", "phase": self.context.phase}, scenario)
            for one in offline.refused()
            if one not in told
        ]

    def _walk(self, name: str, scenario: Scenario) -> None:
        holds, before = True, self.met
        self.context.scenario, self.context.phase = name, "native"
        try:
            for step in scenario:
                holds = self._meet(name, step, state_holds=holds) and holds
        except NotKept:
            self.uncarried = True
        except Exception as error:  # noqa: BLE001  whatever a library raises is what the case found
            self.findings.errors.append(described(error, self.context.phase, name))
        else:
            if self.met == before:
                nothing = RuntimeError("nothing was compared: the route loaded nothing, or ran nothing")
                self.findings.errors.append(described(nothing, self.context.phase, name))

    def _meet(self, name: str, step: Step, *, state_holds: bool) -> bool:
        """Whether the names or the state that a step shows agree."""
        match step:
            case Damaged(what):
                damaged = {"type": reasons.DAMAGED, "message": what, "frame": "", "phase": self.context.phase}
                self.findings.errors.append(_on(damaged, name))
            case Written():
                return self._compare_names(name, step)
            case Loaded():
                self.met += 1
                self.unrun = self.unrun or not step.runs
                return self._compare_state(name, step)
            case Computed():
                self.met += 1
                # How far off broken state leads need not be known twice, and on CUDA it can poison the context for
                # every case that follows.
                if state_holds or (self.context.reference.placement.device == "cpu" and not self.again):
                    self._compare_outputs(name, step, state_holds=state_holds)
        return True

    def _compare_names(self, scenario: str, written: Written) -> bool:
        found = compare_names(_in("the file that transformers wrote", scenario), written.expected, written.names)
        self.findings.names += found
        return not found

    def _compare_state(self, scenario: str, loaded: Loaded) -> bool:
        """Names and tensors; whether they agree."""
        with self.context.during("load", timed="compare"):
            names = _names(loaded, scenario, scales=self.context.reference.entry.layer_scale)
            self.findings.names += names
            tensors = _tensors(loaded, self.context.reference)
            self.findings.tensors += [replace(one, scenario=scenario) for one in tensors]
        return not names and not tensors

    def _compare_outputs(self, scenario: str, step: Computed, *, state_holds: bool) -> None:
        """Every output that is expected; one that the loaded model does not give differs."""
        with self.context.during("run"):
            expected = step.expected()
            refuse_nonfinite(expected.first)
            outputs, again = step.outputs(), step.outputs()
        with self.context.during("run", timed="compare"):
            compared = compare_outputs(expected.first, lambda: expected.second, outputs, self.tolerance)
            # What a model gives twice the same is compared once.
            moved = {
                name: tensor for name, tensor in expected.first.items() if not _same(again.get(name), outputs.get(name))
            }
            second = compare_outputs(moved, lambda: expected.second, again, self.tolerance)
            compared += [replace(one, name=f"{one.name}, second call") for one in second]
        self.findings.outputs += [replace(one, name=_in(one.name, scenario)) for one in compared]
        if state_holds and step.loaded and not all(output.holds for output in compared):
            native = step.loaded.native
            with self.context.during("run"):
                self.findings.diverges = self.findings.diverges or divergence.first_module(
                    native.module, native.run, step.loaded.timm_module, step.outputs, self.tolerance
                )


def _names(loaded: Loaded, scenario: str, *, scales: bool) -> list[NameDifference]:
    """What the loading report lists, and the names of the loaded module, relative to the timm module."""
    listed = {
        kind: tuple(name for name in _relative(loaded, kind) if name not in loaded.left_out)
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
    }
    # A name that the checkpoint lacks and the report does not name is as wrong as one that it should not name.
    unsaid = tuple(sorted(loaded.absent - set(listed["missing_keys"])))
    missing = tuple(name for name in listed["missing_keys"] if name not in loaded.absent)
    report = NameDifference(
        _in("the loading report", scenario), missing, (*listed["unexpected_keys"], *unsaid), listed["mismatched_keys"]
    )
    found = [report] if report.names else []
    where = _in(f"the model that {loaded.by} loaded", scenario)
    kept = [name for name in loaded.native.names if name not in loaded.left_out]
    found += compare_names(
        where, kept, (name for name in loaded.timm_module.state_dict() if name not in loaded.left_out)
    )
    if scales and not has_layer_scale(loaded.timm_module):
        found.append(NameDifference(where, ("its LayerScale parameters",), ()))
    return found


def _relative(loaded: Loaded, kind: str) -> list[str]:
    """Sorted names of the report as timm has them, but whole where the prefix itself is what went missing."""
    missing, unexpected = (set(_plain(loaded.info.get(one, ()))) for one in ("missing_keys", "unexpected_keys"))
    prefix = f"{loaded.prefix}."
    if any(name.removeprefix(prefix) in unexpected for name in missing if name.startswith(prefix)):
        prefix = ""
    return sorted(name.removeprefix(prefix) for name in _plain(loaded.info.get(kind, ())))


def _plain(names: Iterable[Any]) -> list[str]:
    """Before transformers 5 a mismatched name comes with its two shapes."""
    return [name[0] if isinstance(name, tuple | list) else str(name) for name in names]


def _tensors(loaded: Loaded, reference: ReferenceModel) -> list[TensorDifference]:
    """The timm module held against native, and all around it against what was saved."""
    native = loaded.native
    kept = {name: tensor for name, tensor in native.tensors.items() if name not in loaded.left_out}
    got = {name: tensor for name, tensor in tensors_of(loaded.timm_module).items() if name not in loaded.left_out}
    differences = compare_tensors(kept, got, frozenset(native.names), reference.default)
    if loaded.saved is not None:
        around, persistent = _around(loaded.saved, loaded.prefix), frozenset(loaded.saved.state_dict())
        differences += compare_tensors(around, _around(loaded.model, loaded.prefix), persistent)
    return differences


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and one.dtype == other.dtype and equal(one, other)


def _around(model: Any, prefix: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors_of(model).items() if not name.startswith(f"{prefix}.")}


def _in(what: str, scenario: str) -> str:
    return f"{what} ({scenario})" if scenario else what


def _leaked(what: str, phase: str, scenario: str) -> Mapping[str, Any]:
    """A change for the whole process that outlives a leg, as an exception is described: it breaks what comes next."""
    return _on({"type": "LeakedState", "message": what, "frame": "", "phase": phase}, scenario)


def described(error: BaseException, phase: str, scenario: str) -> Mapping[str, Any]:
    """Type, message, innermost frame and phase of an exception, and the leg on which it came."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return _on({"type": type(error).__name__, "message": str(error), "frame": at, "phase": phase}, scenario)


def _on(described: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
    return {**described, "leg": scenario} if scenario else described
