"""A lane: a device and a dtype, perhaps with companions, and the models that it runs."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from ..contract import lane_name
from .names import Strict, problem


def _every_quick_or_globs(models: Any) -> Any:
    named = isinstance(models, (list, tuple)) and models and all(isinstance(glob, str) and glob for glob in models)
    if not named and models not in ("every", "quick"):
        raise problem("give every, quick, or a list of names or globs of models")
    return models


# Checked before pydantic, which would report an error for each form.
Selected = Annotated[Literal["every", "quick"] | tuple[str, ...], BeforeValidator(_every_quick_or_globs)]
"""Every model, the quick ones, or those named by globs."""


class LaneScope(Strict):
    """The models that a lane runs, and whether it runs the routes' variants. Globs select among the quick models."""

    models: Selected
    variants: bool = True


@dataclass(frozen=True)
class Lane:
    """A device and a dtype, perhaps with companions; the models that it runs, and whether all variants.

    Models are every one, the quick ones, or those of the quick ones that globs name.
    """

    name: str
    models: str | tuple[str, ...] = "every"
    variants: bool = True

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""
        return lane_name.device(self.name)

    @property
    def dtype(self) -> str:
        """The dtype, by torch's name."""
        return lane_name.dtype(self.name)

    @property
    def companions(self) -> bool:
        """Whether it runs in the pair's environment with companions."""
        return lane_name.has_companions(self.name)

    def has(self, model: str) -> bool:
        """Whether the lane runs a model, if a route does."""
        return isinstance(self.models, str) or any(fnmatchcase(model, glob) for glob in self.models)
