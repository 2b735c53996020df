"""The native side of a case: one timm model, filled with telling weights, and what it computes.

Everything here is timm's own. The cases of one model share one subject, so that a model is built, saved and run once.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import timm
from timm.utils.model import freeze_batch_norm_2d
from torch import Tensor, nn

from ...contract.catalog import BERT, Entry
from . import slim, weights
from .mapped_tensors import MappedTensors
from .native import Native, Outputs, numbered
from .placement import Placement, tensors_of
from .variants import Variant

CLASSES: Final = 10
LARGE: Final = 2**20  # numbers in a tensor
STATE: Final = "state"
WHOLE: Final = "-whole"
OF_ALL_ROUTES: Final = frozenset({"architecture", "filled", "classifier", "headless", "levels", "pixels", "image"})


class ReferenceModel:
    """One model of timm, at one size and in one place."""

    def __init__(self, entry: Entry, size: str, placement: Placement) -> None:
        self.entry = entry
        self.size = size
        self.placement = placement
        self.input_size = entry.slim.input_size if size == "slim" else entry.smallest_input

    @functools.cached_property
    def architecture(self) -> str:
        """What timm's registry knows the model by."""
        return slim.register(self.entry) if self.size == "slim" else self.entry.model

    @functools.cached_property
    def pixels(self) -> Tensor:
        """Pixels of shape (1, channels, height, width), in float32 as every processor gives them."""
        return weights.image(self.input_size).to(self.placement.device)

    @functools.cached_property
    def image(self) -> Tensor:
        """The same in the lane's dtype, as a model wants them that does not convert them itself."""
        return self.pixels.to(self.placement.dtype)

    @functools.cached_property
    def state(self) -> Mapping[str, Tensor]:
        """The checkpoint: telling weights in float32 on the CPU, by timm's names, those of the head included."""
        state: Mapping[str, Tensor] = self.filled.state_dict()
        return state

    def forget(self) -> None:
        """Let go of what the next route may have no use for, where memory is short."""
        if self.placement.mapped is not None:
            made = {
                name for name in vars(self) if isinstance(getattr(type(self), name, None), functools.cached_property)
            }
            for name in made - OF_ALL_ROUTES:
                delattr(self, name)

    def default(self, name: str) -> Tensor | None:
        """What timm's own constructor gives a tensor, in this lane's precision; None for a name that it does not.

        None for a large one too, which no LayerScale is: all of them take as much memory as the model.
        """
        if self.entry.model == BERT.model:
            return None
        found = self._defaults.get(weights.spelling(name))
        return None if found is None or self._is_left(found) else found

    def _is_left(self, tensor: Tensor) -> bool:
        return bool(tensor.numel() > LARGE)

    @functools.cached_property
    def _defaults(self) -> Mapping[str, Tensor]:
        tensors = tensors_of(self.placement.cast(self._constructed))
        return {weights.spelling(name): tensor for name, tensor in tensors.items()}

    @functools.cached_property
    def _constructed(self) -> nn.Module:
        with weights.cheap_randomness(LARGE):
            module: nn.Module = timm.create_model(self.architecture, pretrained=False, **self._head)
        return module

    @functools.cached_property
    def classifier(self) -> Native:
        """The model with a classification head, where it can have one: logits."""
        return self._native(self.filled, lambda module: {"logits": module(self.image)})

    @functools.cached_property
    def headless(self) -> Native:
        """The model without a classification head, as TimmWrapperModel and most towers build it."""
        return self.create(self.embedding, num_classes=0)

    @functools.cached_property
    def features(self) -> Native:
        """The model as a backbone: every feature map it has."""
        return self.features_at(self.levels)

    def features_at(self, levels: Sequence[int], **kwargs: Any) -> Native:
        """The model as a backbone that gives these levels, with more arguments of `timm.create_model`."""
        return self.create(self.feature_maps, features_only=True, out_indices=list(levels), **kwargs)

    @functools.cached_property
    def frozen_features(self) -> Native:
        """The backbone with all its levels, batch norms frozen by timm."""
        plain = self._plain(features_only=True, out_indices=self.levels)
        return self._native(freeze_batch_norm_2d(plain), self.feature_maps)

    def create(self, run: Callable[[Any], Outputs], **kwargs: Any) -> Native:
        """What a user of timm gets for these arguments of `timm.create_model`, with the telling weights."""
        return self._native(self._plain(**kwargs), run)

    def without(self, names: Iterable[str]) -> Native:
        """The headless model, whose parameters of these names are what timm's own constructor gives them."""
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
        """The indices of all feature maps. A slim model has as many as blocks are left, where blocks are levels."""
        with weights.uninitialised():
            one_level: Any = timm.create_model(self.architecture, features_only=True, out_indices=(0,))
        return list(range(len(one_level.feature_info.info)))

    def feature_maps(self, module: Any) -> Outputs:
        """The feature maps of a timm model that was made with `features_only`."""
        return numbered(module(self.image))

    def embedding(self, module: Any) -> Outputs:
        """Unpooled features of a timm model, and pooled ones where there is a head to pool them."""
        last = module.forward_features(self.image)
        pooled = {"pooler_output": module.forward_head(last)} if self.entry.classifier else {}
        return {"last_hidden_state": last, **pooled}

    @functools.cached_property
    def filled(self) -> nn.Module:
        """The model that is saved: with its head, telling weights, float32 on the CPU."""
        with weights.uninitialised():
            module: nn.Module = timm.create_model(self.architecture, pretrained=False, **self._head)
        if self.placement.mapped is None:
            weights.fill(module)
        else:
            _keep(module, self.placement.mapped)
        return module.eval()

    @property
    def classes(self) -> int:
        """How many the head tells apart; 0 where the model can have none."""
        return CLASSES if self.entry.classifier else 0

    @property
    def _head(self) -> dict[str, Any]:
        return {"num_classes": self.classes} if self.entry.classifier else {}

    def save(self, folder: Path, variant: Variant, *, in_shards: bool = True) -> Path:
        """The checkpoint, written where it is not there yet; in one file where it may not lie in shards."""
        state = self.state
        files = self.placement.mapped.files(STATE) if self.placement.mapped else ()
        if len(files) > 1 and not in_shards:
            folder, files = folder.with_name(f"{folder.name}{WHOLE}"), ()
        whole = (folder / "config.json").exists()  # written last: a checkpoint that was cut off is written again
        return folder if whole else self.write(folder, variant, state, files)

    def write(self, folder: Path, variant: Variant, state: Mapping[str, Tensor], files: Sequence[Path] = ()) -> Path:
        """Write a timm checkpoint as the hub holds them: a `config.json` without a model type, and the weights.

        `files`: where the same weights lie as safetensors already.
        """
        folder.mkdir(parents=True, exist_ok=True)
        variant.write({name: tensor.contiguous() for name, tensor in state.items()}, folder, files)
        (folder / "config.json").write_text(json.dumps(variant.described(self.config(), self.entry, self.size)))
        return folder

    def config(self) -> dict[str, Any]:
        """The `config.json` that describes this checkpoint."""
        given = self.filled.pretrained_cfg
        kept = ("mean", "std", "interpolation", "crop_pct", "crop_mode", "fixed_input_size", "pool_size")
        return {
            "architecture": self.architecture,
            "num_classes": self.classes,
            "num_features": self.filled.num_features,
            "pretrained_cfg": {
                **{name: given[name] for name in kept if name in given},
                "architecture": self.architecture,
                "input_size": list(self.input_size),
                "num_classes": self.classes,
            },
        }


def _keep(module: nn.Module, mapped: MappedTensors) -> None:
    """Give a module its telling weights in a file."""
    state = module.state_dict(keep_vars=True)
    last = {id(tensor): name for name, tensor in state.items()}  # one of two names has one value
    kept = mapped.keep(STATE, state, lambda name: weights.value(last[id(state[name])], state[name]))
    for name, tensor in state.items():
        tensor.data = kept[name]
