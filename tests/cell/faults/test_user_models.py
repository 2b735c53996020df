"""User models saved and loaded in this pair; and targets that cannot be tested."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

import harness
from harness.cell.models.placement import Placement
from harness.cell.routes import ROUTES
from harness.cell.scenarios.holder import shared_names
from harness.cell.scenarios.written_files import names_in
from harness.cell.user_models import request, resolution, save_and_reload
from harness.cell.user_models.request import Request
from harness.cell.user_models.resolution import resolve
from harness.cell.user_models.target import Unusable
from harness.contract.case import GREEN, OWN_VARIANTS, Case
from harness.contract.record import CaseLine
from harness.contract.routes import OWN
from harness.doctor import user_model
from harness.doctor.messages import Console
from harness.survival import assert_survives_transformers
from tests.cell.faults.conftest import RELEASE, TOLERANCES
from tests.own import as_people_write, deadly, towers
from tests.places import ROOT

pytestmark = pytest.mark.slow

TOWERS = "tests.own.towers"
WRITTEN = "tests.own.as_people_write"
NEEDED = "needs_an_argument() missing 1 required positional argument: 'width'"


def tried(name: str, folder: Path, variant: str = "safetensors", module: str = TOWERS, **more: Any) -> CaseLine:
    user = Request(f"{module}:{name}", **more).resolve()
    return user.run(
        Case(OWN, user.name, variant), RELEASE, TOLERANCES[torch.float32], folder, lane="cpu-float32", rules=()
    )


@pytest.mark.parametrize("variant", OWN_VARIANTS)
@pytest.mark.parametrize("name", ["OpenVLALike", "clean", "headed"])
def test_a_model_that_survives_is_green_in_every_format(name: str, variant: str, tmp_path: Path) -> None:
    line = tried(name, tmp_path, variant)
    assert line.outcome in GREEN, line.reason


@pytest.mark.parametrize("name", ["OldStyleInit", "ItemOnMeta"])
def test_what_this_pair_has_mended_comes_back(name: str, tmp_path: Path) -> None:
    line = tried(name, tmp_path, module=WRITTEN)
    assert line.outcome in GREEN, line.reason


def test_a_shared_weight_is_told_as_transformers_tells_it(tmp_path: Path) -> None:
    line = tried("SharedWeight", tmp_path, module=WRITTEN)
    assert line.outcome == "error"
    assert "shared tensors" in line.reason


def test_weights_that_a_constructor_loads_are_looked_at_before_any_are_filled(tmp_path: Path) -> None:
    line = tried("PretrainedTower", tmp_path, module=WRITTEN)
    assert line.outcome == "tensors"
    assert line.reason.startswith("90 parameters not as saved (constructed, without the tower)")
    assert "initialised again" in line.reason
    outcomes = {scenario.name: scenario.outcome for scenario in line.scenarios}
    assert outcomes == {"": "passed", "constructed": "tensors", "without the tower": "tensors"}


def test_weights_that_are_loaded_after_post_init_are_as_constructed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_people_write.PretrainedTower, "post_init", _with_pretrained_again)
    line = tried("PretrainedTower", tmp_path, module=WRITTEN)
    assert {scenario.name: scenario.outcome for scenario in line.scenarios}["constructed"] == "passed", line.reason


def _with_pretrained_again(model: Any) -> None:
    super(as_people_write.PretrainedTower, model).post_init()
    timm.models.load_pretrained(model.vision_tower, model.vision_tower.pretrained_cfg, num_classes=0)


def test_buffers_that_nothing_sets_again_are_tensors(tmp_path: Path) -> None:
    line = tried("unset_buffers", tmp_path)
    assert line.outcome == "tensors"
    assert line.reason.startswith("1 non-persistent buffer not as saved: tower.position.table is NaN throughout")
    assert line.detail["traits"]["non_persistent_buffers"] == 1


@pytest.mark.parametrize("config", ['{"architecture": "test_vit"}', f"{TOWERS}:TowerConfig"])
def test_a_class_is_made_with_the_configuration_that_is_named(config: str, tmp_path: Path) -> None:
    assert tried("OpenVLALike", tmp_path, config=config).outcome in GREEN


def test_a_lost_scale_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = save_and_reload.WrappedModule.from_pretrained

    def forgetful(*args: Any, **kwargs: Any) -> Any:
        model, info = load(*args, **kwargs)
        nn.init.constant_(model.tower.scale.scale_factor, 1e-5)
        return model, info

    monkeypatch.setattr(save_and_reload.WrappedModule, "from_pretrained", forgetful)
    line = tried("clean", tmp_path)
    assert line.outcome == "tensors"
    assert "tower.scale.scale_factor is 1e-05 throughout" in line.reason


def test_names_of_a_shared_tensor_are_found() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))

    def tied() -> nn.Module:
        made = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        made[1].bias = made[0].bias
        return made

    assert shared_names(tied()) == {"0.bias", "1.bias"}
    assert shared_names(module) == frozenset()


def test_a_name_that_a_module_registers_with_timm_resolves_to_that_name() -> None:
    assert resolve(f"{TOWERS}:own_convnext") == "own_convnext"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("towers", "'towers' names nothing; a target reads package.module:Name"),
        ("no.such:Thing", "no.such cannot be imported: ModuleNotFoundError: No module named 'no'"),
        ("tests.own.breaks_at_import:X", "tests.own.breaks_at_import cannot be imported: OSError: no such driver"),
        ("tests.own.ends_at_import:X", "tests.own.ends_at_import cannot be imported: SystemExit: 0"),
        (
            f"{TOWERS}:restless",
            f"{TOWERS}:restless gives another output each time that it is run; seed it in its forward",
        ),
        (f"{TOWERS}:half", f"{TOWERS}:half is in half precision; make it in float32, in which it is compared"),
        (
            f"{TOWERS}:boundless",
            f"{TOWERS}:boundless gives numbers that are not finite, as output; nothing can be compared",
        ),
        (f"{TOWERS}:Towr", f"{TOWERS} has no Towr"),
        (f"{TOWERS}:NUMBER", f"{TOWERS}:NUMBER is a int, and neither a class nor a function"),
        (f"{TOWERS}:no_model", f"{TOWERS}:no_model() gives a str, and no model, nor a model and its inputs"),
        (f"{TOWERS}:no_tensor", f"{TOWERS}:no_tensor gives no tensor"),
        (f"{TOWERS}:raising", f"{TOWERS}:raising() cannot be made: RuntimeError: no weights here"),
        (f"{TOWERS}:needs_an_argument", f"{TOWERS}:needs_an_argument() cannot be made: TypeError: {NEEDED}"),
    ],
)
def test_a_target_that_cannot_be_tried_is_one_error_that_names_what_was_tried(text: str, problem: str) -> None:
    with pytest.raises(Unusable) as caught:
        resolve(text)
    assert str(caught.value) == problem


def test_a_model_that_cannot_be_run_on_default_inputs_asks_for_its_own() -> None:
    with pytest.raises(Unusable, match=r"cannot be run on x of shape \(1, 3, 224, 224\): .*; name a function that"):
        resolve(f"{TOWERS}:other_side")


def test_the_command_prints_outcome_reason_and_advice_and_ends_with_its_code() -> None:
    for name, code in (("unset_buffers", 1), ("clean", 0), ("Towr", 2)):
        ended = subprocess.run(  # noqa: S603 - the test's own words
            [sys.executable, "-m", "harness", "check", f"{TOWERS}:{name}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert (ended.stderr == "") == (code != 2)
        if code == 1:
            assert "because transformers 5 builds on the meta device" in ended.stdout
            assert "; set your own buffers there, or make them persistent." in ended.stdout


def test_a_user_model_in_timms_registry_is_tested_on_every_route(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(request, "ROUTES", {name: ROUTES[name] for name in ("wrapper", "tower", "roundtrip")})
    code = user_model.examine(Request(f"{TOWERS}:own_convnext"), Console(out))
    assert [line.partition(":")[0] for line in out.getvalue().splitlines()[1:4]] == [
        "✔ wrapper/own_convnext",
        "✔ tower/own_convnext",
        "✘ roundtrip/own_convnext",
    ]
    assert code == 1


def test_a_model_that_timm_does_not_know_has_none_of_timms_routes(tmp_path: Path) -> None:
    user = Request(f"{TOWERS}:clean").resolve()
    fields = user.run(
        Case("wrapper", user.name), RELEASE, TOLERANCES[torch.float32], tmp_path, lane="cpu-float32", rules=()
    )
    assert (fields.outcome, fields.reason) == (
        *("unsupported", f"{TOWERS}:clean is none of timm's, and has no such route"),
    )


def test_the_assertion_for_a_users_tests_explains_its_findings() -> None:
    assert_survives_transformers(towers.clean)
    assert_survives_transformers(towers.Headed, {"x": torch.ones(1, 4)}, formats=["bin"])
    with pytest.raises(AssertionError) as caught:
        assert_survives_transformers(towers.unset_buffers)
    message = str(caught.value)
    assert "unset_buffers is tensors: 1 non-persistent buffer not as saved: tower.position.table is NaN" in message
    assert "because transformers 5 builds on the meta device" in message
    assert_survives_transformers(lambda: towers.Tower(rotary=False), (towers.picture(),))


def test_the_assertion_says_a_reason_once_with_the_formats_that_have_it_and_hides_its_own_source(
    tmp_path: Path,
) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_survives_transformers(towers.unset_buffers)
    first, *others = str(caught.value).splitlines()
    assert first.endswith("as uninitialised memory is here (as safetensors, sharded, bin)")
    assert others[0].startswith("  because transformers 5 builds")
    assert others[1].endswith("; set your own buffers there, or make them persistent.")
    assert not any("NaN" in line for line in others)
    (tmp_path / "test_mine.py").write_text(
        "from tests.own import towers\n"
        "def test_lost(survives_transformers): survives_transformers(towers.unset_buffers)\n"
        "def test_unusable(survives_transformers): survives_transformers(towers.no_model)\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "harness.survival", "-p", "no:cacheprovider", "test_mine.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(  # noqa: S603 - the test's own words
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "2 failed" in ended.stdout
    assert "no_model() gives a str, and no model, nor a model and its inputs" in ended.stdout
    assert "def assert_survives_transformers" not in ended.stdout
    assert "resolution.py" not in ended.stdout


def test_the_assertion_makes_a_class_of_transformers_as_check_does() -> None:
    assert_survives_transformers(towers.OpenVLALike, formats=["bin"])
    assert_survives_transformers(towers.Branch, {"x": torch.ones(1, 4)}, formats=["bin"])
    with pytest.raises(Unusable, match=r"raising\(\) cannot be made: RuntimeError: no weights here"):
        assert_survives_transformers(towers.raising)
    assert harness.Unusable is Unusable


def test_ctrl_c_ends_the_assertion_as_it_ends_a_test() -> None:
    with pytest.raises(KeyboardInterrupt):
        assert_survives_transformers(deadly.third_interrupts)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no format model-args; there are safetensors, sharded, bin"):
        assert_survives_transformers(towers.clean, formats=["model-args"])


def test_keys_that_a_class_renames_on_saving_and_back_on_loading_are_no_difference(tmp_path: Path) -> None:
    from transformers import LlavaConfig, LlavaForConditionalGeneration  # noqa: PLC0415 - a test's own

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"model_type": "llama", "vocab_size": 64, "num_key_value_heads": 2, **small}
    vision = {"model_type": "clip_vision_model", "image_size": 8, "patch_size": 4, "projection_dim": 16, **small}

    def make() -> tuple[nn.Module, dict[str, torch.Tensor]]:
        model = LlavaForConditionalGeneration(LlavaConfig(text_config=text, vision_config=vision, image_token_index=63))
        return model, {"input_ids": torch.tensor([[1, 2, 3]])}

    llava = request.own_cases(resolution.from_callable(make), Placement("cpu", torch.float32))
    line = llava.run(llava.cases[0], RELEASE, TOLERANCES[torch.float32], tmp_path, lane="cpu-float32", rules=())
    assert line.outcome in GREEN, line.reason


def test_keys_that_change_from_one_save_to_the_next_are_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = names_in

    def moving(folder: Path) -> list[str]:
        new = "gamma" if folder.name == "saved again" else "scale_factor"
        return [name.replace("scale_factor", new) for name in read(folder)]

    monkeypatch.setattr(save_and_reload, "names_in", moving)
    line = tried("clean", tmp_path)
    assert line.outcome == "keys"
    assert "1 of scale_factor to gamma" in line.reason


def test_the_assertion_wants_a_maker_and_refuses_a_made_model() -> None:
    with pytest.raises(TypeError, match="give what makes the model"):
        assert_survives_transformers(towers.Tower(rotary=False), (towers.picture(),))
