"""What follows `--` on a command line: options, and their check against the matrix and the catalogs."""

import argparse
import difflib
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NoReturn

from ..contract.case import DEFAULT_SIZE, DEFAULT_VARIANT, HUB, SYNTHETIC, Size
from ..contract.catalog import BERT, Catalog
from ..contract.checkpoint import Checkpoint, is_path
from ..contract.routes import LEGACY_LAYERNORM, ROUTES, Takes, taking
from ..environments import lock
from .errors import BadInput
from .matrix import Matrix
from .names import VARIANTS, unknown

NEAREST: Final = 3
RUNNING: Final = frozenset({"matrix", "pair"})
REPORTING: Final = RUNNING | {"report"}
PLACED: Final = frozenset({"route", "model"})  # what `uses` of the matrix names
PART: Final = "--route tower --model 'eva*'"
ABOUT: Final = {
    "matrix": "Which cases to run. What can be repeated adds up; without an option everything runs.",
    "releases": "What PyPI has of transformers and timm that the matrix has not, and adding it.",
    "lock": "Resolve pairs anew, with hashes; all of them where none is named.",
}
EXAMPLES: Final = {
    "pair": f"transformers==5.23.0 timm==1.0.31 {PART}",
    "upgrade": f"transformers==5.23.0 --from transformers4.57.6-timm1.0.22 {PART}",
    "bisect": f"--good transformers==4.57.6 --bad transformers==5.23.0 {PART}",
    "catalog": "timm==1.0.31",
    "lock": "--pair transformers5.23.0-timm1.0.31",
    "releases": "--write --cool-down 3",
}


@dataclass(frozen=True)
class Options:
    """What to run, and where to. An empty tuple restricts nothing; `workers` None means one a core."""

    requirements: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    sizes: tuple[str, ...] = (DEFAULT_SIZE,)
    variants: tuple[str, ...] = ()
    part: tuple[int, int] | None = None  # of how many equal parts of the models which one
    quick: bool = False
    own: str | None = None  # a model of somebody's own, instead of timm's
    config: str | None = None
    maker: str | None = None
    here: Path = Path()  # where modules of `own` are found: the folder in which the command was typed
    quick_too: frozenset[str] = frozenset()  # models that are quick whatever a catalog says
    place: str | None = None  # where routes and models are named, if not on the command line
    anyway: bool = False  # models that are named run on every route, quick or not
    rerun: bool = False
    resolve: str = "locked"
    workers: int | None = None
    weights: str = SYNTHETIC
    on: str | None = None  # a Dask scheduler, whose workers run it
    matrix: Path = Path("matrix.yaml")
    results: Path = Path("results")
    beside: tuple[Path, ...] = ()  # records of other machines, which a report reads too
    good: str | None = None
    bad: str | None = None
    still: tuple[str, ...] = ()
    start: str | None = None
    out: Path | None = None
    write: bool = False
    cool_down: int = 7  # days

    @property
    def named_anyway(self) -> bool:
        """Whether the models named are all that matter: which ones are quick, a whole catalog would have to say."""
        return self.anyway and bool(self.models)

    @property
    def selection(self) -> dict[str, Any]:
        """What decides which cases there are, as a run's header has it."""
        names = ("requirements", "pairs", "lanes", "routes", "models", "sizes", "variants")
        part = {"part": list(self.part)} if self.part else {}
        weights = {"weights": self.weights} if self.from_hub else {}
        return {**{name: list(getattr(self, name)) for name in names}, "quick": self.quick, **part, **weights}

    @property
    def from_hub(self) -> bool:
        """Whether the weights are the hub's."""
        return self.weights == HUB

    @property
    def asked(self) -> dict[str, str | None] | None:
        """The model of somebody's own, as a run's header has it; None for timm's."""
        return {"target": self.own, "config": self.config, "maker": self.maker} if self.own else None


def in_words(options: Options) -> str:
    """The options that leave a part, as they are typed; empty for the whole."""
    return shlex.join([*options.requirements, *given(options)])


def given(options: Options) -> list[str]:
    """The same as words, without the releases."""
    named = [
        word
        for name in ("pair", "lane", "route", "model", "size", "variant")
        if getattr(options, f"{name}s") != getattr(Options, f"{name}s")
        for value in getattr(options, f"{name}s")
        for word in (f"--{name}", value)
    ]
    part = ["--part", "{}/{}".format(*options.part)] if options.part else []
    weights = ["--weights", options.weights] if options.from_hub else []
    return [*own_in_words(options.asked), *weights, *named, *part, *(["--quick"] if options.quick else [])]


def own_in_words(asked: Mapping[str, Any] | None) -> list[str]:
    """The options that name a model of somebody's own, from what a run's header says of it."""
    flags = {"--own": "target", "--config": "config", "--class": "maker"}
    return [word for flag, name in flags.items() if asked and (given := asked.get(name)) for word in (flag, str(given))]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; --help lists the options")


