"""The reference model of a case: one timm model, filled with telling weights, and its outputs.

Only timm is used here. The cases of one model share a reference model, so that it is built, saved and run once.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import timm
import torch
from timm.utils.model import freeze_batch_norm_2d
from torch import Tensor, nn

from ...contract.case import Size
from ...contract.catalog import BERT, Entry
from ...contract.checkpoint import CONFIG, config_in
from . import slim, weights
from .mapped_tensors import MappedTensors
from .native import Native, Outputs, numbered
from .placement import Placement, tensors_of

if TYPE_CHECKING:
    from .variants import Variant

CLASSES: Final = 10
LARGE: Final = 2**20  # numbers in a tensor
STATE: Final = "state"  # the name of the mapped files that hold a checkpoint
ONE_FILE: Final = "-whole"  # ends the name of a folder whose checkpoint may not lie in shards
SHARED: Final = frozenset({"architecture", "filled", "classifier", "headless", "levels", "pixels", "image"})
"""The properties that most routes use."""


class ReferenceModel:
    """One timm model, at one size and in one placement."""

    def __init__(self, entry: Entry, size: str, placement: Placement) -> None:
        self.entry = entry
        self.size = Size(size)
        self.placement = placement
        self.as_stored = False  # whether no dtype is asked for, though the placement is not float32
        self.input_size = entry.cut(size).input_size if self.size.is_cut else entry.smallest_input

    @functools.cached_property
    def architecture(self) -> str:
        """The model's name in timm's registry."""
        return slim.register(self.entry, self.size) if self.size.is_cut else self.entry.model

    @functools.cached_property
    def pixels(self) -> Tensor:
        """Pixels of shape (1, channels, height, width), in float32 as every processor gives them."""
        return weights.image(self.input_size).to(self.placement.device)

    @functools.cached_property
    def image(self) -> Tensor:
        """The pixels in the lane's dtype, for a model that does not convert them itself."""
        return self.pixels.to(self.placement.dtype)

    @functools.cached_property
    def two(self) -> Tensor:
        """Two different pictures, in float32: pixels of shape (2, channels, height, width)."""
        return torch.cat([self.pixels, self.pixels.flip(-1).roll(1, -2)])

    @functools.cached_property
    def oblong(self) -> Tensor:
        """A picture that is wider than high, in float32: pixels of shape (1, channels, height, width)."""
        height, width = self.input_size[1:]
        return weights.image((self.input_size[0], height, 2 * width)).to(self.placement.device)

    @functools.cached_property
    def state(self) -> Mapping[str, Tensor]:
        """The checkpoint: telling weights in float32 on the CPU, by timm's names, including those of the head."""
        state: Mapping[str, Tensor] = self.filled.state_dict()
        return state

    def forget(self) -> None:
        """Drop what the next route may not use. Only with mapped weights, as memory is short then."""
        if self.placement.mapped is not None:
            cached = {
                name for name in vars(self) if isinstance(getattr(type(self), name, None), functools.cached_property)
            }
            for name in cached - SHARED:
                delattr(self, name)

    def default(self, name: str) -> Tensor | None:
        """The constructor's value of a tensor, in this lane's dtype; None for an unknown name.

        None too for a tensor of more than LARGE numbers, which no LayerScale has: it is left uninitialised, since the
        values of all of them take as much memory as the model.
        """
        if self.entry.model == BERT.model:
            return None
        tensor = self._defaults.get(weights.spelling(name))
        return None if tensor is None or tensor.numel() > LARGE else tensor

    @functools.cached_property
    def _defaults(self) -> Mapping[str, Tensor]:
        cast = self.placement.cast(self._constructed)
        return {weights.spelling(name): tensor for name, tensor in tensors_of(cast).items()}

    @functools.cached_property
    def _constructed(self) -> nn.Module:
        with weights.cheap_randomness(LARGE):
            module: nn.Module = timm.create_model(self.architecture, pretrained=False, **self.head_arguments)
        return module

    @functools.cached_property
    def classifier(self) -> Native:
        """The model with a classification head, if it can have one: logits."""
        return self._native(self.filled, lambda module: {"logits": module(self.image)})

    @functools.cached_property
    def headless(self) -> Native:
        """The model without a classification head, as TimmWrapperModel and most towers build it."""
        return self.create(self.embedding, num_classes=0)

    @functools.cached_property
    def features(self) -> Native:
        """The model as a backbone that gives all its feature maps."""
        return self.features_at(self.levels)

    def features_at(self, levels: Sequence[int], **kwargs: Any) -> Native:
        """The model as a backbone that gives these levels; `kwargs` go to `timm.create_model`."""
        return self.create(self.feature_maps, features_only=True, out_indices=list(levels), **kwargs)

    @functools.cached_property
    def frozen_features(self) -> Native:
        """The backbone with all its levels, its batch norms frozen by timm."""
        plain = self._plain(features_only=True, out_indices=self.levels)
        return self._native(freeze_batch_norm_2d(plain), self.feature_maps)

    def create(self, run: Callable[[Any], Outputs], **kwargs: Any) -> Native:
        """The model that `timm.create_model` gives for `kwargs`, with the telling weights."""
        return self._native(self._plain(**kwargs), run)

    def without(self, names: Iterable[str]) -> Native:
        """The headless model, with the constructor's values in the parameters `names`."""
        plain = self._plain(num_classes=0)
        for name in names:
            plain.get_parameter(name).data = self._constructed.get_parameter(name).detach().clone()
        return self._native(plain, self.embedding)

    def _plain(self, **kwargs: Any) -> nn.Module:
        with weights.uninitialised():
            module: nn.Module = timm.create_model(self.architecture, pretrained=False, **kwargs)
        weights.fill(module, self.state)
        return module

    def _native(self, plain: nn.Module, run: Callable[[Any], Outputs]) -> Native:
        module = self.placement.cast(plain)
        return Native(module, lambda: run(module), plain.state_dict())

    @functools.cached_property
    def levels(self) -> list[int]:
        """The indices of all feature maps. Where each block is a level, a slim model has fewer of them."""
        with weights.uninitialised():
            one_level: Any = timm.create_model(self.architecture, features_only=True, out_indices=(0,))
        return list(range(len(one_level.feature_info.info)))

    def feature_maps(self, module: Any) -> Outputs:
        """The feature maps of a timm model made with `features_only`."""
        return numbered(module(self.image))

    def embedding(self, module: Any, pixels: Tensor | None = None) -> Outputs:
        """Unpooled features of a timm model, and pooled ones if it has a head to pool them."""
        last = module.forward_features(self.image if pixels is None else pixels.to(self.placement.dtype))
        pooled = {"pooler_output": module.forward_head(last)} if self.entry.classifier else {}
        return {"last_hidden_state": last, **pooled}

    @functools.cached_property
    def filled(self) -> nn.Module:
        """The model that is saved: with its head and telling weights, in float32 on the CPU."""
        with weights.uninitialised():
            module: nn.Module = timm.create_model(self.architecture, pretrained=False, **self.head_arguments)
        if self.placement.mapped is None:
            weights.fill(module)
        else:
            _fill_mapped(module, self.placement.mapped)
        return module.eval()

    @property
    def classes(self) -> int:
        """The number of classes of the head; 0 if the model can have none."""
        return CLASSES if self.entry.classifier else 0

    @property
    def labels(self) -> list[str]:
        """The names of the classes, which are not in the order of the alphabet."""
        return [f"kind {(3 * index) % self.classes}" for index in range(self.classes)]

    @property
    def head_arguments(self) -> dict[str, Any]:
        """The arguments of `timm.create_model` that give the model its head."""
        return {"num_classes": self.classes} if self.entry.classifier else {}

    def save(self, folder: Path, variant: "Variant", *, in_shards: bool = True) -> Path:
        """Write the checkpoint unless it is there already, and return its folder.

        A checkpoint whose weights lie in shards, written without `in_shards`, has a folder of its own.
        """
        state = self.state
        files = self.placement.mapped.files(STATE) if self.placement.mapped else ()
        if len(files) > 1 and not in_shards:
            folder, files = folder.with_name(f"{folder.name}{ONE_FILE}"), ()
        # The configuration is written last, so a checkpoint that was cut off lacks it.
        return folder if (folder / CONFIG).exists() else self.write(folder, variant, state, files)

    def write(self, folder: Path, variant: "Variant", state: Mapping[str, Tensor], files: Sequence[Path] = ()) -> Path:
        """Write a timm checkpoint as the hub has it: the weights, and a `config.json` without a model type.

        `files` are safetensors that hold the same weights already.
        """
        folder.mkdir(parents=True, exist_ok=True)
        variant.write({name: tensor.contiguous() for name, tensor in state.items()}, folder, files)
        (folder / CONFIG).write_text(json.dumps(variant.describe(self.config(), self.entry, self.size)))
        return folder

    def described(self, checkpoint: Path) -> Mapping[str, Any]:
        """What the `config.json` of a checkpoint says that `save` gave."""
        return config_in(checkpoint)

    def config(self) -> dict[str, Any]:
        """The `config.json` that describes this checkpoint."""
        timm_config = self.filled.pretrained_cfg
        preprocessing = ("mean", "std", "interpolation", "crop_pct", "crop_mode", "fixed_input_size", "pool_size")
        return {
            "architecture": self.architecture,
            "num_classes": self.classes,
            "num_features": self.filled.num_features,
            **({"label_names": self.labels} if self.classes else {}),
            "pretrained_cfg": {
                **{name: timm_config[name] for name in preprocessing if name in timm_config},
                "architecture": self.architecture,
                "input_size": list(self.input_size),
                "num_classes": self.classes,
            },
        }


def _fill_mapped(module: nn.Module, mapped: MappedTensors) -> None:
    """Give a module its telling weights, mapped from files."""
    state = module.state_dict(keep_vars=True)
    last = {id(tensor): name for name, tensor in state.items()}  # a tensor with two names has the last one's value
    values = mapped.store(STATE, state, lambda name: weights.value(last[id(state[name])], state[name], state))
    for name, tensor in state.items():
        tensor.data = values[name]
