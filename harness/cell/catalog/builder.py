"""Finds every LayerScale model of the installed timm, and describes it.

Run in an environment that has that timm: `python -m harness.cell.catalog.builder --controls resnet18 > FILE`.
"""

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final

import timm
import torch
from timm.models import model_entrypoint
from torch import nn

from ...contract import package
from ...contract.catalog import Catalog, Entry, dumps
from ...contract.finding import one_line
from ..models.layer_scales import has_layer_scale
from ..models.slim import PREFIXES, build
from .constructor_calls import group_of
from .equivalence import slim_digest
from .narrowing import narrow
from .traits import entry_of

CHUNK: Final = 8
LOOKING: Final = 1 / 8
"""The share of the time that it takes to find out which models have a LayerScale; then each is described."""
Progress = Callable[[int, int, str, float], None]


def generate(controls: Sequence[str], progress: Progress, only: Sequence[str] = ()) -> Catalog:
    """The catalog of the installed timm: all its LayerScale models, and those of `controls` that it has.

    `only` limits it to names that match one of these globs, if there are any. `progress` is called with the number of
    models that are done, the number of all models, the current name, and the share of the work that is done. A model
    that cannot be built is kept with what its constructor raises, unless another of its group tells that it has no
    LayerScale. Raises RuntimeError if that is all that there is.
    """
    # Without models that slim.py or a user's module has registered in this process.
    known = [model for model in timm.list_models() if _is_of_timm(model)]
    models = [model for model in known if not only or any(fnmatchcase(model, glob) for glob in only)]
    found = _Found(len(models), progress)
    with ProcessPoolExecutor(initializer=quiet) as processes:
        groups = _groups(models, processes.map(group_of, models, chunksize=CHUNK))
        asked = [model for model in controls if model in models]
        for number, (group, (unbuilt, has)) in enumerate(zip(groups, processes.map(_first_built, groups), strict=True)):
            asked += group if has else ()
            share = LOOKING * number / len(groups)
            found.note(group, {} if has else unbuilt, share, done=0 if has else len(group))
        wanted = sorted(set(asked))
        described = zip(wanted, processes.map(_describe, wanted, chunksize=CHUNK), strict=True)
        for number, (model, entry) in enumerate(described):
            found.add(model, entry, LOOKING + (1 - LOOKING) * number / len(wanted))
    return found.catalog(controls)


@dataclass
class _Found:
    """What is known so far of the models of a timm, `of` in number. `share` is that of the work that is done."""

    of: int
    progress: Progress
    entries: list[tuple[Entry, str]] = field(default_factory=list)
    unbuilt: dict[str, str] = field(default_factory=dict)
    done: int = 0

    def note(self, group: Sequence[str], unbuilt: Mapping[str, str], share: float, *, done: int) -> None:
        """Note the models of a group that cannot be built, and that nothing more is asked of `done` of the group."""
        self.unbuilt |= unbuilt
        self.progress(self.done, self.of, group[0], share)
        self.done += done

    def add(self, model: str, entry: tuple[Entry, str] | str, share: float) -> None:
        """Add a model's entry and the digest of its slim form, or what its constructor raises."""
        self.progress(self.done, self.of, model, share)
        self.done = min(self.done + 1, self.of)  # a control may have been counted with its group
        if isinstance(entry, str):
            self.unbuilt[model] = entry
        else:
            self.entries.append(entry)

    def catalog(self, controls: Sequence[str]) -> Catalog:
        """The catalog. Raises RuntimeError if no model can be built."""
        if self.unbuilt and not self.entries:
            first, raised = min(self.unbuilt.items())
            raise RuntimeError(f"timm {timm.__version__} builds no model with LayerScale; {first} raises {raised}")
        return Catalog(timm.__version__, self.of, tuple(controls), tuple(_with_same_as(self.entries)), self.unbuilt)


def _groups(models: Sequence[str], groups: Iterable[Hashable]) -> list[list[str]]:
    """The models by group, each group in the order of the models."""
    members: dict[Hashable, list[str]] = {}
    for model, group in zip(models, groups, strict=True):
        members.setdefault(group, []).append(model)
    return list(members.values())


def _first_built(group: Sequence[str]) -> tuple[dict[str, str], bool]:
    """What the constructors of the group's first models raise, and whether the first that is built has a LayerScale."""
    unbuilt: dict[str, str] = {}
    for model in group:
        module = _built(model)
        if not isinstance(module, str):
            return unbuilt, has_layer_scale(module)
        unbuilt[model] = module
    return unbuilt, False


def _with_same_as(entries: Iterable[tuple[Entry, str]]) -> Iterator[Entry]:
    """Sort entries by name, and let entries with the same digest name the first of them in `same_as`."""
    first: dict[str, str] = {}
    for entry, digest in sorted(entries, key=lambda described: described[0].model):
        same = first.setdefault(digest, entry.model)
        yield entry if same == entry.model else replace(entry, slim=replace(entry.slim, same_as=same))


def _is_of_timm(model: str) -> bool:
    return not model.startswith(PREFIXES) and str(model_entrypoint(model).__module__).startswith("timm.")


def _describe(model: str) -> tuple[Entry, str] | str:
    """The entry of a model and the digest of its slim form; what the constructor raises, if it cannot be built."""
    module = _built(model)
    if isinstance(module, str):
        return module
    entry = entry_of(model, module)
    return replace(entry, narrow=narrow(model, entry.slim)), slim_digest(entry)


def _built(model: str) -> nn.Module | str:
    """The full model without values, or what its constructor raises."""
    try:
        return build(model, {})
    except (MemoryError, OSError):  # the machine's, and no trait of the model
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  the constructor of any release may raise anything
        return one_line(error)


def quiet() -> None:
    """Silence timm in this process, and keep torch to one thread."""
    # timm warns of deprecated names and registry conflicts; users see it where they use them.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)


def main(argv: Sequence[str]) -> int:
    """Print the catalog; progress, with an estimate of the time left, goes to standard error."""
    parser = argparse.ArgumentParser(prog=f"python -m {package.module('cell.catalog.builder')}", description=__doc__)
    parser.add_argument("--controls", nargs="*", default=[], help="models without LayerScale to include")
    parser.add_argument("--only", nargs="*", default=[], help="globs of the models to look at; all by default")
    arguments = parser.parse_args(argv)
    quiet()
    started, told = time.monotonic(), set[int]()

    def progress(done: int, of: int, model: str, share: float) -> None:
        spent = time.monotonic() - started
        left = f", {spent / share * (1 - share):.0f} s left" if share else ""
        if done % 25 == 0 and done not in told:  # once each: of many groups nothing more is known at first
            told.add(done)
            print(f"catalog of timm {timm.__version__}: {done}/{of} architectures{left} ({model})", file=sys.stderr)  # noqa: T201

    sys.stdout.write(dumps(generate(arguments.controls, progress, arguments.only)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
