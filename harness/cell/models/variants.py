"""How a checkpoint is stored, placed or described.

To add a variant: a class, a line in VARIANTS, and its name in `contract/routes` and on routes of matrix.yaml.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import torch
from huggingface_hub import save_torch_state_dict
from packaging.version import Version
from safetensors.torch import save_file
from torch import Tensor

from ...contract.case import DEFAULT_VARIANT, Size
from ...contract.catalog import Entry
from ...contract.checkpoint import LARGEST_FILE
from ...contract.routes import COMPANION_OF
from .installed import ACCELERATE, ALWAYS_LOW_CPU_MEM, KEEPS_DTYPE, MODEL_ARGS, Release, is_there
from .mapped_tensors import SHARD, link, link_shards, refuse_one_file, shard_size, size_of
from .reference import ReferenceModel
from .rounded import Rounded, round_to_half

SAFETENSORS: Final = "model.safetensors"
BIN: Final = "pytorch_model.bin"
NAMED: Final = "fp16"
ONLY_SAFETENSORS: Final = Version("5.0.0.dev0")  # from here on save_pretrained writes no other format

State = Mapping[str, Tensor]


class Variant:
    """The default: one safetensors file, loaded without arguments."""

    name: ClassVar[str] = DEFAULT_VARIANT
    given: ClassVar[Mapping[str, Any]] = {}
    """The arguments of `from_pretrained`, if they are the same on each device."""

    @property
    def runs(self) -> bool:
        """Whether its models run; of others only names, tensors and flags are compared."""
        return True

    def stored(self, reference: ReferenceModel, release: Release) -> ReferenceModel:  # noqa: ARG002
        """The reference model with the weights that this variant stores."""
        return reference

    def round(self, model: Any) -> None:
        """Give a float32 model the values that this variant stores."""

    def stored_tensor(self, tensor: Tensor) -> Tensor:
        """A tensor of a float32 model as the files of this variant hold it."""
        return tensor

    @property
    def is_default(self) -> bool:
        """Whether this is the default variant."""
        return self.name == DEFAULT_VARIANT

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Why this release or model does not have the variant; None if it has. Nothing is loaded to find out."""
        return None

    def write(self, state: State, folder: Path, files: Sequence[Path] = ()) -> None:
        """Store a state dict as users of timm do. If `files` hold it already, they are linked instead."""
        if not files:
            save_file(dict(state), folder / SAFETENSORS, metadata={"format": "pt"})
        elif len(files) == 1:
            link(files[0], folder / SAFETENSORS)
        else:
            link_shards(files, folder)

    def save(self, model: Any, folder: Path, release: Release, left_out: frozenset[str]) -> None:  # noqa: ARG002
        """Store a model of transformers as its users do, without the tensors `left_out`."""
        model.save_pretrained(folder, **_without(model, left_out))

    def save_in_shards(self, model: Any, folder: Path, release: Release, left_out: frozenset[str]) -> None:
        """Store a model as `save` does, but in several files if it is too large for one."""
        stores_one_file = type(self).save is Variant.save
        if stores_one_file and size_of(model.state_dict()) > LARGEST_FILE:
            model.save_pretrained(folder, max_shard_size=SHARD, **_without(model, left_out))
        else:
            self.save(model, folder, release, left_out)

    def describe(self, config: Mapping[str, Any], entry: Entry, size: str) -> Mapping[str, Any]:  # noqa: ARG002
        """The `config.json` of a timm checkpoint, from the usual one."""
        return config

    def arguments(self, device: str) -> Mapping[str, Any]:  # noqa: ARG002
        """The arguments of `from_pretrained`."""
        return self.given


class Sharded(Variant):
    """Two or more safetensors files, with an index."""

    name = "sharded"

    def write(self, state: State, folder: Path, files: Sequence[Path] = ()) -> None:  # noqa: ARG002
        """Store shards of a state dict as huggingface_hub does."""
        save_torch_state_dict(dict(state), folder, max_shard_size=shard_size(state))
        refuse_one_file(folder)

    def save(self, model: Any, folder: Path, release: Release, left_out: frozenset[str]) -> None:  # noqa: ARG002
        """Store shards by `max_shard_size`."""
        size = shard_size(model.state_dict())
        model.save_pretrained(folder, max_shard_size=size, **_without(model, left_out))
        refuse_one_file(folder)


class Bin(Variant):
    """One file in torch's own format."""

    name = "bin"

    def write(self, state: State, folder: Path, files: Sequence[Path] = ()) -> None:  # noqa: ARG002
        """Store a state dict by `torch.save`."""
        torch.save(dict(state), folder / BIN)

    def save(self, model: Any, folder: Path, release: Release, left_out: frozenset[str]) -> None:
        """Store a model as transformers 4 does on request; transformers 5 reads such files, but writes none."""
        if release.transformers < ONLY_SAFETENSORS:
            model.save_pretrained(folder, safe_serialization=False, **_without(model, left_out))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            model.config.save_pretrained(folder)
            torch.save(_remaining(model, left_out), folder / BIN)


