"""`resume`: `load_state_dict` on a fresh wrapper, as a training loop resumes.

With the wrapper's own state dict, and with timm's.

Compared with native timm: logits.
"""

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Final

import timm
import torch

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.variants import State
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Loaded, Refused, Scenario
from . import reports
from .roundtrip import auto_class, run_whole, whole
from .scratch import from_config
from .wrapped import PREFIX, no_wrapper


class Resume:
    """A state dict stored by torch.save, loaded into a new wrapper."""

    name = "resume"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapperModel lack the route."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The state dict of the wrapper, and of timm's model, to whose names the wrapper adds its prefix."""
        strict = {"strict": _strict(context)} if context.tries_all else {}
        return {
            **strict,
            "wrapper's state dict": _resumed(context, lambda: _stored(context)),
            "timm's state dict": _resumed(context, lambda: whole(context.reference).state),
        }


def _strict(context: CaseContext) -> Scenario:
    """A state dict that does not fit must be refused, as `nn.Module` refuses it."""
    native = context.native(lambda: whole(context.reference))
    with context.during("load"):
        model = from_config(context.reference)
    yield from reports.refusing(model, {"the wrapper's own": model.state_dict(), "timm's": native.state})
    last = list(native.state)[-1]
    path = context.folder / "lacking.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    with context.during("save"):
        torch.save({name: tensor for name, tensor in native.state.items() if name != last}, path)
    load = functools.partial(timm.models.load_checkpoint, copy.deepcopy(native.module), str(path))
    yield Refused("timm's load_checkpoint of a file that lacks a name", load, last)


def _stored(context: CaseContext) -> State:
    model, _ = context.load(auto_class(context.reference).from_pretrained, context.checkpoint())
    state: State = model.state_dict()
    return state


def _resumed(context: CaseContext, state: Callable[[], State]) -> Scenario:
    reference, native = context.reference, context.native(lambda: whole(context.reference))
    path = context.folder / "training.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with context.during("save"):
        torch.save(dict(state()), path)
    with context.during("load"):
        model = reference.placement.put(from_config(reference).to(reference.placement.dtype))
        model.load_state_dict(torch.load(path, weights_only=True, map_location=reference.placement.device))
        context.look(context.mend_model(model))
    loaded = Loaded(model, PREFIX, native)
    yield loaded
    yield Computed(lambda: run_whole(reference, model), lambda: native.runs, loaded)


ROUTE: Final = Resume()
