"""`throwaway`: a timm checkpoint through `AutoModel` once more, to show what adding a route touches.

Compared with native timm: `last_hidden_state`, `pooler_output`
"""

from collections.abc import Mapping
from typing import Final

from ...contract.catalog import Entry
from ..models.installed import Release
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Scenario
from .wrapper import embedded, no_wrapper


class Throwaway:
    """The same as `wrapper`."""

    name = "throwaway"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapperModel."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """One: as the hub holds it."""
        return {"": embedded(context, context.checkpoint)}


ROUTE: Final = Throwaway()
