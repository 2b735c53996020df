"""What is wrong with routes that somebody asks for on a command line."""

import difflib
from collections.abc import Sequence

from ..contract.finding import printable
from ..contract.routes import ROUTES


def problem(routes: Sequence[str]) -> str | None:
    """The routes that are none, with those whose names are near, or else all there are; None if all are routes."""
    unknown = [route for route in routes if route not in ROUTES]
    if not unknown:
        return None
    near = dict.fromkeys(name for route in unknown for name in difflib.get_close_matches(route.lower(), ROUTES))
    instead = f"near: {', '.join(near)}" if near else f"there are {', '.join(ROUTES)}"
    return f"there is no route {', '.join(map(printable, unknown))}; {instead}"
