"""Faults put into a loaded model, or into its file, from outside: each has the outcome and the reason that name it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from harness.catalog import Entry
from harness.cell.routes import ROUTES
from harness.cell.routes.road import Loaded, Release, Route, Saved
from harness.cell.subject import Native, Outputs, Runs, Subject

CONVNEXT, RELPOS, CAIT = "convnext_atto", "test_vit_relpos", "cait_xxs24_224"


@dataclass
class Faulty:
    """A road on which something happens to the file, or to the model that was loaded from it."""

    road: Route
    to_file: Callable[[Path], None] = lambda _: None
    to_model: Callable[[nn.Module], None] = lambda _: None

    @property
    def name(self) -> str:
        return self.road.name

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        return self.road.unsupported(release, entry)

    def native(self, subject: Subject) -> Native:
        return self.road.native(subject)

    def save(self, subject: Subject, folder: Path) -> Saved:
        saved = self.road.save(subject, folder)
        self.to_file(saved.folder / "model.safetensors")
        return saved

    def load(self, subject: Subject, saved: Saved) -> Iterator[Loaded]:
        for loaded in self.road.load(subject, saved):
            with torch.no_grad():
                self.to_model(loaded.timm_module)
            yield loaded

    def expected(self, subject: Subject, saved: Saved) -> Runs:
        return self.road.expected(subject, saved)

    def outputs(self, subject: Subject, loaded: Loaded) -> Outputs:
        return self.road.outputs(subject, loaded)


def renamed(old: str, new: str) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        tensors = {name.replace(old, new): tensor for name, tensor in load_file(path).items()}
        save_file(tensors, path, metadata={"format": "pt"})

    return rewrite


def dropped(part: str) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        tensors = load_file(path)
        del tensors[next(name for name in tensors if part in name)]
        save_file(tensors, path, metadata={"format": "pt"})

    return rewrite


def first(module: nn.Module, part: str) -> Any:
    return next(tensor for name, tensor in module.named_parameters() if part in name)


def constant(module: nn.Module) -> None:
    first(module, "gamma").fill_(1e-5)


def scaled(module: nn.Module) -> None:
    first(module, "weight").mul_(1.001)


def swapped(module: nn.Module) -> None:
    one, other = [tensor for name, tensor in module.named_parameters() if "gamma_" in name][:2]
    one.data, other.data = other.data.clone(), one.data.clone()


def transposed(module: nn.Module) -> None:
    square = next(p for p in module.parameters() if p.dim() == 2 and p.shape[0] == p.shape[1])
    square.data = square.data.T.clone()


def halved(module: nn.Module) -> None:
    tensor = first(module, "weight")
    tensor.data = tensor.data.half().float()


def zeroed(module: nn.Module) -> None:
    next(module.buffers()).zero_()


def dropping(module: nn.Module) -> None:
    module.register_forward_hook(lambda *_: None)
    conv = next(part for part in module.modules() if isinstance(part, nn.Conv2d))
    conv.register_forward_hook(lambda _m, _a, out: nn.functional.dropout(out, 0.5))


def poisoned(module: nn.Module) -> None:
    conv = next(part for part in module.modules() if isinstance(part, nn.Conv2d))

    def hook(_module: nn.Module, _args: Any, out: torch.Tensor) -> torch.Tensor:
        out = out.clone()
        out[:, 0] = torch.nan
        return out

    conv.register_forward_hook(hook)


def raising(module: nn.Module) -> None:
    def hook(*_: Any) -> None:
        raise RuntimeError("no forward pass today")

    next(module.children()).register_forward_hook(hook)


FAULTS = [
    pytest.param(
        "wrapper", CONVNEXT, {"to_file": renamed("gamma", "scale")}, "keys", "gamma to scale", id="gamma renamed"
    ),
    pytest.param(
        "tower", CONVNEXT, {"to_file": renamed("gamma", "weight")}, "keys", "renamed", id="the rename of 2024"
    ),
    pytest.param("backbone", CONVNEXT, {"to_file": dropped("gamma")}, "keys", "1 missing", id="one key dropped"),
    pytest.param("wrapper", CONVNEXT, {"to_model": constant}, "tensors", "is 1e-05 throughout", id="gamma reset"),
    pytest.param("classifier", CAIT, {"to_model": swapped}, "tensors", "parameters not as saved", id="gammas swapped"),
    pytest.param("wrapper", CONVNEXT, {"to_model": scaled}, "tensors", "1 parameter not as saved", id="weight x 1.001"),
    pytest.param("tower", CAIT, {"to_model": transposed}, "tensors", "1 parameter", id="weight transposed"),
    pytest.param("wrapper", CONVNEXT, {"to_model": halved}, "tensors", "differs by up to", id="cast through half"),
    pytest.param("backbone", RELPOS, {"to_model": zeroed}, "tensors", "is 0 throughout", id="buffer zeroed"),
    pytest.param("wrapper", CONVNEXT, {"to_model": nn.Module.double}, "tensors", "is float64, not float32", id="dtype"),
    pytest.param("wrapper", CONVNEXT, {"to_model": dropping}, "outputs", "state is equal", id="dropout left on"),
    pytest.param("classifier", CONVNEXT, {"to_model": poisoned}, "nonfinite", "is not finite", id="NaN in a channel"),
    pytest.param("tower", CONVNEXT, {"to_model": raising}, "error", "in phase run", id="exception in forward"),
]


@pytest.mark.parametrize(("road", "model", "fault", "outcome", "reason"), FAULTS)
def test_a_fault_has_the_outcome_and_the_reason_that_name_it(
    attempt: Callable[[Route, str], dict[str, Any]], road: str, model: str, fault: Any, outcome: str, reason: str
) -> None:
    record = attempt(Faulty(ROUTES[road], **fault), model)
    assert record["outcome"] == outcome, record["reason"]
    assert reason in record["reason"]


class Mute(Faulty):
    """A road whose loaded model gives one output less."""

    def outputs(self, subject: Subject, loaded: Loaded) -> Outputs:
        outputs = dict(super().outputs(subject, loaded))
        outputs.popitem()
        return outputs


class Empty(Faulty):
    """A road that loads nothing."""

    def load(self, subject: Subject, saved: Saved) -> Iterator[Loaded]:  # noqa: ARG002 - it does nothing
        yield from ()


def test_an_output_that_is_not_there_differs(attempt: Callable[[Route, str], dict[str, Any]]) -> None:
    record = attempt(Mute(ROUTES["wrapper"]), CONVNEXT)
    assert record["outcome"] == "outputs"
    assert record["max_abs"] is None or record["max_abs"] != record["max_abs"]


def test_a_road_that_loads_nothing_is_not_green(attempt: Callable[[Route, str], dict[str, Any]]) -> None:
    record = attempt(Empty(ROUTES["wrapper"]), CONVNEXT)
    assert record["outcome"] == "error"
    assert "nothing was compared" in record["reason"]


def test_memory_that_runs_out_is_called_so(attempt: Callable[[Route, str], dict[str, Any]]) -> None:
    def starve(_module: nn.Module) -> None:
        raise MemoryError

    assert attempt(Faulty(ROUTES["wrapper"], to_model=starve), CONVNEXT)["outcome"] == "out-of-memory"


@pytest.mark.parametrize("road", ROUTES)
def test_without_a_fault_the_same_roads_are_green(attempt: Callable[[Route, str], dict[str, Any]], road: str) -> None:
    record = attempt(Faulty(ROUTES[road]), CONVNEXT)
    assert record["outcome"] in {"passed", "drifted"}, record["reason"]


def test_outputs_that_differ_name_the_first_module_that_does(
    attempt: Callable[[Route, str], dict[str, Any]],
) -> None:
    record = attempt(Faulty(ROUTES["wrapper"], to_model=dropping), CONVNEXT)
    assert record["detail"]["diverges"].startswith("stem.0 (Conv2d), by ")


def test_a_buffer_that_transformers_leaves_unset_is_caught_and_is_silent(
    attempt: Callable[[Route, str], dict[str, Any]],
) -> None:
    record = attempt(ROUTES["tower"], RELPOS)
    assert record["outcome"] == "tensors"
    assert "uninitialised memory" in record["reason"]
    assert record["detail"]["silent"] is True
