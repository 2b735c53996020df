"""Writes down what the installed timm computes for the quick models of its catalog, and of older ones.

Run in an environment that has that timm: `python -m harness.cell.probes.builder --catalogs FILE OLDER... > FILE`.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import timm
import torch

from ...contract import catalog, package
from ...contract.case import SEED, Size
from ...contract.catalog import Entry
from ...contract.fingerprints import Fingerprints, Line, Print, dumps, recorded
from ...contract.plan import Tolerance
from ..catalog.builder import quiet
from ..compare.recorded import differs
from ..models.placement import Placement
from ..models.reference import ReferenceModel
from . import probes

NOISE: Final = Tolerance(rtol=1e-4, atol=1e-5)


def generate(entries: Sequence[Entry], tell: Callable[[str], None]) -> Fingerprints:
    """The fingerprints of the installed timm. `tell` is called with a line for each model."""
    lines = [_line(entry, tell) for entry in entries]
    return Fingerprints(timm.__version__, torch.__version__.partition("+")[0], SEED, probes.drawn(), tuple(lines))


def _line(entry: Entry, tell: Callable[[str], None]) -> Line:
    """The line of a model, without outputs that rest on what timm leaves random."""
    started = time.process_time()
    reference = ReferenceModel(entry, Size.SLIM, Placement("cpu", torch.float32))
    outputs, raised = probes.outputs_of(reference, probes.PROBES)
    seconds = time.process_time() - started
    random = _random(reference, outputs)
    kept = {name: print_ for name, print_ in outputs.items() if name not in random}
    why = "; ".join(f"{name}: {type(error).__name__}" for name, error in raised.items())
    tell(f"{entry.model}: {len(kept)} outputs, {seconds:.1f} s; random: {random or 'none'}; not taken: {why or 'none'}")
    return Line(entry.model, entry.slim.args, entry.slim.input_size, kept)


def _random(reference: ReferenceModel, outputs: Mapping[str, Print]) -> list[str]:
    """The outputs that another seed changes, so that they rest on weights that timm leaves random."""
    others, _ = probes.outputs_of(reference, probes.LOADED, SEED + 1)
    return [name for name, print_ in others.items() if differs(print_, outputs[name], NOISE)]


def main(argv: Sequence[str]) -> int:
    """Print the fingerprints; what each model takes and how long it took go to standard error."""
    parser = argparse.ArgumentParser(prog=f"python -m {package.module('cell.probes.builder')}", description=__doc__)
    about = "the catalog of the installed timm, then those of older releases"
    parser.add_argument("--catalogs", type=Path, nargs="+", required=True, help=about)
    arguments = parser.parse_args(argv)
    quiet()
    described, *older = (catalog.loads(path.read_text()) for path in arguments.catalogs)

    def tell(line: str) -> None:
        print(f"fingerprints of timm {timm.__version__}: {line}", file=sys.stderr)  # noqa: T201

    sys.stdout.write(dumps(generate(recorded(described, older), tell)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
