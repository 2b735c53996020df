"""`repair` of checkpoint folders in a pair's environment."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from timm.models._hub import save_for_hf
from torch import Tensor
from transformers import BertConfig, BertModel, TimmWrapperConfig, TimmWrapperModel

from harness import repair
from tests.own.as_people_write import OldStyleInit, TowerConfig

FILE, BIN = "model.safetensors", "pytorch_model.bin"
CLASSES = 10
OWN = "tests.own.as_people_write:OldStyleInit"
Change = Callable[[dict[str, Tensor]], dict[str, Tensor]]


def fill(model: torch.nn.Module) -> Any:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model


@pytest.fixture(scope="module")
def model() -> Any:
    return fill(timm.create_model("test_convnext", num_classes=CLASSES))


@pytest.fixture
def folder(model: Any, tmp_path: Path) -> Path:
    """A whole folder of timm's, without what timm 1.0.31 writes twice."""
    made = tmp_path / "mine"
    save_for_hf(model, made, safe_serialization=True)
    config = json.loads((made / "config.json").read_text())
    (config.get("model_args") or {}).pop("num_classes", None)
    (made / "config.json").write_text(json.dumps(config))
    return made


def rewrite(folder: Path, change: Change) -> None:
    """Change the tensors in the folder's file."""
    save_file({name: tensor.clone() for name, tensor in change(load_file(folder / FILE)).items()}, folder / FILE)


def renamed(old: str, new: str) -> Change:
    return lambda state: {name.replace(old, new): tensor for name, tensor in state.items()}


def assert_as_saved(model: Any, state: dict[str, Tensor]) -> None:
    assert set(state) == set(model.state_dict())
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())


def test_a_whole_folder_is_left_alone_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    assert repair(folder, into=tmp_path / "copy") == ()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (renamed("gamma", "weight"), ["gamma-renamed"]),
        (lambda state: {f"timm_model.{name}": tensor for name, tensor in state.items()}, ["scratch-prefix"]),
        (lambda state: {f"_orig_mod.{name}": tensor for name, tensor in state.items()}, [""]),
        (
            lambda state: {f"module.{name.replace('gamma', 'weight')}": tensor for name, tensor in state.items()},
            ["", "gamma-renamed"],
        ),
    ],
    ids=["rewritten", "of the wrapper", "compiled", "parallel and rewritten"],
)
def test_names_are_brought_back_in_a_copy(
    folder: Path, tmp_path: Path, model: Any, change: Change, rules: list[str]
) -> None:
    rewrite(folder, change)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    changes = repair(folder, into=tmp_path / "copy")
    assert [change.rule for change in changes] == rules
    assert_as_saved(model, load_file(tmp_path / "copy" / FILE))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert {path.name for path in (tmp_path / "copy").iterdir()} == before.keys()
    assert repair(tmp_path / "copy", into=tmp_path / "again") == ()


def test_a_file_of_torch_is_mended_too_and_both_where_there_are_two(folder: Path, tmp_path: Path, model: Any) -> None:
    rewrite(folder, renamed("gamma", "weight"))
    torch.save(load_file(folder / FILE), folder / BIN)
    repair(folder, into=tmp_path / "both")
    (folder / FILE).unlink()
    repair(folder, into=tmp_path / "one")
    for copy in ("both", "one"):
        assert_as_saved(model, torch.load(tmp_path / copy / BIN, weights_only=True))
    assert_as_saved(model, load_file(tmp_path / "both" / FILE))


