"""What is known hides nothing: a fault behind a known failure is unexplained, and the remedies hold without one.

The rules are the shipped ones, of the pair that is installed here.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness.cell.models.native import Outputs
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES, hub
from harness.cell.scenarios import run_case
from harness.cell.scenarios.protocol import Route
from harness.contract.case import Case
from harness.contract.matching import applying
from harness.contract.plan import Rule
from harness.doctor import shipped_matrix
from harness.remedies.table import remedy_of
from harness.results.explaining import Explanation, Remedied, explain
from tests.cell.faults import faulty
from tests.cell.faults.conftest import RELEASE, TOLERANCES
from tests.cell.faults.faulty import Faulty

pytestmark = pytest.mark.slow

CONVNEXT, RELPOS = "convnext_atto", "vit_relpos_small_patch16_224"
LANE = "cpu-float32"


@pytest.fixture(scope="session")
def rules() -> list[Rule]:
    return shipped_matrix.planned(shipped_matrix.rules(), RELEASE)


@pytest.fixture
def explained(
    rules: list[Rule], reference: Callable[..., ReferenceModel], tmp_path: Path
) -> Callable[[Route, str], Explanation]:
    """Runs a case with the rules that apply to it, and holds its line against them."""

    def run(route: Route, model: str) -> Explanation:
        native = reference(model)
        known = applying(rules, Case(route.name, model), LANE, native.entry)
        tolerance = TOLERANCES[torch.float32]
        line = run_case.run(route, VARIANTS["safetensors"], native, RELEASE, tolerance, tmp_path / "case", rules=known)
        return explain(json.loads(json.dumps(line.fields)), [_for_results(rule) for rule in known])

    return run


def _for_results(rule: Rule) -> Any:
    """The rule with what reports say of it."""
    return next(known for known in shipped_matrix.rules() if known.id == rule.id)


OF_DETECTORS = {"d-fine-thaws", "detector-by-name-asks-the-hub"}
"""What this pair breaks of detectors on every backbone."""


KNOWN = [
    ("hub", CONVNEXT, {"hub-classes-twice"}),
    ("roundtrip", CONVNEXT, {"resaved-model-args-null"}),
    ("scratch", CONVNEXT, {"scratch-prefix", "scratch-without-pretrained-cfg"}),
    ("partial", CONVNEXT, {"missing-scales-uninitialised"}),
    ("partial", RELPOS, {"missing-scales-uninitialised", "buffers-in-own-model"}),
    ("wrapper-features", CONVNEXT, {"features-only-names"}),
    ("backbone-features", CONVNEXT, {"hidden-states-of-several-levels"}),
    ("backbone-pretrained", "resnet18", {"pretrained-batch-norms-reset", "training-mode-after-from-pretrained"}),
    ("tower", RELPOS, {"buffers-in-own-model"}),
    ("detector", RELPOS, {"buffers-in-detr", *OF_DETECTORS}),
    ("detector", "regnetx_002", {"frozen-batch-norm-drops-activation", *OF_DETECTORS}),
]
NAMES = [f"{route}/{model}" for route, model, _ in KNOWN]


@pytest.mark.parametrize(("route", "model", "ids"), KNOWN, ids=NAMES)
def test_a_known_failure_is_explained_and_its_remedies_hold(
    explained: Callable[[Route, str], Explanation], route: str, model: str, ids: set[str]
) -> None:
    found = explained(ROUTES[route], model)
    assert found.unexplained == ()
    assert {rule.id for rule in found.found} == ids
    assert set(found.remedies) == {rule.id for rule in found.found if remedy_of(rule)}
    assert set(found.remedies.values()) == {Remedied.HOLDS}


@pytest.mark.parametrize(("route", "model"), [known[:2] for known in KNOWN], ids=NAMES)
def test_a_fault_behind_a_known_failure_is_unexplained(
    explained: Callable[[Route, str], Explanation], route: str, model: str
) -> None:
    found = explained(Faulty(ROUTES[route], to_model=faulty.scaled), model)
    assert any(seen.finding.how in {"of other values", "off"} for seen in found.unexplained)


def test_an_output_that_is_wrong_behind_a_known_failure_is_unexplained(
    explained: Callable[[Route, str], Explanation],
) -> None:
    def off(outputs: Outputs) -> Outputs:
        return {name: tensor * 1.01 for name, tensor in outputs.items()}

    for route, model, _ in KNOWN[:4]:
        found = explained(Faulty(ROUTES[route], to_outputs=off), model)
        assert {seen.finding.kind for seen in found.unexplained} == {"outputs"}, route
        assert Remedied.FAILS in found.remedies.values(), route


@pytest.mark.parametrize("model", [CONVNEXT, "test_vit3", "cait_xxs24_224"])
def test_hidden_states_of_another_level_are_not_hidden_by_the_names_of_features_only(
    explained: Callable[[Route, str], Explanation], model: str
) -> None:
    def shifted(outputs: Outputs) -> Outputs:
        states = [name for name in outputs if name.startswith("hidden_states")]
        same = {name: tensor for name, tensor in outputs.items() if name not in states}
        rolled = zip(states, [*states[1:], states[0]], strict=True)
        return {**same, **{name: outputs[other] for name, other in rolled}}

    found = explained(Faulty(ROUTES["wrapper-features"], to_outputs=shifted, only="all hidden states"), model)
    assert {(seen.scenario, seen.finding.what) for seen in found.unexplained} == {
        ("all hidden states", "hidden_states.*")
    }
    assert {rule.id for rule in found.found} <= {"features-only-names"}


@pytest.mark.parametrize(
    ("error", "route"),
    [
        (OSError("read-only file system"), "hub"),
        (TypeError("got multiple values for keyword argument 'global_pool'"), "hub"),
        (AttributeError("'NoneType' object has no attribute 'items'"), "roundtrip"),
        (IndexError("list index out of range"), "tower"),
    ],
    ids=["another type", "another argument", "another attribute", "another route"],
)
def test_another_exception_than_the_known_one_is_unexplained(
    explained: Callable[[Route, str], Explanation], error: Exception, route: str
) -> None:
    def failing(_module: nn.Module) -> None:
        raise error

    found = explained(Faulty(ROUTES[route], to_model=failing), CONVNEXT)
    assert any(seen.finding.what == type(error).__name__ for seen in found.unexplained)


def test_a_bug_that_is_undone_by_another_bug_is_told_as_both(
    explained: Callable[[Route, str], Explanation], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = vars(hub)["save_for_hf"]

    def without_model_args(model: nn.Module, folder: Path, **arguments: Any) -> None:
        write(model, folder, **arguments)
        config = json.loads((Path(folder) / "config.json").read_text())
        config.pop("model_args")
        (Path(folder) / "config.json").write_text(json.dumps(config))

    monkeypatch.setattr(f"{hub.__name__}.save_for_hf", without_model_args)
    found = explained(ROUTES["hub"], CONVNEXT)
    assert {seen.finding.what for seen in found.unexplained} == {"model_args.drop_rate"}
    assert [rule.id for rule in found.absent] == ["hub-classes-twice"]
    assert found.gone == ()


def test_a_remedy_that_does_not_mend_is_told(
    explained: Callable[[Route, str], Explanation], rules: list[Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [replace(rule, remedy="cast_pixels") if rule.id == "hub-classes-twice" else rule for rule in rules]
    rules[:], whole = broken, list(rules)
    monkeypatch.setattr(shipped_matrix, "rules", lambda: broken)
    try:
        found = explained(ROUTES["hub"], CONVNEXT)
    finally:
        rules[:] = whole
    assert set(found.remedies.values()) == {Remedied.FAILS}
    assert found.unexplained[0].remedies[0].remedy == "cast_pixels"


def test_a_scenario_that_compares_state_alone_is_green_with_its_remedy(
    rules: list[Rule], reference: Callable[..., ReferenceModel], tmp_path: Path
) -> None:
    """`13 labels` of `classifier` runs nothing: with the remedy there is nothing to run either."""

    times: list[nn.Module] = []

    def unset_at_first(module: nn.Module) -> None:
        if not times:
            next(buffer for name, buffer in module.named_buffers() if "rel_pos" in name).fill_(2**63 - 1)
        times.append(module)

    known = [
        replace(rule, routes=("classifier",), scenarios=None) for rule in rules if rule.id == "buffers-in-own-model"
    ]
    native = reference(RELPOS)
    scratch, tolerance = tmp_path / "case", TOLERANCES[torch.float32]
    route = Faulty(ROUTES["classifier"], to_model=unset_at_first, only="13 labels")
    line = run_case.run(route, VARIANTS["safetensors"], native, RELEASE, tolerance, scratch, rules=known)
    tried = next(scenario.remedied for scenario in line.scenarios if scenario.name == "13 labels")
    assert [result.findings for result in tried.values()] == [()]
