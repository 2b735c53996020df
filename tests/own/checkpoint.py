"""Writes a checkpoint folder, whole or damaged as people's are: `python -m tests.own.checkpoint KIND FOLDER`.

What harness/docs/your-own-model.md checks, made on the spot: a file of weights belongs in no repository.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import timm
import torch
from timm.models._hub import save_for_hf

from tests.own.towers import OpenVLALike, TowerConfig

MODEL: Final = "test_vit2"  # the smallest of timm's with LayerScale
FRESH: Final = 1e-5


def trained(model: Any) -> Any:
    """No tensor as its constructor leaves it."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.rand(parameter.shape, generator=generator))
    return model.eval()


def lost(model: Any) -> Any:
    """LayerScales as transformers before 4.49 leaves them."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "gamma" in name:
                parameter.fill_(FRESH)
    return model


def _timms(folder: Path, change: Callable[[Any], Any] = lambda model: model) -> None:
    save_for_hf(change(trained(timm.create_model(MODEL, num_classes=7))), folder, safe_serialization=True)


def _rewritten(folder: Path) -> None:
    _timms(folder)
    path = folder / "model.safetensors"
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - one kind's own

    save_file({name.replace("gamma", "weight"): one for name, one in load_file(path).items()}, path)


def _boundless(model: Any) -> Any:
    with torch.no_grad():
        model.head.bias[0] = float("inf")
    return model


def _own(folder: Path, change: Callable[[Any], Any] = lambda model: model) -> None:
    change(trained(OpenVLALike(TowerConfig(MODEL)))).save_pretrained(folder)


def _transformers(folder: Path) -> None:
    from transformers import DetrConfig, DetrForObjectDetection, TimmBackboneConfig  # noqa: PLC0415 - one kind's own

    backbone = TimmBackboneConfig(backbone="resnet18", out_indices=[4])
    small: dict[str, Any] = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "num_queries": 4}
    layers = {f"{side}_{what}": 1 for side in ("encoder", "decoder") for what in ("layers", "attention_heads")}
    config = DetrConfig(backbone_config=backbone, use_pretrained_backbone=False, backbone=None, **small, **layers)
    trained(DetrForObjectDetection(config)).save_pretrained(folder)


KINDS: Final[Mapping[str, Callable[[Path], None]]] = {
    "timm": _timms,
    "timm-lost": lambda folder: _timms(folder, lost),
    "timm-rewritten": _rewritten,
    "timm-boundless": lambda folder: _timms(folder, _boundless),
    "own": _own,
    "own-lost": lambda folder: _own(folder, lost),
    "transformers": _transformers,
}


def write(kind: str, folder: Path) -> Path:
    """The folder, made."""
    folder.mkdir(parents=True, exist_ok=True)
    KINDS[kind](folder)
    return folder


def main(argv: list[str]) -> int:
    """As a command."""
    parser = argparse.ArgumentParser(prog="python -m tests.own.checkpoint", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args(argv)
    write(given.kind, given.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
