"""`resume`: `load_state_dict` on a wrapper, as a training loop resumes."""

from collections.abc import Callable, Mapping

import torch

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.variants import State
from ..scenarios.context import Trip
from ..scenarios.protocol import Computed, Leg, Loaded
from .roundtrip import auto_class, run_whole, whole
from .scratch import from_config
from .wrapper import PREFIX, no_wrapper


class Resume:
    """A state dict that was stored with torch.save, loaded into a fresh wrapper."""

    name = "resume"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapperModel."""
        return no_wrapper(release)

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """The state dict of the wrapper, and that of timm's own model, to whose names the wrapper adds its prefix."""
        return {
            "wrapper's state dict": _resumed(trip, lambda: _stored(trip)),
            "timm's state dict": _resumed(trip, lambda: whole(trip.subject).state),
        }


def _stored(trip: Trip) -> State:
    model, _ = trip.load(auto_class(trip.subject).from_pretrained, trip.checkpoint())
    state: State = model.state_dict()
    return state


def _resumed(trip: Trip, state: Callable[[], State]) -> Leg:
    subject, native = trip.subject, trip.native(lambda: whole(trip.subject))
    path = trip.folder / "training.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with trip.during("save"):
        torch.save(dict(state()), path)
    with trip.during("load"):
        model = subject.place.put(from_config(subject).to(subject.place.dtype))
        model.load_state_dict(torch.load(path, weights_only=True, map_location=subject.place.device))
    loaded = Loaded(model, PREFIX, native)
    yield loaded
    yield Computed(lambda: run_whole(subject, model), lambda: native.runs, loaded)
