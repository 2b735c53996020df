"""What a load lost in silence: `mend` mends a loaded model, and `guard` raises where a load loses something.

    from layerscale_matrix import guard

    with guard():
        model = MyModel.from_pretrained(folder)

Both look for what transformers loses without a word, and what can be told from the loaded model and its checkpoint:
tensors that are not as the checkpoint has them, because their names were rewritten or because they were initialised
again, and buffers that are in no checkpoint.
"""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import timm
import torch
import transformers
from packaging.specifiers import SpecifierSet
from torch import Tensor, nn

from ..atlas.rules import known
from ..cell.compare.diagnosis import equal
from ..cell.guards import memory
from ..cell.user_models import target, tensor_files
from ..cell.user_models.key_renames import KNOWN, SWAPPED
from ..contract.checkpoint import Checkpoint
from ..contract.matching import covers_releases
from .buffers import examine, set_to
from .loss import BUFFERS, PREFIX, Found, Loss, Lost

UNREAD: Final = ("variant", "gguf_file", "adapter_kwargs", "quantization_config", "key_mapping")
"""Arguments of from_pretrained with which a checkpoint is another one, or has other names."""
OF_NAMES: Final[Mapping[str, str]] = {"weight": "gamma-renamed", "bias": "beta-renamed"}
"""The rule for what a rename makes of a name."""
AGAIN: Final = "initialised-again-by-data"


def mend(model: nn.Module, folder: str | Path | None = None) -> tuple[Loss, ...]:
    """Mend in place a model that was just loaded, and say what of it was lost; empty if nothing was found.

    `folder` has the checkpoint that it was loaded from. What a rule explains is set to what the checkpoint has; what
    none explains is told, and left as it is. Without `folder` buffers alone are mended. Warns of buffers that could not
    be checked. Raises ValueError for a folder without a checkpoint or with that of another model, and Unusable for one
    that cannot be read.
    """
    found = examined(model, folder)
    if found.doubt:
        warnings.warn(found.doubt, stacklevel=3)
    return found.losses


def examined(model: nn.Module, folder: str | Path | None = None) -> Found:
    """As `mend`, with what could not be checked, and without a warning."""
    state = None if folder is None else tensor_files.state_of(Checkpoint.read(Path(folder)))
    return _found(model, state, mend=True)


@contextlib.contextmanager
def guard() -> Iterator[None]:
    """Within it `from_pretrained` of any model raises Lost where it loses something in silence.

    It reads the checkpoint a second time. Where it cannot, as of a model from the hub, it warns, and looks at buffers
    alone. It warns too of buffers that it cannot check. Where transformers leaves memory as it is, it is filled.
    """
    original = transformers.PreTrainedModel.__dict__["from_pretrained"]

    def guarded(cls: Any, *arguments: Any, **options: Any) -> Any:
        with memory.poisoned() if covers(BUFFERS) else contextlib.nullcontext():
            loaded = original.__get__(None, cls)(*arguments, **options)
        model = loaded[0] if isinstance(loaded, tuple) else loaded
        try:
            state = _state_of(arguments[0] if arguments else None, options)
            found = _found(model, state, mend=False)
        except (ValueError, OSError, target.Unusable) as error:
            warnings.warn(f"{type(model).__name__}: {error}; its buffers alone were looked at", stacklevel=2)
            found = _found(model, None, mend=False)
        if found.losses:
            raise Lost(model, found.losses)
        if found.doubt:
            warnings.warn(found.doubt, stacklevel=2)
        return loaded

    transformers.PreTrainedModel.from_pretrained = classmethod(guarded)
    try:
        yield
    finally:
        transformers.PreTrainedModel.from_pretrained = original


