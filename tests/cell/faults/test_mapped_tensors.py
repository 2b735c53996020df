"""Weights of a full-size model are mapped from files: the same values, in memory that the system can take back."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModel

from harness.cell.models import mapped_tensors, reference, variants, weights
from harness.cell.models.installed import Release
from harness.cell.models.mapped_tensors import MappedTensors, parts
from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import run_case
from harness.contract.case import DEFAULT_VARIANT, GREEN, Outcome
from harness.contract.catalog import Catalog
from harness.contract.finding import Finding
from harness.contract.record import CaseLine
from tests.cell.faults.conftest import TOLERANCES

pytestmark = pytest.mark.slow

MODEL = "convnext_atto"

STATE = {
    "weight": torch.arange(6.0).reshape(2, 3),
    "half": torch.tensor([1.5, -0.0], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "mask": torch.tensor([True, False, True]),
    "empty": torch.zeros(0, 4),
}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and torch.equal(first[name], second[name]) for name in first
    )


@pytest.fixture
def shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model is too large for one file."""
    monkeypatch.setattr(mapped_tensors.parts, "__defaults__", (2**20, 2**21))
    monkeypatch.setattr(variants, "LARGEST_FILE", 2**20)
    monkeypatch.setattr(variants, "SHARD", 2**21)


def full(entries: Catalog, folder: Path, dtype: torch.dtype = torch.float32) -> ReferenceModel:
    return ReferenceModel(entries[MODEL], "full", Placement("cpu", dtype, MappedTensors(folder / "native")))


def run(route: str, whole: ReferenceModel, folder: Path) -> CaseLine:
    return run_case.run(
        ROUTES[route], VARIANTS[DEFAULT_VARIANT], whole, Release.installed(), TOLERANCES[torch.float32], folder
    )


def test_a_file_is_as_safetensors_writes_it(tmp_path: Path) -> None:
    mapped = MappedTensors(tmp_path).store("state", STATE, STATE.__getitem__)
    save_file(STATE, tmp_path / "theirs.safetensors")
    [path] = MappedTensors(tmp_path).files("state")
    assert same(dict(mapped), load_file(tmp_path / "theirs.safetensors"))
    assert same(load_file(path), STATE)


def test_changing_a_mapped_tensor_changes_a_copy(tmp_path: Path) -> None:
    mapped = MappedTensors(tmp_path).store("state", STATE, STATE.__getitem__)
    mapped["weight"].fill_(9)
    [path] = MappedTensors(tmp_path).files("state")
    assert same(load_file(path), STATE)


def test_tensors_that_are_stored_unlinked_have_no_file_in_the_folder(tmp_path: Path) -> None:
    mapped = MappedTensors(tmp_path).store_unlinked(STATE, STATE.__getitem__)
    assert list(tmp_path.iterdir()) == []
    assert same(dict(mapped), STATE)


