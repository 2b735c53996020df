"""Faults put into a loaded model, or into its file, from outside: each has the outcome and the reason that name it.

Every route is tested healthy and broken. Five routes are broken in transformers 5.23.0 with timm 1.0.31 for every
model, by bugs of the libraries: for these the real bug is the broken side, and other pairs are the healthy one.
"""

import math
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from harness.cell.models.native import Outputs
from harness.cell.routes import ROUTES
from harness.cell.routes.detectors import DETECTORS
from harness.contract.routes import ROUTES as ROWS
from tests.cell.faults import faulty
from tests.cell.faults.conftest import Attempt
from tests.cell.faults.faulty import Faulty

CONVNEXT, RELPOS, CAIT, RESNET, VIT = "convnext_atto", "test_vit_relpos", "cait_xxs24_224", "resnet18", "test_vit3"
PERCEPTION, GEMMA, BERT = "eva02_tiny_patch14_224", "mobilenetv5_300m_enc", "bert"

HEALTHY = {
    **dict.fromkeys(("wrapper", "classifier", "backbone"), CONVNEXT),
    **dict.fromkeys(("tower", "tower-init", "tower-wrapper", "resume", "processor", "pipeline", "train"), CONVNEXT),
    "backbone-features": RESNET,
    "wrapper-features": RESNET,
    "vlm": GEMMA,
    "import": BERT,
    "legacy-layernorm": BERT,
}
BROKEN = [
    pytest.param(
        "detector",
        CONVNEXT,
        "flags",
        "(D-FINE): model.decoder.reg_scale requires a gradient, and must not, 2 like it",
        marks=pytest.mark.slow,
        id="detector: what D-FINE freezes is trained",
    ),
    pytest.param(
        "hub",
        CONVNEXT,
        "error",
        "_create_timm_model_with_error_handling() got multiple values for keyword argument 'num_classes'",
        id="hub: what timm writes names the classes twice",
    ),
    pytest.param(
        "roundtrip",
        CONVNEXT,
        "error",
        "_parse_model_cfg: 'NoneType' object has no attribute 'get'",
        id="roundtrip: transformers writes model_args null",
    ),
    pytest.param(
        "scratch",
        CONVNEXT,
        "keys",
        "the file that transformers wrote: keys renamed, 65 prefixed with timm_model"
        " (stem.0.weight became timm_model.stem.0.weight)",
        id="scratch: the prefix is written",
    ),
    pytest.param(
        "tower-pretrained",
        CONVNEXT,
        "tensors",
        "stem.0.weight was initialised again: its values have nothing to do with the saved ones",
        id="tower-pretrained: post_init() overwrites what timm loaded",
    ),
    pytest.param(
        "partial",
        CONVNEXT,
        "tensors",
        "stages.0.blocks.0.gamma is NaN throughout, as uninitialised memory is here",
        id="partial: a missing LayerScale stays unset",
    ),
    pytest.param(
        "wrapper-features",
        CONVNEXT,
        "keys",
        "the loading report (features_only): keys 61 missing (stages_0.blocks.0.conv_dw.bias, ",
        id="wrapper-features: features_only has names of its own",
    ),
    pytest.param(
        "backbone-features",
        CONVNEXT,
        "error",
        "IndexError in phase run at modeling_timm_backbone.py:",
        id="backbone-features: no stem among the levels",
    ),
    pytest.param(
        "backbone-pretrained",
        CONVNEXT,
        "flags",
        "the model is in training mode",
        id="backbone-pretrained: in training mode",
    ),
    pytest.param(
        "backbone-pretrained",
        RESNET,
        "tensors",
        "bn1.running_mean is 0 throughout, as timm's constructor leaves it",
        id="backbone-pretrained: running statistics start again",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "tower",
        RELPOS,
        "tensors",
        "blocks.0.attn.rel_pos.relative_position_index is the largest integer throughout,"
        " as uninitialised memory is here",
        id="tower: a non-persistent buffer stays unset",
    ),
]
GREEN = {"passed", "drifted"}
LONG = {"vlm", "import"}

