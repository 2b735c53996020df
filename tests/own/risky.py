"""A model with six names at risk, each of another kind, and names that look like them and are safe."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

WIDTH = 4


class RiskyConfig(PretrainedConfig):
    """Nothing to say."""

    model_type = "own_risky"


class LayerNorm(nn.Module):
    """As old BERT files have it."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))
        self.bias = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """Of any shape that ends in the width."""
        return x * self.gamma + self.bias


class Risky(PreTrainedModel):
    """`base.mix` and `mix` differ in the base model's prefix alone."""

    config_class = RiskyConfig
    base_model_prefix = "base"
    main_input_name = "x"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.LayerNorm = LayerNorm()
        self.scale_gamma = nn.Parameter(torch.ones(WIDTH))
        self.betas = nn.Parameter(torch.ones(WIDTH))
        self.base = nn.ModuleDict({"mix": nn.Linear(WIDTH, WIDTH, bias=False)})
        self.mix = nn.Linear(WIDTH, WIDTH, bias=False)
        self.norm = nn.Module()
        self.norm.weight_g = nn.Parameter(torch.ones(WIDTH))
        self.register_buffer("table", 1.0 * torch.arange(WIDTH), persistent=False)
        self.safe = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("count", torch.zeros(WIDTH))
        self.post_init()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Of shape (batch, WIDTH)."""
        x = self.LayerNorm(self.mix(self.base["mix"](x))) * self.scale_gamma * self.norm.weight_g
        return {"y": self.safe(x + self.betas + self.table)}


def risky() -> tuple[nn.Module, dict[str, Tensor]]:
    """With what it is run on."""
    return Risky(RiskyConfig()), {"x": torch.ones(1, WIDTH)}
