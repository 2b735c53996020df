"""Slim models keep every distinct block of the full model and two of one that repeats; telling weights show a fault."""

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import nn

from harness.cell.catalog import cutting, narrowing
from harness.cell.catalog.cutting import cut, lowest, with_a_repeat
from harness.cell.catalog.narrowing import narrow
from harness.cell.catalog.stages import Stages
from harness.cell.catalog.structure import structure
from harness.cell.models import weights
from harness.cell.models.layer_scales import layer_scales
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.slim import Call, build
from harness.contract.catalog import Catalog

FAMILIES = [
    "convnext_atto",
    "test_vit_relpos",
    "cait_xxs24_224",
    "poolformer_s12",
    "resmlp_12_224",
    "coatnext_nano_rw_224",
]
WIDE = ["mobilenetv5_base", "rdnet_tiny", "naflexvit_so150m2_patch16_reg1_gap"]


class Block(nn.Module):
    def __init__(self, *, width: int = 4, shift: int = 0, masked: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.shift = shift
        self.register_buffer("mask", torch.ones(width) if masked else None)


def stack(*blocks: Block) -> nn.Module:
    return nn.Sequential(*blocks)


def test_a_repeated_block_counts_once() -> None:
    assert structure(stack(Block())) == structure(stack(Block(), Block(), Block()))


@pytest.mark.parametrize("other", [Block(width=5), Block(shift=1), Block(masked=True)], ids=["width", "shift", "mask"])
def test_a_block_that_differs_in_any_attribute_counts(other: Block) -> None:
    assert structure(stack(Block(), Block())) != structure(stack(Block(), other))


@pytest.mark.parametrize("model", FAMILIES)
def test_a_slim_model_has_every_distinct_block_of_the_full_one(model: str, entries: Catalog) -> None:
    args = {name: value for name, value in entries[model].slim.args.items() if name != "img_size"}
    slim, full = build(model, args), build(model, {})
    assert structure(slim) == structure(full)
    assert sum(p.numel() for p in slim.parameters()) < sum(p.numel() for p in full.parameters())


@pytest.mark.parametrize("model", [*FAMILIES, *WIDE])
def test_a_narrow_model_has_every_module_and_name_of_the_slim_one(model: str, entries: Catalog) -> None:
    entry = entries[model]
    assert narrow(model, entry.slim) == entry.narrow
    if entry.narrow is None:
        return
    slim, less = build(model, entry.slim.args), build(model, entry.narrow.args)
    assert entry.narrow.params < 0.75 * entry.slim.params
    assert [(name, type(part)) for name, part in slim.named_modules()] == [
        (name, type(part)) for name, part in less.named_modules()
    ]
    assert list(slim.state_dict()) == list(less.state_dict())
    assert [name for name, _ in slim.named_buffers()] == [name for name, _ in less.named_buffers()]
    assert all(
        tensor.shape == other.shape or tensor.numel() > other.numel()
        for tensor, other in zip(slim.state_dict().values(), less.state_dict().values(), strict=True)
    )


def test_most_models_can_be_made_narrow(entries: Catalog) -> None:
    slim = [entry for entry in entries if entry.narrow is None]
    assert len(slim) < len(entries.entries) / 10
    assert {"resnet18", "regnetx_002"} <= {entry.model for entry in slim}


def test_heads_keep_a_multiple_of_four_channels_each(entries: Catalog) -> None:
    narrowed = entries["eva02_tiny_patch14_224"].narrow
    assert narrowed is not None
    assert narrowed.args["embed_dim"] == 24  # of three heads; 16 would be the least


def test_a_constructor_that_takes_no_less_width_leaves_a_model_slim(entries: Catalog) -> None:
    # A narrower ResNet needs a convolution in its first block, for its stem stays as wide.
    assert narrow("resnet18", entries["resnet18"].slim) is None


@pytest.mark.parametrize(
    ("model", "check"),
    [
        pytest.param("resnet18", "structure", id="a module gained"),
        pytest.param("resnet18", "_facts", id="a name gained"),
    ],
)
def test_each_condition_of_a_narrow_form_is_needed(
    monkeypatch: pytest.MonkeyPatch, entries: Catalog, model: str, check: str
) -> None:
    slim = entries[model].slim
    module = build(model, slim.args)
    less = build(model, {**slim.args, "channels": [16, 32, 64, 128]})
    assert not narrowing.is_alike(module, less, slim)
    for name in {"structure", "_facts"} - {check}:
        monkeypatch.setattr(narrowing, name, lambda *_, **__: 0)
    assert not narrowing.is_alike(module, less, slim)
    monkeypatch.setattr(narrowing, check, lambda *_, **__: 0)
    assert narrowing.is_alike(module, less, slim)


def test_no_model_of_the_catalog_falls_back_to_full(entries: Catalog) -> None:
    assert [entry.model for entry in entries if entry.slim.fallback] == []


@pytest.mark.parametrize("model", FAMILIES)
def test_a_cut_is_that_of_the_catalog(model: str, entries: Catalog) -> None:
    new, packaged = cut(model), entries[model].slim
    assert (dict(new.args), new.input_size, new.params) == (dict(packaged.args), packaged.input_size, packaged.params)


def test_blocks_that_attend_are_removed_together_with_blocks_of_their_stage() -> None:
    assert lowest((5, 18, 0, 6), 2, lambda levels: levels[1] == 3 * levels[3]) == (1, 3, 0, 1)
    assert lowest((5, 18), 0, lambda levels: levels[1] > levels[0]) == (1, 2)


@pytest.mark.parametrize(
    ("levels", "depths", "main", "grown"),
    [
        ((1,), (12,), 1, (2,)),
        ((1, 1, 1), (3, 3, 9), 3, (2, 1, 1)),
        ((1, 1, 1), (1, 3, 9), 3, (1, 2, 1)),
        ((3, 2, 1), (3, 4, 9), 3, (3, 3, 1)),
        ((1, 1, 0, 1), (3, 6, 0, 1), 2, (2, 1, 0, 1)),
    ],
    ids=["one stack", "the first is cheapest", "the first has one block", "the first is whole", "linked numbers"],
)
def test_the_cheapest_stage_that_can_keeps_two_of_its_block(
    levels: tuple[int, ...], depths: tuple[int, ...], main: int, grown: tuple[int, ...]
) -> None:
    assert with_a_repeat(levels, depths, main, priced) == grown


def priced(levels: tuple[int, ...]) -> int:
    """A block of a later stage costs more."""
    return sum(10**stage * level for stage, level in enumerate(levels))


def test_a_stack_whose_outputs_are_hidden_states_keeps_two_although_another_is_cheaper() -> None:
    assert with_a_repeat((1, 1), (24, 2), 1, lambda levels: 9 * levels[0] + levels[1]) == (2, 1)
    assert with_a_repeat((1, 1), (1, 2), 1, priced) == (1, 2)


def test_a_stage_grows_as_far_as_a_block_repeats() -> None:
    def in_threes(levels: tuple[int, ...]) -> int | None:
        return priced(levels) if levels[0] % 3 == 1 else None

    assert with_a_repeat((1, 2), (6, 2), 2, in_threes) == (4, 2)
    assert with_a_repeat((1, 2), (3, 6), 2, in_threes) == (1, 3)


def test_a_number_that_makes_no_block_repeats_none() -> None:
    assert with_a_repeat((1, 1), (9, 2), 2, lambda levels: levels[1]) == (1, 2)
    assert with_a_repeat((1,), (9,), 1, lambda _: 7) is None
    assert with_a_repeat((1,), (9,), 1, lambda levels: 7 if levels == (1,) else None) is None


def test_a_model_that_cannot_keep_two_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "with_a_repeat", lambda *_: None)
    slim = cut("test_vit3")
    assert slim.args["depth"] == 1
    assert slim.fallback == "no argument of its constructor leaves two of a block that repeats"


