"""A model of somebody's own, or a checkpoint on their disk: whether it survives the pair that is installed here."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import torch

from harness.cell import case as cell_case
from harness.cell import offline
from harness.cell.catalog import entry_of
from harness.cell.cutting import build
from harness.cell.release import Release
from harness.cell.routes import ROUTES, survival
from harness.cell.routes.survival import Own
from harness.cell.seen import Seen, quiet, report, tolerance
from harness.cell.subject import Place, Subject
from harness.cell.target import Target, Unusable, find
from harness.cell.variants import VARIANTS
from harness.record import DEFAULT_VARIANT, OWN, OWN_VARIANTS, Case

CPU: Final = Place("cpu", torch.float32)


def examine(text: str, config: str | None, out: IO[str]) -> int:
    """Print what is found; 1 where anything is broken, else 0. Raises Unusable for what cannot be tried."""
    offline.enforce()
    target = find(text, config)
    return report(_timm(target) if isinstance(target, str) else tried(target), out, also_known=False)


def tried(target: Target, formats: Sequence[str] = ()) -> Iterator[Seen]:
    """The model saved and loaded, in each format, or those named."""
    subject = Own.of(target, CPU)
    with quiet(), tempfile.TemporaryDirectory() as folder:
        for name in formats or OWN_VARIANTS:
            fields = survival.run(subject, name, Release.installed(), tolerance(), Path(folder) / name)
            yield Seen(Case(OWN, target.name, name), subject.entry, fields)


def _timm(model: str) -> Iterator[Seen]:
    """A model that timm's registry knows, as it is, by every road. Raises Unusable for one that timm cannot make."""
    try:
        entry = entry_of(model, build(model, {}), whole=True)
    except Exception as error:
        raise Unusable(f"timm.create_model({model!r}) fails: {type(error).__name__}: {error}") from error
    return _by_every_road(model, Subject(entry, "full", CPU))


def _by_every_road(model: str, subject: Subject) -> Iterator[Seen]:
    with quiet(), tempfile.TemporaryDirectory() as folder:
        for name, route in ROUTES.items():
            fields = cell_case.run(
                route, VARIANTS[DEFAULT_VARIANT], subject, Release.installed(), tolerance(), Path(folder)
            )
            yield Seen(Case(name, model), subject.entry, fields)