def _state_of(source: Any, options: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """The tensors that `from_pretrained` was given. Raises ValueError where they cannot be told from its arguments."""
    if (state := options.get("state_dict")) is not None:
        return {name: tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}
    if source is None or not Path(str(source)).is_dir():
        raise ValueError(f"{source} is no folder of this machine, so that its checkpoint was not compared")
    if unread := [name for name in UNREAD if options.get(name)]:
        raise ValueError(f"the checkpoint was not compared, because of {', '.join(unread)}")
    return tensor_files.state_of(Checkpoint.read(Path(str(source)) / str(options.get("subfolder") or "")))


def _found(model: nn.Module, state: Mapping[str, Tensor] | None, *, mend: bool) -> Found:
    losses = []
    for rule, lost in _changed(model, state).items() if state is not None else ():
        if mend and rule:
            set_to(model.state_dict(), lost)
        losses.append(Loss(rule, tuple(lost), left=not rule))
    buffers = examine(model, own_too=covers(BUFFERS), mend=mend)
    if buffers.of_timm:
        losses.append(Loss(_rule_of_buffers(model), buffers.of_timm))
    if buffers.own:
        losses.append(Loss(BUFFERS, buffers.own, own=True))
    if buffers.unset:
        losses.append(Loss(BUFFERS, buffers.unset, own=True, left=True))
    return Found(tuple(losses), buffers.unchecked, type(model).__name__)


def _changed(model: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, dict[str, Tensor]]:
    """By rule the checkpoint's tensors that the model has with other values, by the model's names.

    Raises ValueError where none has a name that the model has.
    """
    own_state = model.state_dict()
    covers_swaps = _has(SWAPPED)
    found: dict[str, dict[str, Tensor]] = {}
    known_names = 0
    for saved, tensor in state.items():
        name = next((name for name in _names(model, saved) if name in own_state), None)
        if name is None:
            continue
        known_names += 1
        own = own_state[name]
        if own.is_meta or own.shape != tensor.shape:
            continue  # left on the disk, or made anew in another size
        if own.is_floating_point() == tensor.is_floating_point() and not equal(own.cpu(), tensor.cpu().to(own.dtype)):
            swapped = covers_swaps and any(other in state for other in _names(model, saved) if other != saved)
            found.setdefault(PREFIX if swapped else _rule_of(saved), {})[name] = tensor
    if state and not known_names:
        raise ValueError("no tensor of the checkpoint has a name that the model has")
    return found


def _names(model: nn.Module, saved: str) -> Iterator[str]:
    """What a tensor of a checkpoint may be called in a model: a base model is loaded into one with a head, and back."""
    prefix = getattr(model, "base_model_prefix", "")
    yield saved
    if prefix:
        yield f"{prefix}.{saved}"
        yield saved.removeprefix(f"{prefix}.")


def _rule_of(name: str) -> str:
    """The rule about what this transformers does to a tensor of this name; empty where none is known."""
    into = next((rename.into for rename in KNOWN if _has(rename.releases) and rename.pattern.search(name)), "")
    return OF_NAMES.get(into.rpartition(".")[2], "") or (AGAIN if covers(AGAIN) else "")


def _has(releases: str) -> bool:
    """Whether the installed transformers is one of these releases."""
    return SpecifierSet(releases).contains(transformers.__version__, prereleases=True)


def covers(rule: str) -> bool:
    """Whether the releases of a rule contain those that are installed."""
    versions = (transformers.__version__, timm.__version__, torch.__version__)
    return covers_releases(known()[rule], *versions)


def _rule_of_buffers(model: nn.Module) -> str:
    """The rule about the buffers of a model of this kind with the installed releases; empty where none is known."""
    name = type(model).__name__
    if name.startswith("Gemma3n"):
        kind = "gemma3n-audio-buffers-unset"
    elif "Detr" in name:
        kind = "buffers-in-detr"
    else:
        kind = "buffers-before-timm-fills-them" if name.startswith("TimmWrapper") else "buffers-in-own-model"
    return next((rule for rule in (kind, "buffers-filled-later") if covers(rule)), "")
