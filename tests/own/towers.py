"""Models as people write them around timm: for harness/docs/your-own-model.md, and for what breaks where."""

from typing import Any

import timm
import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

WIDTH = 32


class TowerConfig(PretrainedConfig):
    """Small enough to be made in a second."""

    model_type = "own_tower"

    def __init__(self, architecture: str = "test_convnext", **kwargs: Any) -> None:
        self.architecture = architecture
        super().__init__(**kwargs)


class OpenVLALike(PreTrainedModel):
    """A bare timm tower with LayerScale beside a projector: the bug of 2024, when every `gamma` was renamed."""

    config_class = TowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision_tower = timm.create_model(config.architecture, pretrained=False, num_classes=0)
        self.projector = nn.Linear(self.vision_tower.num_features, WIDTH)
        self.post_init()

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """Projected features of shape (batch, WIDTH)."""
        return {"projected": self.projector(self.vision_tower(pixel_values))}


class LayerScale(nn.Module):
    """With a name that no release renames: what OpenVLA does to timm's."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale_factor = nn.Parameter(1e-5 * torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Of any shape that ends in the width."""
        return x * self.scale_factor


class Rotary(nn.Module):
    """A table that no checkpoint holds."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        angles = torch.arange(tokens)[:, None] * (1 + torch.arange(width)) / width
        self.register_buffer("table", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of shape (batch, tokens, width)."""
        return x + self.table


class Tower(nn.Module):
    """Patches, LayerScale, and optionally a rotary table."""

    def __init__(self, *, rotary: bool) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 8, 8)
        self.position = Rotary(16, WIDTH) if rotary else nn.Identity()
        self.scale = LayerScale(WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of shape (batch, 16, WIDTH) of a picture with 32 pixels a side."""
        tokens = self.position(self.patches(x).flatten(2).transpose(1, 2))
        return tokens + self.scale(self.mix(tokens))


class BranchConfig(PretrainedConfig):
    """Nothing to say."""

    model_type = "own_branch"


class Branch(PreTrainedModel):
    """The least that has a LayerScale: one vector."""

    config_class = BranchConfig
    main_input_name = "x"

    def __init__(self, config: BranchConfig) -> None:
        super().__init__(config)
        self.gamma = nn.Parameter(1e-5 * torch.ones(4))
        self.post_init()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Of any shape that ends in 4."""
        return {"y": x * self.gamma}


def branch() -> tuple[nn.Module, dict[str, Tensor]]:
    """With what it is run on."""
    return Branch(BranchConfig()), {"x": torch.ones(1, 4)}


def picture() -> Tensor:
    """With 32 pixels a side."""
    return torch.linspace(-1, 1, 3 * 32 * 32).view(1, 3, 32, 32)


def unset_buffers() -> tuple[nn.Module, Tensor]:
    """A RADIO-like module of one's own with a table that transformers 5 leaves uninitialised."""
    return Tower(rotary=True), picture()


def clean() -> tuple[nn.Module, Tensor]:
    """Safe names, and nothing that a checkpoint does not hold."""
    return Tower(rotary=False), picture()


@timm.models.register_model
def own_convnext(pretrained: bool = False, **kwargs: Any) -> nn.Module:  # noqa: FBT001, FBT002 - timm's own protocol
    """A ConvNeXt of one's own in timm's registry."""
    assert not pretrained
    given = {name: value for name, value in kwargs.items() if not name.startswith("pretrained")}
    module: nn.Module = timm.create_model("test_convnext", **given)
    return module


NUMBER = 3


def needs_an_argument(width: int) -> nn.Module:
    """No factory."""
    return nn.Linear(width, width)


def no_model() -> str:
    """Nor this."""
    return "model"


class Headed(nn.Module):
    """Gives a class and a mask beside its features."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Of shape (batch, 4)."""
        y = self.head(x)
        return {"y": y, "class": y.argmax(-1), "mask": y > 0}


class Restless(nn.Linear):
    """Gives other numbers each time."""

    def forward(self, x: Tensor) -> Tensor:
        """Of any shape that ends in the width."""
        return super().forward(x) + torch.randn(4)


def headed() -> tuple[nn.Module, Tensor]:
    """Whole numbers and truths come out of it."""
    return Headed(), torch.ones(1, 4)


def restless() -> tuple[nn.Module, Tensor]:
    """Nothing that it gives can be compared."""
    return Restless(4, 4), torch.ones(1, 4)


def half() -> tuple[nn.Module, Tensor]:
    """In half precision."""
    return nn.Linear(4, 4).bfloat16(), torch.ones(1, 4).bfloat16()


def boundless() -> tuple[nn.Module, Tensor]:
    """Gives infinities."""
    return nn.LogSoftmax(-1), torch.tensor([[0.0, float("-inf")]])


def other_side() -> nn.Module:
    """Takes pictures of one size, and nobody says which."""
    return Tower(rotary=True)


def no_tensor() -> tuple[nn.Module, Tensor]:
    """Gives nothing that could be compared."""

    class Silent(nn.Module):
        def forward(self, _x: Tensor) -> str:
            return "nothing"

    return Silent(), picture()


def raising() -> nn.Module:
    """Cannot be made."""
    raise RuntimeError("no weights here")
