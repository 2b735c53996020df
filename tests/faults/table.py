"""Which fault in a library shows on which road: every one of both, tried.

python -m tests.faults.table > tests/faults/README.md, in the environment of the current pair; it takes minutes.
"""

import functools
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import torch

from harness import catalog
from harness.catalog import BERT
from harness.cell import case
from harness.cell.release import Release
from harness.cell.routes import ROUTES
from harness.cell.subject import Place, Subject
from harness.cell.variants import VARIANTS
from harness.record import GREEN
from harness.vocabulary import VARIANTS_OF
from tests.faults.conftest import TOLERANCES
from tests.faults.outside import FAULTS, Fault, Reached

OWN: Final = {"vlm": "eva02_tiny_patch14_224", "legacy-layernorm": BERT.model}  # roads with models of their own
RED_ANYWAY, NOT_REACHED, IDENTICAL, ESCAPED = "red anyway", "not reached", "identical", "ESCAPED"
SHORT: Final = {RED_ANYWAY: "◐", NOT_REACHED: "·", IDENTICAL: "=", "unsupported": "-"}
HEAD: Final = """\
<!-- Made by python -m tests.faults.table > tests/faults/README.md; do not edit. -->

# Faults

Each fault of `outside.py`, put into the libraries from outside, on every road, with transformers {transformers} and
timm {timm}. A cell has the outcome, or:

- ◐ the road is broken on this pair without the fault too
- · the fault's own counter says that the road never came to it
- = it was reached, and the case passes as without it: names and tensors are bit for bit what they should be, outputs
  too or within 8 units in the last place; as where the road leaves out the weight that the fault changed
- \\- the model has no such road

"""


def line(name: str) -> str:
    """A fault's row of the table."""
    return _row(name, (SHORT.get(cell, cell) for cell in (_cell(FAULTS[name], route) for route in ROUTES)))


def _cell(fault: Fault, route: str) -> str:
    model = OWN.get(route, fault.model)
    variant = fault.variant if fault.variant in VARIANTS_OF[route] else "safetensors"
    sound = _sound(route, model, variant)
    if sound["outcome"] == "unsupported":
        return "unsupported"
    if sound["outcome"] not in GREEN:
        return RED_ANYWAY
    reached = Reached()
    with pytest.MonkeyPatch.context() as patch:
        fault.put(patch, reached)
        record = _record(route, model, variant)
    if reached.times == 0:
        return NOT_REACHED
    if record["outcome"] not in GREEN:
        return str(record["outcome"])
    return IDENTICAL if record["outcome"] == sound["outcome"] == "passed" else ESCAPED


@functools.cache
def _sound(route: str, model: str, variant: str) -> Mapping[str, Any]:
    """What is recorded without a fault."""
    return _record(route, model, variant)


def _record(route: str, model: str, variant: str) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return case.run(
            ROUTES[route], VARIANTS[variant], _subject(model), _release(), TOLERANCES[torch.float32], Path(folder)
        )


@functools.cache
def _release() -> Release:
    return Release.installed()


@functools.cache
def _subject(model: str) -> Subject:
    found = catalog.read(catalog.PACKAGED, str(_release().timm))
    assert found is not None
    return Subject(found[model], "slim", Place("cpu", torch.float32))


def _row(first: str, rest: Any) -> str:
    return f"| {' | '.join((first, *rest))} |"


def main() -> None:
    """Print the page, a row as soon as it is there."""
    release = _release()
    sys.stdout.write(HEAD.format(transformers=release.transformers, timm=release.timm))
    print(_row("fault", ROUTES))  # noqa: T201
    print(_row("---", ("---" for _ in ROUTES)))  # noqa: T201
    for name in FAULTS:
        print(line(name), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
