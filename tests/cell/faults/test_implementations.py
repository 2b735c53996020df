"""Transformers' own classes are a second oracle for timm: what timm gets wrong, native and loaded, they do not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor

from harness.cell.compare.typed import typed
from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.probes import implementations
from harness.cell.routes import ROUTES, as_transformers
from harness.cell.scenarios import run_case, said
from harness.cell.scenarios.attempt import Attempt
from harness.cell.scenarios.context import CaseContext
from harness.contract.case import GREEN
from harness.contract.catalog import Catalog, Entry
from tests.cell.faults.conftest import RELEASE, TOLERANCES

BEIT, CONVNEXT, SWIN = "beit_base_patch16_224", "convnext_atto", "swin_tiny_patch4_window7_224"
VIT, DINOV2 = "vit_base_patch16_224", "vit_small_patch14_dinov2"
CLASS = {VIT: "ViTModel", DINOV2: "Dinov2Model", BEIT: "BeitModel", SWIN: "SwinModel", CONVNEXT: "ConvNextModel"}
Patch = pytest.MonkeyPatch


def context_of(entry: Entry, folder: Path, size: str = "slim", dtype: Any = torch.float32) -> CaseContext:
    return CaseContext(ReferenceModel(entry, size, Placement("cpu", dtype)), VARIANTS["safetensors"], RELEASE, folder)


def attempt(entry: Entry, folder: Path) -> Attempt:
    context = context_of(entry, folder)
    alone = Attempt(context, TOLERANCES[torch.float32])
    alone.run_scenario(as_transformers.NAME, as_transformers.of_timm(context)[as_transformers.NAME])
    return alone


def reason(entry: Entry, folder: Path) -> str:
    return "; ".join(finding.words for finding in typed(attempt(entry, folder).findings))


def without_layer_scale(patch: Patch) -> None:
    """A block of ConvNeXt forgets to scale its branch."""
    init = timm.models.convnext.ConvNeXtBlock.forward

    def forward(self: Any, x: Tensor) -> Tensor:
        gamma, self.gamma = self.gamma, None
        try:
            return init(self, x)
        finally:
            self.gamma = gamma

    patch.setattr(timm.models.convnext.ConvNeXtBlock, "forward", forward)


def transposed_positions(patch: Patch) -> None:
    """BEiT looks up the bias from a to b where that from b to a belongs."""
    index = timm.models.beit.gen_relative_position_index
    patch.setattr(timm.models.beit, "gen_relative_position_index", lambda *args, **kwargs: index(*args, **kwargs).t())


def relu_for_gelu(patch: Patch) -> None:
    """An activation is another than the one that a model was trained with."""
    patch.setattr(torch.nn.GELU, "forward", lambda _, x: torch.nn.functional.relu(x))


def merged_otherwise(patch: Patch) -> None:
    """Swin puts four patches together in another order."""
    forward = timm.models.swin_transformer.PatchMerging.forward
    patch.setattr(
        timm.models.swin_transformer.PatchMerging, "forward", lambda self, x: forward(self, x.transpose(1, 2))
    )


FAULTS: dict[str, tuple[Callable[[Patch], None], str]] = {
    "no LayerScale in a block": (without_layer_scale, CONVNEXT),
    "relative positions transposed": (transposed_positions, BEIT),
    "another activation": (relu_for_gelu, DINOV2),
    "patches merged in another order": (merged_otherwise, SWIN),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_timm_is_found_without_a_record(
    monkeypatch: Patch, entries: Catalog, tmp_path: Path, name: str
) -> None:
    put, model = FAULTS[name]
    with monkeypatch.context() as patch:
        put(patch)
        words = reason(entries[model], tmp_path)
    assert f"outputs in timm: last_hidden_state: computes otherwise than transformers' {CLASS[model]}" in words


@pytest.mark.parametrize("model", CLASS)
def test_without_a_fault_both_compute_the_same(entries: Catalog, tmp_path: Path, model: str) -> None:
    found = attempt(entries[model], tmp_path)
    assert found.findings.outcome in GREEN
    assert found.compared == 1


def test_the_scenario_is_one_of_the_route_and_without_it_the_fault_is_missed(
    monkeypatch: Patch, entries: Catalog, tmp_path: Path
) -> None:
    def failing() -> set[str]:
        reference = ReferenceModel(entries[DINOV2], "slim", Placement("cpu", torch.float32))
        variant, tolerance = VARIANTS["safetensors"], TOLERANCES[torch.float32]
        line = run_case.run(ROUTES["tower"], variant, reference, RELEASE, tolerance, tmp_path / "case")
        assert as_transformers.NAME in {scenario.name for scenario in line.scenarios}
        return {scenario.name for scenario in line.scenarios if scenario.findings}

    approximate = torch.nn.functional.relu
    monkeypatch.setattr(timm.layers.mlp.Mlp, "forward", lambda self, x: self.fc2(approximate(self.fc1(x))))
    assert failing() == {as_transformers.NAME}
    monkeypatch.setattr(said, "compare_recorded", lambda *_: [])
    assert failing() == set()


def test_weights_that_are_not_those_of_the_class_are_an_error(
    monkeypatch: Patch, entries: Catalog, tmp_path: Path
) -> None:
    own = implementations.of(DINOV2)
    assert own is not None
    monkeypatch.setattr(implementations, "IMPLEMENTATIONS", [replace(own, names=own.names[:-1])])
    assert "has other weights than timm's model" in reason(entries[DINOV2], tmp_path)


def test_only_what_transformers_has_a_class_for_is_compared(entries: Catalog, tmp_path: Path) -> None:
    assert as_transformers.of_timm(context_of(entries["convnext_atto_ols"], tmp_path)) == {}
    assert as_transformers.of_timm(context_of(entries[BEIT], tmp_path, size="full")) == {}
    assert as_transformers.of_timm(context_of(entries[BEIT], tmp_path, dtype=torch.bfloat16)) == {}
    assert list(as_transformers.of_timm(context_of(entries[BEIT], tmp_path))) == [as_transformers.NAME]
