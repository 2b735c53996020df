"""The CUDA lanes on a GPU, where there is one. Where there is none they have not been run, and this says so."""

from pathlib import Path
from typing import Final

import pytest

from harness.contract.case import GREEN, RED
from harness.planning import device
from tests.pairs.command import PAIR, cases, nox
from tests.places import TIMM, TRANSFORMERS

LANES: Final = ("cuda-float32", "cuda-float16", "cuda-bfloat16")

pytestmark = pytest.mark.skipif(
    device.missing("cuda") is not None, reason="no CUDA device: the CUDA lanes have not been run here"
)


@pytest.mark.slow
def test_every_lane_runs_and_what_passes_on_the_cpu_passes_there(tmp_path: Path) -> None:
    lanes = [word for lane in ("cpu-float32", *LANES) for word in ("--lane", lane)]
    ended = nox(
        "pair", f"transformers=={TRANSFORMERS}", f"timm=={TIMM}", "--quick", *lanes, results=tmp_path, seconds=3600
    )
    assert ended.code in {0, 1}, ended.said
    cpu = cases(tmp_path, PAIR, "cpu-float32")
    for lane in LANES:
        found = cases(tmp_path, PAIR, lane)
        assert found
        # Precision decides what half of it drifts by, and nothing decides that float32 breaks there and not here.
        red = [case for case, one in found.items() if one["outcome"] in RED]
        worse = [case for case in red if case in cpu and cpu[case]["outcome"] in GREEN]
        assert worse == [] or lane != "cuda-float32", ended.out
        ran = [one for one in found.values() if one["outcome"] != "unsupported"]
        assert all(one["detail"]["peak_gpu_mb"] > 0 for one in ran)
    assert "On cuda-float32 native timm's outputs differ from those on" in " ".join(ended.out.split())