FAULTS = [
    pytest.param(
        "wrapper",
        CONVNEXT,
        {"to_checkpoint": faulty.renamed("gamma", "scale")},
        "keys",
        "the loading report: keys renamed, 5 of gamma to scale"
        " (stages.0.blocks.0.gamma became stages.0.blocks.0.scale)",
        id="gamma renamed",
    ),
    pytest.param(
        "tower",
        CONVNEXT,
        {"to_written": faulty.renamed("gamma", "weight")},
        "keys",
        "the loading report: keys renamed, 5 of gamma to weight",
        id="the rename of 2024",
    ),
    pytest.param(
        "tower-wrapper",
        CONVNEXT,
        {"to_written": faulty.renamed("gamma", "weight")},
        "keys",
        "the loading report: keys renamed, 5 of gamma to weight",
        id="the rename of 2024 in a wrapper",
    ),
    pytest.param(
        "tower-init",
        CONVNEXT,
        {"to_written": faulty.renamed("gamma", "weight"), "only": "by data"},
        "keys",
        "the loading report (by data): keys renamed, 5 of gamma to weight",
        id="the rename of 2024 in a tower that initialises itself",
    ),
    pytest.param(
        "backbone",
        CONVNEXT,
        {"to_written": faulty.dropped("gamma")},
        "keys",
        "the loading report: keys 1 missing (stages_0.blocks.0.gamma)",
        id="one key dropped",
    ),
    pytest.param(
        "detector",
        CONVNEXT,
        {"to_written": faulty.dropped("gamma"), "only": "DETR"},
        "keys",
        "the loading report (DETR): keys 1 missing (stages_0.blocks.0.gamma)",
        id="one key dropped in a detector",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "wrapper",
        CONVNEXT,
        {"to_model": faulty.without_scales},
        "keys",
        "the model that transformers loaded: keys 5 missing (stages.0.blocks.0.gamma, stages.0.blocks.1.gamma, ...)",
        id="built without LayerScale",
    ),
    pytest.param(
        "legacy-layernorm",
        BERT,
        {"to_written": faulty.dropped("LayerNorm")},
        "keys",
        "the loading report: keys 1 missing (embeddings.LayerNorm.bias)",
        id="a LayerNorm key lost",
    ),
    pytest.param(
        "import",
        BERT,
        {"to_outputs": lambda outputs: {name: tensor + 1 for name, tensor in outputs.items()}},
        "outputs",
        "last_hidden_state is off by",
        id="a text model that computes otherwise in another process",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "wrapper", CONVNEXT, {"to_model": faulty.constant}, "tensors", "is 1e-05 throughout", id="gamma constant"
    ),
    pytest.param(
        "resume",
        CONVNEXT,
        {"to_model": faulty.reset, "only": "timm's state dict"},
        "tensors",
        "1 parameter not as saved (timm's state dict): stages.0.blocks.0.gamma is 1e-06 throughout,"
        " as timm's constructor leaves it",
        id="gamma reset",
    ),
    pytest.param(
        "train",
        CONVNEXT,
        {"to_model": faulty.reset, "only": "input gradients"},
        "tensors",
        "2 parameters not as saved (input gradients), 2 of them stages.*.blocks.*.gamma: stages.0.blocks.0.gamma is"
        " 1e-06 throughout, as timm's constructor leaves it",
        id="gamma reset before training",
    ),
    pytest.param(
        "backbone-pretrained",
        CONVNEXT,
        {"to_model": faulty.unset, "only": "num_channels"},
        "tensors",
        "1 parameter not as saved (num_channels): stages_0.blocks.0.gamma is NaN throughout,"
        " as uninitialised memory is here",
        id="gamma unset",
    ),
    pytest.param(
        "classifier",
        CAIT,
        {"to_model": faulty.swapped, "only": ""},
        "tensors",
        "2 parameters not as saved: blocks.0.gamma_1 holds what blocks.0.gamma_2 should",
        id="gammas swapped",
    ),
    pytest.param(
        "wrapper", CONVNEXT, {"to_model": faulty.scaled}, "tensors", "1 parameter not as saved", id="weight x 1.001"
    ),
    pytest.param(
        "tower",
        CAIT,
        {"to_model": faulty.transposed},
        "tensors",
        "1 parameter not as saved: blocks.0.attn.proj.weight is transposed",
        id="weight transposed",
    ),
    pytest.param(
        "wrapper",
        VIT,
        {"to_model": faulty.blocks_exchanged},
        "tensors",
        "blocks.0.norm1.weight holds what blocks.1.norm1.weight should",
        id="blocks exchanged",
    ),
    pytest.param(
        "tower",
        VIT,
        {"to_model": faulty.blocks_shared},
        "tensors",
        "blocks.1.norm1.weight holds what blocks.0.norm1.weight should",
        id="a block in place of another",
    ),
    pytest.param(
        "wrapper",
        CONVNEXT,
        {"to_model": faulty.halved},
        "tensors",
        "1 parameter not as saved: stem.0.weight was rounded to float16",
        id="cast through half",
    ),
    pytest.param("backbone", RELPOS, {"to_model": faulty.zeroed}, "tensors", "is 0 throughout", id="buffer zeroed"),
    pytest.param("wrapper", CONVNEXT, {"to_model": nn.Module.double}, "tensors", "is float64, not float32", id="dtype"),
    pytest.param(
        "vlm",
        PERCEPTION,
        {"to_loaded": faulty.around},
        "tensors",
        "1 parameter not as saved (PerceptionLM): model.multi_modal_projector.linear_1.weight differs by up to 1 ",
        id="a projector's weight changed",
        marks=pytest.mark.slow,
    ),
    pytest.param("wrapper", CONVNEXT, {"to_model": faulty.dropping}, "outputs", "state is equal", id="dropout left on"),
    pytest.param(
        "backbone-features",
        RESNET,
        {"to_model": nn.Module.train, "only": ""},
        "outputs",
        "first in bn1 (BatchNorm2d, shape (1, 64, 28, 28)), by ",
        id="left in training mode",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "processor",
        CONVNEXT,
        {"to_checkpoint": faulty.described(mean=[0.5, 0.5, 0.5])},
        "outputs",
        "pixel_values (PIL) is off by ",
        id="another mean",
    ),
    pytest.param(
        "pipeline",
        CONVNEXT,
        {"to_checkpoint": faulty.described(interpolation="nearest")},
        "outputs",
        "scores is off by ",
        id="another interpolation",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "classifier", CONVNEXT, {"to_model": faulty.poisoned}, "nonfinite", "is not finite", id="NaN in a channel"
    ),
    pytest.param("tower", CONVNEXT, {"to_model": faulty.raising}, "error", "in phase run", id="exception in forward"),
    pytest.param(
        "wrapper", CONVNEXT, {"to_model": faulty.starving}, "out-of-memory", "MemoryError in phase load", id="memory"
    ),
]


