"""Cases of models that are the same once slim: what is recorded without a run is what a run finds."""

from pathlib import Path

import pytest

from harness import catalog
from tests.pairs.command import cases, facts, nox

ROUTES = ("wrapper", "classifier", "backbone", "tower", "hub", "roundtrip")
OTHERS = ("poolformerv2_s24", "resmlp_24_224", "xcit_nano_12_p8_384")


@pytest.mark.slow
def test_what_another_was_run_for_comes_out_the_same_by_itself(tmp_path: Path) -> None:
    timms = catalog.read(catalog.PACKAGED, "1.0.31")
    assert timms is not None
    first = [str(timms[model].slim.same_as) for model in OTHERS]
    words = [word for route in ROUTES for word in ("--route", route)]
    words += ["--lane", "cpu-float32", "--variant", "safetensors"]
    pins = ("transformers==5.23.0", "timm==1.0.31")
    for models, results in (((*OTHERS, *first), tmp_path / "together"), (OTHERS, tmp_path / "alone")):
        named = [word for model in models for word in ("--model", model)]
        ended = nox("pair", *pins, *named, *words, results=results, seconds=600)
        assert ended.code == 0, ended.said
    together, alone = cases(tmp_path / "together"), cases(tmp_path / "alone")
    assert all("same_as" not in line for line in alone.values())
    assert {case: line.get("same_as") for case, line in together.items() if case in alone} == {
        case: f"{line['route']}/{timms[line['model']].slim.same_as}" for case, line in alone.items()
    }
    found = facts(tmp_path / "together")
    assert {case: found[case] for case in alone} == facts(tmp_path / "alone")
    assert len(alone) > len(OTHERS)