class LowCpuMem(Variant):
    """One safetensors file, loaded with `low_cpu_mem_usage=True`."""

    name = "low-cpu-mem"
    given: ClassVar = {"low_cpu_mem_usage": True}

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Unsupported where transformers needs accelerate for the flag, or ignores it."""
        if release.transformers < ACCELERATE:
            return f"before transformers {ACCELERATE} this asks for accelerate"
        if release.transformers >= ALWAYS_LOW_CPU_MEM:
            return "transformers 5 always loads like this, and drops low_cpu_mem_usage unread"
        return None


class DeviceMap(Variant):
    """One safetensors file, loaded with a `device_map` of all modules to the lane's device, and of a tower to disk."""

    name = "device-map"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Unsupported without accelerate, which every release needs for it."""
        companion = COMPANION_OF[self.name]
        return None if is_there(companion) else f"device_map asks for {companion}, which is not installed"

    def arguments(self, device: str) -> Mapping[str, Any]:
        """The map of all modules to `device`."""
        return {"device_map": {"": device}}


class Named(Variant):
    """One safetensors file named `model.fp16.safetensors`, loaded with `variant="fp16"`."""

    name = "named"
    given: ClassVar = {"variant": NAMED}

    def write(self, state: State, folder: Path, files: Sequence[Path] = ()) -> None:  # noqa: ARG002
        """Store a state dict in a file of that name."""
        save_file(dict(state), folder / f"model.{NAMED}.safetensors", metadata={"format": "pt"})

    def save(self, model: Any, folder: Path, release: Release, left_out: frozenset[str]) -> None:  # noqa: ARG002
        """Store a model by `variant`."""
        model.save_pretrained(folder, variant=NAMED, **_without(model, left_out))


class ModelArgs(Variant):
    """The architecture under its own name, with its shape in the configuration's `model_args`."""

    name = "model-args"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Unsupported where TimmWrapper ignores `model_args`, or `create_model` has none for the slim shape."""
        if release.transformers < MODEL_ARGS:
            return f"TimmWrapper takes model_args since transformers {MODEL_ARGS}; before, it ignores them"
        if not entry.slim.args:
            return f"{entry.model} is the same when slim: there are no model_args to give"
        if not entry.slim.creatable:
            return f"timm.create_model does not take the arguments that make {entry.model} slim"
        return None

    def describe(self, config: Mapping[str, Any], entry: Entry, size: str) -> Mapping[str, Any]:
        """The `config.json` with the shape as arguments of timm's constructor."""
        if not Size(size).is_cut:
            return {**config, "model_args": {"in_chans": entry.input_size[0]}}
        pretrained = {**config["pretrained_cfg"], "architecture": entry.model}
        return {**config, "architecture": entry.model, "pretrained_cfg": pretrained, "model_args": entry.cut(size).args}


class Half(Variant):
    """One safetensors file in float16, loaded without a dtype: transformers 5 keeps it, transformers 4 widens it."""

    name = "half"

    @property
    def runs(self) -> bool:
        """False: not everything runs in float16 on a CPU."""
        return False

    def write(self, state: State, folder: Path, files: Sequence[Path] = ()) -> None:  # noqa: ARG002
        """Store a state dict in float16."""
        super().write({name: self.stored_tensor(tensor) for name, tensor in state.items()}, folder)

    def stored_tensor(self, tensor: Tensor) -> Tensor:
        """A floating-point tensor in float16."""
        return tensor.half() if tensor.is_floating_point() else tensor

    def save(self, model: Any, folder: Path, release: Release, left_out: frozenset[str]) -> None:
        """Store a model as after `half()`."""
        super().save(copy.deepcopy(model).half(), folder, release, left_out)

    def stored(self, reference: ReferenceModel, release: Release) -> ReferenceModel:
        """The reference model with rounded weights, in the dtype that a load without one gives."""
        return Rounded.of(reference, keeps=release.transformers >= KEEPS_DTYPE)

    def round(self, model: Any) -> None:
        """Round all floating-point parameters and buffers of a checkpoint to float16."""
        round_to_half(model)


class Attention(Variant):
    """One safetensors file, loaded with `attn_implementation="eager"`, where transformers' default is torch's fused."""

    name = "attention"
    given: ClassVar = {"attn_implementation": "eager"}


VARIANTS: Final[Mapping[str, Variant]] = {
    variant.name: variant
    for variant in (Variant(), Sharded(), Bin(), LowCpuMem(), DeviceMap(), Named(), ModelArgs(), Half(), Attention())
}


def _without(model: Any, left_out: frozenset[str]) -> Mapping[str, State]:
    """The argument of `save_pretrained` that leaves tensors out; none if `left_out` is empty."""
    return {"state_dict": _remaining(model, left_out)} if left_out else {}


def _remaining(model: Any, left_out: frozenset[str]) -> State:
    return {name: tensor for name, tensor in model.state_dict().items() if name not in left_out}