@pytest.mark.parametrize(("route", "model", "fault", "outcome", "reason"), FAULTS)
def test_a_fault_has_the_outcome_and_the_reason_that_name_it(
    attempt: Attempt, route: str, model: str, fault: Any, outcome: str, reason: str
) -> None:
    record = attempt(Faulty(ROUTES[route], **fault), model)
    assert record.outcome == outcome, record.reason
    assert reason in record.reason
    assert "nondeterministic" not in record.detail


@pytest.mark.parametrize(("route", "model", "outcome", "reason"), BROKEN)
def test_a_bug_of_this_pair_has_the_outcome_and_the_reason_that_name_it(
    attempt: Attempt, route: str, model: str, outcome: str, reason: str
) -> None:
    record = attempt(ROUTES[route], model)
    assert record.outcome == outcome, record.reason
    assert reason in record.reason
    assert "nondeterministic" not in record.detail


@pytest.mark.parametrize(
    ("route", "model"),
    [pytest.param(route, model, marks=[pytest.mark.slow] if route in LONG else []) for route, model in HEALTHY.items()],
)
def test_without_a_fault_the_same_routes_are_green(attempt: Attempt, route: str, model: str) -> None:
    record = attempt(Faulty(ROUTES[route]), model)
    assert record.outcome in GREEN, record.reason
    assert record.detail["silent"] is False


@pytest.mark.slow
def test_the_rename_of_2024_is_seen_in_each_detector(attempt: Attempt) -> None:
    record = attempt(Faulty(ROUTES["detector"], to_written=faulty.renamed("gamma", "weight")), CONVNEXT)
    renamed = [
        scenario.name
        for scenario in record.scenarios
        if any(finding.how.startswith("gamma renamed weight") for finding in scenario.findings)
    ]
    assert renamed == [name for name in (scenario.name for scenario in record.scenarios) if name in DETECTORS]
    assert set(renamed) == set(DETECTORS)


