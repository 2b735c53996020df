"""The native side of a case: one timm model, filled with telling weights, and what it computes.

Everything here is timm's own. The cases of one model share one subject, so that a model is built, saved and run once.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.catalog import Entry
from harness.cell import slim, weights

CLASSES: Final = 10
Outputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Place:
    """Where and in what precision a lane computes."""

    device: str
    dtype: torch.dtype

    def put(self, loaded: Any) -> Any:
        """A loaded model where users of this device put it: nobody moves a model to the CPU that it is on."""
        return (loaded if self.device == "cpu" else loaded.to(self.device)).eval()


@dataclass(frozen=True, eq=False)
class Runs:
    """Two runs of the same model on the same input: the outputs, and how far they lie apart."""

    first: Outputs
    second: Outputs

    @classmethod
    def of(cls, compute: Callable[[], Outputs]) -> "Runs":
        """Run twice, without gradients."""
        with torch.no_grad():
            return cls(compute(), compute())

    def only(self, names: Iterable[str]) -> "Runs":
        """These outputs of the two runs."""
        kept = list(names)
        return Runs({name: self.first[name] for name in kept}, {name: self.second[name] for name in kept})

    def merged(self, other: "Runs") -> "Runs":
        """Both sets of outputs as one."""
        return Runs({**self.first, **other.first}, {**self.second, **other.second})


@dataclass(frozen=True, eq=False)
class Native:
    """A timm model with telling weights, in eval mode, and how timm's users run it."""

    module: Any
    run: Callable[[], Outputs]

    @functools.cached_property
    def names(self) -> list[str]:
        """What timm calls the tensors of a checkpoint."""
        return list(self.module.state_dict())

    @functools.cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, those that no checkpoint holds included."""
        return tensors_of(self.module)

    @functools.cached_property
    def runs(self) -> Runs:
        """What it computes."""
        return Runs.of(self.run)


class Subject:
    """One model of timm, at one size and in one place."""

    def __init__(self, entry: Entry, size: str, place: Place) -> None:
        self.entry = entry
        self.size = size
        self.place = place
        self.architecture = slim.register(entry) if size == "slim" else entry.model
        self.input_size = entry.slim.input_size if size == "slim" else entry.input_size

    @functools.cached_property
    def image(self) -> Tensor:
        """Pixels of shape (1, channels, height, width)."""
        return weights.image(self.input_size, self.place.dtype, self.place.device)

    def create(self, known: Mapping[str, Tensor] | None = None, **kwargs: Any) -> nn.Module:
        """What a user of timm writes, without the random initialisation that nothing here reads.

        Values that `known` holds are shared with it.
        """
        with weights.uninitialised():
            module: nn.Module = timm.create_model(self.architecture, pretrained=False, **kwargs)
        weights.fill(module, known)
        return module.to(self.place.device, self.place.dtype).eval()

    @functools.cached_property
    def classifier(self) -> Native:
        """The model with a classification head, where it can have one: logits."""
        head: dict[str, Any] = {"num_classes": CLASSES} if self.entry.classifier else {}
        module = self.create(**head)
        return Native(module, lambda: {"logits": module(self.image)})

    @functools.cached_property
    def headless(self) -> Native:
        """The model without a classification head, as TimmWrapperModel and most towers build it."""
        module: Any = self.create(self.classifier.module.state_dict(), num_classes=0)
        return Native(module, lambda: self._embedding(module))

    @functools.cached_property
    def features(self) -> Native:
        """The model as a backbone: every feature map it has."""
        module = self.create(self.classifier.module.state_dict(), features_only=True, out_indices=self.levels)
        return Native(module, lambda: numbered(module(self.image)))

    @functools.cached_property
    def levels(self) -> list[int]:
        """The indices of all feature maps. A slim model has as many as blocks are left, where blocks are levels."""
        with weights.uninitialised():
            one_level: Any = timm.create_model(self.architecture, features_only=True, out_indices=(0,))
        return list(range(len(one_level.feature_info.info)))

    def _embedding(self, module: Any) -> Outputs:
        """Unpooled features, and pooled ones where there is a head to pool them."""
        last = module.forward_features(self.image)
        pooled = {"pooler_output": module.forward_head(last)} if self.entry.classifier else {}
        return {"last_hidden_state": last, **pooled}

    def save(self, folder: Path) -> Path:
        """Write a timm checkpoint as the hub holds them: a `config.json` without a model type, and the weights."""
        if not (folder / "config.json").exists():  # written last: a checkpoint that was cut off is written again
            folder.mkdir(parents=True, exist_ok=True)
            state = {name: tensor.contiguous() for name, tensor in self.classifier.module.state_dict().items()}
            save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
            (folder / "config.json").write_text(json.dumps(self._config()))
        return folder

    def _config(self) -> dict[str, Any]:
        given = self.classifier.module.pretrained_cfg
        kept = ("mean", "std", "interpolation", "crop_pct", "crop_mode", "fixed_input_size", "pool_size")
        return {
            "architecture": self.architecture,
            "num_classes": CLASSES if self.entry.classifier else 0,
            "num_features": self.classifier.module.num_features,
            "pretrained_cfg": {
                **{name: given[name] for name in kept if name in given},
                "architecture": self.architecture,
                "input_size": list(self.input_size),
                "num_classes": CLASSES if self.entry.classifier else 0,
            },
        }


def numbered(maps: Any) -> Outputs:
    """Feature maps by name: `feature_maps.0` and on."""
    return {f"feature_maps.{index}": tensor for index, tensor in enumerate(maps)}


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, non-persistent buffers included."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
