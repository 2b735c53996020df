"""Models as people write them, each of which some release breaks: it comes back whole, or the reason is in the name."""

import tempfile
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel


class TowerConfig(PretrainedConfig):
    model_type = "input_tower"

    def __init__(self, architecture: str = "test_convnext", width: int = 32, **kwargs: Any) -> None:
        self.architecture = architecture
        self.width = width
        super().__init__(**kwargs)


class OldStyleInit(PreTrainedModel):
    """Initialises through `.data`, as tutorials did for years."""

    config_class = TowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision_tower = timm.create_model(config.architecture, pretrained=False, num_classes=0)
        self.projector = nn.Linear(self.vision_tower.num_features, config.width)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.weight.data.normal_(mean=0.0, std=0.02)
            if module.bias is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.LayerNorm):
            module.bias.data.zero_()
            module.weight.data.fill_(1.0)

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        return {"projected": self.projector(self.vision_tower(pixel_values))}


class ItemOnMeta(PreTrainedModel):
    """Reads drop-path rates with `.item()` while it is built, and has a LayerScale called ls1."""

    config_class = TowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.rates = [rate.item() for rate in torch.linspace(0, 0.1, 2)]
        self.patches = nn.Conv2d(3, config.width, 8, 8)
        self.ls1 = nn.Parameter(0.1 * torch.ones(config.width))
        self.mix = nn.Linear(config.width, config.width)
        self.post_init()

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        tokens = self.patches(pixel_values).flatten(2).transpose(1, 2)
        return {"last_hidden_state": tokens + self.ls1 * self.mix(tokens)}


class OwnTable(PreTrainedModel):
    """Has a table of positions that no checkpoint has."""

    config_class = TowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.patches = nn.Conv2d(3, config.width, 8, 8)
        self.register_buffer("table", torch.arange(config.width) / config.width, persistent=False)
        self.post_init()

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        return {"tokens": self.patches(pixel_values).flatten(2).transpose(1, 2) + self.table}


FOLDER = tempfile.TemporaryDirectory()
"""Of the pretrained weights; it goes with the process."""


def pretrained_file() -> Path:
    """Weights of test_convnext that no constructor gives, in a file."""
    path = Path(FOLDER.name) / "pretrained.safetensors"
    if not path.exists():
        generator = torch.Generator().manual_seed(7)
        state = timm.create_model("test_convnext", num_classes=0).state_dict()
        save_file({name: torch.rand(tensor.shape, generator=generator) * 0.2 for name, tensor in state.items()}, path)
    return path


class PretrainedTower(PreTrainedModel):
    """Loads timm's pretrained weights in its constructor, then calls `post_init()`."""

    config_class = TowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        overlay = {"file": str(pretrained_file()), "num_classes": 0}
        self.vision_tower = timm.create_model(
            "test_convnext", num_classes=0, pretrained=True, pretrained_cfg_overlay=overlay
        )
        self.projector = nn.Linear(self.vision_tower.num_features, config.width)
        self.post_init()

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        return {"projected": self.projector(self.vision_tower(pixel_values))}


class SharedWeight(PreTrainedModel):
    """Two layers share one weight, undeclared."""

    config_class = TowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.patches = nn.Conv2d(3, config.width, 8, 8)
        self.first = nn.Linear(config.width, config.width)
        self.second = nn.Linear(config.width, config.width)
        self.second.weight = self.first.weight
        self.post_init()

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        tokens = self.patches(pixel_values).flatten(2).transpose(1, 2)
        return {"tokens": self.second(self.first(tokens))}
