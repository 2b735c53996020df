"""Cases that die, hang, take too much or leave the process changed: each is what it is, and costs no other anything."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pairs import saboteur
from tests.pairs.command import PAIR, ROOT, nox

# By case: the deed, the outcome, and what the reason says.
WRECKED = {
    "wrapper/test_convnext": ("segfault", "crashed", "the last that it said: Segmentation fault"),
    "wrapper/test_convnext2": ("abort", "crashed", "the last that it said: Aborted"),
    "wrapper/test_convnext3": ("exit", "crashed", "the process that ran it died; the last that it said: so long"),
    "wrapper/test_mambaout": ("hang", "timeout", "its process was killed after "),
    "wrapper/test_vit2": ("sleep", "timeout", "Timeout (>15.0s) from pytest-timeout"),
    "wrapper/test_vit3": ("eat", "out-of-memory", "; limits.memory_gib is 4"),
    "wrapper/test_vit4": (
        "litter",
        "crashed",
        "when its files took 3.0 GiB; limits.disk_gib is 2",
    ),
    "wrapper/xcit_nano_12_p8_224": (
        "double",
        "error",
        "LeakedState in phase run: default dtype was torch.float32 and is torch.float64",
    ),
    "wrapper/cait_xxs24_224": ("train", "error", "LeakedState in phase run: grad mode was False and is True"),
    "wrapper/edgenext_xx_small": (
        "patch",
        "error",
        "LeakedState in phase run: torch.nn.functional.relu is another function",
    ),
}
MODELS = [case.partition("/")[2] for case in WRECKED]
LIMITS = "  seconds: 15\n  memory_gib: 4\n  disk_gib: 2\n"
FACTS = ("outcome", "reason", "max_abs", "max_rel", "noise", "fingerprint")


def recorded(results: Path, matrix: Path, **deeds: str) -> dict[str, dict[str, Any]]:
    words = [word for model in MODELS for word in ("--model", model)]
    routes = [word for route in ("wrapper", "tower") for word in ("--route", route)]
    only = ("--pair", PAIR, "--lane", "cpu-float32", "--variant", "safetensors", "--matrix", str(matrix))
    variables = {"PYTEST_PLUGINS": saboteur.__name__, saboteur.SABOTAGE: json.dumps(deeds)}
    ended = nox("matrix", *only, *routes, *words, results=results, seconds=600, variables=variables)
    assert ended.code == int(bool(deeds)), ended.out
    lines = [json.loads(line) for line in (results / PAIR / "cpu-float32.jsonl").read_text().splitlines()]
    assert lines[-1]["kind"] == "end"
    return {line["case"]: line for line in lines if line["kind"] == "case"}


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped matrix with limits that one need not wait for."""
    path = tmp_path_factory.mktemp("matrix") / "matrix.yaml"
    before, _, after = (ROOT / "matrix.yaml").read_text().partition("limits:\n")
    _, _, rest = after.partition("\n\n")
    path.write_text(f"{before}limits:\n{LIMITS}\n{rest}")
    return path


@pytest.fixture(scope="module")
def wrecked(matrix: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return recorded(tmp_path_factory.mktemp("wrecked"), matrix, **{case: deed for case, (deed, *_) in WRECKED.items()})


@pytest.mark.slow
@pytest.mark.parametrize("case", WRECKED, ids=[deed for deed, *_ in WRECKED.values()])
def test_a_wrecked_case_is_recorded_as_what_it_is(wrecked: dict[str, dict[str, Any]], case: str) -> None:
    _, outcome, reason = WRECKED[case]
    assert wrecked[case]["outcome"] == outcome, wrecked[case]["reason"]
    assert reason in wrecked[case]["reason"]
    assert "nondeterministic" not in wrecked[case]["detail"]


@pytest.mark.slow
def test_a_case_that_died_is_recorded_with_the_end_of_its_stderr(wrecked: dict[str, dict[str, Any]]) -> None:
    said = wrecked["wrapper/test_convnext"]["detail"]["error"]["message"]
    assert said.startswith("Fatal Python error: Segmentation fault")
    assert "saboteur.py" in said


@pytest.mark.slow
def test_the_other_cases_are_what_they_would_have_been(
    wrecked: dict[str, dict[str, Any]], matrix: Path, tmp_path: Path
) -> None:
    undisturbed = recorded(tmp_path, matrix)
    assert set(wrecked) == set(undisturbed)
    for case in set(undisturbed) - set(WRECKED):
        assert {name: wrecked[case][name] for name in FACTS} == {name: undisturbed[case][name] for name in FACTS}
