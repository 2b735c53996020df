"""What a checkpoint folder is damaged by: what its configuration and its names have, and that can be mended.

Standard library only but for the rules' own needs, so that nothing is imported for a folder that is none.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..atlas.rules import known
from ..contract.checkpoint import CONFIG, HEADLESS, WRAPPER, Checkpoint

SHOWN: Final = 2  # names
TRAINING: Final = "training_args.bin"
ATTENTION: Final = "_attn_implementation_autoset"
ARGUMENTS: Final = "model_args"
CLASSES: Final = "num_classes"


@dataclass(frozen=True)
class Change:
    """What was changed in a checkpoint folder for one reason.

    `rule` is the rule of matrix.yaml that says why, if there is one, or else `reason` does. `renamed` has the new
    names by the old ones, if names were changed; `what` says what else was.
    """

    rule: str
    what: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def because(self) -> str:
        """Why it had to be changed."""
        if not self.rule:
            return self.reason
        cause = known()[self.rule]
        return f"{cause.because} ({self.rule}: {cause.releases})"

    def __str__(self) -> str:
        if not self.renamed:
            return f"{self.what}, because {self.because}"
        names = [f"{old} is now {new}" for old, new in self.renamed.items()]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        count = f"{len(names)} name{'s' if len(names) > 1 else ''} changed"
        return f"{count}: {', '.join(names[:SHOWN])}{more}, because {self.because}"


@dataclass(frozen=True)
class Kind:
    """A kind of damage that the remedy of a rule mends in a folder: how it is known, and what the remedy changes."""

    rule: str
    has: Callable[[Checkpoint], bool]
    what: str


def _is_undescribed(checkpoint: Checkpoint) -> bool:
    config = checkpoint.config
    return config.get("model_type") == WRAPPER and bool(config.get("architecture")) and not checkpoint.pretrained_cfg


KINDS: Final = (
    Kind(
        "hub-classes-twice",
        lambda checkpoint: checkpoint.is_as_for_the_hub,
        f"{CLASSES} taken out of {ARGUMENTS} in {CONFIG}",
    ),
    Kind(
        "resaved-model-args-null",
        lambda checkpoint: checkpoint.config.get(ARGUMENTS, "") is None,
        f'"{ARGUMENTS}": null taken out of {CONFIG}',
    ),
    Kind("scratch-without-pretrained-cfg", _is_undescribed, f"pretrained_cfg added to {CONFIG}, as timm has it"),
    Kind(
        "training-arguments-as-weights",
        lambda checkpoint: bool(checkpoint.architecture) and (checkpoint.folder / TRAINING).is_file(),
        f"{TRAINING} is now training_args.pickle",
    ),
    Kind(
        "eager-attention-after-saving",
        lambda checkpoint: ATTENTION in checkpoint.config,
        f"{ATTENTION} taken out of {CONFIG}",
    ),
)
"""In the order in which their remedies are applied. Remedies that take weights off a folder are not among them."""


def described(checkpoint: Checkpoint) -> Iterator[Change]:
    """What is to be changed in the configuration of a folder and in its other files.

    Raises ValueError for a number of classes that would be lost.
    """
    if checkpoint.is_as_for_the_hub:
        _refuse_other_classes(checkpoint)
    yield from (Change(kind.rule, kind.what) for kind in KINDS if kind.has(checkpoint))


def _refuse_other_classes(checkpoint: Checkpoint) -> None:
    """Raise ValueError unless config.json has the number of classes of `model_args` a second time."""
    stated = checkpoint.model_args[CLASSES]
    labels = checkpoint.config.get("id2label")
    counts = (checkpoint.config.get(CLASSES), checkpoint.pretrained_cfg.get(CLASSES), len(labels) if labels else None)
    count = next((count for count in counts if count is not None), None)
    if count != stated and HEADLESS not in (checkpoint.config.get("architectures") or ()):
        others = "nowhere else" if count is None else f"{count} besides"
        raise ValueError(
            f"{checkpoint.folder / CONFIG}: {CLASSES} is {stated} in {ARGUMENTS}, and {others}; say in {CLASSES} "
            "at its top how many classes the weights have"
        )
