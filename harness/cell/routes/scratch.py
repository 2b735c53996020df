"""`scratch`: a wrapper built from a configuration, saved; loaded by transformers and by timm.

Compared with native timm: names on disk; logits of both.
"""

from collections.abc import Mapping
from typing import Any, Final

from ...contract.catalog import Entry
from ..models import weights
from ..models.installed import Release
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Scenario
from .roundtrip import auto_class, loaded_by_both, whole
from .wrapped import PREFIX, no_wrapper


class Scratch:
    """A model built from a configuration and saved, as after training with transformers."""

    name = "scratch"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapperModel lack the route."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """A single scenario: the model with its head, if it has one."""
        return {"": _built_and_saved(context)}


def _built_and_saved(context: CaseContext) -> Scenario:
    native = context.native(lambda: whole(context.reference))
    with context.during("save"):
        with weights.uninitialised():
            model = from_config(context.reference)
        weights.fill(model, {f"{PREFIX}.{name}": tensor for name, tensor in native.state.items()})
    folder = context.save(model, context.folder / "saved")
    yield from loaded_by_both(context, folder, native)


def from_config(reference: ReferenceModel) -> Any:
    """The wrapper that transformers builds from a configuration, with its head if it has one."""
    from transformers import TimmWrapperConfig  # noqa: PLC0415  not before 4.48

    labels = {"num_labels": reference.classes} if reference.entry.classifier else {}
    config = TimmWrapperConfig(architecture=reference.architecture, **labels)
    return auto_class(reference).from_config(config).eval()


ROUTE: Final = Scratch()
