"""Finds every LayerScale model of the installed timm, and reads its traits from the architecture itself.

Run in an environment that has that timm: `python -m harness.cell.catalog.builder --controls resnet18 > FILE`.
"""

import argparse
import functools
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

import timm
import torch
from timm.models import model_entrypoint
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...contract import package
from ...contract.catalog import Catalog, Cut, Entry, dumps
from ...contract.finding import one_line
from ..models.layer_scales import has_layer_scale, layer_scales
from ..models.slim import PREFIXES, build
from .cutting import cut, parameters, smallest_side
from .equivalence import slim_digest
from .narrowing import narrow

CLASSES: Final = (10, 7)
CHUNK: Final = 8


def generate(controls: Sequence[str], progress: Callable[[int, int, str], None], only: Sequence[str] = ()) -> Catalog:
    """The catalog of the installed timm: all its LayerScale models, and those of `controls` that it has.

    `only` limits it to names that match one of these globs, if there are any. `progress` is called with the number of
    models that are done, the number of all models, and the current name. A model that cannot be built is kept with what
    its constructor raises. Raises RuntimeError if that is all that there is.
    """
    # Without models that slim.py or a user's module has registered in this process.
    known = [model for model in timm.list_models() if _is_of_timm(model)]
    models = [model for model in known if not only or any(fnmatchcase(model, glob) for glob in only)]
    describe = functools.partial(_describe, controls=frozenset(controls))
    entries: list[tuple[Entry, str]] = []
    unbuilt: dict[str, str] = {}
    with ProcessPoolExecutor(initializer=quiet) as processes:
        described = zip(models, processes.map(describe, models, chunksize=CHUNK), strict=True)
        for done, (model, entry) in enumerate(described):
            progress(done, len(models), model)
            if isinstance(entry, str):
                unbuilt[model] = entry
            elif entry:
                entries.append(entry)
    if unbuilt and not entries:
        first, raised = min(unbuilt.items())
        raise RuntimeError(f"timm {timm.__version__} builds no model with LayerScale; {first} raises {raised}")
    return Catalog(timm.__version__, len(models), tuple(controls), tuple(_with_same_as(entries)), unbuilt)


def _with_same_as(entries: Iterable[tuple[Entry, str]]) -> Iterator[Entry]:
    """Sort entries by name, and let entries with the same digest name the first of them in `same_as`."""
    first: dict[str, str] = {}
    for entry, digest in sorted(entries, key=lambda described: described[0].model):
        same = first.setdefault(digest, entry.model)
        yield entry if same == entry.model else replace(entry, slim=replace(entry.slim, same_as=same))


def _is_of_timm(model: str) -> bool:
    return not model.startswith(PREFIXES) and str(model_entrypoint(model).__module__).startswith("timm.")


def _describe(model: str, controls: frozenset[str]) -> tuple[Entry, str] | str | None:
    """The entry of a model, and the digest of its slim form; None for a model that is not in the catalog.

    For a model that cannot be built, what its constructor raises.
    """
    try:
        module = build(model, {})
    except (MemoryError, OSError):  # the machine's, and no trait of the model
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  the constructor of any release may raise anything
        return one_line(error)
    if model not in controls and not has_layer_scale(module):
        return None
    entry = entry_of(model, module)
    return replace(entry, narrow=narrow(model, entry.slim)), slim_digest(entry)


def quiet() -> None:
    """Silence timm in this process, and keep torch to one thread."""
    # timm warns of deprecated names and registry conflicts; users see it where they use them.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)


def entry_of(model: str, module: nn.Module, *, whole: bool = False) -> Entry:
    """The traits of one architecture and its slim form, which with `whole` is the full model."""
    channels, height, width = module.default_cfg["input_size"]
    return Entry(
        model=model,
        family=type(module).__module__.rpartition(".")[2],
        input_size=(channels, height, width),
        **traits_of(module),
        classifier=_has_classifier(model),
        feature_levels=_levels_if_any(model) if whole else _feature_levels(model),
        intermediates=hasattr(module, "forward_intermediates"),
        smallest_input=(channels, height, width) if whole else _smallest_input(module),
        slim=_whole(module) if whole else cut(model),
    )


def traits_of(module: nn.Module) -> dict[str, Any]:
    """The fields of an entry that any module has, timm's or a user's."""
    keys = list(module.state_dict())
    return {
        "params": parameters(module),
        "gamma_keys": _count("gamma" in key for key in keys),
        "beta_keys": _count("beta" in key for key in keys),
        "scale_keys": _count("gamma" not in key and "beta" not in key for key in layer_scales(module)),
        "non_persistent_buffers": _count(name not in set(keys) for name, _ in module.named_buffers()),
        "batch_norm": any(isinstance(part, _BatchNorm) for part in module.modules()),
    }


def _whole(module: nn.Module) -> Cut:
    return Cut({}, tuple(module.default_cfg["input_size"]), parameters(module), fallback="it was asked for whole")


def _smallest_input(module: nn.Module) -> tuple[int, int, int]:
    channels, height, width = module.default_cfg["input_size"]
    side = smallest_side(module)
    return (channels, side, side) if side else (channels, height, width)


def _count(hits: Iterable[bool]) -> int:
    return sum(hits)


def _has_classifier(model: str) -> bool:
    """Whether the number of classes changes any shape: an encoder accepts the argument and has no head."""
    first, second = (_shapes(model, classes) for classes in CLASSES)
    return first != second


def _shapes(model: str, classes: int) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in build(model, {}, num_classes=classes).parameters()]


def _feature_levels(model: str) -> int:
    """The number of feature maps that `features_only` gives; 0 if this timm refuses it for the architecture."""
    try:
        module = build(model, {}, features_only=True)
    except RuntimeError as error:
        if "features_only" in str(error):
            return 0
        raise
    return len(module.feature_info)


def _levels_if_any(model: str) -> int:
    """The number of feature maps of a user model, whose constructor may raise anything."""
    try:
        return _feature_levels(model)
    except Exception:  # noqa: BLE001  as above
        return 0


def main(argv: Sequence[str]) -> int:
    """Print the catalog; progress, with an estimate of the time left, goes to standard error."""
    parser = argparse.ArgumentParser(prog=f"python -m {package.module('cell.catalog.builder')}", description=__doc__)
    parser.add_argument("--controls", nargs="*", default=[], help="models without LayerScale to include")
    parser.add_argument("--only", nargs="*", default=[], help="globs of the models to look at; all by default")
    arguments = parser.parse_args(argv)
    quiet()
    started = time.monotonic()

    def progress(done: int, of: int, model: str) -> None:
        spent = time.monotonic() - started
        left = f", {spent / done * (of - done):.0f} s left" if done else ""
        if done % 25 == 0:
            print(f"catalog of timm {timm.__version__}: {done}/{of} architectures{left} ({model})", file=sys.stderr)  # noqa: T201

    sys.stdout.write(dumps(generate(arguments.controls, progress, arguments.only)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
