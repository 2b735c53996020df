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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import timm
import torch
import transformers
from packaging.specifiers import SpecifierSet
from torch import Tensor, nn

from ..atlas.rules import known
from ..cell.compare.diagnosis import equal
from ..cell.user_models import target, tensor_files
from ..cell.user_models.key_renames import KNOWN
from ..contract.checkpoint import Checkpoint
from ..contract.matching import covers_releases
from ..remedies import models

CLOSE: Final = 1e-2
"""Of the largest value: a table that was computed in lower precision is as it should be."""
SHOWN: Final = 3  # names
UNREAD: Final = ("variant", "gguf_file", "adapter_kwargs", "quantization_config", "key_mapping")
"""Arguments of from_pretrained with which a checkpoint is another one, or has other names."""
OF_NAMES: Final[Mapping[str, str]] = {"weight": "gamma-renamed", "bias": "beta-renamed"}
"""The rule for what a rename makes of a name."""
AGAIN: Final = "initialised-again-by-data"
UNEXPLAINED: Final = "they are not as the checkpoint has them, and no rule of matrix.yaml says why"


@dataclass(frozen=True)
class Loss:
    """What was lost for one reason: the rule of matrix.yaml that says why, if there is one, and the tensors' names."""

    rule: str
    names: tuple[str, ...]

    @property
    def because(self) -> str:
        """Why it was lost."""
        return known()[self.rule].because if self.rule else UNEXPLAINED

    @property
    def advice(self) -> str:
        """What to do, so that it is not lost again."""
        return known()[self.rule].advice if self.rule else "Report it."

    def __str__(self) -> str:
        more = len(self.names) - SHOWN
        names = f"{', '.join(self.names[:SHOWN])}{f' and {more} more' if more > 0 else ''}"
        return f"{names}: {self.because}{f' ({self.rule})' if self.rule else ''}. {self.advice}"


class Lost(RuntimeError):
    """A load that lost something without saying so; `losses` has what, and `model` the model as it was loaded."""

    def __init__(self, model: nn.Module, losses: tuple[Loss, ...]) -> None:
        super().__init__("\n".join(map(str, losses)))
        self.model = model
        self.losses = losses


def mend(model: nn.Module, folder: str | Path | None = None) -> tuple[Loss, ...]:
    """Mend in place a model that was just loaded, and say what of it was lost; empty if nothing was found.

    `folder` has the checkpoint that it was loaded from. What a rule explains is set to what the checkpoint has; what
    none explains is told, and left as it is. Without `folder` buffers alone are mended. Raises ValueError for a folder
    without a checkpoint or with that of another model, and `cell.user_models.target.Unusable` for one that cannot be
    read.
    """
    state = None if folder is None else tensor_files.state_of(Checkpoint.read(Path(folder)))
    return tuple(_losses(model, state, mend=True))


@contextlib.contextmanager
def guard() -> Iterator[None]:
    """Within it `from_pretrained` of any model raises Lost where it loses something in silence.

    It reads the checkpoint a second time. Where it cannot, as of a model from the hub, it warns, and looks at buffers
    alone.
    """
    original = transformers.PreTrainedModel.__dict__["from_pretrained"]

    def guarded(cls: Any, *arguments: Any, **options: Any) -> Any:
        loaded = original.__get__(None, cls)(*arguments, **options)
        model = loaded[0] if isinstance(loaded, tuple) else loaded
        try:
            state = _state_of(arguments[0] if arguments else None, options)
            losses = tuple(_losses(model, state, mend=False))
        except (ValueError, OSError, target.Unusable) as error:
            warnings.warn(f"{type(model).__name__}: {error}; its buffers alone were looked at", stacklevel=2)
            losses = tuple(_losses(model, None, mend=False))
        if losses:
            raise Lost(model, losses)
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


def _losses(model: nn.Module, state: Mapping[str, Tensor] | None, *, mend: bool) -> Iterator[Loss]:
    for rule, lost in _changed(model, state).items() if state is not None else ():
        if mend and rule:
            with torch.no_grad():
                for name, tensor in lost.items():
                    model.state_dict()[name].copy_(tensor)
        yield Loss(rule, tuple(lost))
    if names := _unset(model, mend=mend):
        yield Loss(_rule_of_buffers(model), names)


def _changed(model: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, dict[str, Tensor]]:
    """By rule the checkpoint's tensors that the model has with other values, by the model's names.

    Raises ValueError where none has a name that the model has.
    """
    own_state = model.state_dict()
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
            found.setdefault(_rule_of(saved), {})[name] = tensor
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
    version = transformers.__version__
    renames = (one for one in KNOWN if SpecifierSet(one.releases).contains(version, prereleases=True))
    into = next((one.into for one in renames if one.pattern.search(name)), "")
    return OF_NAMES.get(into.rpartition(".")[2], "") or (AGAIN if _covers(AGAIN) else "")


def _covers(rule: str) -> bool:
    """Whether the releases of a rule contain those that are installed."""
    versions = (transformers.__version__, timm.__version__, torch.__version__)
    return covers_releases(known()[rule], *versions)


def _unset(model: nn.Module, *, mend: bool) -> tuple[str, ...]:
    """The buffers of no checkpoint that are not what timm and Gemma3n compute; left as they were unless mended.

    timm before 1.0.23 cannot compute them again in a model that is there, and nothing is said of them.
    """
    saved = model.state_dict()
    buffers = {name: buffer for name, buffer in model.named_buffers() if name not in saved and not buffer.is_meta}
    can_fill = any(callable(getattr(module, "init_non_persistent_buffers", None)) for module in model.modules())
    if not buffers:
        return ()
    before = {name: buffer.clone() for name, buffer in buffers.items()}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        if can_fill:
            models.fill_non_persistent_buffers(model, {}, None)
        models.set_gemma3n_audio_buffers(model, {}, None)
    now = dict(model.named_buffers())
    lost = tuple(name for name, buffer in before.items() if not _close(buffer, now[name]))
    with torch.no_grad():
        for name in before if not mend else before.keys() - set(lost):
            now[name].copy_(before[name])
    return lost


def _close(one: Tensor, other: Tensor) -> bool:
    """Whether two tables are the same, but for the precision in which they were computed."""
    if one.shape != other.shape or not one.is_floating_point():
        return equal(one, other)
    wide, expected = one.to(torch.float64), other.to(torch.float64)
    finite = expected[expected.isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    return bool(torch.allclose(wide, expected, rtol=CLOSE, atol=CLOSE * largest, equal_nan=True))


def _rule_of_buffers(model: nn.Module) -> str:
    """The rule about the buffers of a model of this kind with the installed releases; empty where none is known."""
    name = type(model).__name__
    if name.startswith("Gemma3n"):
        kind = "gemma3n-audio-buffers-unset"
    elif "Detr" in name:
        kind = "buffers-in-detr"
    else:
        kind = "buffers-before-timm-fills-them" if name.startswith("TimmWrapper") else "buffers-in-own-model"
    return next((rule for rule in (kind, "buffers-filled-later") if _covers(rule)), "")
