"""Checkpoints that are kept on one walk of a road and taken on another."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from harness.cell.models.reference import Place, Subject
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import holder, run_case
from harness.cell.scenarios.handover import Carry
from harness.contract.catalog import Catalog
from harness.contract.record import GREEN
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
def subject(entries: Catalog) -> Subject:
    return Subject(entries[CONVNEXT], "slim", Place("cpu", torch.float32))


def walk(subject: Subject, route: str, folder: Path, carry: Carry) -> dict[str, Any]:
    tolerance = TOLERANCES[torch.float32]
    return run_case.run(
        ROUTES[route], VARIANTS["safetensors"], subject, RELEASE, tolerance, folder, carry.of(f"{route}/m")
    )


@pytest.mark.parametrize("route", LEGS)
def test_each_leg_keeps_its_own_checkpoint_and_takes_it_again(subject: Subject, tmp_path: Path, route: str) -> None:
    kept = tmp_path / "kept"
    assert walk(subject, route, tmp_path / "saving", Carry(keeps=kept))["outcome"] in GREEN
    [folder] = kept.iterdir()
    assert {path.name for path in folder.iterdir()} == LEGS[route]
    assert all(any(leg.glob("*model.*")) for leg in folder.iterdir())
    assert walk(subject, route, tmp_path / "loading", Carry(takes=kept))["outcome"] in GREEN


def test_what_timm_writes_for_the_hub_is_kept_whatever_becomes_of_it_here(subject: Subject, tmp_path: Path) -> None:
    walk(subject, "hub", tmp_path / "saving", Carry(keeps=tmp_path / "kept"))
    [folder] = (tmp_path / "kept").iterdir()
    assert {path.name for path in folder.iterdir()} == {"AutoModel, safetensors safetensors", "AutoModel, bin bin"}
    assert (folder / "AutoModel, bin bin" / "pytorch_model.bin").is_file()


def test_what_is_taken_is_what_was_kept_and_not_what_this_pair_would_save(subject: Subject, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    walk(subject, "tower", tmp_path / "saving", Carry(keeps=kept))
    [folder] = next(kept.iterdir()).iterdir()
    faulty.renamed("gamma", "weight")(folder)
    found = walk(subject, "tower", tmp_path / "loading", Carry(takes=kept))
    assert found["outcome"] == "keys"
    assert found["reason"].startswith("the file that transformers wrote: keys renamed, 4 of gamma to weight")


def test_a_way_that_the_pair_that_saves_has_not_got_is_left_out(subject: Subject, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    walk(subject, "backbone", tmp_path / "saving", Carry(keeps=kept))
    [folder] = kept.iterdir()
    shutil.rmtree(folder / "output_stride saved")
    found = walk(subject, "backbone", tmp_path / "loading", Carry(takes=kept))
    assert found["outcome"] in GREEN
    faulty.renamed("gamma", "weight")(folder / "saved")
    assert walk(subject, "backbone", tmp_path / "loading again", Carry(takes=kept))["outcome"] == "keys"


def test_a_case_of_which_nothing_was_kept_is_not_carried_and_no_failure(subject: Subject, tmp_path: Path) -> None:
    found = walk(subject, "tower", tmp_path, Carry(takes=tmp_path / "nothing"))
    assert (found["outcome"], found["reason"]) == ("unsupported", run_case.NOTHING_KEPT)
    assert found["detail"] == {"silent": False}


def test_a_copy_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    carry, folder = Carry(keeps=tmp_path / "kept"), tmp_path / "saved"
    folder.mkdir()
    (folder / "whole").touch()
    (tmp_path / "kept" / ".saved.unfinished").mkdir(parents=True)
    carry.keep("saved", folder)
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


def test_nothing_is_kept_or_taken_by_default(subject: Subject, tmp_path: Path) -> None:
    assert walk(subject, "tower", tmp_path / "cases", Carry())["outcome"] in GREEN
    assert [path.name for path in tmp_path.iterdir()] == ["cases"]
