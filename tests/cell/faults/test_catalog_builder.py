"""The packaged catalog is what the installed timm says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from harness.cell.models import equivalence, slim
from harness.cell.models.catalog_builder import generate
from harness.cell.models.cutting import create
from harness.contract import catalog


def test_models_that_were_made_slim_in_this_process_are_none_of_timms(entries: catalog.Catalog) -> None:
    slim.register(entries["test_convnext"])
    made = generate([], lambda *_: None, only=["*test_convnext"])
    assert [entry.model for entry in made] == ["test_convnext"]


@pytest.mark.slow
def test_the_packaged_catalog_comes_out_again(entries: catalog.Catalog) -> None:
    made = generate(entries.controls, lambda *_: None)
    assert catalog.dumps(made) == catalog.dumps(entries)


def test_models_that_differ_in_depth_and_input_alone_are_the_same_once_slim() -> None:
    made = generate([], lambda *_: None, only=["resmlp_*_224", "xcit_nano_12_p8_*", "cait_*s*", "convnext_[st]*"])
    assert {entry.model: entry.slim.same_as for entry in made if entry.slim.same_as} == {
        "cait_s24_384": "cait_s24_224",
        "cait_xxs24_384": "cait_xxs24_224",
        "cait_xxs36_224": "cait_xxs24_224",
        "cait_xxs36_384": "cait_xxs24_224",
        "convnext_tiny": "convnext_small",
        "xcit_nano_12_p8_384": "xcit_nano_12_p8_224",
    }
    # Not those whose scales begin otherwise: a lost one would come back as another number.
    assert {"cait_s36_384", "resmlp_12_224", "resmlp_24_224"} <= {entry.model for entry in made}


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
    ids=["said by timm", "a number of a layer", "a buffer", "a feature map", "private", "a scale", "order"],
)
def test_whatever_else_differs_makes_another(
    entries: catalog.Catalog, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], object]
) -> None:
    entry = entries["test_vit3"]
    before = equivalence.likeness(entry)
    assert equivalence.likeness(entry) == before

    def changed(*arguments: Any) -> Any:
        module: Any = create(*arguments)
        module.default_cfg = dict(module.default_cfg)
        change(module)
        return module

    monkeypatch.setattr(equivalence, "create", changed)
    assert equivalence.likeness(entry) != before


def test_so_does_a_trait_that_chooses_ways_or_how_it_is_made_slim(entries: catalog.Catalog) -> None:
    entry = entries["resmlp_12_224"]
    others = [
        *(replace(entry, feature_levels=0), replace(entry, classifier=False), replace(entry, intermediates=False)),
        replace(entry, slim=replace(entry.slim, creatable=not entry.slim.creatable)),
    ]
    assert len({equivalence.likeness(one) for one in (entry, *others)}) == 1 + len(others)
