"""Roads that the current pair breaks, on a real pair where the libraries still do what they say."""

from pathlib import Path

import pytest

from harness.contract.routes import ROUTES
from tests.pairs.command import cases, nox

pytestmark = pytest.mark.slow

HEALTHY = "transformers4.49.0-timm1.0.15"
MODELS = ("test_convnext", "resnet18", "bert")
# transformers 4.49 has no model that builds on timm in the one way, in the other loads BERT with another attention than
# it had, and lets no gradients of the input flow; tests/cell/faults sees these roads on the current pair.
LATER = {"vlm", "legacy-layernorm", "train"}
ELSEWHERE = {name for name, route in ROUTES.items() if route.companion}
"""Roads of the environment with companions, which tests/companions sees."""
NEVER_WHOLE = {"backbone-pretrained"}
"""Roads on which every release has the same known finding."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What became of each model, by route."""
    results: Path = tmp_path_factory.mktemp("results")
    words = [word for model in MODELS for word in ("--model", model)]
    only = ("--quick", "--pair", HEALTHY, "--lane", "cpu-float32", "--variant", "safetensors")
    ended = nox("matrix", *only, *words, results=results, seconds=600)
    assert ended.code == 0, ended.out
    found: dict[str, dict[str, str]] = {}
    for line in cases(results, HEALTHY).values():
        found.setdefault(line["route"], {})[line["model"]] = line["outcome"]
    return found


@pytest.mark.parametrize("route", sorted(set(ROUTES) - LATER - ELSEWHERE - NEVER_WHOLE))
def test_a_road_passes_where_the_libraries_do_what_they_say(outcomes: dict[str, dict[str, str]], route: str) -> None:
    assert "passed" in outcomes[route].values(), outcomes[route]


@pytest.mark.parametrize("route", sorted(NEVER_WHOLE))
def test_a_road_that_is_whole_in_no_release_has_its_known_finding_alone(
    outcomes: dict[str, dict[str, str]], route: str
) -> None:
    assert set(outcomes[route].values()) == {"flags"}


@pytest.mark.parametrize("route", ["hub", "partial", "roundtrip", "scratch", "wrapper-features"])
def test_a_model_with_layer_scale_passes_where_the_current_pair_fails(
    outcomes: dict[str, dict[str, str]], route: str
) -> None:
    assert outcomes[route]["test_convnext"] == "passed"
