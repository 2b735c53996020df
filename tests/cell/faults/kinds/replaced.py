"""How a method of a library is replaced by a faulty one that calls it."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from tests.cell.faults.outside import Put, Reached, after, loading

VIT = "test_vit3"


def replacing(owner: Any, name: str, faulty: Callable[..., Any]) -> Put:
    """`faulty` is called in place of `owner.name`, with the original and `reached` before the arguments."""

    def put(patch: pytest.MonkeyPatch, reached: Reached) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def method(*args: Any, **kwargs: Any) -> Any:
            return faulty(original, reached, *args, **kwargs)

        patch.setattr(owner, name, method)

    return put


def returning(owner: Any, name: str, change: Callable[..., Any]) -> Put:
    """What `owner.name` returns is changed; `change` is given it, and then the arguments of the call.

    Where `change` gives back the same object, the fault has not been reached.
    """

    def faulty(original: Callable[..., Any], reached: Reached, *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        changed = change(result, *args, **kwargs)
        reached.times += changed is not result
        return changed

    return replacing(owner, name, faulty)


def both(*puts: Put) -> Put:
    """Several faults at once."""

    def put(patch: pytest.MonkeyPatch, reached: Reached) -> None:
        for each in puts:
            each(patch, reached)

    return put


def leaving(do: Callable[[], Any]) -> Put:
    """`from_pretrained` does something to the process."""

    def load(original: Callable[..., Any], reached: Reached, *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        do()
        reached.times += 1
        return result

    return loading(load)


def on_model(do: Callable[[Any], Any]) -> Put:
    """`from_pretrained` does something to each model that it gives back."""

    def change(model: Any, _info: Any) -> bool:
        do(model)
        return True

    return after(change)


def on_modules(kind: type[nn.Module] | tuple[type[nn.Module], ...], do: Callable[[Any], Any]) -> Put:
    """`from_pretrained` does something to each module of a kind."""

    def change(model: Any, _info: Any) -> bool:
        modules = [module for module in model.modules() if isinstance(module, kind)]
        for module in modules:
            do(module)
        return bool(modules)

    return after(change)


def on_parameters(part: str, do: Callable[[Any, Any, str], Any]) -> Put:
    """`from_pretrained` does something to each parameter whose name has this part: given its module and its leaf."""

    def change(model: Any, _info: Any) -> bool:
        names = [name for name, _ in model.named_parameters() if part in name]
        for name in names:
            owner, _, leaf = name.rpartition(".")
            module = model.get_submodule(owner)
            do(module, getattr(module, leaf), leaf)
        return bool(names)

    return after(change)
