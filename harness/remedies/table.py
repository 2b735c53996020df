"""The remedies by name. Standard library only: rules name a remedy where torch is not installed."""

import functools
import hashlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

MOVE: Final = "move"
"""The remedy of a rule where only another release helps."""
NONE: Final = "none"
"""The remedy of a rule where nothing helps."""


class Mends(StrEnum):
    """What a function of a remedy mends, which is also its file here. The functions are

    - `folders`: `(folder: Path) -> None`, which mends a checkpoint folder in place;
    - `models`: `(model: nn.Module, report: dict, folder: Path | None) -> None`, which mends a loaded model in place;
    - `calls`: `(model: nn.Module) -> None`, which changes how a loaded model computes.
    """

    FOLDERS = "folders"
    MODELS = "models"
    CALLS = "calls"


_TABLE: Final[Mapping[str, tuple[Mends, ...]]] = {
    **dict.fromkeys(
        (
            "describe_for_timm",
            "drop_empty_model_args",
            "empty_last_layer_of_head",
            "forget_that_attention_was_chosen",
            "drop_num_classes_from_model_args",
            "name_layer_norms_of_today",
            "set_training_arguments_aside",
            "take_timm_model_prefix_off",
        ),
        (Mends.FOLDERS,),
    ),
    **dict.fromkeys(
        (
            "cast_buffers",
            "copy_batch_norms_from_timm",
            "fill_non_persistent_buffers",
            "freeze_as_built",
            "load_by_exact_names",
            "load_by_timm",
            "load_pretrained_again",
            "set_evaluation_mode",
            "set_gemma3n_audio_buffers",
            "set_missing_to_timm_defaults",
        ),
        (Mends.MODELS,),
    ),
    **dict.fromkeys(
        ("apply_activations_again", "cast_inputs", "cast_pixels", "collect_all_levels", "give_input_embeddings"),
        (Mends.CALLS,),
    ),
    "freeze_batch_norms_after_loading": (Mends.FOLDERS, Mends.MODELS),
}


@dataclass(frozen=True)
class Remedy:
    """A remedy: a function of its name in each file that it needs."""

    name: str
    mends: tuple[Mends, ...]

    def function(self, part: Mends) -> Callable[..., None]:
        """Its function that mends folders, models or calls; imports torch."""
        module = importlib.import_module(f".{part}", __package__)
        function: Callable[..., None] = getattr(module, self.name)
        return function

    @property
    def version(self) -> str:
        """The name with a digest of its files: a result with another version says nothing of this one."""
        return f"{self.name}@{_digest(self.mends)}"


@functools.cache
def _digest(mends: tuple[Mends, ...]) -> str:
    files = (Path(__file__).with_name(f"{part}.py").read_bytes() for part in mends)
    return hashlib.sha256(b"".join(files)).hexdigest()[:8]


REMEDIES: Final[Mapping[str, Remedy]] = {name: Remedy(name, mends) for name, mends in _TABLE.items()}


def remedy_of(rule: Any) -> Remedy | None:
    """The remedy that a rule names; None for one without a function."""
    return REMEDIES.get(rule.remedy)
