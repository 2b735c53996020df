import json
from pathlib import Path
from typing import Any

import pytest

from harness.contract.checkpoint import Checkpoint, is_path


def folder(tmp_path: Path, config: Any, *files: str) -> Path:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    for name in files:
        (tmp_path / name).write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("config", "architecture", "classes"),
    [
        ({"architecture": "vit", "num_classes": 7, "pretrained_cfg": {"num_classes": 9}}, "vit", 7),
        ({"architecture": "vit.in1k", "pretrained_cfg": {"num_classes": 9}}, "vit", 9),
        ({"pretrained_cfg": {"architecture": "vit", "num_classes": 0}}, "vit", 0),
        (
            {
                "model_type": "timm_wrapper",
                "architecture": "vit",
                "num_classes": 2,
                "architectures": ["TimmWrapperModel"],
            },
            "vit",
            0,
        ),
        ({"model_type": "timm_wrapper", "architecture": "vit", "id2label": {"0": "a", "1": "b"}}, "vit", 2),
        ({"model_type": "detr", "architecture": "vit"}, None, 0),
        ({}, None, 0),
    ],
    ids=["timm", "a name of weights", "described inside", "wrapper", "classifier", "transformers", "neither"],
)
def test_a_folder_says_whose_model_it_is(tmp_path: Path, config: Any, architecture: str | None, classes: int) -> None:
    found = Checkpoint.read(folder(tmp_path, config, "model.safetensors"))
    assert (found.architecture, found.classes) == (architecture, classes)


def test_the_files_are_those_that_both_libraries_take_first(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "two.safetensors", "b": "one.safetensors", "c": "two.safetensors"}}
    sharded = folder(tmp_path, {}, "pytorch_model.bin")
    (sharded / "model.safetensors.index.json").write_text(json.dumps(index))
    assert [path.name for path in Checkpoint.read(sharded).files] == ["one.safetensors", "two.safetensors"]
    (sharded / "model.safetensors").touch()
    assert [path.name for path in Checkpoint.read(sharded).files] == ["model.safetensors"]
    bare = folder(tmp_path / "bare", {}, "pytorch_model.bin")
    assert [path.name for path in Checkpoint.read(bare).files] == ["pytorch_model.bin"]


def test_a_folders_name_does_not_break_the_id_of_a_case(tmp_path: Path) -> None:
    assert Checkpoint.read(folder(tmp_path / "a@b+c[d]", {}, "model.safetensors")).name == "a-b-c-d-"


@pytest.mark.parametrize(
    ("target", "found"),
    [("my.models:VLM", False), ("checkpoint", True), ("a/b:c", True), (".", True), ("my:models:VLM", True)],
)
def test_what_is_no_name_in_a_module_is_meant_as_a_folder(target: str, found: bool) -> None:  # noqa: FBT001
    assert is_path(target) is found


@pytest.mark.parametrize(
    ("config", "files", "problem"),
    [
        (None, (), "{}: there is no such folder; a model reads package.module:Name"),
        ("{", (), "{}/config.json: cannot be read: Expecting property name enclosed in double quotes: "),
        ("[]", (), "{}/config.json: describes no model"),
        ({}, (), "{}: no weights in it; model.safetensors, pytorch_model.bin, model.safetensors.index.json, "),
        ({"num_classes": "five"}, ("model.safetensors",), "{}/config.json: num_classes is no number of classes"),
        (
            {"model_args": [1], "architectures": 5},
            (),
            "{}/config.json: architectures is no list of names; ",
        ),
        ({"pretrained_cfg": {"input_size": 3}}, (), "{}/config.json: pretrained_cfg has an input_size or num_classes"),
        ({}, ("model.safetensors.index.json",), "{}/model.safetensors.index.json: is no index of weights: KeyError: "),
    ],
    ids=["no folder", "no JSON", "no object", "no weights", "classes", "arguments", "size", "no index"],
)
def test_what_is_no_checkpoint_is_one_error_that_names_the_place(
    tmp_path: Path, config: Any, files: tuple[str, ...], problem: str
) -> None:
    path = tmp_path / "x" if config is None else folder(tmp_path / "x", config, *files)
    with pytest.raises(ValueError, match="x") as caught:
        Checkpoint.read(path)
    assert str(caught.value).startswith(problem.format(path))


def test_an_index_that_names_no_files_is_none(tmp_path: Path) -> None:
    odd = folder(tmp_path, {})
    (odd / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": 3}}))
    with pytest.raises(ValueError, match="is no index of weights: TypeError"):
        Checkpoint.read(odd)


def test_a_folder_without_a_configuration_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no config\.json in it, which timm and transformers both write"):
        Checkpoint.read(tmp_path)


DESCRIPTIONS = {
    "as timm writes it": ({"input_size": [3, 224, 224], "num_classes": 0}, True),
    "a size that is not told": ({"input_size": [3, None, None]}, True),
    "no size and no number": ({"input_size": None, "num_classes": None}, True),
    "two numbers": ({"input_size": [224, 224]}, False),
    "a number below zero": ({"input_size": [3, -1, 224]}, False),
    "a number as text": ({"input_size": [3, "224", 224]}, False),
    "a fraction": ({"input_size": [3, 224.5, 224]}, False),
    "a truth value": ({"input_size": [3, True, 224]}, False),
    "classes as text": ({"num_classes": "1000"}, False),
    "classes below zero": ({"num_classes": -1}, False),
}


@pytest.mark.parametrize(("described", "readable"), DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_a_description_of_weights_has_a_size_of_three_counts_and_a_count_of_classes(
    tmp_path: Path,
    described: dict[str, Any],
    readable: bool,  # noqa: FBT001
) -> None:
    path = folder(tmp_path / "x", {"pretrained_cfg": described}, "model.safetensors")
    if readable:
        assert Checkpoint.read(path).pretrained_cfg == described
    else:
        with pytest.raises(ValueError, match="x") as caught:
            Checkpoint.read(path)
        assert str(caught.value) == (
            f"{path}/config.json: pretrained_cfg has an input_size or num_classes that is none"
        )
