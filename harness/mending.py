"""What a load lost in silence: `repair` mends a loaded model, and `guard` raises where a load loses something.

    from layerscale_matrix import guard, repair

    for mended in repair(model, folder):
        print(mended)

    with guard():
        model = MyModel.from_pretrained(folder)

Both look for what transformers loses without a word, and what can be told from the loaded model and its checkpoint:
tensors that are not as the checkpoint has them, because their names were rewritten or because they were initialised
again, and buffers that are in no checkpoint. They need torch, timm and transformers.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from packaging.specifiers import SpecifierSet
from torch import Tensor, nn

from .atlas.rules import known
from .cell.compare.diagnosis import equal
from .cell.user_models import tensor_files
from .cell.user_models.key_renames import KNOWN
from .contract.checkpoint import Checkpoint
from .remedies import models

CLOSE: Final = 1e-2
"""Of the largest value: a table that was computed in lower precision is as it should be."""
SHOWN: Final = 3  # names
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


def repair(model: nn.Module, folder: str | Path | None = None) -> tuple[Loss, ...]:
    """Mend a loaded model in place, and say what of it was lost; empty if nothing was.

    `folder` has the checkpoint that the model was loaded from, by default the one that its `name_or_path` names.
    Without it buffers alone are mended. Raises ValueError for a folder without a checkpoint, and
    `cell.user_models.target.Unusable` for one that cannot be read.
    """
    return tuple(_losses(model, _checkpoint(model, folder), mend=True))


@contextlib.contextmanager
def guard() -> Iterator[None]:
    """Within it `from_pretrained` of any model raises Lost where it loses something in silence.

    It reads the checkpoint a second time.
    """
    original = transformers.PreTrainedModel.__dict__["from_pretrained"]

    def guarded(cls: Any, *arguments: Any, **options: Any) -> Any:
        loaded = original.__get__(None, cls)(*arguments, **options)
        model = loaded[0] if isinstance(loaded, tuple) else loaded
        if losses := tuple(_losses(model, _checkpoint(model, None), mend=False)):
            raise Lost(model, losses)
        return loaded

    transformers.PreTrainedModel.from_pretrained = classmethod(guarded)
    try:
        yield
    finally:
        transformers.PreTrainedModel.from_pretrained = original


def _losses(model: nn.Module, checkpoint: Checkpoint | None, *, mend: bool) -> Iterator[Loss]:
    for rule, lost in _changed(model, checkpoint).items():
        if mend:
            _put(model, lost)
        yield Loss(rule, tuple(lost))
    if names := _unset(model, mend=mend):
        yield Loss(_rule_of_buffers(model), names)


def _checkpoint(model: nn.Module, folder: str | Path | None) -> Checkpoint | None:
    """The checkpoint in the folder, or in that which the model names; None if that is none of this machine.

    Raises ValueError for a folder without a checkpoint.
    """
    if folder is not None:
        return Checkpoint.read(Path(folder))
    named = str(getattr(model, "name_or_path", ""))
    if not named or not Path(named).is_dir():
        return None
    try:
        return Checkpoint.read(Path(named))
    except ValueError:  # one in pieces, or of another kind: transformers has read it
        return None


def _changed(model: nn.Module, checkpoint: Checkpoint | None) -> Mapping[str, dict[str, Tensor]]:
    """By rule the tensors of the checkpoint that the model has by the same name, and with other values."""
    state = model.state_dict()
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensor_files.state_of(checkpoint).items() if checkpoint else ():
        own = state.get(name)
        if own is None or own.is_meta or own.shape != tensor.shape:
            continue  # another model's, left on the disk, or made anew in another size
        if own.is_floating_point() == tensor.is_floating_point() and not equal(own.cpu(), tensor.to(own.dtype)):
            found.setdefault(_rule_of(name), {})[name] = tensor
    return found


def _rule_of(name: str) -> str:
    """The rule about what this transformers does to a tensor of this name; empty where none is known."""
    version = transformers.__version__
    renames = (one for one in KNOWN if SpecifierSet(one.releases).contains(version, prereleases=True))
    into = next((one.into for one in renames if one.pattern.search(name)), "")
    again = known()[AGAIN]
    otherwise = AGAIN if SpecifierSet(again.transformers or "").contains(version, prereleases=True) else ""
    return OF_NAMES.get(into.rpartition(".")[2], "") or otherwise


def _put(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    state = model.state_dict()
    with torch.no_grad():
        for name, tensor in tensors.items():
            state[name].copy_(tensor)


def _unset(model: nn.Module, *, mend: bool) -> tuple[str, ...]:
    """The buffers of no checkpoint that are not what timm and Gemma3n compute; left as they were unless mended."""
    saved = model.state_dict()
    buffers = {name: buffer for name, buffer in model.named_buffers() if name not in saved and not buffer.is_meta}
    if not buffers:
        return ()
    before = {name: buffer.clone() for name, buffer in buffers.items()}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
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
    """The rule about the buffers of a model of this kind."""
    name = type(model).__name__
    if name.startswith("TimmWrapper"):
        return "buffers-before-timm-fills-them"
    if name.startswith("Gemma3n"):
        return "gemma3n-audio-buffers-unset"
    return "buffers-in-detr" if "Detr" in name else "buffers-in-own-model"
