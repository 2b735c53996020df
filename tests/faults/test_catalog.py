"""The packaged catalog is what the installed timm says."""

import pytest

from harness import catalog
from harness.cell.catalog import generate


@pytest.mark.slow
def test_the_packaged_catalog_comes_out_again(entries: catalog.Catalog) -> None:
    made = generate(entries.controls, lambda *_: None)
    assert catalog.dumps(made) == catalog.dumps(entries)
