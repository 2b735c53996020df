"""Changes to the tensors of a checkpoint, and to its files."""

import itertools
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

State = dict[str, Tensor]
Change = Callable[[State], State]


def rewrite(folder: Path, change: Change) -> bool:
    """Change the tensors in each file of a folder; whether any differs afterwards."""
    changed = False
    for path in folder.glob("*.safetensors"):
        before = {name: tensor.clone() for name, tensor in load_file(path).items()}
        now = change(dict(before))
        if differ(before, now):
            save_file({name: tensor.contiguous() for name, tensor in now.items()}, path, metadata={"format": "pt"})
            changed = True
    return changed


def differ(before: State, now: State) -> bool:
    return list(before) != list(now) or any(
        tensor.shape != now[name].shape or tensor.dtype != now[name].dtype or not tensor.equal(now[name])
        for name, tensor in before.items()
    )


def renamed(old: str, new: str) -> Change:
    return lambda state: {name.replace(old, new): tensor for name, tensor in state.items()}


def prefixed(prefix: str) -> Change:
    return lambda state: {f"{prefix}.{name}": tensor for name, tensor in state.items()}


def dropped(part: str) -> Change:
    """Remove the first tensor whose name has this part."""

    def change(state: State) -> State:
        first = next((name for name in state if part in name), None)
        return {name: tensor for name, tensor in state.items() if name != first}

    return change


def exchanged(part: str) -> Change:
    """Exchange the first two tensors of equal shape whose names have this part."""

    def change(state: State) -> State:
        for first, second in itertools.combinations([name for name in state if part in name], 2):
            if state[first].shape == state[second].shape:
                return {**state, first: state[second], second: state[first]}
        return state

    return change


def on_first(part: str, change: Callable[[Tensor], Tensor]) -> Change:
    """Change the first tensor with more than one value whose name has this part."""

    def to(state: State) -> State:
        first = next((name for name in state if part in name and state[name].numel() > 1), None)
        return state if first is None else {**state, first: change(state[first])}

    return to


def shortened(part: str) -> Change:
    """Cut the first value from the first tensor whose name has this part."""
    return on_first(part, lambda tensor: tensor[1:])


def square_transposed(state: State) -> State:
    first = next((n for n, t in state.items() if t.dim() == 2 and t.shape[0] == t.shape[1] and "proj" in n), None)
    return state if first is None else {**state, first: state[first].T}


def with_more(state: State) -> State:
    return {**state, "blocks.77.ls1.gamma": torch.ones(3)}
