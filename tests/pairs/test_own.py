"""Models of somebody's own over three pairs, as README.md shows: each outcome, its cause and its advice."""

from pathlib import Path
from typing import Final

import pytest

from tests.pairs.command import cases, nox

PAIRS: Final = ("transformers4.48.3-timm1.0.14", "transformers4.49.0-timm1.0.15", "transformers5.23.0-timm1.0.31")
OLD, BETWEEN, NEW = PAIRS
ADVICE: Final = {
    "keys": "Move to transformers 4.49 or later.",
    "tensors": "Call timm's init_non_persistent_buffers (timm 1.0.23 or later) in your model's _init_weights.",
}


@pytest.mark.parametrize(
    ("tower", "outcomes"),
    [
        pytest.param(
            *("OpenVLALike", {OLD: "keys", BETWEEN: "passed", NEW: "passed"}),
            marks=pytest.mark.slow,
            id="the bug of 2024",
        ),
        pytest.param(
            *("unset_buffers", {OLD: "passed", BETWEEN: "passed", NEW: "tensors"}),
            marks=pytest.mark.all_faults,
            id="unset buffers",
        ),
        pytest.param("clean", dict.fromkeys(PAIRS, "passed"), marks=pytest.mark.all_faults, id="clean"),
    ],
)
def test_a_tower_has_its_outcome_reason_and_advice_on_each_pair(
    tower: str, outcomes: dict[str, str], tmp_path: Path
) -> None:
    own = f"tests.own.towers:{tower}"
    pairs = [word for pair in PAIRS for word in ("--pair", pair)]
    ended = nox("matrix", *pairs, "--lane", "cpu-float32", "--own", own, results=tmp_path, seconds=900)
    found = {pair: cases(tmp_path, pair)[f"own/{own}"]["outcome"] for pair in PAIRS}
    assert found == outcomes, ended.out
    assert ended.code == 0, ended.out  # a rule knows each of them
    told = " ".join(ended.out.split())
    assert [advice in told for advice in ADVICE.values()] == [outcome in found.values() for outcome in ADVICE]
