"""Each comparison is needed: with it switched off, a fault that it catches comes out green."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from harness.cell.compare import comparison
from harness.cell.guards.leaks import Leaks
from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import attempt, run_case, state
from harness.contract.case import GREEN
from harness.contract.catalog import Catalog
from tests.cell.faults.conftest import RELEASE, TOLERANCES
from tests.cell.faults.outside import (
    CONVNEXT,
    RESNET,
    Put,
    Reached,
    after,
    another_mean,
    double_by_default,
    non_persistent,
    processing,
    reading,
    saving,
)
from tests.cell.faults.states import renamed, with_more

pytestmark = pytest.mark.slow

MOST = 2  # pictures of a scenario's first call
ROTARY = "eva02_tiny_patch14_224"
Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Check:
    """A comparison: how to switch it off, and a fault that it alone catches, with route and model."""

    off: Callable[[Patch], None]
    fault: Put
    route: str = "wrapper"
    model: str = CONVNEXT


def without_report(patch: Patch) -> None:
    patch.setattr(state, "_reported_names", lambda *_: [])


def without_module_names(patch: Patch) -> None:
    names = comparison.compare_names

    def compare(where: str, *rest: Any) -> Any:
        return [] if where.startswith("the model that") else names(where, *rest)

    patch.setattr(state, "compare_names", compare)


def without_written_names(patch: Patch) -> None:
    patch.setattr(attempt.Attempt, "_compare_names", lambda *_: True)


def without_scales(patch: Patch) -> None:
    patch.setattr(state, "has_layer_scale", lambda _: True)


def without_values(patch: Patch) -> None:
    patch.setattr(comparison, "equal", lambda *_: True)


def _without(patch: Patch, looks: Callable[[str], bool]) -> None:
    """Drop the differences whose diagnosis matches `looks`."""
    tensors = comparison.compare_tensors

    def compare(*args: Any) -> Any:
        return [difference for difference in tensors(*args) if not looks(difference.looks)]

    patch.setattr(state, "compare_tensors", compare)


def without_dtypes(patch: Patch) -> None:
    _without(patch, lambda looks: ", not int64" in looks)


def without_devices(patch: Patch) -> None:
    _without(patch, lambda looks: looks.startswith("on "))


def without_extra(patch: Patch) -> None:
    _without(patch, lambda looks: looks == "not saved")


def without_non_persistent(patch: Patch) -> None:
    def persistent(module: nn.Module) -> dict[str, Tensor]:
        return dict(module.state_dict(keep_vars=True))

    patch.setattr(state, "tensors_of", persistent)
    patch.setattr("harness.cell.models.native.tensors_of", persistent)


def without_the_rest(patch: Patch) -> None:
    patch.setattr(state, "_around", lambda *_: {})


def without_outputs(patch: Patch) -> None:
    outputs = comparison.compare_outputs

    def compare(*args: Any) -> Any:
        return [replace(output, max_abs=0.0, holds=True, finite=True) for output in outputs(*args)]

    patch.setattr(attempt, "compare_outputs", compare)


def without_second_call(patch: Patch) -> None:
    patch.setattr(attempt, "_same", lambda *_: True)


def without_leaks(patch: Patch) -> None:
    patch.setattr(Leaks, "undo", lambda _: [])


def extra_state(model: Any, _info: dict[str, Any]) -> bool:
    """The state dict gets a name whose value is not a tensor."""
    part = next(part for part in model.modules() if isinstance(part, nn.Conv2d))
    attributes = {"get_extra_state": lambda _: "kept", "__qualname__": part.__class__.__qualname__}
    part.__class__ = type("Stateful", (part.__class__,), attributes)
    return True


def extra_buffer(model: Any, _info: dict[str, Any]) -> bool:
    next(part for part in model.modules() if isinstance(part, nn.Conv2d)).register_buffer(
        "cache", torch.zeros(1), persistent=False
    )
    return True


def one_ulp(which: Callable[[Any], Mapping[str, Tensor]]) -> Callable[[Any, dict[str, Any]], bool]:
    """Move the first value of the first tensor by one ulp, which no output shows."""

    def change(model: Any, _info: dict[str, Any]) -> bool:
        tensors = which(model)
        if not tensors:  # of a model that the route compares with
            return False
        flat = next(iter(tensors.values())).data.view(-1)
        flat[0] = torch.nextafter(flat[0], torch.tensor(torch.inf))
        return True

    return change


def parameters(model: Any) -> dict[str, Tensor]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.numel() > 1}


def lost_buffers(model: Any) -> dict[str, Tensor]:
    return {name: buffer for name, buffer in non_persistent(model).items() if buffer.is_floating_point()}


def text_parameters(model: Any) -> dict[str, Tensor]:
    return {name: parameter for name, parameter in model.named_parameters() if name.startswith("text_tower.")}


def another_second(processor: Any) -> bool:
    """From its second call on a processor gives other pixels."""
    usual, calls = processor.val_transforms, []

    def transforms(picture: Any) -> Any:
        calls.append(1)
        return usual(picture) + (len(calls) > MOST)

    processor.val_transforms = transforms
    return True


def counters(change: Callable[[Tensor], Tensor]) -> Callable[[Any, dict[str, Any]], bool]:
    """Change the batch counters of batch norms, which eval mode does not use."""

    def to(model: Any, _info: dict[str, Any]) -> bool:
        norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
        for norm in norms:
            norm.num_batches_tracked = change(norm.num_batches_tracked)
        return bool(norms)

    return to


def built_bare(patch: Patch, reached: Reached) -> None:
    """timm builds ConvNeXt without LayerScale, for the native and the loaded model alike."""
    block = timm.models.convnext.ConvNeXtBlock
    construct = block.__init__

    def bare(self: Any, *args: Any, **kwargs: Any) -> None:
        construct(self, *args, **kwargs)
        self.register_parameter("gamma", None)
        reached.times += 1

    patch.setattr(block, "__init__", bare)


CHECKS = {
    "the loading report": Check(without_report, reading(with_more)),
    "the loaded module's names": Check(without_module_names, after(extra_state)),
    "the names in a file that was written": Check(
        without_written_names,
        saving(renamed("LayerNorm.weight", "LayerNorm.gamma")),
        "legacy-layernorm",
        "bert",
    ),
    "that there is a LayerScale": Check(without_scales, built_bare),
    "values of tensors": Check(without_values, after(one_ulp(parameters)), "tower"),
    "dtypes of tensors": Check(without_dtypes, after(counters(lambda count: count.int())), "wrapper", RESNET),
    "devices of tensors": Check(without_devices, after(counters(lambda count: count.to("meta"))), "wrapper", RESNET),
    "tensors that timm lacks": Check(without_extra, after(extra_buffer)),
    "buffers that no checkpoint holds": Check(without_non_persistent, after(one_ulp(lost_buffers)), "wrapper", ROTARY),
    "tensors around the timm module": Check(without_the_rest, after(one_ulp(text_parameters)), "tower"),
    "outputs": Check(without_outputs, processing(another_mean), "processor"),
    "outputs of a second call": Check(without_second_call, processing(another_second), "processor"),
    "process-wide changes after a scenario": Check(without_leaks, after(double_by_default)),
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_fault_is_caught_with_the_check_and_missed_without_it(
    entries: Catalog, monkeypatch: Patch, tmp_path: Path, name: str
) -> None:
    check = CHECKS[name]

    def outcome(folder: str, *, checked: bool) -> Any:
        reached = Reached()
        reference = ReferenceModel(entries[check.model], "slim", Placement("cpu", torch.float32))
        with monkeypatch.context() as patch:
            check.fault(patch, reached)
            if not checked:
                check.off(patch)
            route, tolerance = ROUTES[check.route], TOLERANCES[torch.float32]
            record = run_case.run(route, VARIANTS["safetensors"], reference, RELEASE, tolerance, tmp_path / folder)
        assert reached.times > 0
        return record.outcome

    assert outcome("checked", checked=True) not in GREEN
    assert outcome("unchecked", checked=False) in GREEN
