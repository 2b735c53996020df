"""Checkpoints that are kept on one walk of a road and taken on another."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import holder, run_case
from harness.cell.scenarios.handover import Handover
from harness.contract.case import GREEN
from harness.contract.catalog import Catalog
from harness.contract.record import CaseLine
from tests.cell.faults import faulty
from tests.cell.faults.conftest import RELEASE, TOLERANCES

pytestmark = pytest.mark.slow

CONVNEXT = "convnext_atto"
LEGS = {
    "backbone": {"saved", "default level saved", "num_channels saved", "output_stride saved"},
    "tower": {"saved"},
    "tower-wrapper": {"saved"},
}


@pytest.fixture
def reference(entries: Catalog) -> ReferenceModel:
    return ReferenceModel(entries[CONVNEXT], "slim", Placement("cpu", torch.float32))


def walk(reference: ReferenceModel, route: str, folder: Path, handover: Handover) -> CaseLine:
    tolerance = TOLERANCES[torch.float32]
    return run_case.run(
        ROUTES[route], VARIANTS["safetensors"], reference, RELEASE, tolerance, folder, handover.of(f"{route}/m")
    )


@pytest.mark.parametrize("route", LEGS)
def test_each_leg_keeps_its_own_checkpoint_and_takes_it_again(
    reference: ReferenceModel, tmp_path: Path, route: str
) -> None:
    kept = tmp_path / "kept"
    assert walk(reference, route, tmp_path / "saving", Handover(keeps=kept)).outcome in GREEN
    [folder] = kept.iterdir()
    assert {path.name for path in folder.iterdir()} == LEGS[route]
    assert all(any(scenario.glob("*model.*")) for scenario in folder.iterdir())
    assert walk(reference, route, tmp_path / "loading", Handover(takes=kept)).outcome in GREEN


def test_what_timm_writes_for_the_hub_is_kept_whatever_becomes_of_it_here(
    reference: ReferenceModel, tmp_path: Path
) -> None:
    walk(reference, "hub", tmp_path / "saving", Handover(keeps=tmp_path / "kept"))
    [folder] = (tmp_path / "kept").iterdir()
    assert {path.name for path in folder.iterdir()} == {"AutoModel, safetensors safetensors", "AutoModel, bin bin"}
    assert (folder / "AutoModel, bin bin" / "pytorch_model.bin").is_file()


def test_what_is_taken_is_what_was_kept_and_not_what_this_pair_would_save(
    reference: ReferenceModel, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    walk(reference, "tower", tmp_path / "saving", Handover(keeps=kept))
    [folder] = next(kept.iterdir()).iterdir()
    faulty.renamed("gamma", "weight")(folder)
    found = walk(reference, "tower", tmp_path / "loading", Handover(takes=kept))
    assert found.outcome == "keys"
    assert found.reason.startswith("the file that transformers wrote: keys renamed, 4 of gamma to weight")


def test_a_way_that_the_pair_that_saves_has_not_got_is_left_out(reference: ReferenceModel, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    walk(reference, "backbone", tmp_path / "saving", Handover(keeps=kept))
    [folder] = kept.iterdir()
    shutil.rmtree(folder / "output_stride saved")
    found = walk(reference, "backbone", tmp_path / "loading", Handover(takes=kept))
    assert found.outcome in GREEN
    faulty.renamed("gamma", "weight")(folder / "saved")
    assert walk(reference, "backbone", tmp_path / "loading again", Handover(takes=kept)).outcome == "keys"


def test_a_case_of_which_nothing_was_kept_is_not_carried_and_no_failure(
    reference: ReferenceModel, tmp_path: Path
) -> None:
    found = walk(reference, "tower", tmp_path, Handover(takes=tmp_path / "nothing"))
    assert (found.outcome, found.reason) == ("unsupported", run_case.NOTHING_KEPT)
    assert found.detail == {"silent": False}


def test_a_copy_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    handover, folder = Handover(keeps=tmp_path / "kept"), tmp_path / "saved"
    folder.mkdir()
    (folder / "whole").touch()
    (tmp_path / "kept" / ".saved.unfinished").mkdir(parents=True)
    handover.keep("saved", folder)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["saved"]
    assert (tmp_path / "kept" / "saved" / "whole").exists()


def test_what_lies_around_counts_only_where_its_names_are_those_of_here(tmp_path: Path) -> None:
    model = nn.ModuleDict({"tower": nn.Linear(2, 2), "text": nn.Linear(2, 2)})
    model["text"].bias = model["tower"].bias
    state = {name: tensor for name, tensor in model.state_dict().items() if name != "text.bias"}
    save_file(state, tmp_path / "model.safetensors")
    assert holder._is_of_these_names(model, tmp_path)  # one of a tensor's two names is enough
    state["text.other"] = state.pop("text.weight")
    save_file(state, tmp_path / "model.safetensors")
    assert not holder._is_of_these_names(model, tmp_path)
    assert holder._features({"whole": 1, "whole.logits": 2, "last_hidden_state": 3}) == {"last_hidden_state": 3}


def test_nothing_is_kept_or_taken_by_default(reference: ReferenceModel, tmp_path: Path) -> None:
    assert walk(reference, "tower", tmp_path / "cases", Handover()).outcome in GREEN
    assert [path.name for path in tmp_path.iterdir()] == ["cases"]
