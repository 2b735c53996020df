"""Each comparison beside names, values and outputs is needed: switched off, a fault that it catches comes out green."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.cell.compare import comparison, flags, gradients, reports
from harness.cell.guards import leaks
from harness.cell.models.native import Native
from harness.cell.scenarios import attempt, said, state
from harness.contract.case import GREEN
from harness.contract.catalog import Catalog
from tests.cell.faults.kinds.process import FAULTS as PROCESS
from tests.cell.faults.kinds_table import ALL, attempted
from tests.cell.faults.outside import Reached

pytestmark = pytest.mark.slow

Patch = pytest.MonkeyPatch
Off = Callable[[Patch], None]


class Check(NamedTuple):
    """A comparison: how to switch it off, and the name of a fault that it alone catches."""

    off: Off
    fault: str


def without(kind: str) -> Off:
    """Flags of one kind are not compared."""

    def off(patch: Patch) -> None:
        of = flags.Flags.of.__func__  # type: ignore[attr-defined]

        def blind(cls: Any, model: Any) -> Any:
            return replace(of(cls, model), **{kind: frozenset()})

        patch.setattr(flags.Flags, "of", classmethod(blind))

    return off


def without_settings(patch: Patch) -> None:
    patch.setattr(flags, "_settings", lambda *_: iter(()))


def without_frozen_scales(patch: Patch) -> None:
    patch.setattr(state, "frozen_scales", lambda *_: [])
    patch.setattr(state, "compare_flags", lambda *_, **__: [])  # the loaded model is not as native is, which is blamed


def without_reach(patch: Patch) -> None:
    patch.setattr("harness.cell.scenarios.gradients.unlike", nothing)


def without_gradients(patch: Patch) -> None:
    patch.setattr(gradients, "compare", lambda *_: iter(()))


def without_scales(patch: Patch) -> None:
    patch.setattr(Native, "scales", frozenset())


def nothing(*_args: Any, **_kwargs: Any) -> Iterator[Any]:
    return iter(())


def without_refusals(patch: Patch) -> None:
    def called(_what: Any, call: Callable[[], Any], *_rest: Any) -> list[Any]:
        with contextlib.suppress(Exception):
            call()
        return []

    patch.setattr(said, "compare_refusal", called)


def returning_nothing(name: str) -> Off:
    return lambda patch: patch.setattr(said, name, nothing)


def without_warnings(patch: Patch) -> None:
    report = reports.compare_report
    patch.setattr(
        said, "compare_report", lambda info, expected, _warned, warnings: report(info, expected, (), warnings)
    )


def without_tensors_of_files(patch: Patch) -> None:
    patch.setattr(attempt, "written_wrongly", lambda *_: [])


def without_facts_of_files(patch: Patch) -> None:
    patch.setattr(attempt, "facts_of", lambda *_: ({}, {}))


def without_index(patch: Patch) -> None:
    patch.setattr(attempt, "wrongly_indexed", lambda *_: [])


def without_new_heads(patch: Patch) -> None:
    patch.setattr(attempt, "unfit", lambda *_: [])


def without_extra_outputs(patch: Patch) -> None:
    outputs = comparison.compare_outputs

    def compare(native: Any, again: Any, loaded: Any, tolerance: Any) -> Any:
        return outputs(native, again, {name: loaded[name] for name in native if name in loaded}, tolerance)

    patch.setattr(attempt, "compare_outputs", compare)


def without_setting(name: str) -> Off:
    return lambda patch: patch.delitem(leaks.SETTINGS, name)


def without_generators(patch: Patch) -> None:
    patch.setattr(leaks.Leaks, "_generators", nothing)


def without_filters(patch: Patch) -> None:
    patch.setattr(leaks, "_filters", list)


def without_environment(patch: Patch) -> None:
    patch.setattr(leaks, "changed_variables", lambda *_: set())


CHECKS = {
    "training mode": Check(without("training"), "dropout alone left in training mode"),
    "requires_grad": Check(without("frozen"), "parameters come back frozen"),
    "requires_grad of new heads": Check(without("frozen"), "a new head comes back frozen"),
    "the layout of tensors": Check(without("strided"), "a matrix laid out by columns"),
    "parameters and buffers": Check(without("buffers"), "LayerScales come back as buffers"),
    "gradients that are there already": Check(without("graded"), "parameters come back with a gradient"),
    "memory of parameters": Check(without("parts"), "all parameters in one memory"),
    "ties": Check(without("ties"), "counters of batch norms become one"),
    "settings of modules": Check(without_settings, "gradient checkpointing stays on"),
    "LayerScales that timm freezes": Check(without_frozen_scales, "timm builds LayerScale frozen"),
    "gradients": Check(without_gradients, "a gradient counted twice"),
    "what a pass back would reach": Check(without_reach, "hidden states come back detached"),
    "gradients of LayerScales": Check(without_scales, "timm's LayerScale gets no gradient"),
    "the report": Check(returning_nothing("compare_report"), "mismatched names not listed"),
    "the warnings": Check(without_warnings, "the report of new heads not logged"),
    "refusals": Check(without_refusals, "a strict load that accepts anything"),
    "configurations": Check(returning_nothing("compare_fields"), "no way from a name to its class"),
    "tensors in files": Check(without_tensors_of_files, "a file and its reader wrong alike"),
    "what files say beside tensors": Check(without_facts_of_files, "written without the format"),
    "the index": Check(without_index, "an index lacks a name"),
    "new heads": Check(without_new_heads, "a new head of zeros"),
    "outputs that native timm lacks": Check(without_extra_outputs, "a choice of hidden states ignored"),
    "generators of random numbers": Check(without_generators, "loading seeds torch"),
    "filters of warnings": Check(without_filters, "loading silences warnings"),
    "environment variables": Check(without_environment, "an environment variable set"),
    "grad mode": Check(without_setting("grad mode"), "gradients stay off after loading"),
    "matmul precision": Check(without_setting("float32 matmul precision"), "a lower precision of products"),
    "threads": Check(without_setting("number of threads"), "another number of threads"),
    "cuDNN": Check(without_setting("cuDNN's flags"), "cuDNN searches for the fastest"),
    "anomalies": Check(without_setting("detection of anomalies"), "anomalies searched for"),
    "fused attention": Check(without_setting("timm's fused attention"), "timm's fused attention left off"),
    "verbosity": Check(without_setting("transformers' verbosity"), "transformers made silent"),
    "logging": Check(without_setting("logging's threshold"), "logging disabled"),
    "the folder": Check(without_setting("working folder"), "another folder"),
}
MEANS_LITTLE = {"anomalies", "cuDNN", "logging", "threads", "requires_grad of new heads"}
"""Checks like others, tried with --all-faults."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.all_faults] * (name in MEANS_LITTLE)) for name in CHECKS]
)
def test_a_fault_is_missed_without_the_check(entries: Catalog, monkeypatch: Patch, tmp_path: Path, name: str) -> None:
    """That it is caught with the check is said by test_kinds."""
    check, reached = CHECKS[name], Reached()
    undone = leaks.Leaks()
    check.off(monkeypatch)
    line = attempted(ALL[check.fault], entries, tmp_path, reached)
    monkeypatch.undo()
    undone.undo()  # what nobody has put back
    assert reached.times > 0
    assert line.outcome in GREEN, line.reason


def test_each_setting_of_the_process_has_a_fault() -> None:
    assert len(PROCESS) > len(leaks.SETTINGS)
