"""Entries of a few routes and models, and their texts."""

from dataclasses import replace
from pathlib import Path

from harness.atlas.entries.entry import Cause, LaneEntry, PairEntry, RouteEntry
from harness.atlas.entries.pair_file import PairFile, dumps
from harness.atlas.entries.pair_files import write
from harness.atlas.entries.reading import loads

MODELS = ("convnext_atto", "eva02_tiny_patch14_224", "resnet18")
BROKEN = Cause("tensors", ("", "training"), ("buffers",), MODELS[1:2], remedied=True)
UNKNOWN = Cause("keys", ("",), (), MODELS, finding="keys in tower: a.gamma: renamed")
TOWER = RouteEntry("tower", "d1", MODELS, 0, ("resnet18",), {}, (BROKEN, UNKNOWN))
HUB = RouteEntry("hub", "d2", MODELS[:1], 0, (), {"this release has no MODEL": MODELS[:1]})
LANE = LaneEntry("cpu-float32", "2026-11-29", "narrow", {"tower": TOWER, "hub": HUB})
PAIR = PairEntry({"transformers": "5.23.0", "timm": "1.0.31", "torch": "2.14.1"}, {"cpu-float32": LANE})
PASSED = RouteEntry("tower", "d1", MODELS, 3)


def text_of(entry: PairEntry) -> str:
    """The text of an entry without bases."""
    return dumps(PairFile.of(entry), {})


def read_again(text: str) -> PairEntry:
    """The entry in the text of PAIR's file."""
    return loads({PAIR.id: text})[PAIR.id].entry


def at(transformers: str, *routes: RouteEntry, day: str = LANE.day, timm: str = "1.0.31") -> PairEntry:
    """A pair with that release of transformers, and these routes."""
    lane = replace(LANE, day=day, routes={route.route: route for route in routes})
    return PairEntry({**PAIR.versions, "transformers": transformers, "timm": timm}, {lane.lane: lane})


def written(entry: PairEntry, folder: Path) -> str:
    """The text of an entry's file, which is written."""
    return write(entry, folder).read_text()


FIRST, SECOND = (f"transformers{release}-timm1.0.31.ndjson" for release in ("5.21.0", "5.22.0"))
