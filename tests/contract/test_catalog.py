from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.contract import catalog
from harness.contract.case import Size
from harness.contract.catalog import BERT, Catalog, Cut, Entry, Narrow
from harness.environments import catalog_history


def slim(params: int = 10, **facts: Any) -> Cut:
    return Cut(**{"args": {"depth": 1}, "input_size": (3, 32, 32), "params": params, **facts})


def entry(model: str, **facts: Any) -> Entry:
    """A ViT with a LayerScale, except where told."""
    usual = {
        "family": "vision_transformer",
        "params": 100,
        "input_size": (3, 224, 224),
        "gamma_keys": 24,
        "beta_keys": 0,
        "scale_keys": 0,
        "non_persistent_buffers": 0,
        "batch_norm": False,
        "classifier": True,
        "feature_levels": 12,
        "intermediates": True,
        "smallest_input": (3, 96, 96),
        "slim": slim(),
    }
    return Entry(model=model, **{**usual, **facts})


def catalog_of(*entries: Entry) -> Catalog:
    return Catalog("1.0.31", 1371, ("resnet18",), entries)


def test_what_is_written_reads_back_equal_slim_included() -> None:
    written = catalog_of(entry("a"), entry("b", slim=slim(20, args={}, fallback="no depth to cut", same_as="a")))
    read = catalog.loads(catalog.dumps(written))
    assert read == written
    assert [one.slim for one in read] == [one.slim for one in written]


def test_a_narrow_form_is_read_back_and_stands_for_the_slim_one_at_that_size() -> None:
    narrow = Narrow({"depth": 1, "embed_dim": 16}, 4)
    one, other = catalog.loads(catalog.dumps(catalog_of(entry("a", narrow=narrow), entry("b"))))
    assert (one.narrow, other.narrow) == (narrow, None)
    assert one.cut(Size.NARROW) == replace(one.slim, args=narrow.args, params=4)
    assert one.cut(Size.SLIM) == one.slim
    assert other.cut(Size.NARROW) == other.slim
    assert [one.params_at(size) for size in Size] == [4, 10, 100]
    assert "narrow" not in one.traits


def test_what_cannot_be_built_is_written_and_read_and_is_no_missing_control() -> None:
    written = Catalog("1.0.31", 1371, ("resnet18",), (entry("a"),), {"resnet18": "ValueError: no"})
    read = catalog.loads(catalog.dumps(written))
    assert read == written
    assert read.has_controls
    assert not catalog_of(entry("a")).has_controls


def test_a_catalog_file_says_first_what_made_it() -> None:
    first, *rows = catalog.dumps(catalog_of(entry("b"), entry("a"))).splitlines()
    assert '"made_by": "nox -s catalog -- timm==1.0.31"' in first
    assert [row.split(",")[0] for row in rows] == ['{"model": "a"', '{"model": "b"']


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"catalog": "1.0.31", "schema": 1, "architectures": 0}', '{"schema": 2}'],
    ids=["empty", "no head", "another schema", "no release"],
)
def test_a_text_that_is_no_catalog_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a catalog of schema 5$"):
        catalog.loads(text)


def test_the_order_of_entries_does_not_change_the_digest() -> None:
    assert catalog_of(entry("a"), entry("b")).digest == catalog_of(entry("b"), entry("a")).digest


@pytest.mark.parametrize(
    "changed",
    [
        entry("b"),
        entry("a", gamma_keys=25),
        entry("a", slim=slim(11)),
        entry("a", slim=slim(args={"depth": 2})),
        entry("a", slim=slim(creatable=True)),
    ],
    ids=["name", "trait", "slim parameters", "slim arguments", "slim and creatable"],
)
def test_the_digest_changes_with_anything_an_entry_says(changed: Entry) -> None:
    assert catalog_of(changed).digest != catalog_of(entry("a")).digest


def test_quick_keeps_the_smallest_slim_model_of_each_kind() -> None:
    entries = catalog_of(
        entry("big", slim=slim(30), params=1),
        entry("small", slim=slim(20), params=2, gamma_keys=48),
        entry("buffers", slim=slim(40), non_persistent_buffers=3),
        entry("other_family", slim=slim(50), family="cait"),
    )
    assert [one.model for one in entries.smallest_of_each_kind()] == ["buffers", "other_family", "small"]


def test_of_two_models_of_one_size_quick_keeps_the_first_by_name() -> None:
    assert [one.model for one in catalog_of(entry("b"), entry("a")).smallest_of_each_kind()] == ["a"]


@pytest.mark.parametrize("key", ["gamma_keys", "beta_keys", "scale_keys"])
def test_a_model_has_a_layer_scale_whatever_it_is_called(key: str) -> None:
    control = {"gamma_keys": 0}
    assert not entry("resnet18", **control).layer_scale
    assert entry("resnet18", **{**control, key: 2}).layer_scale


def test_traits_are_facts_without_the_cut() -> None:
    traits = entry("a").traits
    assert "slim" not in traits
    assert traits["input_size"] == 224
    assert traits["layer_scale"] is True


def test_a_model_that_is_not_in_the_catalog_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="resnet18"):
        catalog_of(entry("a"))["resnet18"]


def test_every_catalog_has_the_model_that_is_none_of_timms_and_none_lists_it() -> None:
    catalogs = catalog_of(entry("a"))
    assert catalogs["bert"] is BERT
    assert list(catalogs) == [catalogs["a"]]
    assert '"bert"' not in catalog.dumps(catalogs)


def test_whether_there_is_forward_intermediates_is_a_trait_that_makes_a_kind() -> None:
    assert entry("a", intermediates=False).traits["intermediates"] is False
    entries = catalog_of(entry("small"), entry("without", slim=slim(20), intermediates=False))
    assert [one.model for one in entries.smallest_of_each_kind()] == ["small", "without"]


def test_a_catalog_is_found_in_a_folder_and_missed_elsewhere(tmp_path: Path) -> None:
    made = replace(catalog_of(entry("a")), timm="0.0.0")
    assert catalog.read(tmp_path, "0.0.0") is None
    catalog.path_in(tmp_path, "0.0.0").write_text(catalog.dumps(made))
    assert catalog.read(tmp_path, "0.0.0") == made


def test_a_model_is_narrow_in_every_packaged_catalog_or_in_none() -> None:
    is_narrow: dict[str, set[bool]] = {}
    for timm in catalog_history.releases():
        for one in catalog_history.read(timm) or ():
            is_narrow.setdefault(one.model, set()).add(one.narrow is not None)
    assert [model for model, known in is_narrow.items() if len(known) > 1] == []
    assert sum(known == {True} for known in is_narrow.values()) > 200
