"""A lost shard and model_args that were not used are named, not told as lists of names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import timm

from harness.cell.compare.findings import NameDifference
from harness.cell.compare.name_causes import cause_of
from harness.cell.routes import ROUTES
from tests.cell.faults import faulty
from tests.cell.faults.conftest import Attempt

MODEL = "test_convnext"
UNUSED = f"the model_args of config.json were not used: {MODEL} is as timm makes it"
SHARDS = {"stem.0.weight": "model-1.safetensors", "stem.0.bias": "model-1.safetensors", "head.fc.weight": "model-2.st"}


def folder(path: Path, config: Mapping[str, Any], shards: Mapping[str, str] = SHARDS) -> Path:
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (path / "config.json").write_text(json.dumps(config))
    return path


@pytest.mark.parametrize(
    ("missing", "lost"),
    [
        (("stem.0.weight", "stem.0.bias"), "none of the tensors in the shard model-1.safetensors was loaded"),
        (("timm_model.head.fc.weight",), "none of the tensors in the shard model-2.st was loaded"),
        (("stem.0.weight",), ""),
        (("stem.0.weight", "stem.0.bias", "head.fc.weight"), ""),
        (("stem.0.weight", "stem.0.bias", "other"), ""),
        ((), ""),
    ],
    ids=["a shard", "with a prefix", "a part", "two", "and another", "none"],
)
def test_names_that_are_all_of_one_shard_are_told_as_that(tmp_path: Path, missing: tuple[str, ...], lost: str) -> None:
    assert cause_of(NameDifference("there", missing, ()), folder(tmp_path, {}), timm.create_model(MODEL)) == lost


@pytest.mark.parametrize(
    ("model_args", "built", "cause"),
    [
        ({"depths": [1, 1, 1, 1]}, {}, UNUSED),
        ({"depths": [1, 1, 1, 1]}, {"depths": [1, 1, 1, 1]}, ""),
        ({}, {}, ""),
        (None, {}, ""),
    ],
    ids=["not used", "used", "empty", "null"],
)
def test_a_model_of_its_architectures_own_shape_did_not_use_model_args(
    tmp_path: Path, model_args: Any, built: dict[str, Any], cause: str
) -> None:
    path = folder(tmp_path, {"architecture": MODEL, "model_args": model_args}, {})
    assert cause_of(NameDifference("there", ("a",), ()), path, timm.create_model(MODEL, **built)) == cause


def test_without_a_folder_nothing_is_known() -> None:
    assert cause_of(NameDifference("there", ("a",), ()), None, timm.create_model(MODEL)) == ""


def test_a_shard_that_the_index_forgets_is_named_in_the_reason(attempt: Attempt) -> None:
    """transformers reads the shards that the index names; here the first file is not in it."""

    def forget(path: Path) -> None:
        index = path / "model.safetensors.index.json"
        content = json.loads(index.read_text())
        first = min(content["weight_map"].values())
        content["weight_map"] = {name: file for name, file in content["weight_map"].items() if file != first}
        index.write_text(json.dumps(content))

    line = attempt(faulty.Faulty(ROUTES["wrapper"], to_checkpoint=forget), "convnext_atto", variant="sharded")
    assert line.outcome == "keys"
    assert "none of the tensors in the shard model-00001-of-0000" in line.reason
