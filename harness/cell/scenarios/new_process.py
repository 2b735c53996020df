"""Loads a text model by `AutoModel` and runs it, in a process of its own where nothing was imported before.

    python -m harness.cell.scenarios.new_process PARENT FOLDER INTO [PACKAGE ...]

Imports the packages in their order, and loads the checkpoint in FOLDER. INTO then holds the model's outputs and its
loading report, or what was raised.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Final

from ...contract.processes import die_with
from ..guards import importing

TOKENS: Final = ((1, 5, 7, 2),)
"""The ids that the model is run on: one row of four."""
OUTPUTS: Final = "outputs.safetensors"
REPORT: Final = "report.json"
RAISED: Final = "raised.json"


def main(parent: str, folder: str, into: str, *first: str) -> None:
    """Load and run the model, and write what came of it."""
    if sys.platform == "linux":
        die_with(int(parent))
    try:
        for name in first:
            importlib.import_module(name)
        _load(Path(folder), Path(into))
    except Exception as error:  # noqa: BLE001  an incompatible package may raise anything
        messages = (" ".join(str(link).split()) for link in importing.chain(error))
        raised = {"type": type(error).__name__, "message": "; from ".join(messages)}
        (Path(into) / RAISED).write_text(json.dumps(raised))


def _load(folder: Path, into: Path) -> None:
    from transformers import AutoModel  # noqa: PLC0415, I001  before all else, as in a user's first line

    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    model, report = AutoModel.from_pretrained(folder, output_loading_info=True)
    with torch.no_grad():
        outputs = model(input_ids=torch.tensor(TOKENS))
    save_file({name: tensor.contiguous() for name, tensor in outputs.items()}, into / OUTPUTS)
    (into / REPORT).write_text(json.dumps({name: sorted(map(str, names)) for name, names in report.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
