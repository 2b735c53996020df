"""What the names of a checkpoint's tensors are to be, by the model that its folder describes, and what it lacks."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import timm
from torch import Tensor, nn

from ..cell.models.placement import tensors_of
from ..cell.user_models import damage
from ..cell.user_models.checkpoint_folder import WRAPPED, CheckpointFolder
from ..cell.user_models.resolution import from_folder
from ..cell.user_models.target import Unusable
from ..cell.user_models.tensor_files import state_of
from ..contract.checkpoint import Checkpoint
from ..contract.finding import one_line
from .described import Change
from .loaded import OF_NAMES

SHOWN: Final = 2  # names
LAYER_NORM: Final = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
PREFIXES: Final[Mapping[str, tuple[str, str]]] = {
    WRAPPED: ("scratch-prefix", ""),
    "_orig_mod.": ("", "torch.compile puts _orig_mod. before every name"),
    "module.": ("", "DataParallel puts module. before every name"),
}
"""What is put before every name of a model: the rule that says so, or the reason."""
SCALES: Final = "transformers wrote these names as it renames on loading"


@dataclass(frozen=True, eq=False)
class Described:
    """The tensors of a folder's files, and the model that it describes, with the values of its constructor.

    `converted` gives the tensors that a library makes of a folder whose names it changes itself while it loads.
    """

    state: Mapping[str, Tensor]
    model: nn.Module
    converted: Callable[[Path], Mapping[str, Tensor]]
    default: damage.Default

    @functools.cached_property
    def expected(self) -> Sequence[str]:
        """The names that the model has in a checkpoint."""
        return list(self.model.state_dict())


def read(checkpoint: Checkpoint, maker: str | None = None) -> Described:
    """The files and the model of a folder; `maker` names the class of a model that no library has.

    Raises Unusable for files that cannot be read, and for a model that neither library has.
    """
    state = state_of(checkpoint)
    if checkpoint.architecture and maker is None:
        reference = CheckpointFolder.read(checkpoint)
        return Described(state, reference.filled, functools.partial(_by_timm, checkpoint), reference.default)
    target = from_folder(checkpoint, state, maker)
    plain: Any = target.build()
    return Described(state, plain, functools.partial(_by_transformers, type(plain)), tensors_of(plain).get)


def changes(described: Described) -> list[Change]:
    """The names that are to be changed, each by the name in the files."""
    expected = frozenset(described.expected)
    names = {name: name for name in described.state}
    found = []
    for prefix, (rule, reason) in PREFIXES.items():
        if all(name.startswith(prefix) for name in names.values()) and not any(map(_begins(prefix), expected)):
            renamed = {saved: name.removeprefix(prefix) for saved, name in names.items()}
            names = renamed
            found.append(Change(rule, renamed=renamed, reason=reason))
    saved = {name: saved for saved, name in names.items()}
    rewritten: dict[str, dict[str, str]] = {}
    for name, (present, rename) in damage.renamed_keys(list(saved), described.expected).items():
        rule = OF_NAMES.get(rename.into.rpartition(".")[2], "")
        rewritten.setdefault(rule, {})[saved[present]] = name
    layer_norms = {
        saved[name]: new
        for name in saved
        for old, new_end in LAYER_NORM.items()
        if name.endswith(old) and (new := name.removesuffix(old) + new_end) and _is_called(new_end, old, expected)
    }
    if layer_norms:
        rewritten["layernorm-saved-as-gamma"] = layer_norms
    return [*found, *(Change(rule, renamed=renamed, reason=SCALES) for rule, renamed in rewritten.items())]


def renamed(found: Iterable[Change], names: Iterable[str]) -> dict[str, str]:
    """The name that each tensor has after all changes, by its name in the files."""
    now = {name: name for name in names}
    for change in found:
        now |= change.renamed
    return now


def refuse_lost(described: Described, now: Mapping[str, str], folder: Path, mended: Path) -> None:
    """Raise Unusable if tensors are lost that the folder should have, or are damaged.

    `now` are the names after all changes; `folder` is named in the message, and `mended` has its tensors with them.
    """
    held = {now[name]: tensor for name, tensor in described.state.items()}
    model = described.model.state_dict()
    absent = [name for name in described.expected if name not in held]
    if absent:
        converted = described.converted(mended)  # which a library that changes names may have all the same
        held |= {name: converted[name] for name in absent if name in converted}
        absent = [name for name in absent if name not in held]
    if problems := list(damage.describe(held, described.model, described.default)):
        raise Unusable(f"{folder}: cannot be mended: {'; '.join(problems)}")
    if absent:
        raise Unusable(
            f"{folder}: cannot be mended: {len(absent)} of {len(model)} tensors are not in its files, "
            f"{_listed(absent)}; {damage.RESTORE}"
        )
    changed = [new for old, new in now.items() if old != new and new in model]
    if other := [name for name in changed if held[name].shape != model[name].shape]:
        raise Unusable(f"{folder}: cannot be mended: {_listed(other)} has another shape than the model's")


def _begins(prefix: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(prefix)


def _is_called(new: str, old: str, expected: Iterable[str]) -> bool:
    """Whether a model has names that end as the new one does, and none that end as the old one."""
    ends = [name for name in expected if name.endswith((new, old))]
    return bool(ends) and all(name.endswith(new) for name in ends)


def _by_timm(checkpoint: Checkpoint, folder: Path) -> Mapping[str, Tensor]:
    """The tensors that timm makes of a folder's file; none if it refuses it, or several."""
    file = folder / checkpoint.files[0].name
    source = {"file": str(file), "num_classes": checkpoint.classes, "custom_load": False}
    arguments = {**checkpoint.model_args, "num_classes": checkpoint.classes, "pretrained_cfg_overlay": source}
    try:
        model = timm.create_model(checkpoint.architecture, pretrained=True, **arguments)
    except Exception:  # noqa: BLE001  whatever it raises, it reads no such names
        return {}
    state: Mapping[str, Tensor] = model.state_dict()
    return state


def _by_transformers(kind: Any, folder: Path) -> Mapping[str, Tensor]:
    """The tensors that a class of transformers has from a folder, without those that it initialised."""
    try:
        model, info = kind.from_pretrained(folder, output_loading_info=True)
    except Exception as error:  # a library may raise anything
        raise Unusable(f"{kind.__name__} cannot load the folder: {one_line(error)}") from error
    missing = {str(name) for name in info["missing_keys"]}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in missing}


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