def test_a_model_in_which_nothing_repeats_stays_as_it_is() -> None:
    slim = cut("regnetx_002")
    assert (slim.args, slim.fallback) == ({"depth": 13}, None)
    assert slim.params == sum(p.numel() for p in build("regnetx_002", {}).parameters())


@pytest.mark.parametrize(
    ("arguments", "levels", "args"),
    [
        ({"depths": (3, 3, 9, 3)}, (2, 1, 1, 1), {"depths": [2, 1, 1, 1]}),
        (
            {"depths": (5, 5, 15, 6), "attn_groups": (0, 0, 5, 6)},
            (2, 1, 5, 3, 0, 0, 1, 1),
            {"depths": [2, 1, 5, 3], "attn_groups": [0, 0, 1, 1]},
        ),
        (
            {"stages": (1, 2, 11, 2), "global_att_blocks": (7, 10, 13)},
            (1, 2, 4, 2),
            {"stages": [1, 2, 4, 2], "global_att_blocks": [6]},
        ),
        ({"depth": 24, "depth_token_only": 2}, (2, 1), {"depth": 2, "depth_token_only": 1}),
        ({"depth": 4, "num_kv_heads": (8, 8, 4, 8)}, (3,), {"depth": 3, "num_kv_heads": [8, 8, 4]}),
        ({"depth": 4, "num_kv_heads": (8, 8, 4, 8)}, (2,), {"depth": 2, "num_kv_heads": [8, 4]}),
        ({"block_args": [["a", "b", "b", "a"], ["c"]]}, (2, 1), {"block_args": [[0, 1], [0]]}),
        ({"block_args": [["a", "b", "b", "a"], ["c"]]}, (3, 1), {"block_args": [[0, 1, 2], [0]]}),
    ],
    ids=["depths", "groups", "positions", "second stack", "two a list", "one a list", "one each", "two of the first"],
)
def test_arguments_for_fewer_blocks_agree_with_each_other(
    arguments: dict[str, Any], levels: tuple[int, ...], args: dict[str, Any]
) -> None:
    assert Stages(Call(nn.Module, arguments)).shortened(levels) == args


