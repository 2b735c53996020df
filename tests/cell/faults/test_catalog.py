"""The packaged catalog describes the installed timm."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import timm
import torch
from torch import nn

from harness.cell.catalog import builder, equivalence
from harness.cell.catalog.builder import generate
from harness.cell.catalog.constructor_calls import group_of
from harness.cell.catalog.structure import structure
from harness.cell.models import slim
from harness.cell.models.layer_scales import has_layer_scale
from harness.cell.models.slim import build, create
from harness.contract import catalog


def test_slim_models_registered_in_this_process_are_not_in_the_catalog(entries: catalog.Catalog) -> None:
    slim.register(entries["test_convnext"])
    generated = generate([], lambda *_: None, only=["*test_convnext"])
    assert [entry.model for entry in generated] == ["test_convnext"]


def test_the_share_of_the_work_that_is_done_grows_to_the_last_model() -> None:
    shares: list[float] = []
    generate([], lambda *told: shares.append(told[-1]), only=["test_convnext*", "resnet18"])
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.5 < shares[-1] < 1


def refusing(refused: str, error: BaseException) -> Callable[..., nn.Module]:
    """What builds every model but one, whose constructor raises."""

    def built(model: str, *args: Any, **kwargs: Any) -> nn.Module:
        if model == refused:
            raise error
        return build(model, *args, **kwargs)

    return built


def test_a_model_that_cannot_be_built_ends_no_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "build", refusing("test_vit", SystemExit("this release forgot a file")))
    generated = generate(["test_vit"], lambda *_: None, only=["test_vit", "test_vit2"])
    assert [entry.model for entry in generated] == ["test_vit2"]
    assert generated.unbuilt == {"test_vit": "SystemExit: this release forgot a file"}


def test_models_that_differ_in_numbers_alone_are_a_group() -> None:
    atto = group_of("convnext_atto")
    assert atto == group_of("convnext_femto")
    assert atto != group_of("convnext_atto_ols")  # another stem
    assert group_of("vit_base_patch16_224") != group_of("deit3_base_patch16_224")  # the same class with LayerScale


def test_a_model_whose_constructor_is_not_called_is_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> nn.Module:
        raise SystemExit("this release forgot a file")

    monkeypatch.setattr(timm, "create_model", refused)
    assert group_of("convnext_atto") == "convnext_atto"


def test_of_a_group_the_first_that_is_built_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "build", refusing("convnext_atto", ValueError("too small")))
    raised = {"convnext_atto": "ValueError: too small"}
    assert builder._first_built(["convnext_atto", "convnext_femto"]) == (raised, True)
    assert builder._first_built(["resnet18"]) == ({}, False)
    assert builder._first_built(["convnext_atto"]) == (raised, False)


@pytest.mark.all_faults
def test_one_of_a_group_tells_of_all_whether_they_have_a_layer_scale() -> None:
    groups: dict[Hashable, list[str]] = {}
    for model in timm.list_models():
        groups.setdefault(group_of(model), []).append(model)
    mixed = [group for group in groups.values() if len({has_layer_scale(build(model, {})) for model in group}) > 1]
    assert mixed == []
    assert len(groups) < len(timm.list_models()) / 2


@pytest.mark.all_faults
def test_the_packaged_catalog_is_generated_again(entries: catalog.Catalog) -> None:
    generated = generate(entries.controls, lambda *_: None)
    assert catalog.dumps(generated) == catalog.dumps(entries)


@pytest.mark.slow
def test_a_tenth_of_timm_is_catalogued_as_packaged(entries: catalog.Catalog) -> None:
    names = timm.list_models()[::10]
    generated = generate(entries.controls, lambda *_: None, only=names)
    packaged = {entry.model: alone(entry) for entry in entries if entry.model in names}
    assert {entry.model: alone(entry) for entry in generated} == packaged
    assert len(packaged) > len(entries.entries) / 20


def alone(entry: catalog.Entry) -> catalog.Entry:
    """The entry without its likeness to another model, which may be outside a sample."""
    return replace(entry, slim=replace(entry.slim, same_as=None))


Blocks = Mapping[tuple[str, Hashable], int]


@pytest.mark.slow
@pytest.mark.parametrize("which", ["quick", pytest.param("all", marks=pytest.mark.all_faults)])
def test_every_slim_model_has_each_block_of_the_full_one_and_two_of_one_that_repeats(
    entries: catalog.Catalog, which: str
) -> None:
    wrong = []
    for entry in entries.smallest_of_each_kind() if which == "quick" else entries:
        args = {name: value for name, value in entry.slim.args.items() if name != "img_size"}
        slim, full = build(entry.model, args), build(entry.model, {})
        if structure(slim) != structure(full) or not keeps_two(blocks_of(slim), blocks_of(full)):
            wrong.append(entry.model)
    assert wrong == []


def test_a_slim_model_with_one_of_each_block_does_not_keep_two(entries: catalog.Catalog) -> None:
    for model, one, two in (
        ("convnext_atto", {"depths": [1, 1, 1, 1]}, {"depths": [1, 1, 2, 1]}),
        ("xcit_nano_12_p16_224", {"depth": 1}, {"depth": 2}),  # its two blocks of class attention are never cut
    ):
        full = blocks_of(build(model, {}))
        assert not keeps_two(blocks_of(build(model, one)), full)
        assert keeps_two(blocks_of(build(model, two)), full)
        assert keeps_two(full, full)
    assert keeps_two(*(blocks_of(build("regnetx_002", args)) for args in (entries["regnetx_002"].slim.args, {})))


def blocks_of(module: nn.Module) -> Blocks:
    """How often each list of the module holds each block, by the list's name and the block's structure."""
    return Counter(
        (name, structure(block))
        for name, part in module.named_modules()
        if isinstance(part, nn.Sequential | nn.ModuleList)
        for block in part
        if next(block.children(), None) is not None and next(block.parameters(), None) is not None
    )


def keeps_two(slim: Blocks, full: Blocks) -> bool:
    """Whether some list of those that are cut still has a block twice. Lists of all stages count as one."""
    cut = {stack(block) for block, times in full.items() if times > max(slim.get(block, 0), 1)}
    return not cut or any(times > 1 and stack(block) in cut for block, times in slim.items())


def stack(block: tuple[str, Hashable]) -> str:
    return re.sub(r"\d+", "*", block[0])


@pytest.mark.slow
def test_models_that_differ_only_in_depth_and_input_are_the_same_once_slim() -> None:
    generated = generate([], lambda *_: None, only=["resmlp_*_224", "xcit_nano_12_p8_*", "cait_*s*", "convnext_[st]*"])
    assert {entry.model: entry.slim.same_as for entry in generated if entry.slim.same_as} == {
        "cait_s24_384": "cait_s24_224",
        "cait_xxs24_384": "cait_xxs24_224",
        "cait_xxs36_224": "cait_xxs24_224",
        "cait_xxs36_384": "cait_xxs24_224",
        "convnext_tiny": "convnext_small",
        "xcit_nano_12_p8_384": "xcit_nano_12_p8_224",
    }
    # Models whose scales have other initial values differ: a lost scale is reset to another number.
    assert {"cait_s36_384", "resmlp_12_224", "resmlp_24_224"} <= {entry.model for entry in generated}


def swapped(module: Any) -> None:
    first, *rest = module.blocks
    first.norm1.eps = 1e-3
    module.blocks = nn.Sequential(*rest, first)


@pytest.mark.parametrize(
    "change",
    [
        lambda module: module.default_cfg.update(mean=(0.4, 0.4, 0.4)),
        lambda module: setattr(module.norm, "eps", 1e-3),
        lambda module: module.register_buffer("more", torch.zeros(1)),
        lambda module: module.feature_info[0].update(reduction=3),
        lambda module: setattr(module, "_private", 1),
        lambda module: nn.init.constant_(module.blocks[0].ls1.gamma, 0.5),
        swapped,
    ],
    ids=["timm's description", "a layer's number", "a buffer", "a feature map", "private", "a scale", "order"],
)
def test_any_other_difference_changes_the_digest(
    entries: catalog.Catalog, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], object]
) -> None:
    entry = entries["test_vit3"]
    before = equivalence.slim_digest(entry)
    assert equivalence.slim_digest(entry) == before

    def changed(*arguments: Any) -> Any:
        module: Any = create(*arguments)
        module.default_cfg = dict(module.default_cfg)
        change(module)
        return module

    monkeypatch.setattr(equivalence, "create", changed)
    assert equivalence.slim_digest(entry) != before


def test_a_trait_that_selects_scenarios_changes_the_digest_as_does_the_cut(entries: catalog.Catalog) -> None:
    entry = entries["resmlp_12_224"]
    others = [
        *(replace(entry, feature_levels=0), replace(entry, classifier=False), replace(entry, intermediates=False)),
        replace(entry, slim=replace(entry.slim, creatable=not entry.slim.creatable)),
    ]
    assert len({equivalence.slim_digest(variant) for variant in (entry, *others)}) == 1 + len(others)
