"""Checkpoints that one run of a route keeps and another run takes."""

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
SAVED = {
    "backbone": {"saved", "default level saved", "first level saved", "num_channels saved", "output_stride saved"},
    "tower": {"saved", "training saved"},
    "tower-wrapper": {"saved"},
}


@pytest.fixture
def reference(entries: Catalog) -> ReferenceModel:
    return ReferenceModel(entries[CONVNEXT], "slim", Placement("cpu", torch.float32))


def run(reference: ReferenceModel, route: str, folder: Path, handover: Handover) -> CaseLine:
    tolerance = TOLERANCES[torch.float32]
    return run_case.run(
        ROUTES[route], VARIANTS["safetensors"], reference, RELEASE, tolerance, folder, handover.of(f"{route}/m")
    )


@pytest.mark.parametrize("route", SAVED)
def test_each_scenario_keeps_its_own_checkpoint_and_takes_it_again(
    reference: ReferenceModel, tmp_path: Path, route: str
) -> None:
    kept = tmp_path / "kept"
    assert run(reference, route, tmp_path / "saving", Handover(keeps=kept)).outcome in GREEN
    [folder] = kept.iterdir()
    assert {path.name for path in folder.iterdir()} == SAVED[route]
    assert all(any(scenario.glob("*model.*")) for scenario in folder.iterdir())
    assert run(reference, route, tmp_path / "loading", Handover(takes=kept)).outcome in GREEN


def test_what_timm_writes_for_the_hub_is_kept_even_if_it_fails_to_load(
    reference: ReferenceModel, tmp_path: Path
) -> None:
    run(reference, "hub", tmp_path / "saving", Handover(keeps=tmp_path / "kept"))
    [folder] = (tmp_path / "kept").iterdir()
    assert {path.name for path in folder.iterdir()} == {"AutoModel, safetensors safetensors", "AutoModel, bin bin"}
    assert (folder / "AutoModel, bin bin" / "pytorch_model.bin").is_file()


def test_a_taken_checkpoint_is_the_kept_one_and_not_what_this_pair_would_save(
    reference: ReferenceModel, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    run(reference, "tower", tmp_path / "saving", Handover(keeps=kept))
    [case] = kept.iterdir()
    folder = case / "saved"
    faulty.renamed("gamma", "weight")(folder)
    line = run(reference, "tower", tmp_path / "loading", Handover(takes=kept))
    assert line.outcome == "keys"
    assert line.reason.startswith("the file that transformers wrote: keys renamed, 5 of gamma to weight")


def test_a_scenario_that_the_saving_pair_lacks_is_left_out(reference: ReferenceModel, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    run(reference, "backbone", tmp_path / "saving", Handover(keeps=kept))
    [folder] = kept.iterdir()
    shutil.rmtree(folder / "output_stride saved")
    line = run(reference, "backbone", tmp_path / "loading", Handover(takes=kept))
    assert line.outcome in GREEN
    faulty.renamed("gamma", "weight")(folder / "saved")
    assert run(reference, "backbone", tmp_path / "loading again", Handover(takes=kept)).outcome == "keys"


@pytest.mark.parametrize(
    ("kept", "outcome"), [("", "not-run"), (".saved.unfinished", "not-run"), ("another", "unsupported")]
)
def test_a_case_without_kept_checkpoints_is_tried_again_unless_its_scenarios_are_others(
    reference: ReferenceModel, tmp_path: Path, kept: str, outcome: str
) -> None:
    handover = Handover(takes=tmp_path / "kept")
    of_case = handover.of("tower/m").takes
    assert of_case is not None
    (of_case / kept).mkdir(parents=True)
    line = run(reference, "tower", tmp_path, handover)
    assert (line.outcome, line.reason) == (outcome, run_case.NOTHING_KEPT)
    assert line.detail == {"silent": False}


def test_an_interrupted_copy_is_made_again(tmp_path: Path) -> None:
    handover, folder = Handover(keeps=tmp_path / "kept"), tmp_path / "saved"
    folder.mkdir()
    (folder / "whole").touch()
    (tmp_path / "kept" / ".saved.unfinished").mkdir(parents=True)
    handover.keep("saved", folder)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["saved"]
    assert (tmp_path / "kept" / "saved" / "whole").exists()


def test_tensors_around_the_timm_module_are_compared_only_under_the_same_names(tmp_path: Path) -> None:
    model = nn.ModuleDict({"tower": nn.Linear(2, 2), "text": nn.Linear(2, 2)})
    model["text"].bias = model["tower"].bias
    state = {name: tensor for name, tensor in model.state_dict().items() if name != "text.bias"}
    save_file(state, tmp_path / "model.safetensors")
    assert holder._has_names_of(model, tmp_path)  # one of a tensor's two names is enough
    state["text.other"] = state.pop("text.weight")
    save_file(state, tmp_path / "model.safetensors")
    assert not holder._has_names_of(model, tmp_path)
    assert holder._features({"whole": 1, "whole.logits": 2, "last_hidden_state": 3}) == {"last_hidden_state": 3}


def test_nothing_is_kept_or_taken_by_default(reference: ReferenceModel, tmp_path: Path) -> None:
    assert run(reference, "tower", tmp_path / "cases", Handover()).outcome in GREEN
    assert [path.name for path in tmp_path.iterdir()] == ["cases"]
