"""`guard` and `repair` in a pair's environment."""

import io
import warnings
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn
from transformers import PreTrainedModel, TimmWrapperConfig, TimmWrapperModel

from harness import Lost, guard, repair
from harness.cell.user_models.target import Unusable
from harness.doctor.messages import Console
from harness.mending import buffers, command
from harness.mending.loss import Loss
from tests.own.as_people_write import OldStyleInit, OwnTable, TowerConfig
from tests.own.risky import Risky, RiskyConfig

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


KEEP = "in your model's _init_weights, or make"


class SetAgain(OwnTable):
    """As `names` advises."""

    def _init_weights(self, module: nn.Module) -> None:
        if module is self:
            self.table.copy_(torch.arange(self.config.width) / self.config.width)


class MadeOnce(OwnTable):
    """Its constructor takes what no configuration has; loading has a default for it."""

    allowed = 2

    def __init__(self, config: TowerConfig) -> None:
        if not type(self).allowed:
            raise RuntimeError("the licence is used up")
        type(self).allowed -= 1
        super().__init__(config)


class Workspace(SetAgain):
    """Has a buffer that each call fills."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.register_buffer("workspace", torch.empty(config.width), persistent=False)


class Random(OwnTable):
    """Draws its table."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.register_buffer("table", torch.rand(config.width), persistent=False)

    def _init_weights(self, module: nn.Module) -> None:
        if module is self:
            self.table.uniform_()


def reloaded(kind: Any, folder: Path) -> PreTrainedModel:
    kind(TowerConfig()).save_pretrained(folder)
    with guard():
        model: PreTrainedModel = kind.from_pretrained(folder)
    return model


@pytest.fixture
def made_once(monkeypatch: pytest.MonkeyPatch) -> type[MadeOnce]:
    monkeypatch.setattr(MadeOnce, "allowed", 2)
    return MadeOnce


def test_a_buffer_of_one_s_own_is_lost_and_mended_with_the_advice_that_helps(tmp_path: Path) -> None:
    with pytest.raises(Lost) as raised:
        reloaded(OwnTable, tmp_path)
    [loss] = raised.value.losses
    assert loss == Loss("buffers-in-own-model", ("table",), own=True)
    assert str(loss).endswith(f" (buffers-in-own-model). Set it {KEEP} it persistent.")
    model: Any = raised.value.model
    assert repair(model, tmp_path) == (loss,)
    assert torch.equal(model.table, OwnTable(TowerConfig()).table)
    assert repair(model) == ()


@pytest.mark.filterwarnings("error")
def test_a_buffer_of_one_s_own_that_is_set_again_is_whole(tmp_path: Path) -> None:
    assert repair(reloaded(SetAgain, tmp_path), tmp_path) == ()


@pytest.mark.filterwarnings("error")
def test_a_buffer_that_the_constructor_leaves_uninitialised_has_nothing_to_lose(tmp_path: Path) -> None:
    assert repair(reloaded(Workspace, tmp_path), tmp_path) == ()


@pytest.mark.filterwarnings("error")
def test_before_transformers_5_buffers_are_those_of_the_constructor(monkeypatch: pytest.MonkeyPatch) -> None:
    model = OwnTable(TowerConfig())
    model.table.fill_(3)
    monkeypatch.setattr("transformers.__version__", "4.57.6")
    assert repair(model) == ()


def test_of_a_model_that_cannot_be_made_anew_what_is_uninitialised_is_lost_and_left(
    tmp_path: Path, made_once: type[MadeOnce]
) -> None:
    with pytest.raises(Lost) as raised:
        reloaded(made_once, tmp_path)
    [loss] = raised.value.losses
    assert loss == Loss("buffers-in-own-model", ("table",), own=True, left=True)
    model: Any = raised.value.model
    with torch.no_grad():
        model.table.fill_(3)
    said = (
        "table is not checked, for no checkpoint has such a buffer, and no new MadeOnce says its values: "
        f"set it {KEEP} it persistent"
    )
    with pytest.warns(UserWarning, match=f"^{said}$"):
        assert repair(model, tmp_path) == ()


def test_guard_warns_of_a_buffer_that_is_another_each_time(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="table is not checked"):
        reloaded(Random, tmp_path)


def test_what_is_left_is_not_saved_as_mended(tmp_path: Path, made_once: type[MadeOnce]) -> None:
    model: Any = made_once(TowerConfig())
    made_once.allowed = 0
    model.table.fill_(torch.nan)
    assert [loss.left for loss in repair(model, into=tmp_path / "mended")] == [True]
    assert not (tmp_path / "mended").exists()


def test_a_model_that_is_made_anew_takes_no_memory_for_its_parameters() -> None:
    with buffers._without_parameters():
        model = OwnTable(TowerConfig())
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
    assert model.table.device.type == "cpu"
    assert {parameter.device.type for parameter in OwnTable(TowerConfig()).parameters()} == {"cpu"}


def test_names_that_differ_in_the_base_model_s_prefix_are_mended_with_their_cause(tmp_path: Path) -> None:
    model: Any = Risky(RiskyConfig())
    model.save_pretrained(tmp_path)
    with pytest.raises(Lost) as raised, guard():
        Risky.from_pretrained(tmp_path)
    loaded: Any = raised.value.model
    losses = {loss.rule: loss for loss in repair(loaded, tmp_path)}
    assert losses.keys() == {"base-prefix-mixed-up", "buffers-in-own-model"}
    assert "differ in the base model's prefix alone (base-prefix-mixed-up). Rename a part" in str(
        losses["base-prefix-mixed-up"]
    )
    state = loaded.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("buffer", "value"),
    [(torch.tensor([1.0, torch.nan]), torch.nan), (torch.tensor([1, 2]), 2**63 - 1), (torch.tensor([True]), None)],
    ids=["float", "int", "bool"],
)
def test_other_values_differ_and_uninitialised_ones_are_known(buffer: torch.Tensor, value: float | None) -> None:
    assert not bool((buffers._unlike(buffer) == buffer).any())
    assert not buffers._is_unset(buffer)
    if value is not None:
        assert buffers._is_unset(torch.full_like(buffer, value))


def repaired(target: str, into: Path | None = None) -> str:
    out = io.StringIO()
    assert command.examine(target, into, None, None, Console(out)) == 0
    return out.getvalue()


def test_the_command_says_what_check_finds() -> None:
    said = repaired("tests.own.towers:unset_buffers")
    assert "✔ tower.position.table: transformers 5 builds on the meta device" in said
    assert f"(buffers-in-own-model). Set it {KEEP} it persistent.\n" in said
    assert "has lost nothing that can be told" in repaired("tests.own.towers:clean")


def test_the_command_says_what_it_could_not_check() -> None:
    said = repaired(f"{__name__}:Random").splitlines()
    assert said[1].startswith("· table is not checked, for no checkpoint has such a buffer, and no new Random says")
    assert said[2] == f"{__name__}:Random has lost nothing else that can be told."


def test_the_command_refuses_what_it_cannot_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "_made_anew", lambda *_: {})
    with pytest.raises(Unusable, match=r"cannot be mended: tower\.position\.table: transformers 5"):
        repaired("tests.own.towers:unset_buffers")
