"""The routes that can be run, by name. Each is a file here with a constant ROUTE, and a row in `contract/routes`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from ...contract import routes
from ..scenarios.protocol import Route

ROUTES: Final[Mapping[str, Route]] = {
    name: import_module(f".{row.module}", __name__).ROUTE for name, row in routes.ROUTES.items()
}