def parse(argv: Sequence[str], *, session: str = "matrix") -> Options:
    """The options of a session, and the releases it names where it takes any.

    Raises BadInput for what cannot be read; `--help` prints what there is and exits with 0.
    """
    parser = _parser(session)
    found, rest = parser.parse_known_intermixed_args(argv)
    flags = [word for word in rest if word.startswith("-")]
    if flags:
        known = [name for action in parser._actions for name in action.option_strings]  # noqa: SLF001 - no public way
        raise BadInput.from_problems([f"{unknown('option', flag, known)}; --help lists the options" for flag in flags])
    if rest:
        raise BadInput(
            f"unexpected {' '.join(rest)!r}; releases are named with nox -s pair, parts with --route, --model"
        )
    if session == "report" and "results" in found:
        found.results, *found.beside = dict.fromkeys(found.results)
    lists = {name: tuple(value) for name, value in vars(found).items() if isinstance(value, list)}
    sizes = {"sizes": (Size.FULL,)} if getattr(found, "weights", SYNTHETIC) == HUB else {}  # which is what the hub has
    return Options(**{**sizes, **vars(found), **lists})


def typed_in(folder: Path, options: Options) -> Options:
    """The options as they are meant in the folder in which they were typed."""
    is_folder = options.own is not None and is_path(options.own)
    return replace(options, here=folder, own=str((folder / str(options.own)).resolve()) if is_folder else options.own)


def _parser(session: str) -> argparse.ArgumentParser:
    releases = {"pair": "+", "catalog": "+", "upgrade": "+", "report": "*"}.get(session)
    parser = _Parser(
        prog=f"nox -s {session} --",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        description=ABOUT.get(session, ABOUT["matrix"]),
        epilog=f"example: nox -s {session} -- {EXAMPLES.get(session, PART)}",
    )
    many: dict[str, Any] = {"action": "append"}
    parser.add_argument("--matrix", type=Path, metavar="FILE", help="another file than matrix.yaml")
    if releases:
        parser.add_argument(
            "requirements", nargs=releases, metavar="PACKAGE==VERSION", help="transformers, timm; also torch"
        )
    if session == "releases":
        parser.add_argument("--write", action="store_true", help="add the newest pair, with its catalog and lock")
        cool = "how long a release must have been there to be added (default 7)"
        parser.add_argument("--cool-down", type=_days, metavar="DAYS", help=cool)
        parser.add_argument("--out", type=Path, metavar="DIR", help="where the lock goes (default harness/locks)")
        return parser
    if session == "bisect":
        _add_ends(parser, many)
    elif session == "upgrade":
        parser.add_argument("--from", dest="start", metavar="ID", help="the pair to start from (default: the current)")
    elif session not in {"pair", "catalog"}:
        parser.add_argument("--pair", dest="pairs", metavar="ID", help="a pair of the matrix; repeatable", **many)
    if session == "lock":
        parser.add_argument("--out", type=Path, metavar="DIR", help="where locks go (default harness/locks)")
        return parser
    parser.add_argument("--lane", dest="lanes", metavar="NAME", help="a lane of the matrix; repeatable", **many)
    parser.add_argument("--route", dest="routes", metavar="NAME", help="a route of the matrix; repeatable", **many)
    parser.add_argument("--model", dest="models", metavar="GLOB", help="models by timm's names; repeatable", **many)
    parser.add_argument(
        "--size",
        dest="sizes",
        metavar="NAME",
        help=f"{' or '.join(Size)} (default {DEFAULT_SIZE}); repeatable",
        **many,
    )
    parser.add_argument("--variant", dest="variants", metavar="NAME", help=f"{', '.join(VARIANTS)}; repeatable", **many)
    if session in REPORTING:
        _add_parts(parser)
    parser.add_argument("--quick", action="store_true", help="the smallest model of each kind, and the controls")
    parser.add_argument("--rerun", action="store_true", help="run again what is recorded already")
    parser.add_argument(
        "--resolve",
        choices=["locked", lock.LATEST],
        help=f"{lock.LATEST}: the newest of what a pair stands on (default locked)",
    )
    parser.add_argument("--workers", type=_count, metavar="N", help="processes at a time (default: one a core)")
    _add_places(parser, session, many)
    return parser


def _add_places(parser: argparse.ArgumentParser, session: str, many: dict[str, Any]) -> None:
    """Where it runs, and where what it finds goes."""
    if session in RUNNING:
        on = "hand the cases to the workers of a Dask scheduler"
        parser.add_argument("--on", type=_address, metavar="HOST:PORT", help=on)
    if session == "report":
        where = "where records are (default results); repeatable, for those of several machines"
        parser.add_argument("--results", type=Path, metavar="DIR", help=where, **many)
    else:
        parser.add_argument("--results", type=Path, metavar="DIR", help="where the records go (default results)")
    if session in REPORTING:
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="write the page, and what CI systems and programs read, there"
        )


