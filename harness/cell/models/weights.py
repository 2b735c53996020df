"""Deterministic, telling weights: the same in every release, and never a constructor's own values.

A fresh LayerScale is a constant, often 1e-5: a lost one that is initialised again is the same number, and it hides
every fault in the branch that it scales. So every parameter and persistent buffer gets its own value,
seeded by its name and shape, large enough to show and small enough that a deep model stays finite.
"""

import contextlib
import hashlib
import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from ...contract.case import SEED

# The share of its input's variance that a matrix keeps. At 1, branches without a norm would double 56 times in a row.
GAIN: Final = 0.25
# In-place methods that leave a tensor's values alone, those that change them, and of these the ones that draw them.
NO_VALUES: Final = frozenset(
    {
        "requires_grad_",
        "detach_",
        "share_memory_",
        "rename_",
        "resize_",
        "resize_as_",
        "set_",
        "t_",
        "squeeze_",
        "unsqueeze_",
    }
)
IN_PLACE: Final = frozenset(
    name for name in dir(Tensor) if name.endswith("_") and not name.startswith("_") and name not in NO_VALUES
)
DRAWING: Final = frozenset(
    {"uniform_", "normal_", "bernoulli_", "exponential_", "log_normal_", "geometric_", "random_", "cauchy_"}
)
SLOW_ON_META: Final = DRAWING | {"clamp_", "erfinv_", "mul_", "add_"}
"""In-place methods that torch runs in Python where there are no values, and that are all of an initialisation."""
SPREAD: Final = 0.05
VARIANCE: Final = "running_var"
SMALL_VARIANCE: Final = 1e-4


def value(name: str, like: Tensor, state: Container[str] = ()) -> Tensor:
    """A telling value for the parameter or persistent buffer `name`, of the shape and dtype of `like`, on the CPU.

    `state` has the names beside it: the first channel of a batch norm has a variance so small that epsilon counts, and
    a weight that makes up for it.

    Matrices keep a quarter of the variance of what they multiply; scales lie in 0.75 to 1.25, shifts within 0.25 of 0.
    Integers are positions that must stay valid, so they are reversed; a count becomes another count.
    """
    if not like.is_floating_point():
        return _integers(like)
    leaf = name.rpartition(".")[2]
    generator = torch.Generator().manual_seed(_seed(name, like.shape))
    out = torch.empty(like.shape, dtype=torch.float32)
    if _is_shift(name, leaf):
        return out.uniform_(-0.25, 0.25, generator=generator).to(like.dtype)
    if sum(size > 1 for size in like.shape) <= 1:
        out.uniform_(0.75, 1.25, generator=generator)
        if out.numel() > 1 and leaf == VARIANCE:
            out[0] = SMALL_VARIANCE
        elif out.numel() > 1 and leaf == "weight" and f"{name.removesuffix(leaf)}{VARIANCE}" in state:
            out[0] *= math.sqrt(SMALL_VARIANCE)
        return out.to(like.dtype)
    bound = math.sqrt(3 * GAIN / math.prod(like.shape[1:]))
    return out.uniform_(-bound, bound, generator=generator).to(like.dtype)


def fill(module: nn.Module, known: Mapping[str, Tensor] | None = None) -> None:
    """Give every parameter and persistent buffer of a module its telling value, in place.

    A value that `known` holds under the same name and shape is shared instead. A feature extractor of timm spells the
    names of its model differently: `stages_0.blocks` for `stages.0.blocks`, or with `model.` before them.
    """
    find = counterparts(known or {})
    with torch.no_grad():
        state = module.state_dict(keep_vars=True)
        for name, tensor in state.items():
            if (shared := find(name, tensor)) is not None:
                tensor.data = shared.data
            else:
                tensor.copy_(value(name, tensor, state))


def counterparts(state: Mapping[str, Tensor]) -> Callable[[str, Tensor], Tensor | None]:
    """A function that finds the tensor of `state` with a name, in any spelling, and the shape of another tensor."""
    spelled = {spelling(name): tensor for name, tensor in state.items()}

    def find(name: str, like: Tensor) -> Tensor | None:
        tensor = spelled.get(spelling(name))
        return tensor if tensor is not None and tensor.shape == like.shape else None

    return find


