"""The routes: one row for each public way in which transformers loads timm weights.

To add a route: its file in `cell/routes`, its row here, its line in matrix.yaml, its test. The row holds every fact
about a route that is needed before its file is imported. Standard library only.
"""

import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Final

OWN: Final = "own"
"""The route of a user model. It has no row and no line in matrix.yaml; its code is in `cell/user_models`."""
LIKE_OWN: Final = "tower"
"""The route whose rules apply to user models too: most of them are towers."""
LIKE_FOLDER: Final = "hub"
"""The route whose rules also apply to a folder written by timm elsewhere, on each route that reads it `AS_IS`."""


class Takes(Flag):
    """The checkpoints not written by the harness that a route can load."""

    NOTHING = 0
    FOLDER = auto()  # a user's folder, or the weights in it
    HUB = auto()  # a repository of the hub instead
    AS_IS = auto()  # with its config.json unchanged


@dataclass(frozen=True)
class Route:
    """What is known about a route before its file is imported.

    `since` is the first transformers release with this route; None if every tested release has it. `instead` names the
    route to recommend where this one is broken. `variants` are the checkpoint variants that make a difference on it.
    `saves`: one of the two libraries writes its checkpoint, not the harness. `shards`: its checkpoint may be sharded,
    as only transformers reads it; timm, on the other routes, reads a single file. `held` and `written` are GiB of
    memory and disk per GiB of weights, measured with convnext_xlarge on transformers 5.23 in float32; 1.2 GiB of memory
    more where a remedy makes the model once more. `companion` is a package that the route needs beside the pair;
    the rules of the route that it is `like` apply to it too. A route that has no timm model has a text model instead.
    """

    name: str
    since: str | None
    instead: str | None
    variants: tuple[str, ...]
    takes: Takes
    saves: bool
    shards: bool
    held: float
    written: float
    companion: str | None = None
    like: str | None = None
    has_timm: bool = True

    @property
    def module(self) -> str:
        """The route's file below `cell/routes`, without its suffix: a word of Python's own ends with an underscore."""
        return f"{self.name}_" if keyword.iskeyword(self.name) else self.name.replace("-", "_")


STORED: Final = ("sharded", "bin", "low-cpu-mem", "device-map", "named")
CHOSEN: Final = (*STORED, "attention")  # of transformers' own attention; what timm does it does not choose
HALF: Final = (*STORED, "half")
DESCRIBED: Final = (*STORED, "model-args")  # only timm checkpoints have model_args
ALL: Final = (*DESCRIBED, "half")
COMPANION_OF: Final[Mapping[str, str]] = {"device-map": "accelerate"}
"""The package that a variant needs beside the pair."""
PLACED: Final = ("low-cpu-mem", "device-map")  # timm reads what these routes save, a single file
NOTHING, FOLDER, AS_IS = Takes.NOTHING, Takes.FOLDER, Takes.AS_IS
WEIGHTS: Final = Takes.FOLDER | Takes.HUB
ANY: Final = WEIGHTS | Takes.AS_IS
WRAPPER: Final = "4.48.0"  # TimmWrapperModel and its image processor
GEMMA3N: Final = "4.53.0"  # the first multimodal model that builds on timm by default

# One row per line: name, since, instead, variants, takes.
# fmt: off
_TABLE: Final = (
    Route("wrapper", WRAPPER, None, ALL, ANY, saves=False, shards=True, held=0.2, written=1),
    Route("wrapper-features", WRAPPER, "backbone", DESCRIBED, AS_IS, saves=False, shards=True, held=2.4, written=1),
    Route("classifier", WRAPPER, None, ALL, ANY, saves=False, shards=True, held=0.2, written=1),
    Route("backbone", None, None, HALF, WEIGHTS, saves=True, shards=True, held=0.2, written=4),
    Route("backbone-pretrained", None, "backbone", (), FOLDER, saves=False, shards=False, held=6.7, written=1),
    Route("backbone-features", None, "backbone", STORED, NOTHING, saves=True, shards=True, held=1.4, written=4),
    Route("detector", None, None, CHOSEN, NOTHING, saves=True, shards=True, held=1.4, written=1),
    Route("tower", None, "tower-wrapper", HALF, WEIGHTS, saves=True, shards=True, held=0.2, written=2),
    Route("tower-init", None, "tower", STORED, WEIGHTS, saves=True, shards=True, held=0.2, written=2),
    Route("tower-pretrained", None, "tower", STORED, NOTHING, saves=True, shards=True, held=1.2, written=4),
    Route("tower-wrapper", WRAPPER, None, STORED, WEIGHTS, saves=True, shards=True, held=0.2, written=2),
    Route("vlm", GEMMA3N, None, CHOSEN, NOTHING, saves=True, shards=True, held=0.2, written=1),
    Route("hub", WRAPPER, "wrapper", (), NOTHING, saves=True, shards=False, held=0.2, written=6),
    Route("roundtrip", WRAPPER, None, PLACED, ANY, saves=True, shards=False, held=0.2, written=3),
    Route("scratch", WRAPPER, None, PLACED, NOTHING, saves=True, shards=False, held=1.2, written=4),
    Route("partial", None, None, STORED, NOTHING, saves=True, shards=False, held=1.4, written=6),
    Route("resume", WRAPPER, None, DESCRIBED, ANY, saves=False, shards=False, held=2.2, written=2),
    Route("processor", WRAPPER, None, DESCRIBED, WEIGHTS, saves=False, shards=True, held=0.2, written=1),
    Route("pipeline", WRAPPER, None, DESCRIBED, ANY, saves=False, shards=True, held=0.2, written=1),
    Route("train", WRAPPER, None, (), NOTHING, saves=False, shards=True, held=3, written=1, like="classifier"),
    Route("trainer", WRAPPER, None, (), NOTHING, saves=True, shards=False, held=4, written=12,
          companion="accelerate", like="classifier"),
    Route("adapter", WRAPPER, None, (), NOTHING, saves=True, shards=False, held=4, written=6,
          companion="peft", like="classifier"),
    Route("import", None, None, (), NOTHING, saves=True, shards=False, held=0.2, written=1, has_timm=False),
    Route("legacy-layernorm", None, None, STORED, NOTHING, saves=True, shards=False, held=0.2, written=1,
          has_timm=False),
)
# fmt: on
ROUTES: Final[Mapping[str, Route]] = {route.name: route for route in _TABLE}
OF_TEXT: Final = tuple(route.name for route in _TABLE if not route.has_timm)
"""The routes of which each has one case, of a text model: no timm model is in it."""


def taking(kind: Takes) -> tuple[str, ...]:
    """The names of the routes that can load a kind of checkpoint."""
    return tuple(route.name for route in ROUTES.values() if kind in route.takes)


def rules_of(route: str, *, folder: bool = False) -> Iterable[str]:
    """The names of the routes whose rules apply to a case of this route.

    `folder`: the checkpoint was written elsewhere, as timm writes it for the hub.
    """
    yield route
    if route in ROUTES and (like := ROUTES[route].like):
        yield like
    if route == OWN:
        yield LIKE_OWN
    if folder and route in ROUTES and Takes.AS_IS in ROUTES[route].takes:
        yield LIKE_FOLDER
