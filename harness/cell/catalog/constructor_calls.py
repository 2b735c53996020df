"""Groups architectures whose constructor gets the same arguments but for numbers, without building any of them.

Whether a model has a LayerScale does not depend on how wide or deep it is, so one of a group tells of all. In no
timm release with a packaged catalog a group had both kinds.
"""

import contextlib
import functools
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

import timm

from ..models.slim import Call, constructor_of

DESCRIPTIONS: Final = frozenset({"pretrained_cfg", "pretrained_cfg_overlay", "feature_cfg"})
"""Arguments that say where weights come from, and which outputs are features."""
NUMBER: Final = "number"


class _Seen(Exception):
    """The call was seen; no model is built."""


def group_of(model: str) -> Hashable:
    """The class of a model and its constructor's arguments, in which numbers count as zero or not.

    A model whose entrypoint raises before that call is a group of its own.
    """
    calls: list[Call] = []

    def see(call: Call) -> Mapping[str, Any]:
        calls.append(call)
        raise _Seen

    with contextlib.suppress(Exception, SystemExit), constructor_of(model, see):
        timm.create_model(model)
    if not calls:
        return model
    arguments = {name: value for name, value in calls[0].arguments.items() if name not in DESCRIPTIONS}
    return _plain(calls[0].model_cls), _plain(arguments)


def _plain(value: Any) -> Hashable:  # noqa: PLR0911  a kind of value each
    """A value that prints alike in any process, with repeated items once."""
    if isinstance(value, bool | str | bytes) or value is None:
        return value
    if isinstance(value, int | float):
        return NUMBER if value else 0
    if isinstance(value, Mapping):
        return tuple(sorted((str(name), repr(_plain(item))) for name, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(dict.fromkeys(map(_plain, value)))
    if isinstance(value, functools.partial):
        return _plain(value.func), _plain(value.keywords)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, _plain({field.name: getattr(value, field.name) for field in fields(value)})
    return getattr(value, "__qualname__", type(value).__qualname__)
