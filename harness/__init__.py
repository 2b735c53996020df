"""Which pairs of transformers and timm give back the model that was saved?

    from layerscale_matrix import ask

In a checkout the package is `harness`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .atlas.asking import ask
    from .atlas.moving import move
    from .cell.user_models.target import Unusable
    from .mending.loaded import guard
    from .mending.loss import Lost
    from .mending.repair import repair
    from .survival import assert_survives_transformers

__all__ = ["Lost", "Unusable", "ask", "assert_survives_transformers", "guard", "move", "repair"]
_MODULES = {
    "Lost": "mending.loss",
    "Unusable": "cell.user_models.target",
    "ask": "atlas.asking",
    "assert_survives_transformers": "survival",
    "guard": "mending.loaded",
    "move": "atlas.moving",
    "repair": "mending.repair",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for: pytest imports this package in every project that has it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
