"""`guard` and `repair` in a pair's environment."""

import warnings
from pathlib import Path

import pytest
import timm
import torch
from torch import nn
from transformers import PreTrainedModel, TimmWrapperConfig, TimmWrapperModel

from harness import Lost, guard, repair
from harness.mending.loaded import Loss
from tests.own.as_people_write import OldStyleInit, TowerConfig

ARCHITECTURE = "vit_relpos_small_patch16_224"
INDEX = "vision_tower.shared_rel_pos.relative_position_index"


def table(model: nn.Module) -> torch.Tensor:
    return dict(model.named_buffers())[next(name for name, _ in model.named_buffers() if "rel" in name)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    OldStyleInit(TowerConfig(ARCHITECTURE)).save_pretrained(folder)
    return folder


@pytest.fixture
def healthy(saved: Path) -> PreTrainedModel:
    model = OldStyleInit(TowerConfig(ARCHITECTURE)).eval()
    loaded = OldStyleInit.from_pretrained(saved)
    model.load_state_dict(loaded.state_dict())
    return model


def break_table(model: nn.Module) -> None:
    table(model).fill_(-1)


def break_weight(model: PreTrainedModel) -> None:
    with torch.no_grad():
        model.projector.weight.add_(1)


def test_a_buffer_that_is_unset_is_mended_and_told_once(healthy: PreTrainedModel, saved: Path) -> None:
    assert repair(healthy, saved) == ()
    whole = {name: tensor.clone() for name, tensor in healthy.state_dict().items()}
    index = table(healthy).clone()
    break_table(healthy)
    [loss] = repair(healthy, saved)
    assert len(loss.names) == 1
    assert str(loss).startswith(loss.names[0])
    assert torch.equal(table(healthy), index)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in healthy.state_dict().items())
    assert repair(healthy, saved) == ()


def test_what_no_rule_explains_is_told_and_left_as_it_is(healthy: PreTrainedModel, saved: Path) -> None:
    break_weight(healthy)
    changed = healthy.projector.weight.clone()
    [loss] = repair(healthy, saved)
    assert (loss.rule, loss.names) == ("", ("projector.weight",))
    assert "no rule of matrix.yaml says why" in str(loss)
    assert torch.equal(healthy.projector.weight, changed)


def test_the_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    OldStyleInit(TowerConfig("test_convnext")).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no tensor of the checkpoint has a name that the model has"):
        repair(nn.Linear(2, 2), tmp_path)


def test_guard_compares_what_was_given_and_warns_where_it_cannot(tmp_path: Path) -> None:
    one, other = (TimmWrapperModel(TimmWrapperConfig(architecture="test_convnext")) for _ in range(2))
    one.save_pretrained(tmp_path)
    other.save_pretrained(tmp_path / "ema")
    with guard(), warnings.catch_warnings():
        warnings.simplefilter("error")
        TimmWrapperModel.from_pretrained(tmp_path, subfolder="ema", config=one.config)
        TimmWrapperModel.from_pretrained(None, config=one.config, state_dict=other.state_dict())
    one.save_pretrained(tmp_path / "named", variant="fp16")
    with guard(), pytest.warns(UserWarning, match="not compared, because of variant"):
        TimmWrapperModel.from_pretrained(tmp_path / "named", variant="fp16")


def test_without_a_folder_buffers_alone_are_mended(healthy: PreTrainedModel) -> None:
    break_weight(healthy)
    break_table(healthy)
    [loss] = repair(healthy)
    assert loss.rule == "buffers-in-own-model"


def test_a_model_in_half_precision_has_lost_nothing(healthy: PreTrainedModel, saved: Path) -> None:
    assert repair(healthy.to(torch.bfloat16), saved) == ()


def test_a_model_without_timm_is_left_alone() -> None:
    assert repair(nn.Linear(2, 2)) == ()


def test_looking_draws_no_random_numbers(healthy: PreTrainedModel, saved: Path) -> None:
    before = torch.get_rng_state()
    repair(healthy, saved)
    assert torch.equal(torch.get_rng_state(), before)


def test_guard_gives_back_a_model_that_came_back_whole_as_from_pretrained_does(tmp_path: Path) -> None:
    config = TimmWrapperConfig(architecture="test_convnext")
    TimmWrapperModel(config).save_pretrained(tmp_path)
    with guard():
        model = TimmWrapperModel.from_pretrained(tmp_path)
        _, info = TimmWrapperModel.from_pretrained(tmp_path, output_loading_info=True)
    assert isinstance(model, TimmWrapperModel)
    assert not info["missing_keys"]


def test_guard_raises_with_what_was_lost_and_is_over_afterwards(saved: Path) -> None:
    def load() -> PreTrainedModel:
        return OldStyleInit.from_pretrained(saved)

    with pytest.raises(Lost) as raised, guard():
        load()
    [loss] = raised.value.losses
    assert loss == Loss("buffers-in-own-model", loss.names)
    assert "uninitialised" in str(raised.value)
    assert isinstance(raised.value.model, OldStyleInit)
    assert isinstance(load(), OldStyleInit)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path, healthy: PreTrainedModel) -> None:
    with pytest.raises(ValueError, match=r"no config\.json in it"):
        repair(healthy, tmp_path)


def test_timm_s_own_model_can_be_given_too() -> None:
    model = timm.create_model(ARCHITECTURE, num_classes=0)
    index = table(model).clone()
    break_table(model)
    [loss] = repair(model)
    assert len(loss.names) >= 1
    assert torch.equal(table(model), index)
