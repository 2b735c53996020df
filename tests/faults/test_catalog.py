"""The packaged catalog is what the installed timm says."""

import pytest

from harness import catalog
from harness.cell import slim
from harness.cell.catalog import generate


def test_models_that_were_made_slim_in_this_process_are_none_of_timms(entries: catalog.Catalog) -> None:
    slim.register(entries["test_convnext"])
    made = generate([], lambda *_: None, only=["*test_convnext"])
    assert [entry.model for entry in made] == ["test_convnext"]


@pytest.mark.slow
def test_the_packaged_catalog_comes_out_again(entries: catalog.Catalog) -> None:
    made = generate(entries.controls, lambda *_: None)
    assert catalog.dumps(made) == catalog.dumps(entries)
