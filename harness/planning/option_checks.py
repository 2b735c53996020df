"""Checks of options against the matrix and the catalogs, before anything is installed or written."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from ..config.errors import BadInput
from ..config.matrix import Matrix
from ..config.names import VARIANTS, unknown
from ..config.options import Options
from ..contract.case import DEFAULT_VARIANT, HUB, Size
from ..contract.catalog import BERT, Catalog
from ..contract.checkpoint import Checkpoint, is_path
from ..contract.finding import printable
from ..contract.routes import OF_TEXT, ROUTES, Takes, taking

NEAREST: Final = 3
PLACED: Final = frozenset({"route", "model"})  # what `uses` of the matrix names


def check(options: Options, matrix: Matrix, catalogs: Sequence[Catalog], more: Iterable[str] = ()) -> None:
    """Check every name: against the matrix, and models against the catalogs of all pairs.

    Without a catalog models are not checked. `more` are problems of a command's own arguments. Raises BadInput with all
    problems at once.
    """
    known: dict[str, tuple[Iterable[str], list[str]]] = {
        "pair": (options.pairs, [pair.id for pair in matrix.pairs]),
        "lane": (options.lanes, [lane.name for lane in matrix.lanes]),
        "route": (options.routes, list(matrix.routes)),
        "size": (options.sizes, [*map(str, Size)]),
        "variant": (options.variants, list(VARIANTS)),
    }
    problems = [
        f"{(kind in PLACED and options.place) or f'--{kind}'}: {unknown(kind, name, names)}"
        for kind, (given, names) in known.items()
        for name in given
        if name not in names
    ]
    if catalogs:
        problems += _unknown_models(options, matrix, catalogs)
    problems += _wrong_with_own(options)
    problems += more
    problems += _wrong_with_hub(options)
    if problems:
        raise BadInput.from_problems(problems)


def _wrong_with_own(options: Options) -> Iterator[str]:
    """Options that do not apply to a user model, and a folder that is no checkpoint."""
    if options.own is None:
        if options.config is not None or options.maker is not None:
            yield "--config and --class say how to make what --own names; name it"
        return
    if is_path(options.own):
        try:
            Checkpoint.read(Path(options.own))
        except ValueError as error:
            yield f"--own: {printable(str(error))}"
    left = ["--model"] if options.models else []
    left += ["--size"] if options.sizes not in {options.usual_sizes, Options.sizes} else []
    left += ["--config"] if options.config and is_path(options.own) else []
    left += ["--class"] if options.maker and not is_path(options.own) else []
    left += ["--quick"] if options.quick else []
    left += ["--part"] if options.part else []
    if left:
        yield f"--own is one model as it is; leave out {', '.join(left)}"


def _wrong_with_hub(options: Options) -> Iterator[str]:
    """Options that do not apply to checkpoints of the hub."""
    if not options.from_hub:
        return
    if options.own:
        yield f"--weights {HUB} is of timm's models; leave out --own"
    if options.sizes != (Size.FULL,):
        yield f"--weights {HUB} is at full size; leave out --size"
    if set(options.variants) - {DEFAULT_VARIANT}:
        yield f"--weights {HUB} is stored as it is; leave out --variant"
    if left := [route for route in options.routes if route in ROUTES and Takes.HUB not in ROUTES[route].takes]:
        there = ", ".join(taking(Takes.HUB))
        yield f"--route {', '.join(left)}: is about what is written here; with --weights {HUB} there is {there}"


def _unknown_models(options: Options, matrix: Matrix, catalogs: Sequence[Catalog]) -> Iterator[str]:
    """Controls and models that no catalog has. One that was made for the named models alone has no controls."""
    models = {entry.model for catalog in catalogs for entry in catalog if matrix.tries(entry)}
    named = models | ({BERT.model} if set(OF_TEXT) & set(matrix.routes) else set())
    releases = ", ".join(sorted({catalog.timm for catalog in catalogs}))
    whole = not options.named_alone or all(catalog.has_controls for catalog in catalogs)
    for index, control in enumerate(matrix.models.controls if whole else ()):
        if control not in models:
            yield f"{options.matrix}: models.controls[{index}]: no {control!r} in timm {releases}; name a model that is"
    for glob in options.models:
        if not any(fnmatchcase(model, glob) for model in named):
            asked = f"{options.place or '--model'}: {glob!r}"
            among = f"matches none of {len(models)} models of timm {releases}{_nearest(glob, named)}"
            yield f"{asked} {among if whole else f'is no model with a LayerScale of timm {releases}; leave it out'}"


def _nearest(glob: str, models: Iterable[str]) -> str:
    near = difflib.get_close_matches(glob.strip("*?"), sorted(models), n=NEAREST, cutoff=0.3)
    return f"; the nearest: {', '.join(near)}" if near else ""
