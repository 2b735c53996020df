"""What timm computes otherwise than it did is found, in each way in which an output can differ beyond tolerance."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.cell.compare.recorded import UNSTABLE, compare_recorded
from harness.contract.case import Outcome
from harness.contract.finding import Finding
from harness.contract.fingerprints import Print
from harness.contract.plan import Tolerance

TOLERANCE = Tolerance(rtol=1e-5, atol=1e-5)
PRINT: Print = {"shape": [1, 8], "mean": 0.5, "std": 1.0, "absmax": 10.0, "samples": [float(at) for at in range(8)]}
NAME = "features_only: feature_maps.1"
OLDER = "timm 1.0.27"


def findings(now: Mapping[str, Print], raised: Mapping[str, Exception] | None = None) -> list[Finding]:
    return list(compare_recorded(now, raised or {}, {OLDER: {NAME: PRINT}}, TOLERANCE))


def of(how: str, example: str) -> list[Finding]:
    return [Finding(Outcome.OUTPUTS, "timm", "features_only: feature_maps.*", f"{how} {OLDER}", example=example)]


SAMPLES = PRINT["samples"]
BOUND = 1e-5 + 1e-5 * 10.0


@pytest.mark.parametrize(
    "figure",
    [
        {"mean": 0.7},
        {"std": 0.8},
        {"absmax": 10.2},
        {"samples": [*SAMPLES[:7], 7.2]},
        {"samples": [-0.2, *SAMPLES[1:]]},
    ],
    ids=["mean", "standard deviation", "largest value", "last sample", "below"],
)
def test_each_figure_that_differs_is_a_finding(figure: Mapping[str, Any]) -> None:
    assert findings({NAME: {**PRINT, **figure}}) == of("computes otherwise than", f"{NAME} off by 0.2, of 10 at most,")


@pytest.mark.parametrize(("share", "count"), [(0.9, 0), (-0.9, 0), (1.1, 1), (-1.1, 1)])
def test_a_figure_may_move_as_far_as_the_tolerance_in_either_direction(share: float, count: int) -> None:
    assert len(findings({NAME: {**PRINT, "mean": 0.5 + share * BOUND}})) == count


def test_a_figure_that_is_no_number_any_more_is_a_finding() -> None:
    assert len(findings({NAME: {**PRINT, "mean": float("nan")}})) == 1


@pytest.mark.parametrize(("name", "share"), UNSTABLE.items())
def test_an_output_of_training_may_move_as_far_as_rounding_is_magnified(name: str, share: float) -> None:
    def count(distance: float) -> int:
        now = {name: {**PRINT, "mean": 0.5 + distance}}
        return len(list(compare_recorded(now, {}, {OLDER: {name: PRINT}}, TOLERANCE)))

    assert (count(0.9 * share * 10.0), count(1.1 * share * 10.0 + 1e-5)) == (0, 1)


def test_another_shape_is_a_finding_whatever_the_figures() -> None:
    assert findings({NAME: {**PRINT, "shape": [8]}}) == of(
        "has another shape than", f"{NAME} of shape (8,), not (1, 8),"
    )


def test_an_output_that_is_gone_is_a_finding_with_what_was_raised() -> None:
    assert findings({}) == of("is not there, unlike", NAME)
    assert findings({}, {"features_only": TypeError("no")}) == of("raises TypeError, unlike", NAME)
    assert findings({}, {"img_size": TypeError("no")}) == of("is not there, unlike", NAME)


def test_a_new_output_and_an_empty_one_are_no_findings() -> None:
    assert findings({NAME: PRINT, "in_chans 1: features": PRINT}) == []
    empty = {"shape": [1, 0]}
    assert list(compare_recorded({NAME: empty}, {}, {OLDER: {NAME: empty}}, TOLERANCE)) == []


def test_each_record_is_compared() -> None:
    moved = {NAME: {**PRINT, "mean": 0.7}}
    recorded = {"this release did when it was recorded": {NAME: PRINT}, OLDER: {NAME: PRINT}}
    assert [finding.how for finding in compare_recorded(moved, {}, recorded, TOLERANCE)] == [
        "computes otherwise than this release did when it was recorded",
        "computes otherwise than timm 1.0.27",
    ]
