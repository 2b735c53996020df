"""Saves models as people write them, loads them within `guard`, and has `repair` mend what was lost.

nox -s cause -- transformers==4.48.3 timm==1.0.14 tests/own/mended.py

It says `sound` where guard raises exactly if something was lost, and everything is as saved after `repair`; else what
is wrong. What a model loses is in `LOSES`, by what this transformers does.
"""

import sys
import tempfile
from collections.abc import Mapping
from typing import cast

import torch
import transformers
from packaging.version import Version
from torch import Tensor, nn
from transformers import PreTrainedModel

from harness import Lost, guard, repair
from tests.own.as_people_write import OldStyleInit, OwnTable, TowerConfig

CONVNEXT, RELATIVE, PLAIN = "test_convnext", "vit_relpos_small_patch16_224", "resnet18"
OWN = "a table of one's own"
NOW = Version(transformers.__version__)
RENAMES, ON_META, AGAIN = Version("4.49") > NOW, Version("5") <= NOW, Version("5") <= NOW < Version("5.13")
LOSES: Mapping[str, frozenset[str]] = {
    CONVNEXT: frozenset([*(["gamma-renamed"] if RENAMES else []), *(["initialised-again-by-data"] if AGAIN else [])]),
    RELATIVE: frozenset(
        [
            *(["gamma-renamed"] if RENAMES else []),
            *(["initialised-again-by-data"] if AGAIN else []),
            *(["buffers-in-own-model"] if ON_META else []),
        ]
    ),
    PLAIN: frozenset(["initialised-again-by-data"] if AGAIN else []),
    OWN: frozenset(["buffers-in-own-model"] if ON_META else []),
}


def values(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in {**model.state_dict(), **dict(model.named_buffers())}.items()}


def load(kind: type[PreTrainedModel], folder: str) -> tuple[PreTrainedModel, frozenset[str]]:
    try:
        with guard():
            return kind.from_pretrained(folder), frozenset()
    except Lost as lost:
        return cast("PreTrainedModel", lost.model), frozenset(loss.rule for loss in lost.losses)


def problem(architecture: str, expected: frozenset[str]) -> str:
    model: PreTrainedModel = OwnTable(TowerConfig()) if architecture == OWN else OldStyleInit(TowerConfig(architecture))
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        loaded, lost = load(type(model), folder)
        if lost != expected:
            return f"guard says {sorted(lost)} of {architecture}, and not {sorted(expected)}"
        repair(loaded, folder)
        again = repair(loaded, folder)
    unlike = [name for name, tensor in values(loaded).items() if not torch.equal(tensor, values(model)[name])]
    if again or unlike:
        return f"after repair {architecture} differs in {unlike[:3]}, and {[str(loss) for loss in again]} is lost"
    return ""


if wrong := [told for architecture, expected in LOSES.items() if (told := problem(architecture, expected))]:
    sys.exit(f"broken: {'; '.join(wrong)}")