def test_stages_say_how_many_blocks_there_are_and_how_many_are_distinct_by_their_arguments() -> None:
    cait = Stages(Call(nn.Module, {"depth": 24, "depth_token_only": 2}))
    assert (cait.depths, cait.linked, cait.main, cait.occurring(1)) == ((24, 2), (), 1, (1, 1))
    iformer = Stages(Call(nn.Module, {"depths": (5, 5, 15, 6), "attn_groups": (0, 0, 5, 6)}))
    assert (iformer.depths, iformer.linked, iformer.main) == ((5, 5, 15, 6), (0, 0, 5, 6), 4)
    assert iformer.occurring(6) == (5, 5, 6, 6)
    mobile = Stages(Call(nn.Module, {"block_args": [["a", "b", "b", "a"], ["c"]]}))
    assert (mobile.depths, mobile.main, mobile.occurring(1), mobile.occurring(2)) == ((4, 1), 2, (2, 1), (4, 1))
    assert Stages(Call(nn.Module, {"depth": 4, "num_kv_heads": (8, 8, 4, 8)})).occurring(1) == (2,)
    assert Stages(Call(nn.Module, {})).depths == ()


@pytest.mark.parametrize("model", FAMILIES)
def test_no_parameter_is_left_at_a_constant_and_nothing_explodes(
    model: str, reference: Callable[[str], ReferenceModel]
) -> None:
    native = reference(model).headless
    constant = [name for name, p in native.module.named_parameters() if p.numel() > 1 and p.min() == p.max()]
    assert constant == []
    for tensor in native.runs.first.values():
        assert 1e-2 < tensor.abs().max() < 1e6


def test_a_layer_scale_is_drawn_around_one() -> None:
    gamma = weights.value("blocks.0.ls1.gamma", torch.full((64,), 1e-5))
    assert 0.75 <= gamma.min() < gamma.max() <= 1.25


def test_a_value_depends_only_on_name_and_shape() -> None:
    assert weights.value("a.weight", torch.zeros(3, 4)).equal(weights.value("a.weight", torch.ones(3, 4)))
    assert not weights.value("a.weight", torch.zeros(3, 4)).equal(weights.value("b.weight", torch.zeros(3, 4)))


def test_cheap_randomness_leaves_constants_alone_and_draws_one_number_a_matrix() -> None:
    with weights.cheap_randomness():
        first, second = (timm.create_model("convnext_atto").state_dict() for _ in range(2))
    usual = timm.create_model("convnext_atto").state_dict()
    random = {name for name, tensor in usual.items() if tensor.unique().numel() > 1}
    assert "stages.0.blocks.0.gamma" not in random
    assert {name for name, tensor in first.items() if not tensor.equal(second[name])} == random
    assert {name for name, tensor in first.items() if not tensor.equal(usual[name])} == random
    assert all(tensor.unique().numel() == 1 for tensor in first.values())


def test_a_model_is_built_without_initialised_parameters_but_with_its_buffers() -> None:
    before = set(vars(nn.Parameter))
    with weights.uninitialised():
        with weights.uninitialised():  # as if one model built another
            nn.Linear(2, 2)
        layer = nn.Linear(3, 3)
        with torch.no_grad():
            before_fill = layer.weight.detach().clone()
            assert layer.weight.fill_(7.0) is layer.weight
        assert torch.equal(layer.weight.nan_to_num(), before_fill.nan_to_num())
        assert nn.BatchNorm1d(3).running_var.tolist() == [1.0] * 3
    with pytest.raises(KeyError), weights.uninitialised():
        raise KeyError
    assert set(vars(nn.Parameter)) == before
    assert nn.init.constant_(layer.weight, 7.0).detach().unique().tolist() == [7.0]


def test_telling_weights_are_the_same_everywhere() -> None:
    values = weights.value("blocks.0.ls1.gamma", torch.zeros(3)).tolist()
    assert values == pytest.approx(PINNED, abs=1e-7)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("convnext_atto", "stages.0.blocks.0.gamma"),
        ("poolformer_s12", "stages.0.blocks.0.layer_scale1.scale"),
        ("caformer_s18", "stages.2.blocks.0.res_scale1.scale"),
        ("cait_xxs24_224", "blocks.0.gamma_1"),
        ("resmlp_12_224", "blocks.0.ls1"),
        ("efficientformer_l1", "stages.0.blocks.0.ls1.gamma"),
        ("iformer_h", "stages.0.blocks.0.mixer.gamma"),
    ],
)
def test_a_layer_scale_is_found_under_any_name(model: str, name: str) -> None:
    assert name in layer_scales(build(model, {}))


@pytest.mark.parametrize("model", ["resnet18", "swin_tiny_patch4_window7_224", "regnetx_002", "vit_base_patch16_224"])
def test_a_control_has_no_layer_scale(model: str) -> None:
    assert layer_scales(build(model, {})) == []


def test_a_parameter_from_which_a_factor_is_computed_is_no_layer_scale() -> None:
    """EfficientViM's A has one number a state, and is added to another tensor before the multiplication."""
    model = build("efficientvim_m1", {})
    assert any(name.endswith(".A") for name, _ in model.named_parameters())
    assert layer_scales(model) == []


PINNED = [1.0178360939, 0.9374302030, 0.9269207716]
