"""What a load lost, in words, and what of the loaded model could not be checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from torch import nn

from ..atlas.rules import known
from ..cell.user_models.key_renames import KEEP
from ..config.text import capitalised

SHOWN: Final = 3  # names
UNEXPLAINED: Final = "they are not as the checkpoint has them, and no rule of matrix.yaml says why"
PREFIX: Final = "base-prefix-mixed-up"
BUFFERS: Final = "buffers-in-own-model"
NO_RULES: Final[Mapping[str, tuple[str, str]]] = {
    PREFIX: (
        "transformers 5 takes one of two names for the other that differ in the base model's prefix alone",
        "Rename a part of your model, or its base_model_prefix",
    ),
}
"""Cause and advice of what is known and no rule of matrix.yaml, by the name of the script that shows it."""


@dataclass(frozen=True)
class Loss:
    """What was lost for one reason: the rule of matrix.yaml that says why, if there is one, and the tensors' names.

    `own` says that they are buffers, and not timm's; `left` that they were not set, because nothing says to what.
    """

    rule: str
    names: tuple[str, ...]
    own: bool = False
    left: bool = False

    @property
    def because(self) -> str:
        """Why it was lost."""
        if self.rule in NO_RULES:
            return NO_RULES[self.rule][0]
        return known()[self.rule].because if self.rule else UNEXPLAINED

    @property
    def advice(self) -> str:
        """What to do, so that it is not lost again."""
        if self.own:
            return f"{capitalised(KEEP.format(it='it' if len(self.names) == 1 else 'them'))}."
        if self.rule in NO_RULES:
            return f"{NO_RULES[self.rule][1]}."
        return known()[self.rule].advice if self.rule else "Report it."

    def __str__(self) -> str:
        return f"{_listed(self.names)}: {self.because}{f' ({self.rule})' if self.rule else ''}. {self.advice}"


@dataclass(frozen=True)
class Found:
    """What was lost of a loaded model, and buffers of which nothing says whether they were."""

    losses: tuple[Loss, ...]
    unchecked: tuple[str, ...]
    model: str

    @property
    def doubt(self) -> str:
        """What could not be checked, and what to do; empty if everything was."""
        if not self.unchecked:
            return ""
        one = len(self.unchecked) == 1
        return (
            f"{_listed(self.unchecked)} {'is' if one else 'are'} not checked, for no checkpoint has such a buffer, and "
            f"no new {self.model} says its values: {KEEP.format(it='it' if one else 'them')}"
        )


class Lost(RuntimeError):
    """A load that lost something without saying so; `losses` has what, and `model` the model as it was loaded."""

    def __init__(self, model: nn.Module, losses: tuple[Loss, ...]) -> None:
        super().__init__("\n".join(map(str, losses)))
        self.model = model
        self.losses = losses


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return f"{', '.join(names[:SHOWN])}{f' and {more} more' if more > 0 else ''}"
