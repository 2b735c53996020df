"""`import`: a text model through `AutoModel`, in a new process that has this timm beside it.

transformers imports timm where it is installed, whatever is loaded. Once as a program's first line, and once after timm
was imported.

Compared with native timm: nothing, for no timm model is in it; outputs are compared with those of the model that was
saved.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file

from ...contract import package
from ...contract.catalog import BERT, Entry
from ..models.installed import Release
from ..models.native import Native, Outputs
from ..scenarios import new_process
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Back, Computed, Described, Scenario
from .legacy_layernorm import tiny_bert

SECONDS: Final = 120
NO_NAMES: Final[Mapping[str, Any]] = {f"{kind}_keys": [] for kind in ("missing", "unexpected", "mismatched")}


class Import:
    """Load the checkpoint in a new process, and run the model there."""

    name = "import"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Every release can import timm; the route has a model of its own."""
        return None if entry.model == BERT.model else f"{entry.model} is no text model"

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """With transformers imported first, and with timm."""
        return {"": _elsewhere(context), "timm first": _elsewhere(context, "timm")}


def _elsewhere(context: CaseContext, *first: str) -> Scenario:
    saved = tiny_bert()
    tokens = torch.tensor(new_process.TOKENS)
    native = context.native(lambda: Native(saved, lambda: dict(saved(input_ids=tokens).items()), saved.state_dict()))
    folder = context.save(saved, context.folder / "saved")
    into = context.folder / "-".join(("loaded", *first))
    with context.during("load"):
        outputs, report = _load(folder, into, first)
    yield Described("the loading report", report, NO_NAMES)
    yield Computed(lambda: outputs, lambda: native.runs, back=Back.NEVER, twice=False)


def _load(folder: Path, into: Path, first: Sequence[str]) -> tuple[Outputs, Mapping[str, Any]]:
    """Outputs and loading report of the model, as a new process loads it after it imported the packages `first`.

    Raises an exception of the type and with the message of the one raised there, and RuntimeError if the process ended
    otherwise.
    """
    into.mkdir(parents=True, exist_ok=True)
    command = (sys.executable, "-m", package.module("cell.scenarios.new_process"))
    words = (*command, str(os.getpid()), str(folder), str(into), *first)
    done = subprocess.run(  # noqa: S603  our own module
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if (into / new_process.RAISED).exists():
        raised = json.loads((into / new_process.RAISED).read_text())
        raise type(raised["type"], (Exception,), {})(raised["message"])
    if done.returncode:
        last = next(iter(reversed(done.stderr.strip().splitlines())), "it said nothing")
        raise RuntimeError(f"the new process ended with exit code {done.returncode}: {last}")
    return load_file(into / new_process.OUTPUTS), json.loads((into / new_process.REPORT).read_text())


ROUTE: Final = Import()
