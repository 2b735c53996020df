"""A small matrix and a small catalog, as values and as text."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.atlas import names
from harness.config import matrix
from harness.contract import catalog
from harness.contract.catalog import Catalog, Cut, Entry
from harness.environments import catalog_history, lock, pypi
from harness.planning import device

MATRIX = """\
defaults: {python: "3.11", torch: "2.14.1", torchvision: "0.29.1"}
pairs:
  - {transformers: "4.48.3", timm: "1.0.14"}
  - {transformers: "5.23.0", timm: "1.0.31"}
current: transformers5.23.0-timm1.0.31
tolerances:
  float32: {rtol: 1.3e-6, atol: 1.0e-5}
lanes: {cpu-float32: {models: every}, cuda-float32: {models: every}}
routes:
  wrapper: {models: every}
  tower: {models: quick}
models: {controls: [resnet18]}
limits: {seconds: 300}
expectations:
  - id: renamed
    routes: [tower]
    where: {gamma_keys: true}
    transformers: "<4.49"
    finds: [{kind: keys, how: "*"}]
    because: renamed
    remedy: move
    advice: upgrade
"""


def entry(model: str, *, family: str = "timm.models.eva", slim: int = 10, gamma: int = 0, buffers: int = 0) -> Entry:
    return Entry(
        model=model,
        family=family,
        params=slim * 10,
        input_size=(3, 224, 224),
        gamma_keys=gamma,
        beta_keys=0,
        scale_keys=0,
        non_persistent_buffers=buffers,
        batch_norm=False,
        classifier=True,
        feature_levels=3,
        intermediates=True,
        smallest_input=(3, 224, 224),
        slim=Cut({}, (3, 64, 64), slim),
    )


def catalog_of_timm() -> Catalog:
    """Five models of timm 1.0.31."""
    return Catalog(
        "1.0.31",
        1371,
        ("resnet18",),
        (
            entry("eva02_large", slim=40, gamma=4, buffers=2),
            entry("eva02_tiny", slim=20, gamma=2, buffers=1),
            entry("convnext_atto", family="timm.models.convnext", slim=30, gamma=8),
            entry("resnet18", family="timm.models.resnet", slim=25),
            entry("regnetx_002", family="timm.models.regnet", slim=5),
        ),
    )


@pytest.fixture
def matrix_text() -> str:
    return MATRIX


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes matrix.yaml into a fresh folder that is the current one, so that messages show its bare name."""
    monkeypatch.chdir(tmp_path)

    def write_matrix(text: str) -> Path:
        Path("matrix.yaml").write_text(text)
        return Path("matrix.yaml")

    return write_matrix


@pytest.fixture
def small_matrix(write: Callable[[str], Path]) -> matrix.Matrix:
    return matrix.load(write(MATRIX))


@pytest.fixture
def small_catalog() -> Catalog:
    return catalog_of_timm()


@pytest.fixture
def packaged(tmp_path: Path, small_catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The small catalog, as if it were the packaged one of timm 1.0.31."""
    folder = tmp_path / "packaged"
    folder.mkdir()
    monkeypatch.setattr(catalog, "PACKAGED", folder)
    catalog_history.add(small_catalog)
    monkeypatch.setattr(lock, "FOLDER", folder)  # no pair has one
    monkeypatch.setattr(pypi, "moment_of", lambda _, as_of: pypi.end_of(as_of))
    names.catalog_of.cache_clear()
    yield folder
    names.catalog_of.cache_clear()


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many GPUs there are; none at first."""

    def have(count: int) -> None:
        monkeypatch.setattr(device, "cuda_devices", lambda: count)

    have(0)
    return have
