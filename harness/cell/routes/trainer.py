"""`trainer`: an image classifier loaded from a timm checkpoint, trained by transformers' `Trainer`.

Two steps of plain SGD on two pictures, each saved; then its folder is loaded by both libraries, its training resumed
from the first step, and the best model taken at the end. Needs accelerate.

Compared with native timm: logits after a loop of one's own with the same steps, and the losses; the saved folder.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from unittest.mock import patch

import torch
from torch import Tensor
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from ...contract.case import SEED
from ...contract.catalog import Entry
from ..models import weights
from ..models.installed import LOGS_EXACTLY, PROCESSING_CLASS, Release, missing_companion
from ..models.native import Native, Outputs
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Loaded, Scenario
from . import after_training
from .after_training import LABELS, RATE, steps
from .classifier import no_classifier
from .pictures import picture
from .processor import processed
from .roundtrip import loaded_by_both, run_whole
from .wrapped import PREFIX

STEPS: Final = 2
LOSSES: Final = "losses"
ARGUMENTS: Final[Mapping[str, Any]] = {
    "max_steps": STEPS,
    "per_device_train_batch_size": len(LABELS),
    "per_device_eval_batch_size": len(LABELS),
    "optim": "sgd",
    "learning_rate": RATE,
    "lr_scheduler_type": "constant",
    "max_grad_norm": 0.0,  # no clipping
    "logging_steps": 1,
    "save_strategy": "steps",
    "save_steps": 1,
    "report_to": [],
    "disable_tqdm": True,
    "seed": SEED,
}
NO_ARGUMENTS: Final[Mapping[str, Any]] = MappingProxyType({})


class TrainerRoute:
    """A real Trainer: what it trains, saves, resumes, and calls its best model."""

    name = "trainer"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Without accelerate, without TimmWrapper, or without a head there is nothing to train."""
        return missing_companion(self.name) or no_classifier(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Trained; its folder, loaded again; resumed from the first step; the best of two steps."""
        return {
            "trained": _trained(context),
            "saved": _saved(context),
            "resumed": _resumed(context),
            "best model": _best(context),
        }


class Watch(TrainerCallback):
    """Seeds each step, for models that drop something by default, and keeps what each checkpoint must hold."""

    def __init__(self) -> None:
        self.states: list[dict[str, Tensor]] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Called by the Trainer before a step."""
        weights.seed_torch(SEED + state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, *, model: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Called by the Trainer after it has written a checkpoint."""
        self.states.append(after_training.state_of(model))


def _trained(context: CaseContext) -> Scenario:
    reference, native = context.reference, context.native(lambda: _by_hand(context))
    made = _after_training(context, "trained")
    logged = [entry["loss"] for entry in made.state.log_history if "loss" in entry]
    model = made.model.eval()

    def outputs() -> Outputs:
        losses = {LOSSES: torch.tensor(logged)} if LOSSES in native.runs.first else {}
        return {**run_whole(reference, model), **losses}

    yield Computed(outputs, lambda: native.runs)


def _saved(context: CaseContext) -> Scenario:
    made = _after_training(context, "trained")
    native = after_training.native(context, after_training.state_of(made.model))
    folder = context.folder / "saved"
    context.write(folder, lambda: made.save_model(str(folder)), phase="resave")
    yield from loaded_by_both(context, folder, native)
    yield from processed(context, lambda: folder, picture, picture)


def _resumed(context: CaseContext) -> Scenario:
    whole = _after_training(context, "whole")
    native = after_training.native(context, after_training.state_of(whole.model))
    first = Path(whole.args.output_dir) / "checkpoint-1"
    yield from _ended(context, _after_training(context, "resumed", resumed_from=first), native)


def _best(context: CaseContext) -> Scenario:
    scores = iter((1.0, 0.0))
    arguments = {"eval_strategy": "steps", "eval_steps": 1, "load_best_model_at_end": True}
    arguments |= {"metric_for_best_model": "score", "greater_is_better": True}
    watch = Watch()
    made = _after_training(
        context, "best", watch, arguments=arguments, compute_metrics=lambda _: {"score": next(scores)}
    )
    native = after_training.native(context, watch.states[0])
    yield from _ended(context, made, native)


def _ended(context: CaseContext, made: Any, native: Native) -> Scenario:
    """The steps that compare the model of a Trainer with what it must hold."""
    model = made.model.eval()
    loaded = Loaded(context.look(model), PREFIX, native)
    yield loaded
    yield Computed(lambda: run_whole(context.reference, model), lambda: native.runs, loaded)


def _after_training(
    context: CaseContext,
    name: str,
    watch: Watch | None = None,
    *,
    arguments: Mapping[str, Any] = NO_ARGUMENTS,
    resumed_from: Path | None = None,
    **kwargs: Any,
) -> Any:
    """A Trainer, with a folder of this name, that has trained what AutoModelForImageClassification loads."""
    model, _ = context.load(AutoModelForImageClassification.from_pretrained, context.checkpoint())
    with context.during("load"):
        processor = AutoImageProcessor.from_pretrained(context.checkpoint())
    on_cpu = context.reference.placement.device == "cpu"
    processing = "processing_class" if context.release.transformers >= PROCESSING_CLASS else "tokenizer"
    # A Trainer seeds the generators, as it says, and hands settings to accelerate by the environment.
    with context.during("train"), after_training.alike(context.reference.placement.device), patch.dict(os.environ):
        made = Trainer(
            model=model,
            args=TrainingArguments(str(context.folder / name), use_cpu=on_cpu, **{**ARGUMENTS, **arguments}),
            train_dataset=_examples(context.reference),
            eval_dataset=_examples(context.reference),
            callbacks=[watch or Watch()],
            **{processing: processor},
            **kwargs,
        )
        made.remove_callback(PrinterCallback)
        made.train(resume_from_checkpoint=str(resumed_from) if resumed_from else None)
    return made


def _examples(reference: ReferenceModel) -> Sequence[Mapping[str, Any]]:
    """The two pictures with their labels."""
    return [
        {"pixel_values": pixels.cpu(), "labels": label} for pixels, label in zip(reference.two, LABELS, strict=True)
    ]


def _by_hand(context: CaseContext) -> Native:
    """Native timm after the same steps in a loop of one's own.

    Beside logits it gives the losses of the steps where a Trainer does not log them rounded to four digits.
    """
    reference = context.reference
    device, two = reference.placement.device, reference.two.to(reference.placement.dtype)
    native = after_training.holding(reference, reference.state)
    losses = steps(native.module, lambda: native.module(two), device, STEPS)
    logged = {LOSSES: torch.tensor(losses)} if context.release.transformers >= LOGS_EXACTLY else {}
    return replace(native, run=lambda: {**native.run(), **logged})


ROUTE: Final = TrainerRoute()
