"""Which models a release has, and those of releases without a catalog."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.atlas import names
from harness.config.errors import BadInput
from harness.contract import catalog
from harness.environments import catalog_history
from tests.small_matrix import catalog_of_timm


@pytest.fixture(autouse=True)
def _packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package of its own, of which nothing is known before or after."""
    monkeypatch.setattr(catalog, "PACKAGED", tmp_path)
    names.catalog_of.cache_clear()
    yield
    names.catalog_of.cache_clear()


def test_a_release_without_a_catalog_is_taken_for_the_one_before_and_the_oldest_for_all_before_it() -> None:
    for timm in ("1.0.9", "1.0.10"):
        catalog_history.add(replace(catalog_of_timm(), timm=timm))
    asked = ("1.0.8", "1.0.9", "1.0.10", "1.0.11", "1.0.32.dev0")
    assert [names.catalog_of(timm).timm for timm in asked] == ["1.0.9", "1.0.9", "1.0.10", "1.0.10", "1.0.10"]


def test_that_a_model_is_lacking_is_known_of_a_release_with_a_catalog_alone() -> None:
    catalog_history.add(catalog_of_timm())
    found = [names.has(timm, model) for timm in ("1.0.31", "1.0.32") for model in ("convnext_atto", "eva02_huge")]
    assert found == [True, False, True, None]


def test_a_package_without_catalogs_is_an_error() -> None:
    with pytest.raises(BadInput) as caught:
        names.catalog_of("1.0.31")
    assert str(caught.value) == "this package has no catalogs; install it again"


@pytest.mark.parametrize(
    "typed",
    ["convnext_atto", "timm/convnext_atto.d2_in1k", "hf-hub:timm/convnext_atto", "hf_hub:timm/convnext_a?to.d2_*",
     " ConvNeXt_Atto.d2"],
)  # fmt: skip
def test_a_name_may_be_copied_from_the_hub(typed: str) -> None:
    catalog_history.add(catalog_of_timm())
    assert names.named("1.0.31", [typed]) == ["convnext_atto"]


@pytest.mark.parametrize("typed", ["*.d2_in1k", "timm/*.xx", ".d2_in1k"])
def test_a_tag_alone_names_no_model(typed: str) -> None:
    catalog_history.add(catalog_of_timm())
    with pytest.raises(BadInput, match="has no LayerScale model"):
        names.named("1.0.31", [typed])
