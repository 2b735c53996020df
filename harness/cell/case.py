"""Runs one case from end to end and says what happened, as a record's fields."""

import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.cell import divergence, memory, reasons
from harness.cell.comparison import compare_names, compare_outputs, compare_tensors, fingerprint
from harness.cell.parity import Findings, NameDifference, TensorDifference, Tolerance
from harness.cell.routes.road import Loaded, Release, Route, Saved
from harness.cell.said import listening, tidied
from harness.cell.scales import scaled
from harness.cell.subject import Native, Runs, Subject, tensors_of


@dataclass
class Attempt:
    """One case on its way: the phase it is in, the seconds spent in each, what was said, and what was found."""

    route: Route
    subject: Subject
    tolerance: Tolerance
    folder: Path
    phase: str = "native"
    seconds: dict[str, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    native: Runs | None = None
    expected: Runs | None = None

    @contextmanager
    def during(self, phase: str, timed: str | None = None) -> Iterator[None]:
        """Name a phase, and time it, under another name where comparing is part of it."""
        self.phase = phase
        name, started = timed or phase, time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


def run(route: Route, subject: Subject, release: Release, tolerance: Tolerance, scratch: Path) -> dict[str, Any]:
    """Try one road with one model. Never raises: an exception is a finding. Returns the fields of a record."""
    started = time.perf_counter()
    why = route.unsupported(release, subject.entry)
    if why is not None:
        return record("unsupported", why, seconds=time.perf_counter() - started)
    memory.restart_peak()
    attempt = Attempt(route, subject, tolerance, scratch / route.name)
    try:
        with torch.no_grad():
            _try(attempt)
    except Exception as error:  # noqa: BLE001  whatever a library raises is what the case found
        attempt.findings.error = _described(error, attempt.phase)
    findings = attempt.findings
    return record(
        findings.outcome,
        reasons.one_line(findings),
        detail=reasons.detail(findings, [tidied(text, str(scratch)) for text in attempt.said], attempt.seconds),
        fingerprint=fingerprint(attempt.native.first) if attempt.native else None,
        seconds=time.perf_counter() - started,
        **findings.figures,
    )


def record(outcome: str, reason: str, *, seconds: float = 0.0, **fields: Any) -> dict[str, Any]:
    """The fields of a record that every outcome has."""
    empty: dict[str, Any] = {
        "detail": {"silent": False},
        "max_abs": None,
        "max_rel": None,
        "noise": None,
        "fingerprint": None,
    }
    measured = {"seconds": round(seconds, 3), "peak_rss_mb": memory.peak_mb()}
    return {"outcome": outcome, "reason": reason, **empty, **measured, **fields}


def _try(attempt: Attempt) -> None:
    """Save, load, compare state, run, compare outputs. What is found is kept even where a later step raises."""
    route, subject, findings = attempt.route, attempt.subject, attempt.findings
    with attempt.during("native"):
        native = route.native(subject)
        _refuse_nonfinite(native.runs)
        attempt.native = native.runs
    with attempt.during("save"), listening(attempt.said):
        saved = route.save(subject, attempt.folder)
    if saved.names is not None:
        findings.names += compare_names("the file that transformers wrote", native.names, saved.names)
    loads, count = iter(route.load(subject, saved)), 0
    while (loaded := _next(attempt, loads)) is not None:
        count += 1
        with attempt.during("load", timed="compare"):
            findings.names += _names(native, subject, loaded)
            findings.tensors += _tensors(native, saved, loaded)
        # On CUDA a forward pass on broken state can poison the context for every case that follows.
        if loaded.compares and (findings.state_holds or subject.place.device == "cpu"):
            _compare_outputs(attempt, native, saved, loaded)
    if count == 0 or (findings.state_holds and not findings.outputs):
        raise RuntimeError("nothing was compared: the route loaded nothing, or ran nothing")


def _next(attempt: Attempt, loads: Iterator[Loaded]) -> Loaded | None:
    with attempt.during("load"), listening(attempt.said), memory.poisoned():
        return next(loads, None)


def _names(native: Native, subject: Subject, loaded: Loaded) -> list[NameDifference]:
    """What the loading report lists, and the names of the loaded module, relative to the timm module."""
    listed = {
        kind: tuple(name for name in _relative(loaded, loaded.info[kind]) if name not in loaded.left_out)
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
    }
    report = NameDifference(
        f"the loading report ({loaded.how})",
        listed["missing_keys"],
        listed["unexpected_keys"],
        listed["mismatched_keys"],
    )
    found = [report] if any(listed.values()) else []
    found += compare_names(f"the {loaded.how} model", native.names, loaded.timm_module.state_dict())
    if subject.entry.layer_scale and not scaled(loaded.timm_module):
        found.append(NameDifference(f"the {loaded.how} model", ("its LayerScale parameters",), ()))
    return found


def _relative(loaded: Loaded, names: Iterable[Any]) -> list[str]:
    """Sorted names as timm has them; before transformers 5 a mismatched one comes with its two shapes."""
    plain = (name[0] if isinstance(name, tuple | list) else str(name) for name in names)
    return sorted(name.removeprefix(f"{loaded.prefix}.") for name in plain)


def _tensors(native: Native, saved: Saved, loaded: Loaded) -> list[TensorDifference]:
    """The timm module held against native, and all around it against what was saved."""
    kept = {name: tensor for name, tensor in native.tensors.items() if name not in loaded.left_out}
    got = {name: tensor for name, tensor in tensors_of(loaded.timm_module).items() if name not in loaded.left_out}
    differences = compare_tensors(kept, got, frozenset(native.names))
    if saved.whole is not None:
        around, persistent = _around(saved.whole, loaded.prefix), frozenset(saved.whole.state_dict())
        differences += compare_tensors(around, _around(loaded.model, loaded.prefix), persistent)
    return differences


def _around(model: Any, prefix: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors_of(model).items() if not name.startswith(f"{prefix}.")}


def _compare_outputs(attempt: Attempt, native: Native, saved: Saved, loaded: Loaded) -> None:
    """Every output that is expected; one that the loaded model does not give differs."""
    with attempt.during("run"):
        attempt.expected = attempt.expected or attempt.route.expected(attempt.subject, saved)
        outputs = attempt.route.outputs(attempt.subject, loaded)
    with attempt.during("run", timed="compare"):
        compared = compare_outputs(attempt.expected.first, attempt.expected.second, outputs, attempt.tolerance)
        attempt.findings.outputs += compared
    if attempt.findings.state_holds and not all(output.holds for output in compared):
        with attempt.during("run"):
            attempt.findings.diverges = divergence.first_module(
                native.module,
                native.run,
                loaded.timm_module,
                lambda: attempt.route.outputs(attempt.subject, loaded),
                attempt.tolerance,
            )


def _refuse_nonfinite(runs: Runs) -> None:
    for name, tensor in runs.first.items():
        if not bool(tensor.isfinite().all()):
            raise FloatingPointError(f"native timm's {name} is not finite")


def _described(error: BaseException, phase: str) -> Mapping[str, Any]:
    """Type, message, innermost frame and phase of an exception."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return {"type": type(error).__name__, "message": str(error), "frame": at, "phase": phase}
