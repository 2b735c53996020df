import json
import os
from collections.abc import Callable
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
    sharded = folder(tmp_path, {}, "pytorch_model.bin", "one.safetensors", "two.safetensors")
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
        ({"model_type": ["vit"]}, (), "{}/config.json: model_type is no name"),
        ({"id2label": 1}, (), "{}/config.json: id2label is no mapping of labels"),
        ({"pretrained_cfg": {"architecture": []}}, (), "{}/config.json: pretrained_cfg has an "),
        ({"pretrained_cfg": {"input_size": 3}}, (), "{}/config.json: pretrained_cfg has an input_size or"),
        (
            {},
            ("model.safetensors.index.json",),
            "{}/model.safetensors.index.json: is no index of weights: its weight_map is no",
        ),
    ],
    ids=[
        *("no folder", "no JSON", "no object", "no weights", "classes", "arguments"),
        *("type", "labels", "architecture", "size", "no index"),
    ],
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
    with pytest.raises(ValueError, match="is no index of weights: its weight_map is no mapping of names"):
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
        wrong = "pretrained_cfg.num_classes is no number of classes"
        if "input_size" in described:
            wrong = "pretrained_cfg has an input_size or architecture that is none"
        assert str(caught.value) == f"{path}/config.json: {wrong}"


def linked(tmp_path: Path, *, target: Path) -> Path:
    made = folder(tmp_path / "linked", {})
    (made / "model.safetensors").symlink_to(target)
    return made


def test_a_link_is_followed_within_its_folder_and_into_the_cache_of_the_hub(tmp_path: Path) -> None:
    inside = folder(tmp_path / "inside", {}, "weights")
    (inside / "model.safetensors").symlink_to("weights")
    assert [path.name for path in Checkpoint.read(inside).files] == ["model.safetensors"]
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "0a1b").write_text("{}")
    (tmp_path / "snapshots").mkdir()
    snapshot = folder(tmp_path / "snapshots" / "main", {})
    (snapshot / "model.safetensors").symlink_to("../../blobs/0a1b")
    assert [path.name for path in Checkpoint.read(snapshot).files] == ["model.safetensors"]


def fifo(tmp_path: Path) -> Path:
    made = folder(tmp_path / "fifo", {})
    os.mkfifo(made / "model.safetensors")
    return made


def to_itself(tmp_path: Path) -> Path:
    made = folder(tmp_path / "itself", {})
    (made / "model.safetensors").symlink_to("model.safetensors")
    return made


def described_by_fifo(tmp_path: Path) -> Path:
    made = tmp_path / "described"
    made.mkdir()
    os.mkfifo(made / "config.json")
    return made


def with_index(tmp_path: Path, content: Any) -> Path:
    made = folder(tmp_path / "index", {})
    (made / "model.safetensors.index.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return made


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: linked(path, target=Path("/etc/passwd")), "model.safetensors: is a link that leads out of its"),
        (lambda path: linked(path, target=Path("/dev/zero")), "model.safetensors: is no regular file"),
        (lambda path: linked(path, target=path / "nothing"), "model.safetensors: cannot be read: "),
        (fifo, "model.safetensors: is no regular file"),
        (to_itself, "model.safetensors: cannot be read: "),
        (described_by_fifo, "config.json: is no regular file"),
        (lambda path: folder(path / "deep", "[" * 100_000), "config.json: cannot be read: "),
        (lambda path: folder(path / "number", '{"a": ' + "1" * 5_000 + "}"), "config.json: cannot be read: "),
        (lambda path: folder(path / "text", "\x00"), "config.json: cannot be read: "),
        (lambda path: with_index(path, {"weight_map": {"a": "../x"}}), "'../x' is no name of a file in its folder"),
        (lambda path: with_index(path, {"weight_map": {"a": "/etc/passwd"}}), "'/etc/passwd' is no name of a file"),
        (lambda path: with_index(path, {"weight_map": {"a": "\x1b[31m"}}), r"'\\x1b[31m' is no name of a file"),
        (lambda path: with_index(path, {"weight_map": ["a"]}), "its weight_map is no mapping of names"),
        (lambda path: with_index(path, {"weight_map": {"a": 1}}), "its weight_map is no mapping of names"),
        (lambda path: with_index(path, "[]"), "its weight_map is no mapping of names"),
        (
            lambda path: with_index(path, {"weight_map": {str(name): f"{name}.bin" for name in range(10_001)}}),
            "names 10,001 files, and no checkpoint has more than 10,000",
        ),
    ],
    ids=[
        *("a link out", "a device", "a broken link", "a fifo", "a link to itself", "a fifo for the configuration"),
        *("deep", "a long number", "no text", "a shard above", "a shard elsewhere", "an escape", "a list", "a number"),
        *("no mapping", "many shards"),
    ],
)
def test_what_leads_out_of_the_folder_or_never_ends_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], problem: str
) -> None:
    made = make(tmp_path)
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        Checkpoint.read(made)
    assert problem.replace("\\\\", "\\") in str(caught.value)


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"model_args": {"checkpoint_path": "optimizer.pt"}}, "model_args.checkpoint_path would open another file"),
        ({"backbone_kwargs": {"checkpoint_path": "a"}}, "backbone_kwargs.checkpoint_path would open another file"),
        ({"a": [{"b": {"pretrained_cfg_overlay": {"file": "x"}}}]}, "a[0].b.pretrained_cfg_overlay would open"),
        ({"architecture": "local-dir:/etc"}, "architecture would open another folder"),
        ({"backbone": "/etc"}, "backbone would open another folder"),
        ({"encoder": {"backbone": "../"}}, "encoder.backbone would open another folder"),
    ],
)
def test_what_would_make_a_library_open_other_files_is_refused_by_name(
    tmp_path: Path, config: dict[str, Any], place: str
) -> None:
    with pytest.raises(ValueError, match="and is refused") as caught:
        Checkpoint.read(folder(tmp_path, config, "model.safetensors"))
    assert place in str(caught.value)


def test_what_opens_nothing_is_taken(tmp_path: Path) -> None:
    config = {"model_args": {"checkpoint_path": ""}, "backbone": "facebook/none", "name": "local-dir"}
    assert Checkpoint.read(folder(tmp_path, config, "model.safetensors")).config == config
