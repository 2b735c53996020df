"""For each route a digest of the code and settings that its outcomes depend on. A record is current while it matches.

The code is `contract` and everything that the plugin and the route's file import, by the import graph. So a change in
one route leaves the records of the others current, and a change in a report or in `doctor` leaves all of them current.
A route that compares with fingerprints of timm rests on those of the pair's release and of older ones too.
The other conditions (pair, lock, seed, weights, catalog) are checked against a run's header in `results/store.py`.
"""

import functools
import hashlib
import importlib.util
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import grimp

from ..config.matrix import Matrix
from ..contract import fingerprints, package
from ..contract.routes import ROUTES

PLUGIN: Final = "cell.runtime.plugin"
REGISTRY: Final = "cell.routes"
USER_MODELS: Final = "cell.user_models"
USER_MODEL: Final = f"{USER_MODELS}.request"
"""The route file of user models."""


def digests(matrix: Matrix, routes: Iterable[str], timm: str, name: str = package.NAME) -> dict[str, str]:
    """Route -> digest, for a pair with this release of timm. `name` is the name of the package."""
    shared = matrix.model_dump(mode="json", include={"tolerances", "costs"}) | {"limits": matrix.limits.of_a_case}
    recorded = {fingerprints.ROUTE: {"fingerprints": fingerprints.digest(timm, _folder(name) / fingerprints.NAME)}}
    return {
        route: _digest(route, name, {**shared, **recorded.get(route, {}), "route": _settings(matrix, route)})
        for route in routes
    }


def _digest(route: str, name: str, settings: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(_code(route, name).encode())
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _settings(matrix: Matrix, route: str) -> Any:
    return matrix.routes[route].model_dump(mode="json") if route in matrix.routes else None


@functools.cache
def _code(route: str, name: str) -> str:
    """A digest of the source of every module that the route's outcomes depend on."""
    folder, digest = _folder(name), hashlib.sha256()
    for module in sorted(modules(route, name)):
        path = folder.joinpath(*module.split(".")[1:])
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def modules(route: str, name: str = package.NAME) -> set[str]:
    """The full names of the modules that the route's outcomes depend on."""
    graph = _graph(name, with_user_models=route not in ROUTES)
    file = f"{REGISTRY}.{ROUTES[route].module}" if route in ROUTES else USER_MODEL
    roots = {f"{name}.{PLUGIN}", f"{name}.{file}"}
    contract = f"{name}.contract"
    return roots.union({contract}, graph.find_descendants(contract), *map(graph.find_upstream_modules, roots))


@functools.cache
def _graph(name: str, *, with_user_models: bool) -> grimp.ImportGraph:
    """The import graph, without the user models unless asked: the cases of other routes never reach them."""
    graph = grimp.build_graph(name, cache_dir=None)
    if not with_user_models:
        for module in {f"{name}.{USER_MODELS}", *graph.find_descendants(f"{name}.{USER_MODELS}")}:
            graph.remove_module(module)
    return graph


def _folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent
