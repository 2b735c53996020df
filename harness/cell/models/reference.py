"""The native side of a case: one timm model, filled with telling weights, and what it computes.

Everything here is timm's own. The cases of one model share one subject, so that a model is built, saved and run once.
"""

import copy
import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import timm
import torch
from timm.utils.model import freeze_batch_norm_2d
from torch import Tensor, nn

from ...contract.catalog import BERT, Entry
from . import slim, weights
from .mapped_tensors import MappedTensors
from .variants import Variant

CLASSES: Final = 10
LARGE: Final = 2**20  # numbers in a tensor
STATE: Final = "state"
WHOLE: Final = "-whole"
OF_ALL_ROUTES: Final = frozenset({"architecture", "filled", "classifier", "headless", "levels", "pixels", "image"})
Outputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Placement:
    """Where and in what precision a lane computes, and where native weights lie that memory shall not have to hold."""

    device: str
    dtype: torch.dtype
    mapped: MappedTensors | None = None

    @property
    def is_default(self) -> bool:
        """Whether models need no conversion to compute here."""
        return bool(self.dtype == torch.float32)

    def put(self, loaded: Any) -> Any:
        """A loaded model where users of this device put it: nobody moves a model to the CPU that it is on."""
        return (loaded if self.device == "cpu" else loaded.to(self.device)).eval()

    def cast(self, module: Any) -> Any:
        """A module of float32 on the CPU as this lane has it, in eval mode; the one given stays as it is."""
        if self.is_default and self.device == "cpu":
            return module.eval()
        tensors = tensors_of(module)
        converted = self._converted(tensors) if self.mapped is None or self.device != "cpu" else self._kept(tensors)
        # Handed to deepcopy as copied already, weights are converted without a copy in float32.
        copies = {id(tensor): _as(tensor, converted[name]) for name, tensor in tensors.items()}
        return copy.deepcopy(module, copies).to(self.device, self.dtype).eval()

    def _converted(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {
            name: tensor.detach().to(self.device, self._dtype(tensor), copy=True) for name, tensor in tensors.items()
        }

    def _kept(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        mapped: Any = self.mapped
        like = {name: tensor.to("meta", self._dtype(tensor)) for name, tensor in tensors.items()}
        kept: Mapping[str, Tensor] = mapped.lend(like, lambda name: tensors[name])
        return kept

    def _dtype(self, tensor: Tensor) -> torch.dtype:
        return self.dtype if tensor.is_floating_point() else tensor.dtype


def _as(tensor: Tensor, copied: Tensor) -> Tensor:
    """A copy that is a parameter where the tensor is one."""
    return nn.Parameter(copied, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copied


@dataclass(frozen=True, eq=False)
class Runs:
    """Two runs of the same model on the same input, without gradients; the second only where somebody asks for it."""

    run: Callable[[], Outputs]
    run_again: Callable[[], Outputs]

    @classmethod
    def of(cls, run: Callable[[], Outputs]) -> "Runs":
        """The same twice."""
        return cls(run, run)

    @functools.cached_property
    def first(self) -> Outputs:
        """The outputs."""
        with torch.no_grad():
            return self.run()

    @functools.cached_property
    def second(self) -> Outputs:
        """The same outputs computed once more: how far they lie from the first is noise."""
        with torch.no_grad():
            return self.run_again()


@dataclass(frozen=True, eq=False)
class Native:
    """A timm model with telling weights where its lane computes, in eval mode, and how timm's users run it.

    `state` is its checkpoint: the same weights in float32 on the CPU, by the model's own names.
    """

    module: Any
    run: Callable[[], Outputs]
    state: Mapping[str, Tensor]

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


def numbered(maps: Any) -> Outputs:
    """Feature maps by name: `feature_maps.0` and on."""
    return {f"feature_maps.{index}": tensor for index, tensor in enumerate(maps)}


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, non-persistent buffers included."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
