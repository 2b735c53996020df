"""The packaged catalog is what the installed timm says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness import catalog
from harness.cell import catalog as cell_catalog
from harness.cell import slim
from harness.cell.catalog import digest_of, generate
from harness.cell.cutting import build


def test_models_that_were_made_slim_in_this_process_are_none_of_timms(entries: catalog.Catalog) -> None:
    slim.register(entries["test_convnext"])
    made = generate([], lambda *_: None, only=["*test_convnext"])
    assert [entry.model for entry in made] == ["test_convnext"]


@pytest.mark.slow
def test_the_packaged_catalog_comes_out_again(entries: catalog.Catalog) -> None:
    made = generate(entries.controls, lambda *_: None)
    assert catalog.dumps(made) == catalog.dumps(entries)


def test_models_that_differ_in_depth_and_input_alone_are_the_same_once_slim() -> None:
    made = generate([], lambda *_: None, only=["resmlp_*_224", "xcit_nano_12_p8_*", "cait_xxs*"])
    assert {entry.model: entry.slim.same_as for entry in made} == {
        "cait_xxs24_224": None,
        "cait_xxs24_384": "cait_xxs24_224",
        "cait_xxs36_224": "cait_xxs24_224",
        "cait_xxs36_384": "cait_xxs24_224",
        "resmlp_12_224": None,
        "resmlp_24_224": "resmlp_12_224",
        "resmlp_36_224": "resmlp_12_224",
        "resmlp_big_24_224": None,  # it is wider
        "xcit_nano_12_p8_224": None,
        "xcit_nano_12_p8_384": "xcit_nano_12_p8_224",
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda module: module.default_cfg.update(mean=(0.4, 0.4, 0.4)),
        lambda module: setattr(module.norm, "eps", 1e-3),
        lambda module: module.register_buffer("more", None),
        lambda module: module.feature_info[0].update(reduction=3),
    ],
    ids=["what timm says of it", "a number of a layer", "a buffer", "a feature map"],
)
def test_whatever_else_differs_makes_another(
    entries: catalog.Catalog, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], object]
) -> None:
    entry = entries["resmlp_12_224"]
    before = digest_of(entry)
    assert digest_of(entry) == before

    def changed(*arguments: Any) -> Any:
        module = build(*arguments)
        module.default_cfg = dict(module.default_cfg)
        change(module)
        return module

    monkeypatch.setattr(cell_catalog, "build", changed)
    assert digest_of(entry) != before


def test_so_does_a_trait_that_chooses_ways(entries: catalog.Catalog) -> None:
    entry = entries["resmlp_12_224"]
    others = (replace(entry, feature_levels=0), replace(entry, classifier=False), replace(entry, intermediates=False))
    assert len({digest_of(one) for one in (entry, *others)}) == 1 + len(others)