def test_every_route_is_tested_broken_and_each_that_this_pair_does_not_break_is_tested_healthy() -> None:
    broken = {param.values[0] for param in (*FAULTS, *BROKEN)}
    by_the_pair = {"detector", "hub", "roundtrip", "scratch", "partial", "backbone-pretrained", "tower-pretrained"}
    here = {name for name in ROUTES if not ROWS[name].companion}  # the others: tests/companions
    assert broken == here
    assert set(HEALTHY) == here - by_the_pair
    assert by_the_pair < {param.values[0] for param in BROKEN}


def test_an_exception_that_names_a_temporary_folder_is_the_same_at_the_second_try(attempt: Attempt) -> None:
    def refuse(folder: Path) -> None:
        raise ValueError(f"{folder} cannot be loaded")

    record = attempt(Faulty(ROUTES["wrapper"], to_checkpoint=refuse), CONVNEXT)
    assert record.outcome == "error"
    assert "CHECKPOINT/timm-safetensors cannot be loaded" in record.reason
    assert "nondeterministic" not in record.detail


def test_a_missing_output_differs(attempt: Attempt) -> None:
    def mute(outputs: Outputs) -> Outputs:
        return dict(list(outputs.items())[:-1])

    record = attempt(Faulty(ROUTES["wrapper"], to_outputs=mute), CONVNEXT)
    assert record.outcome == "outputs"
    assert record.reason == "pooler_output is not there; state is equal"
    assert record.max_abs is not None
    assert math.isnan(record.max_abs)


@pytest.mark.slow
def test_an_output_that_a_second_call_does_not_give_differs(attempt: Attempt) -> None:
    calls: list[Outputs] = []

    def less(outputs: Outputs) -> Outputs:
        calls.append(outputs)
        return outputs if len(calls) % 2 else {}

    record = attempt(Faulty(ROUTES["wrapper"], to_outputs=less), CONVNEXT)
    assert record.outcome == "outputs"
    assert record.reason == "last_hidden_state, second call is not there; state is equal"


def test_an_output_of_another_shape_says_which(attempt: Attempt) -> None:
    def cut(outputs: Outputs) -> Outputs:
        return {name: tensor[..., 1:] for name, tensor in outputs.items()}

    record = attempt(Faulty(ROUTES["wrapper"], to_outputs=cut), CONVNEXT)
    assert record.reason == "last_hidden_state has shape (1, 320, 2, 1), not (1, 320, 2, 2); state is equal"


def test_a_tensor_of_another_shape_in_the_file_is_an_exception_that_names_it(attempt: Attempt) -> None:
    record = attempt(Faulty(ROUTES["wrapper"], to_checkpoint=faulty.shortened("gamma")), CONVNEXT)
    assert record.outcome == "error"
    assert "RuntimeError in phase load at " in record.reason
    assert "ignore_mismatched_sizes" in record.reason


def test_a_tensor_of_another_shape_that_is_accepted_is_keys(attempt: Attempt) -> None:
    fault = faulty.shortened("gamma")
    record = attempt(Faulty(ROUTES["classifier"], to_checkpoint=fault), CONVNEXT)
    assert record.outcome == "keys"
    assert record.reason == "the loading report (13 labels): keys 1 of another shape (stages.0.blocks.0.gamma)"
    assert [error["type"] for error in (record.detail["error"],)] == ["RuntimeError"]


def test_outputs_that_differ_name_the_first_module_that_does_and_its_shape(attempt: Attempt) -> None:
    record = attempt(Faulty(ROUTES["wrapper"], to_model=faulty.dropping), CONVNEXT)
    assert record.detail["diverges"].startswith("stem.0 (Conv2d, shape (1, 40, 16, 16)), by ")
    assert f"; first in {record.detail['diverges']}; state is equal" in record.reason


def test_a_buffer_that_transformers_leaves_unset_is_caught_and_is_silent(attempt: Attempt) -> None:
    record = attempt(ROUTES["tower"], RELPOS)
    assert record.outcome == "tensors"
    assert "uninitialised memory" in record.reason
    assert record.detail["silent"] is True
