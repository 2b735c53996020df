"""Routes that need a companion see what is broken in it, in transformers' Trainer, and in what they save.

Run in the current pair's environment with companions.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from peft import peft_model
from transformers import Trainer

from harness.cell.models.installed import Release
from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import run_case
from harness.contract.finding import ScenarioLine, scenarios_of
from harness.contract.plan import Tolerance
from harness.environments import catalog_history

RELEASE = Release.installed()
MODEL = "test_vit2"
KNOWN = {"saved", "merged"}
"""What this pair breaks: transformers writes `"model_args": null`, which timm does not read."""

Scenarios = dict[str, ScenarioLine]


@pytest.fixture(scope="module")
def reference() -> ReferenceModel:
    timms = catalog_history.read(str(RELEASE.timm))
    assert timms is not None
    return ReferenceModel(timms[MODEL], "slim", Placement("cpu", torch.float32))


@pytest.fixture
def scenarios(reference: ReferenceModel, tmp_path: Path) -> Callable[..., Scenarios]:
    """Runs a route on a small model; its scenarios by name."""

    def run(route: str, variant: str = "safetensors") -> Scenarios:
        line = run_case.run(ROUTES[route], VARIANTS[variant], reference, RELEASE, Tolerance(1e-5, 1e-5), tmp_path)
        return {scenario.name: scenario for scenario in scenarios_of(json.loads(json.dumps(line.fields)))}

    return run


def words(scenario: ScenarioLine) -> str:
    return "; ".join(finding.words for finding in scenario.findings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("route", "names"), [("trainer", {"trained", "saved", "resumed", "best model"}), ("adapter", {"loaded", "merged"})]
)
def test_without_a_fault_all_but_what_this_pair_breaks_is_green(
    scenarios: Callable[..., Scenarios], route: str, names: set[str]
) -> None:
    found = scenarios(route)
    assert set(found) == names
    assert {name for name, scenario in found.items() if scenario.findings} == names & KNOWN
    for name in names & KNOWN:
        assert "'NoneType' object has no attribute 'get'" in words(found[name])


def test_a_device_map_with_accelerate_is_no_different(scenarios: Callable[..., Scenarios]) -> None:
    assert [words(scenario) for scenario in scenarios("classifier", "device-map").values()] == ["", ""]


def _twice_the_rate(patch: pytest.MonkeyPatch) -> None:
    made = Trainer.create_optimizer

    def create(self: Any, *arguments: Any, **kwargs: Any) -> Any:
        optimizer = made(self, *arguments, **kwargs)
        for group in optimizer.param_groups:
            group["lr"] *= 2
        return optimizer

    patch.setattr(Trainer, "create_optimizer", create)


def _saves_without_scales(patch: pytest.MonkeyPatch) -> None:
    saved = transformers.PreTrainedModel.save_pretrained

    def save(self: Any, folder: Any, **kwargs: Any) -> None:
        state = {name: tensor for name, tensor in self.state_dict().items() if not name.endswith("gamma")}
        saved(self, folder, **{**kwargs, "state_dict": state})

    patch.setattr(transformers.PreTrainedModel, "save_pretrained", save)


def _resumes_from_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Trainer, "_load_from_checkpoint", lambda *_, **__: None)


def _keeps_the_last(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Trainer, "_load_best_model", lambda *_, **__: None)


def _loads_without(part: str) -> Callable[[pytest.MonkeyPatch], None]:
    def fault(patch: pytest.MonkeyPatch) -> None:
        load = peft_model.load_peft_weights

        def without(*arguments: Any, **kwargs: Any) -> dict[str, Any]:
            return {name: tensor for name, tensor in load(*arguments, **kwargs).items() if part not in name}

        patch.setattr(peft_model, "load_peft_weights", without)

    return fault


def _merges_the_reverse(patch: pytest.MonkeyPatch) -> None:
    update = peft.tuners.lora.layer.Linear.get_delta_weight
    patch.setattr(peft.tuners.lora.layer.Linear, "get_delta_weight", lambda self, adapter: -update(self, adapter))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("route", "fault", "scenario", "said"),
    [
        pytest.param("trainer", _twice_the_rate, "trained", "logits: off at logits", id="a learning rate of twice"),
        pytest.param("trainer", _saves_without_scales, "saved", "gamma", id="LayerScales are not saved"),
        pytest.param("trainer", _resumes_from_nothing, "resumed", "of other values", id="resumed from no checkpoint"),
        pytest.param("trainer", _keeps_the_last, "best model", "of other values", id="the last for the best model"),
        pytest.param("adapter", _loads_without("lora_B"), "loaded", "off at logits", id="half of a LoRA is lost"),
        pytest.param("adapter", _loads_without("norm"), "loaded", "norm", id="norms are lost"),
        pytest.param("adapter", _merges_the_reverse, "merged", "off at logits", id="merged with the wrong sign"),
    ],
)
def test_a_fault_is_seen_in_the_scenario_that_has_it(
    scenarios: Callable[..., Scenarios],
    monkeypatch: pytest.MonkeyPatch,
    route: str,
    fault: Callable[[pytest.MonkeyPatch], None],
    scenario: str,
    said: str,
) -> None:
    fault(monkeypatch)
    assert said in words(scenarios(route)[scenario])


def test_a_tower_on_the_disk_is_run_from_there(scenarios: Callable[..., Scenarios]) -> None:
    """timm's forward_features reads parameters that accelerate has not fetched: on this model it raises."""
    found = scenarios("tower", "device-map")
    assert {name: scenario.outcome for name, scenario in found.items()} == {"": "passed", "disk": "error"}
    assert "is not on the expected device" in words(found["disk"])
