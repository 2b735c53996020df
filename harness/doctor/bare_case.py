"""Times a case of `wrapper` and its bare work: build, save, `from_pretrained`, two passes, delete the folder.

    python -m harness.doctor.bare_case --plan plan.json --repeats 5 > FILE

Both run for each model of the plan, in turn, in one process. Prints JSON: seconds by repeat.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from transformers import AutoModel

from ..cell.guards import offline
from ..cell.models import slim
from ..cell.models.reference import CLASSES
from ..cell.runtime.runner import Runner
from ..contract import package
from ..contract.case import GREEN, Case
from ..contract.catalog import Entry
from ..contract.plan import Plan


def bare(entry: Entry, folder: Path) -> None:
    """The least work to save a timm model, load it with transformers, and run both."""
    name = slim.register(entry)
    head = {"num_classes": CLASSES} if entry.classifier else {}
    native = timm.create_model(name, pretrained=False, **head).eval()
    save_file(native.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    described = {"architecture": name, **head, "num_features": native.num_features}
    size = {"input_size": list(entry.slim.input_size)}
    config = {**described, "pretrained_cfg": {**described, **size, "mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "config.json").write_text(json.dumps(config))
    loaded = AutoModel.from_pretrained(folder).eval()
    pixels = torch.zeros(1, *entry.slim.input_size)
    with torch.no_grad():
        native.forward_features(pixels)
        loaded(pixels, **({} if entry.classifier else {"do_pooling": False}))


def measure(plan: Plan, repeats: int) -> dict[str, list[float]]:
    """Seconds for all models, by repeat. The first round, which imports and compiles, is not counted."""
    measured: dict[str, list[float]] = {"bare": [], "ours": []}
    with tempfile.TemporaryDirectory() as scratch:
        runner = Runner(plan, Path(scratch), workers=1)
        for _ in range(repeats + 1):
            seconds = {"bare": 0.0, "ours": 0.0}
            for entry in plan.entries:
                started = time.perf_counter()
                line = runner.run(Case("wrapper", entry.model))
                runner.close()
                seconds["ours"] += time.perf_counter() - started
                if line.outcome not in GREEN:
                    raise RuntimeError(f"{entry.model}: {line.reason}")
                started = time.perf_counter()
                with tempfile.TemporaryDirectory() as folder:
                    bare(entry, Path(folder))
                seconds["bare"] += time.perf_counter() - started
            for kind, spent in seconds.items():
                measured[kind].append(spent)
    return {kind: spent[1:] for kind, spent in measured.items()}


def main(argv: Sequence[str]) -> int:
    """Print the seconds."""
    parser = argparse.ArgumentParser(prog=f"python -m {package.module('doctor.bare_case')}", description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="the JSON plan of a run")
    parser.add_argument("--repeats", type=int, default=5, help="how often each model is measured")
    arguments = parser.parse_args(argv)
    offline.enforce()
    json.dump(measure(Plan.loads(arguments.plan.read_text()), arguments.repeats), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
