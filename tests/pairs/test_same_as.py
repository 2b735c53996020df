"""Cases of models that are the same once slim: what is recorded without a run is what a run finds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.environments import catalog_history
from tests.pairs.command import FACTS, cases, nox
from tests.places import TIMM, TRANSFORMERS

ROUTES = ("wrapper", "tower", "hub", "partial")
OTHERS = ("cait_xxs36_224", "convnext_tiny", "xcit_nano_12_p8_384")


def found_in(results: Path, pair: str) -> dict[str, Mapping[str, Any]]:
    """What came out of each case of the models that another was run for."""
    return {case: line for case, line in cases(results, pair).items() if line["model"] in OTHERS}


@pytest.mark.parametrize(
    ("transformers", "timm"),
    [
        pytest.param(TRANSFORMERS, TIMM, marks=pytest.mark.all_faults),
        pytest.param("4.48.3", "1.0.14", marks=pytest.mark.all_faults),
    ],
)
def test_what_another_was_run_for_comes_out_the_same_by_itself(tmp_path: Path, transformers: str, timm: str) -> None:
    timms = catalog_history.read(timm)
    assert timms is not None
    first = [str(timms[model].slim.same_as) for model in OTHERS]
    words = [word for route in ROUTES for word in ("--route", route)]
    words += ["--lane", "cpu-float32", "--variant", "safetensors"]
    pair, pins = f"transformers{transformers}-timm{timm}", (f"transformers=={transformers}", f"timm=={timm}")
    for models, results in (((*OTHERS, *first), tmp_path / "together"), (OTHERS, tmp_path / "alone")):
        named = [word for model in models for word in ("--model", model)]
        ended = nox("pair", *pins, *named, *words, results=results, seconds=600)
        assert ended.code == 0, ended.said
    together, alone = found_in(tmp_path / "together", pair), found_in(tmp_path / "alone", pair)
    assert {line.get("same_as") for line in alone.values()} == {None}
    assert {case: line.get("same_as") for case, line in together.items()} == {
        case: f"{line['route']}/{timms[line['model']].slim.same_as}" for case, line in alone.items()
    }
    assert [{name: together[case][name] for name in FACTS} for case in alone] == [
        {name: line[name] for name in FACTS} for line in alone.values()
    ]
