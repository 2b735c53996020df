"""User models over three pairs, as harness/docs/your-own-model.md shows: outcome, cause and advice."""

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.pairs.command import cases, nox

PAIRS: Final = ("transformers4.48.3-timm1.0.14", "transformers4.49.0-timm1.0.15", "transformers5.23.0-timm1.0.31")
OLD, BETWEEN, NEW = PAIRS
ADVICE: Final = {
    "keys": "Move to transformers 4.49 or later.",
    "tensors": "Call timm's init_non_persistent_buffers (timm 1.0.23 or later) in your model's _init_weights; "
    "set your own buffers there, or make them persistent.",
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
    # A rule knows each of them, and a model of one's own that is broken is not as expected for that.
    assert ended.code == (0 if set(outcomes.values()) == {"passed"} else 1), ended.out
    told = " ".join(ended.out.split())
    assert [advice in told for advice in ADVICE.values()] == [outcome in found.values() for outcome in ADVICE]


RELEASES: Final = {
    "transformers4.49.0-timm1.0.15": {},
    "transformers4.57.6-timm1.0.22": {"PretrainedTower": "tensors"},
    "transformers5.0.0-timm1.0.24": {"OldStyleInit": "tensors", "ItemOnMeta": "error", "PretrainedTower": "tensors"},
    "transformers5.12.1-timm1.0.27": {"OldStyleInit": "tensors", "PretrainedTower": "tensors"},
    "transformers5.23.0-timm1.0.31": {"PretrainedTower": "tensors"},
}
"""What each pair breaks of what people write."""


@pytest.mark.all_faults
@pytest.mark.parametrize("model", ["OldStyleInit", "ItemOnMeta", "PretrainedTower"])
def test_what_people_write_has_its_outcome_on_each_pair(model: str, tmp_path: Path) -> None:
    own = f"tests.own.as_people_write:{model}"
    pairs = [word for pair in RELEASES for word in ("--pair", pair)]
    nox("matrix", *pairs, "--lane", "cpu-float32", "--own", own, results=tmp_path, seconds=900)
    found = {pair: cases(tmp_path, pair)[f"own/{own}"]["outcome"] for pair in RELEASES}
    assert found == {pair: broken.get(model, "passed") for pair, broken in RELEASES.items()}


def written(folder: Path, gamma: Sequence[float]) -> Path:
    """A checkpoint of `tests.own.towers:Branch`, in the bytes of safetensors: there is no torch where tests run."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "own_branch"}))
    data = struct.pack(f"<{len(gamma)}f", *gamma)
    described = {"dtype": "F32", "shape": [len(gamma)], "data_offsets": [0, len(data)]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "gamma": described}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    return folder


@pytest.mark.all_faults
def test_a_folder_of_ones_own_has_its_outcome_on_each_pair_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    branch = ["--class", "tests.own.towers:branch", "--lane", "cpu-float32"]
    pairs = [word for pair in PAIRS for word in ("--pair", pair)]
    folders = {"whole": [1.0, 2.0, 3.0, 4.0], "lost": [1e-5] * 4}
    found, told = {}, {}
    for name, gamma in folders.items():
        own = ["--own", str(written(tmp_path / name, gamma)), *branch]
        ended = nox("matrix", *pairs, *own, results=tmp_path / "results", seconds=900)
        told[name] = " ".join(ended.out.split())
        for pair in PAIRS:
            found[name, pair] = cases(tmp_path / "results", pair)[f"own/{name}"]["outcome"]
    assert found == {
        ("whole", OLD): "keys",
        ("whole", BETWEEN): "passed",
        ("whole", NEW): "passed",
        ("lost", OLD): "keys",
        ("lost", BETWEEN): "error",
        ("lost", NEW): "error",
    }
    assert "damaged: 1 of 1 LayerScales hold one number throughout (1e-05, as they are made)" in told["lost"]
    assert "LayerScales" not in told["whole"]
    assert ADVICE["keys"] in told["whole"]
    assert f"--own {tmp_path / 'lost'} --class tests.own.towers:branch" in told["lost"]
