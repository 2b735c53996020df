"""Cases that die, hang, take too much or leave the process changed: each is what it is, and costs no other anything."""

import json
from pathlib import Path

import pytest

from tests.pairs import saboteur
from tests.pairs.command import ONE_LANE, among_others, cases, facts, has_ended, nox
from tests.places import ROOT

# By case: the deed, the outcome, and what the reason says.
WRECKED = {
    "wrapper/test_convnext": ("segfault", "crashed", "the last that it said: Segmentation fault"),
    "wrapper/test_convnext2": ("abort", "crashed", "the last that it said: Aborted"),
    "wrapper/test_convnext3": ("exit", "crashed", "the process that ran it died; the last that it said: so long"),
    "wrapper/test_mambaout": ("hang", "timeout", "its process was killed after "),
    "wrapper/test_vit2": ("sleep", "timeout", "Timeout (>15.0s) from pytest-timeout"),
    "wrapper/test_vit3": ("eat", "out-of-memory", "; limits.memory_gib is 2.5"),
    "wrapper/test_vit4": (
        "litter",
        "crashed",
        "when its files took 3.0 GiB; limits.disk_gib is 2",
    ),
    "wrapper/xcit_nano_12_p8_224": (
        "double",
        "leaked",
        "left changed in phase backward: default dtype was torch.float32 and is torch.float64",
    ),
    "wrapper/cait_xxs24_224": ("train", "leaked", "left changed in phase backward: grad mode was True and is False"),
    "wrapper/edgenext_xx_small": (
        "patch",
        "leaked",
        "left changed in phase backward: torch.nn.functional.relu is another function",
    ),
}
WRECKED["wrapper/resnet18"] = (
    "dial",
    "error",
    "Offline in phase native at offline.py",
)
WRECKED |= {
    "wrapper/convnext_zepto_rms": ("interrupt", "error", "KeyboardInterrupt in phase native at saboteur.py:"),
    "wrapper/convnext_zepto_rms_ols": ("panic", "error", "PanicException in phase native at saboteur.py:"),
    "wrapper/convnext_atto_rms": ("quit in the harness", "error", "SystemExit in phase harness: 0"),
    "wrapper/convnext_atto_ols": ("full", "not-run", "no space is left on a disk: "),
    "wrapper/eva02_tiny_patch14_224": ("exhaust", "error", "Too many open files"),
    "wrapper/convnext_atto": ("leave", "passed", ""),
    "wrapper/xcit_nano_12_p16_224": ("leave and die", "crashed", "the process that ran it died"),
    "wrapper/test_vit_relpos": ("change", "leaked", "left changed in phase native: working folder was "),
}
MODELS = [case.partition("/")[2] for case in WRECKED]
LIMITS = "  seconds: 15\n  memory_gib: 2.5\n  disk_gib: 2\n"


def record(results: Path, matrix: Path, **deeds: str) -> Path:
    """Runs the models with these deeds done to them; gives the results folder back."""
    routes = [word for route in ("wrapper", "tower") for word in ("--route", route)]
    words = (*ONE_LANE, *routes, *among_others(*MODELS), "--matrix", str(matrix), "--workers", "2")
    variables = {saboteur.SABOTAGE: json.dumps(deeds), saboteur.LEFT: str(results / "left")}
    ended = nox("matrix", *words, results=results, seconds=600, variables=variables)
    assert ended.code == int(bool(deeds)), ended.out
    assert has_ended(results)
    return results


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped matrix with limits that one need not wait for."""
    path = tmp_path_factory.mktemp("matrix") / "matrix.yaml"
    before, _, after = (ROOT / "matrix.yaml").read_text().partition("limits:\n")
    _, _, rest = after.partition("\n\n")
    path.write_text(f"{before}limits:\n{LIMITS}\n{rest}")
    return path


@pytest.fixture(scope="module")
def wrecked(matrix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of a run in which all of them were wrecked."""
    return record(tmp_path_factory.mktemp("wrecked"), matrix, **{case: deed for case, (deed, *_) in WRECKED.items()})


@pytest.mark.slow
@pytest.mark.parametrize("case", WRECKED, ids=[deed for deed, *_ in WRECKED.values()])
def test_a_wrecked_case_is_recorded_as_what_it_is(wrecked: Path, case: str) -> None:
    _, outcome, reason = WRECKED[case]
    line = cases(wrecked)[case]
    assert line["outcome"] == outcome, line["reason"]
    assert reason in line["reason"]
    assert "nondeterministic" not in line["detail"]


@pytest.mark.slow
def test_a_case_that_died_is_recorded_with_the_end_of_its_stderr(wrecked: Path) -> None:
    said = cases(wrecked)["wrapper/test_convnext"]["detail"]["error"]["message"]
    assert said.startswith("Fatal Python error: Segmentation fault")
    assert "saboteur.py" in said


@pytest.mark.slow
def test_processes_that_a_case_started_have_ended_with_it_or_with_its_process(wrecked: Path) -> None:
    left = (wrecked / "left").read_text().split()
    assert len(left) >= 3
    assert not [pid for pid in left if Path("/proc", pid).exists()]


@pytest.mark.slow
def test_only_a_process_that_died_at_a_case_is_noted_there(wrecked: Path) -> None:
    died = {case for case, line in cases(wrecked).items() if "died" in line["detail"]}
    assert died == set()


@pytest.mark.slow
def test_the_other_cases_are_what_they_would_have_been(wrecked: Path, matrix: Path, tmp_path: Path) -> None:
    undisturbed, found = facts(record(tmp_path, matrix)), facts(wrecked)
    assert set(found) == set(undisturbed)
    for case in set(undisturbed) - set(WRECKED):
        assert found[case] == undisturbed[case]
