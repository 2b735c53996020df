"""The damage that a folder's configuration tells, without a library."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.atlas.rules import known
from harness.contract.checkpoint import Checkpoint
from harness.mending.described import KINDS, Change, described
from harness.remedies.table import REMEDIES, Mends

WHOLE: Mapping[str, Any] = {
    "architecture": "test_convnext",
    "num_classes": 10,
    "pretrained_cfg": {"architecture": "test_convnext"},
}


def checkpoint(folder: Path, config: Mapping[str, Any], *others: str) -> Checkpoint:
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("model.safetensors", *others):
        (folder / name).touch()
    return Checkpoint.read(folder)


def rules(folder: Path, config: Mapping[str, Any], *others: str) -> list[str]:
    return [change.rule for change in described(checkpoint(folder, config, *others))]


@pytest.mark.parametrize(
    ("config", "others", "rule"),
    [
        ({"model_args": {"num_classes": 10}}, (), "hub-classes-twice"),
        ({"model_args": None}, (), "resaved-model-args-null"),
        ({"model_type": "timm_wrapper", "pretrained_cfg": None}, (), "scratch-without-pretrained-cfg"),
        ({}, ("training_args.bin",), "training-arguments-as-weights"),
        ({"_attn_implementation_autoset": True}, (), "eager-attention-after-saving"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_kind_is_told_by_its_rule_and_no_other(
    tmp_path: Path, config: Mapping[str, Any], others: tuple[str, ...], rule: str
) -> None:
    assert rules(tmp_path, {**WHOLE, **config}, *others) == [rule]


def test_a_whole_folder_has_none(tmp_path: Path) -> None:
    assert rules(tmp_path, {**WHOLE, "model_args": {"drop_rate": 0.0}}) == []


def test_training_arguments_beside_another_library_s_weights_are_no_damage(tmp_path: Path) -> None:
    assert rules(tmp_path, {"model_type": "bert"}, "training_args.bin") == []


@pytest.mark.parametrize(
    ("config", "others"), [({"num_classes": 5}, "5 besides"), ({}, "nowhere else")], ids=["another", "none"]
)
def test_a_number_of_classes_that_would_be_lost_is_refused(
    tmp_path: Path, config: Mapping[str, Any], others: str
) -> None:
    stated = {"architecture": "test_convnext", "model_args": {"num_classes": 10}, **config}
    with pytest.raises(ValueError, match=f"num_classes is 10 in model_args, and {others}"):
        rules(tmp_path, stated)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.rule)
def test_each_kind_has_a_remedy_for_folders(kind: Any) -> None:
    assert Mends.FOLDERS in REMEDIES[known()[kind.rule].remedy].mends


def test_a_change_says_what_and_why() -> None:
    one = Change("gamma-renamed", renamed={f"blocks.{number}.weight": f"blocks.{number}.gamma" for number in range(3)})
    assert str(one) == (
        "3 names changed: blocks.0.weight is now blocks.0.gamma, blocks.1.weight is now blocks.1.gamma and 1 more, "
        "because transformers before 4.49 renames every key that contains gamma to weight when it loads a checkpoint "
        "(gamma-renamed: transformers <4.49)"
    )
    other = Change("", renamed={"module.head": "head"}, reason="DataParallel puts module. before every name")
    assert str(other) == (
        "1 name changed: module.head is now head, because DataParallel puts module. before every name"
    )
