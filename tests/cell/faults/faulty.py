"""Routes with a fault, and the faults."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.cell.models.installed import Release
from harness.cell.models.native import Outputs
from harness.cell.scenarios.context import CaseContext
from harness.cell.scenarios.protocol import Computed, Loaded, Route, Scenario, Written
from harness.contract.catalog import Entry
from tests.cell.faults import states
from tests.cell.faults.states import Change


@dataclass
class Intercepted:
    """A route each of whose scenarios passes through `_intercept`."""

    route: Route

    @property
    def name(self) -> str:
        return self.route.name

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        return self.route.unsupported(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        return {name: self._intercept(scenario) for name, scenario in self.route.scenarios(context).items()}

    def _intercept(self, scenario: Scenario) -> Scenario:
        return scenario


@dataclass
class Faulty(Intercepted):
    """A route with a fault in the files, in the loaded model, or in its outputs.

    `to_checkpoint` is given timm's checkpoint before any scenario runs, `to_written` each folder that transformers
    wrote before it is loaded, `to_model` and `to_loaded` the loaded model before it is compared. All but the first
    apply to the scenario `only`, if that is given.
    """

    to_checkpoint: Callable[[Path], None] | None = None
    to_written: Callable[[Path], None] = lambda _: None
    to_model: Callable[[nn.Module], None] = lambda _: None
    to_loaded: Callable[[Loaded], None] = lambda _: None
    to_outputs: Callable[[Outputs], Outputs] = lambda outputs: outputs
    only: str | None = None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        if self.to_checkpoint:
            self.to_checkpoint(context.checkpoint())
        scenarios = self.route.scenarios(context)
        assert self.only is None or self.only in scenarios
        return {
            name: self._intercept(scenario) if self.only in {None, name} else scenario
            for name, scenario in scenarios.items()
        }

    def _intercept(self, scenario: Scenario) -> Scenario:
        for step in scenario:
            match step:
                case Written():
                    self.to_written(step.folder)
                    yield step
                case Loaded():
                    with torch.no_grad():
                        self.to_model(step.timm_module)
                        self.to_loaded(step)
                    yield step
                case Computed():
                    yield replace(step, outputs=lambda step=step: self.to_outputs(step.outputs()))  # type: ignore[misc]
                case _:
                    yield step


@dataclass
class Scenarios:
    """A route of just these scenarios, each made anew for each attempt."""

    made: Mapping[str, Callable[[CaseContext], Scenario]]
    name: str = "made up"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002 - the protocol's
        return None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        return {name: make(context) for name, make in self.made.items()}


def empty(_context: CaseContext) -> Iterator[Any]:
    """A scenario without steps."""
    yield from ()


def rewritten(change: Change) -> Callable[[Path], None]:
    """Change the tensors of a folder."""

    def to(folder: Path) -> None:
        assert states.rewrite(folder, change)

    return to


def renamed(old: str, new: str) -> Callable[[Path], None]:
    return rewritten(states.renamed(old, new))


def prefixed(prefix: str) -> Callable[[Path], None]:
    return rewritten(states.prefixed(prefix))


def dropped(part: str) -> Callable[[Path], None]:
    return rewritten(states.dropped(part))


def shortened(part: str) -> Callable[[Path], None]:
    return rewritten(states.shortened(part))


def described(**changes: Any) -> Callable[[Path], None]:
    """Change fields of the checkpoint's `pretrained_cfg`."""

    def rewrite(folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        path.write_text(json.dumps({**config, "pretrained_cfg": {**config["pretrained_cfg"], **changes}}))

    return rewrite


def first(module: nn.Module, part: str) -> Any:
    return next(tensor for name, tensor in module.named_parameters() if part in name)


def constant(module: nn.Module) -> None:
    first(module, "gamma").fill_(1e-5)


def reset(module: nn.Module) -> None:
    """Set gamma to the value of ConvNeXt's constructor."""
    first(module, "gamma").fill_(1e-6)


def scaled(module: nn.Module) -> None:
    first(module, "weight").mul_(1.001)


def swapped(module: nn.Module) -> None:
    first_scale, second_scale = [tensor for name, tensor in module.named_parameters() if "gamma_" in name][:2]
    first_scale.data, second_scale.data = second_scale.data.clone(), first_scale.data.clone()


def blocks_exchanged(module: nn.Module) -> None:
    """Give the first two blocks of a stack each other's tensors."""
    first_block, second_block = _blocks(module)
    for mine, other in zip(first_block.parameters(), second_block.parameters(), strict=True):
        mine.data, other.data = other.data.clone(), mine.data.clone()


def blocks_shared(module: nn.Module) -> None:
    """Let the first two blocks of a stack be one."""
    first_block, second_block = _blocks(module)
    second_block.load_state_dict(first_block.state_dict())


def _blocks(module: nn.Module) -> list[nn.Module]:
    blocks = next(part for name, part in module.named_modules() if name.rpartition(".")[2] == "blocks")
    return list(blocks.children())[:2]


def transposed(module: nn.Module) -> None:
    square = next(p for p in module.parameters() if p.dim() == 2 and p.shape[0] == p.shape[1])
    square.data = square.data.T.clone()


def halved(module: nn.Module) -> None:
    tensor = first(module, "weight")
    tensor.data = tensor.data.half().float()


def unset(module: nn.Module) -> None:
    first(module, "gamma").fill_(torch.nan)


def zeroed(module: nn.Module) -> None:
    next(module.buffers()).zero_()


def without_scales(module: nn.Module) -> None:
    """Remove the LayerScale parameters."""
    for part in module.modules():
        if "gamma" in part._parameters:
            part.register_parameter("gamma", None)


def around(loaded: Loaded) -> None:
    """Change the first parameter outside the timm module."""
    parameters = loaded.model.named_parameters()
    next(tensor for name, tensor in parameters if not name.startswith(f"{loaded.prefix}.")).add_(1)


def _conv(module: nn.Module) -> nn.Module:
    return next(part for part in module.modules() if isinstance(part, nn.Conv2d))


def dropping(module: nn.Module) -> None:
    _conv(module).register_forward_hook(lambda _m, _a, out: nn.functional.dropout(out, 0.5))


def poisoned(module: nn.Module) -> None:
    def hook(_module: nn.Module, _args: Any, out: Any) -> Any:
        out = out.clone()
        out[:, 0] = torch.nan
        return out

    _conv(module).register_forward_hook(hook)


def raising(module: nn.Module) -> None:
    def hook(*_: Any) -> None:
        raise RuntimeError("no forward pass today")

    next(module.children()).register_forward_hook(hook)


def starving(_module: nn.Module) -> None:
    raise MemoryError


def refusing(_module: nn.Module) -> None:
    raise LookupError("not this one")