def _add_parts(parser: argparse.ArgumentParser) -> None:
    """Of timm's models, and what stands in their place."""
    part = "of N equal parts of the models the I-th, as I/N"  # of two releases, others would be in it
    parser.add_argument("--part", type=_part, metavar="I/N", help=part)
    own = "instead of timm's, a model of your own: package.module:Name, or a checkpoint folder"
    parser.add_argument("--own", metavar="TARGET", help=own)
    parser.add_argument("--config", metavar="CONFIG", help="for --own of a class: JSON, or package.module:function")
    maker = "for --own of a folder: package.module:Name, where transformers has no such model"
    parser.add_argument("--class", dest="maker", metavar="NAME", help=maker)
    weights = f"{SYNTHETIC}: made here (default); {HUB}: what the hub has for a model, at full size"
    parser.add_argument("--weights", choices=[SYNTHETIC, HUB], help=weights)


def _add_ends(parser: argparse.ArgumentParser, many: dict[str, Any]) -> None:
    pin: dict[str, Any] = {"metavar": "PACKAGE==VERSION"}
    parser.add_argument("--good", help="a release of transformers or timm where the cases pass", **pin)
    parser.add_argument("--bad", help="an older or a later one where some of them fail", **pin)
    parser.add_argument(
        "--with", dest="still", help="what stands still (default: as in the current pair); repeatable", **pin, **many
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; give 1 or more")
    return int(text)


def _address(text: str) -> str:
    host, _, port = text.removeprefix("tcp://").rpartition(":")
    if not (host and port.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no address; that of a scheduler reads HOST:PORT")
    return text


def _part(text: str) -> tuple[int, int]:
    place, _, of = text.partition("/")
    if not (place.isdecimal() and of.isdecimal() and 1 <= int(place) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part; the second of four reads 2/4")
    return int(place), int(of)


def _days(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; give 0 or more")
    return int(text)


def check(options: Options, matrix: Matrix, catalogs: Sequence[Catalog]) -> None:
    """Holds every name against what there is: the matrix's own, and the models of all the pairs' catalogs.

    Without a catalog models are not held against anything. Raises BadInput with all problems at once.
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
    problems += _wrong_with_cluster(options)
    problems += _wrong_with_hub(options)
    if problems:
        raise BadInput.from_problems(problems)


def _wrong_with_own(options: Options) -> Iterator[str]:
    """Models and sizes are timm's; what is somebody's own is one model as it is."""
    if options.own is None:
        if options.config is not None or options.maker is not None:
            yield "--config and --class say how to make what --own names; name it"
        return
    if is_path(options.own):
        try:
            Checkpoint.read(Path(options.own))
        except ValueError as error:
            yield f"--own: {error}"
    left = [f"--{name}" for name in ("model", "size") if getattr(options, f"{name}s") != _default(name)]
    left += ["--config"] if options.config and is_path(options.own) else []
    left += ["--class"] if options.maker and not is_path(options.own) else []
    left += ["--quick"] if options.quick else []
    left += ["--part"] if options.part else []
    if left:
        yield f"--own is one model as it is; leave out {', '.join(left)}"


def _wrong_with_cluster(options: Options) -> Iterator[str]:
    if options.on and options.own:
        yield "--on: the workers have not got what --own names; leave one of them out"
    if options.on and options.part:
        yield "--on divides the models itself; leave --part out"


def _wrong_with_hub(options: Options) -> Iterator[str]:
    """A checkpoint of the hub has one size and is stored one way."""
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


def _default(name: str) -> Any:
    return getattr(Options, f"{name}s")


def _unknown_models(options: Options, matrix: Matrix, catalogs: Sequence[Catalog]) -> list[str]:
    models = {entry.model for catalog in catalogs for entry in catalog if matrix.tries(entry)}
    named = models | ({BERT.model} if LEGACY_LAYERNORM in matrix.routes else set())
    releases = ", ".join(sorted({catalog.timm for catalog in catalogs}))
    controls = [
        f"{options.matrix}: models.controls[{index}]: no {control!r} in timm {releases}; name a model that is"
        for index, control in enumerate(matrix.models.controls)
        if control not in models
    ]
    return controls + [
        f"{options.place or '--model'}: {glob!r} matches none of {len(models)} models of timm {releases}"
        f"{_nearest(glob, named)}"
        for glob in options.models
        if not any(fnmatchcase(model, glob) for model in named)
    ]


def _nearest(glob: str, models: Iterable[str]) -> str:
    near = difflib.get_close_matches(glob.strip("*?"), sorted(models), n=NEAREST, cutoff=0.3)
    return f"; the nearest: {', '.join(near)}" if near else ""
