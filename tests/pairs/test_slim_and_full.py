"""Narrow and slim models find what full ones find: unlike models, on a pair that breaks them and on a healthy one."""

import json
from pathlib import Path

import pytest

from harness.contract.case import Size
from tests.pairs.command import nox

BROKEN, HEALTHY = "transformers4.48.3-timm1.0.14", "transformers4.49.0-timm1.0.15"
FEW = ["convnext_tiny", "cait_xxs24_224", "resmlp_24_224", "poolformer_s24", "vit_relpos_small_patch16_224"]
MORE = [
    *("vit_base_patch14_dinov2", "coatnet_rmlp_2_rw_224", "fastvit_t12", "edgenext_small", "xcit_nano_12_p8_224"),
    *("beit_base_patch16_224", "mambaout_small_rw", "efficientformerv2_s0"),
]
ROUTES = ("wrapper", "classifier", "backbone", "tower")
GREEN = {"passed": "green", "drifted": "green"}


def outcomes(results: Path, pair: str) -> dict[str, dict[str, str]]:
    """Outcome by case without its size, for each size; drifted counts as green, for noise grows with depth."""
    lines = [json.loads(line) for line in (results / pair / "cpu-float32.jsonl").read_text().splitlines()]
    sizes: dict[str, dict[str, str]] = {"narrow": {}, "slim": {}, "full": {}}
    for line in lines:
        if line["kind"] == "case":
            case = f"{line['route']}/{line['model']}"
            sizes[line["size"]][case] = GREEN.get(line["outcome"], line["outcome"])
    return sizes


@pytest.mark.parametrize(
    "models",
    [
        pytest.param(FEW, marks=pytest.mark.all_faults, id="few"),
        pytest.param([*FEW, *MORE], marks=pytest.mark.all_faults, id="more"),
    ],
)
def test_narrow_slim_and_full_models_have_the_same_outcomes(tmp_path: Path, models: list[str]) -> None:
    words = [word for model in models for word in ("--model", model)]
    pairs = ("--pair", BROKEN, "--pair", HEALTHY)
    routes = [word for route in ROUTES for word in ("--route", route)]
    sizes = [word for size in Size for word in ("--size", size)]
    lane = ("--variant", "safetensors", "--lane", "cpu-float32")
    ended = nox("matrix", *pairs, *sizes, *lane, *routes, *words, results=tmp_path, seconds=1800)
    assert ended.code == 0, ended.out
    for pair in (BROKEN, HEALTHY):
        found = outcomes(tmp_path, pair)
        assert found["slim"] == found["full"]
        assert found["slim"] | found["narrow"] == found["full"]
        assert len(found["narrow"]) > len(found["slim"]) / 2  # some take no less width
        assert len(found["full"]) == len(ROUTES) * len(models)
    assert set(outcomes(tmp_path, HEALTHY)["full"].values()) == {"green"}
    assert "keys" in set(outcomes(tmp_path, BROKEN)["full"].values())