def test_shards_and_their_index_are_mended(tmp_path: Path) -> None:
    model = fill(TimmWrapperModel(TimmWrapperConfig(architecture="test_convnext")))
    folder, copy = tmp_path / "shards", tmp_path / "copy"
    model.save_pretrained(folder, max_shard_size="300KB")
    index = json.loads((folder / f"{FILE}.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 1
    for path in folder.glob("*.safetensors"):
        save_file({name.replace("gamma", "weight"): tensor for name, tensor in load_file(path).items()}, path)
    index["weight_map"] = {name.replace("gamma", "weight"): file for name, file in index["weight_map"].items()}
    (folder / f"{FILE}.index.json").write_text(json.dumps(index))
    rules = [change.rule for change in repair(folder, into=copy)]
    assert "gamma-renamed" in rules
    tensors = {name: tensor for path in copy.glob("*.safetensors") for name, tensor in load_file(path).items()}
    assert tensors.keys() == json.loads((copy / f"{FILE}.index.json").read_text())["weight_map"].keys()
    assert_as_saved(model.timm_model, tensors)


def test_what_a_wrapper_lacks_for_timm_is_added(tmp_path: Path) -> None:
    folder, copy = tmp_path / "scratch", tmp_path / "copy"
    model = fill(TimmWrapperModel(TimmWrapperConfig(architecture="test_convnext", num_labels=CLASSES)))
    model.save_pretrained(folder)
    (folder / "training_args.bin").write_bytes(b"what a Trainer pickles")
    rules = {change.rule for change in repair(folder, into=copy)}
    assert {"scratch-without-pretrained-cfg", "training-arguments-as-weights"} <= rules
    read = timm.create_model(f"local-dir:{copy}", pretrained=True, num_classes=0)
    assert_as_saved(model.timm_model, read.state_dict())


def test_layer_norms_of_bert_get_today_s_names(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    model = BertModel(BertConfig(vocab_size=30, **sizes))
    folder, copy = tmp_path / "bert", tmp_path / "copy"
    model.save_pretrained(folder)
    rewrite(folder, renamed("LayerNorm.gamma", "LayerNorm.weight"))
    rewrite(folder, renamed("LayerNorm.beta", "LayerNorm.bias"))
    whole = set(load_file(folder / FILE))
    rewrite(folder, renamed("LayerNorm.weight", "LayerNorm.gamma"))
    [change] = [one for one in repair(folder, into=copy) if one.renamed]
    assert change.rule == "layernorm-saved-as-gamma"
    assert set(load_file(copy / FILE)) == whole


def test_a_model_that_lacks_tensors_and_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    BertModel(BertConfig(vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)).save_pretrained(
        folder
    )
    rewrite(folder, lambda state: {name: tensor for name, tensor in state.items() if not name.startswith("pooler")})
    config = json.loads((folder / "config.json").read_text())
    quantised = {"quant_method": "gptq", "bits": 4}
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": quantised}))
    with pytest.raises(ValueError, match="BertModel cannot load the folder: ImportError"):
        repair(folder, into=tmp_path / "copy")


def test_a_model_of_one_s_own_is_mended_by_its_class(tmp_path: Path) -> None:
    model = fill(OldStyleInit(TowerConfig("test_convnext")))
    folder, copy = tmp_path / "own", tmp_path / "copy"
    model.save_pretrained(folder)
    assert repair(folder, into=copy, maker=OWN) == ()
    rewrite(folder, renamed("gamma", "weight"))
    with pytest.raises(ValueError, match="has no such model"):
        repair(folder, into=copy)
    [change] = repair(folder, into=copy, maker=OWN)
    assert change.rule == "gamma-renamed"
    assert_as_saved(model, load_file(copy / FILE))


def lose_one(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name != "stages.0.blocks.0.gamma"}


def lose_another(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name != "stem.0.weight"}


def reset(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.full_like(tensor, 1e-6) if "gamma" in name else tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lose_one, "1 of 9 LayerScales are not in the file"),
        (lose_another, r"1 of \d+ tensors are not in its files, stem.0.weight; take the original checkpoint"),
        (reset, "9 of 9 LayerScales hold one number throughout"),
    ],
    ids=["a LayerScale", "a tensor", "values"],
)
def test_what_is_lost_is_said_and_nothing_is_written(folder: Path, tmp_path: Path, change: Change, said: str) -> None:
    rewrite(folder, change)
    with pytest.raises(ValueError, match=said):
        repair(folder, into=tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_that_was_cut_and_an_architecture_that_is_not_there_are_refused(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architecture": "none_of_timm_s"}))
    with pytest.raises(ValueError, match="has no architecture 'none_of_timm_s'"):
        repair(folder, into=tmp_path / "copy")
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:999])
    with pytest.raises(ValueError, match="cannot be read"):
        repair(folder, into=tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_another_file_beside_it_that_cannot_be_read_is_said(folder: Path, tmp_path: Path) -> None:
    rewrite(folder, renamed("gamma", "weight"))
    (folder / BIN).write_bytes(b"no file of torch's")
    with pytest.raises(ValueError, match="cannot be mended: UnpicklingError"):
        repair(folder, into=tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_model_is_saved_once_it_is_mended_unless_something_is_left_as_it_is(tmp_path: Path) -> None:
    model = fill(OldStyleInit(TowerConfig("test_convnext")))
    model.save_pretrained(tmp_path / "saved")
    assert repair(model, tmp_path / "saved", into=tmp_path / "copy") == ()
    assert_as_saved(model, load_file(tmp_path / "copy" / FILE))
    with torch.no_grad():
        model.projector.weight.add_(1)
    [loss] = repair(model, tmp_path / "saved", into=tmp_path / "never")
    assert (loss.rule, (tmp_path / "never").exists()) == ("", False)
    with pytest.raises(ValueError, match="Linear has no save_pretrained"):
        repair(torch.nn.Linear(2, 2), into=tmp_path / "never")


def typed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", "repair", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the test's own words


@pytest.mark.slow
def test_the_command_says_what_a_target_lost_and_where_it_is_saved(tmp_path: Path) -> None:
    config = json.dumps({"architecture": "vit_relpos_small_patch16_224"})
    ended = typed(OWN, "--config", config, "--into", tmp_path / "copy")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "relative_position_index" in ended.stdout
    assert ended.stdout.endswith(f"Written to {tmp_path / 'copy'}.\n")
    assert (tmp_path / "copy" / FILE).is_file()


@pytest.mark.slow
def test_the_command_refuses_what_cannot_be_saved_in_a_line(tmp_path: Path) -> None:
    ended = typed("tests.own.towers:unset_buffers", "--into", tmp_path / "never")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "gives no model of transformers" in ended.stderr
    assert list(tmp_path.iterdir()) == []
