from dataclasses import replace
from typing import Any

import pytest

from harness.report.devices import remarks
from harness.results.verdict import Judged
from tests.summaries import NEW, cases


def printed(mean: float, absmax: float = 2.0, shape: tuple[int, ...] = (1, 8)) -> dict[str, Any]:
    """A fingerprint, as a record has it."""
    return {"logits": {"shape": list(shape), "mean": mean, "std": 1.0, "absmax": absmax, "samples": [0.5] * 8}}


def on(lane: str, **prints: dict[str, Any] | None) -> list[Judged]:
    judged = cases(NEW, {f"tower/{model}": ("passed", None) for model in prints}, lane=lane)
    return [replace(one, record={**(one.record or {}), "fingerprint": prints[one.case.model]}) for one in judged]


def test_the_furthest_from_the_cpu_is_told_as_a_share_of_its_largest_value() -> None:
    cpu = on("cpu-float32", a=printed(0.1), b=printed(0.1), c=printed(0.1))
    gpu = on("cuda-float32", a=printed(0.1), b=printed(0.102), d=printed(9.0))
    (told,) = remarks([*cpu, *gpu])
    assert told == (
        "On cuda-float32 native timm's outputs lie up to 1.0e-03 of their largest value from those on "
        f"cpu-float32, in 2 cases; the furthest in {NEW} tower/b."
    )


@pytest.mark.parametrize(
    ("lane", "beside"),
    [("cuda-bfloat16", "cpu-bfloat16"), ("cuda-float16", "cpu-float32")],
    ids=["the same dtype", "the finest where there is none"],
)
def test_a_lane_is_held_against_the_nearest(lane: str, beside: str) -> None:
    every = [*on("cpu-float32", a=printed(0.1)), *on("cpu-bfloat16", a=printed(0.1)), *on(lane, a=printed(0.1))]
    (told,) = remarks(every)
    assert f"from those on {beside}, in 1 case" in told


def test_another_shape_is_all_of_it() -> None:
    (told,) = remarks([*on("cpu-float32", a=printed(0.1)), *on("cuda-float32", a=printed(0.1, shape=(1, 9)))])
    assert "up to 1.0e+00 of" in told


@pytest.mark.parametrize(
    "judged",
    [
        on("cpu-float32", a=printed(0.1)),
        on("cuda-float32", a=printed(0.1)),
        [*on("cpu-float32", a=printed(0.1)), *on("cuda-float32", a=None)],
        [*on("cpu-float32", a=printed(0.1)), *on("cuda-float32", b=printed(0.1))],
    ],
    ids=["no GPU", "no CPU", "not run", "other models"],
)
def test_without_the_same_case_on_both_nothing_is_told(judged: list[Judged]) -> None:
    assert list(remarks(judged)) == []