def spelling(name: str) -> str:
    """A tensor's name in the spelling that a model and its feature extractor share."""
    return name.removeprefix("model.").replace("_", ".")


def image(size: Sequence[int]) -> Tensor:
    """Pixels of shape (1, channels, height, width), as a normalised picture has them."""
    generator = torch.Generator().manual_seed(_seed("pixel_values", size))
    # Whatever a library left as the default, these are the same pixels.
    return torch.empty((1, *size), dtype=torch.float32, device="cpu").uniform_(-2, 2, generator=generator)


@contextlib.contextmanager
def uninitialised() -> Iterator[None]:
    """Build modules without timm's initialisation of parameters, which telling values replace anyway.

    Buffers are initialised as ever: non-persistent ones have no other source.
    """
    with _parameters_with(dict.fromkeys(IN_PLACE, _left_alone)):
        yield


@contextlib.contextmanager
def cheap_randomness(most: int | None = None) -> Iterator[None]:
    """Build modules with timm's constants, but one random number for a whole tensor of them, in a tenth of the time.

    The number differs from tensor to tensor. A tensor of more than `most` numbers is left uninitialised, which takes no
    memory.
    """
    with _parameters_with({name: _cheap(name, most) for name in (DRAWING if most is None else IN_PLACE)}):
        yield


@contextlib.contextmanager
def nothing_without_values() -> Iterator[None]:
    """Skip the arithmetic of initialising parameters that have no values, which is a tenth of a worker's time.

    transformers 5 builds every model on the meta device, and timm initialises it there. A call with a tensor among its
    arguments, whose shape may not fit, runs as ever.
    """
    with _parameters_with({name: _on_meta(name) for name in SLOW_ON_META}):
        yield


@contextlib.contextmanager
def _parameters_with(methods: Mapping[str, Callable[..., Tensor]]) -> Iterator[None]:
    """Replace methods of parameters. A call on `.data` or a view of a parameter still runs torch's own."""
    outer = {name: method for name, method in vars(nn.Parameter).items() if name in methods}
    for name, method in methods.items():
        setattr(nn.Parameter, name, method)
    try:
        yield
    finally:
        for name in methods:
            delattr(nn.Parameter, name)
        for name, method in outer.items():
            setattr(nn.Parameter, name, method)


def _left_alone(parameter: Tensor, *_: Any, **__: Any) -> Tensor:
    return parameter


def _cheap(name: str, most: int | None) -> Callable[..., Tensor]:
    usual: Callable[..., Tensor] = getattr(Tensor, name)

    def method(parameter: Tensor, *arguments: Any, **named: Any) -> Tensor:
        if most is not None and parameter.numel() > most:
            return parameter
        if name in DRAWING and parameter.is_floating_point():
            return Tensor.fill_(parameter, SPREAD * (2 * torch.rand(()).item() - 1))
        return usual(parameter, *arguments, **named)

    return method


def _on_meta(name: str) -> Callable[..., Tensor]:
    usual: Callable[..., Tensor] = getattr(Tensor, name)

    def method(parameter: Tensor, *arguments: Any, **named: Any) -> Tensor:
        skips = parameter.is_meta and parameter.is_floating_point() and not torch.is_grad_enabled()
        if skips and not any(isinstance(argument, Tensor) for argument in (*arguments, *named.values())):
            return parameter
        return usual(parameter, *arguments, **named)

    return method


def _integers(like: Tensor) -> Tensor:
    if like.dtype == torch.bool:
        return like.detach().cpu()
    return like.detach().cpu() + 17 if like.dim() == 0 else like.detach().cpu().flatten().flip(0).view(like.shape)


def _is_shift(name: str, leaf: str) -> bool:
    return any(word in leaf for word in ("bias", "beta", "mean", "token", "embed", "query")) or "pos_embed" in name


def seed_torch(number: int) -> None:
    """Seed torch's generators, on the CPU and on the GPUs that are in use.

    `torch.manual_seed` also keeps it for every kind of device that may be used later, which takes 13 ms a call.
    """
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(number)


def _seed(name: str, shape: Sequence[int]) -> int:
    text = f"{SEED}:{name}:{tuple(shape)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