def test_a_state_that_is_too_large_for_one_file_is_split() -> None:
    state = {name: torch.zeros(size) for name, size in (("a", 10), ("b", 30), ("c", 5), ("d", 5))}
    assert [list(part) for part in parts(state, largest=200, shard=200)] == [["a", "b", "c", "d"]]
    assert [list(part) for part in parts(state, largest=199, shard=80)] == [["a"], ["b"], ["c", "d"]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_model_whose_weights_are_mapped_is_the_same_model(
    entries: Catalog, tmp_path: Path, dtype: torch.dtype
) -> None:
    mapped, held = full(entries, tmp_path, dtype), ReferenceModel(entries[MODEL], "full", Placement("cpu", dtype))
    assert same(dict(mapped.headless.tensors), dict(held.headless.tensors))
    outputs, tolerance = mapped.headless.runs.first, TOLERANCES[dtype]
    for name, tensor in held.headless.runs.first.items():
        torch.testing.assert_close(outputs[name], tensor, rtol=tolerance.rtol, atol=tolerance.atol)


def test_a_checkpoint_links_to_the_file_with_the_weights(entries: Catalog, tmp_path: Path) -> None:
    whole = full(entries, tmp_path)
    folder = whole.save(tmp_path / "timm", VARIANTS[DEFAULT_VARIANT])
    assert (folder / "model.safetensors").is_symlink()
    assert same(load_file(folder / "model.safetensors"), dict(whole.state))


@pytest.mark.usefixtures("shards")
def test_a_checkpoint_that_is_too_large_has_shards_that_transformers_finds(entries: Catalog, tmp_path: Path) -> None:
    whole = full(entries, tmp_path)
    folder = whole.save(tmp_path / "timm", VARIANTS[DEFAULT_VARIANT])
    assert len(list(folder.glob("*.safetensors"))) > 2
    model = AutoModel.from_pretrained(folder)
    loaded = {name.removeprefix("timm_model."): tensor for name, tensor in model.state_dict().items()}
    assert same(loaded, dict(whole.headless.module.state_dict()))


@pytest.mark.usefixtures("shards")
@pytest.mark.parametrize(
    "route",
    [
        *("wrapper", "classifier", "backbone", "tower", "tower-wrapper", "processor", "pipeline"),
        "backbone-pretrained",
        "resume",
    ],
)
def test_every_route_loads_a_model_that_is_too_large_for_one_file(entries: Catalog, tmp_path: Path, route: str) -> None:
    fields = run(route, full(entries, tmp_path), tmp_path)
    known = {"backbone-pretrained": {"flags"}}  # it comes back in training mode, whatever its size
    assert fields.outcome in known.get(route, GREEN), fields.reason


@pytest.mark.usefixtures("shards")
@pytest.mark.parametrize("route", ["roundtrip", "hub", "scratch"])
def test_a_checkpoint_that_timm_reads_itself_is_one_file(entries: Catalog, tmp_path: Path, route: str) -> None:
    counts: list[int] = []
    remove = shutil.rmtree

    def count_files(root: Path) -> None:
        counts.extend(len(list(folder.glob("*.safetensors"))) for folder in root.rglob("*") if folder.is_dir())

    def count_and_remove(path: Path, **kwargs: Any) -> None:
        count_files(path)
        remove(path, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "rmtree", count_and_remove)
        run(route, full(entries, tmp_path), tmp_path)
    count_files(tmp_path / route)
    assert set(counts) - {0} == {1}


def test_a_checkpoint_that_was_cut_off_is_written_again(entries: Catalog, tmp_path: Path) -> None:
    whole = full(entries, tmp_path)
    folder = whole.save(tmp_path / "timm", VARIANTS[DEFAULT_VARIANT])
    (folder / "config.json").unlink()
    assert (whole.save(folder, VARIANTS[DEFAULT_VARIANT]) / "config.json").is_file()


def test_a_lost_gamma_is_seen_at_full_size_too(
    entries: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "LARGE", 100)
    whole = full(entries, tmp_path)
    name = next(name for name in whole.headless.names if name.endswith("gamma"))
    load = AutoModel.from_pretrained

    def forgetful(*args: Any, **kwargs: Any) -> Any:
        model, info = load(*args, **kwargs)
        model.get_parameter(f"timm_model.{name}").data.fill_(1e-6)
        return model, info

    monkeypatch.setattr(AutoModel, "from_pretrained", forgetful)
    fields = run("wrapper", whole, tmp_path)
    assert (fields.outcome, "reset to timm's default" in str(fields.detail)) == ("tensors", True)


def test_large_tensors_have_no_default_and_are_never_drawn(
    entries: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "LARGE", 100)
    whole = full(entries, tmp_path)
    large = whole._defaults[weights.spelling("stem.0.weight")]
    assert not torch.equal(large, large.flatten()[0].expand_as(large))  # it is uninitialised
    with monkeypatch.context() as patch:
        patch.setattr(reference, "LARGE", 10**6)
        drawn = ReferenceModel(entries[MODEL], "full", Placement("cpu", torch.float32)).default("stem.0.weight")
        assert drawn is not None
        assert torch.equal(drawn, drawn.flatten()[0].expand_as(drawn))
    assert whole.default("stem.0.weight") is None
    gamma = next(name for name in whole.headless.names if name.endswith("gamma"))
    assert whole.default(gamma) is not None


def test_between_routes_only_shared_models_are_kept(entries: Catalog, tmp_path: Path) -> None:
    whole = full(entries, tmp_path)
    headless, features = whole.headless, whole.features
    whole.default("stem.0.weight")
    whole.forget()
    assert whole.headless is headless
    assert "_constructed" not in vars(whole)
    assert whole.features is not features


def test_a_second_attempt_does_not_keep_the_files_of_the_first(
    entries: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[list[Path]] = []
    scenarios = type(ROUTES["tower"]).scenarios

    def list_files(route: Any, context: Any) -> Any:
        files.append(list(tmp_path.glob("tower/**/*.safetensors")))
        return scenarios(route, context)

    monkeypatch.setattr(type(ROUTES["tower"]), "scenarios", list_files)
    wrong = Finding(Outcome.OUTPUTS, "outputs", "whole", "off")
    monkeypatch.setattr(run_case, "typed", lambda _: (wrong,))  # so that it is tried again
    run("tower", full(entries, tmp_path), tmp_path)
    assert files == [[], []]
