"""What is to be run, how, and where records go: what every command that runs or reads cases shares."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..contract.case import DEFAULT_SIZE, HUB, SYNTHETIC, Size

GLOB: Final = frozenset("*?[")
"""What makes a name of models a glob."""
LOCKED: Final = "locked"
LATEST: Final = "latest"
"""Which releases of all other packages a pair stands on: those of its lock, or the newest."""


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
    own: str | None = None  # a user model, instead of timm's
    config: str | None = None
    maker: str | None = None
    here: Path = Path()  # where modules of `own` are found: the folder in which the command was typed
    also: tuple[str, ...] = ()  # requirements of the project that `own` is of, installed where the pair has none such
    quick_too: frozenset[str] = frozenset()  # models that are quick whatever a catalog says
    place: str | None = None  # where routes and models are named, if not on the command line
    anyway: bool = False  # models that are named run on every route, quick or not
    rerun: bool = False
    resolve: str = LOCKED
    workers: int | None = None
    weights: str = SYNTHETIC
    matrix: Path = Path("matrix.yaml")
    results: Path = Path("results")

    @property
    def named_alone(self) -> bool:
        """Whether all models are named that can run: which ones of a glob are quick, a whole catalog has to say."""
        in_full = not any(GLOB & set(model) for model in self.models)
        return bool(self.models) and not self.quick and (self.anyway or in_full)

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
    def usual_sizes(self) -> tuple[str, ...]:
        """The sizes if none is asked for."""
        return (Size.NARROW,) if self.quick else (DEFAULT_SIZE,)

    @property
    def user_model(self) -> dict[str, str | None] | None:
        """The model of somebody's own, as a run's header has it; None for timm's."""
        return {"target": self.own, "config": self.config, "maker": self.maker} if self.own else None


_NAMED: Final = ("pair", "lane", "route", "model", "size", "variant")


def in_words(options: Options) -> str:
    """The options that leave a part, as they are typed; empty for the whole."""
    return shlex.join([*options.requirements, *as_words(options)])


def as_words(options: Options) -> list[str]:
    """The same as words, without the releases."""
    usual = {**{name: getattr(Options, f"{name}s") for name in _NAMED}, "size": options.usual_sizes}
    named = [
        word
        for name in _NAMED
        if getattr(options, f"{name}s") != usual[name]
        for value in getattr(options, f"{name}s")
        for word in (f"--{name}", value)
    ]
    part = ["--part", "{}/{}".format(*options.part)] if options.part else []
    weights = ["--weights", options.weights] if options.from_hub else []
    return [*own_in_words(options.user_model), *weights, *named, *part, *(["--quick"] if options.quick else [])]


def own_in_words(user_model: Mapping[str, Any] | None) -> list[str]:
    """The options that name a model of somebody's own, from what a run's header says of it."""
    flags = {"--own": "target", "--config": "config", "--class": "maker"}
    return [
        word
        for flag, name in flags.items()
        if user_model and (value := user_model.get(name))
        for word in (flag, str(value))
    ]
