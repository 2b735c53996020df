"""What one's own runs measured, over the atlas."""

from dataclasses import replace
from typing import Any

from harness.atlas.entry import PairEntry
from harness.atlas.own import over
from tests.atlas.test_entry import HUB, LANE, MODELS, PAIR, TOWER


def newer(**more: Any) -> PairEntry:
    """The pair as it was measured again a day later."""
    return replace(PAIR, lanes={"cpu-float32": replace(LANE, day="2026-11-30", **more)})


def test_what_was_measured_again_stands_over_what_was_before() -> None:
    other = replace(LANE, lane="cpu-bfloat16")
    both = replace(PAIR, lanes={**PAIR.lanes, "cpu-bfloat16": other})
    merged = over({PAIR.releases: both}, [newer()])
    assert merged[PAIR.releases].lanes == {**newer().lanes, "cpu-bfloat16": other}


def test_what_was_measured_in_part_does_not() -> None:
    fewer = newer(routes={"tower": TOWER})
    without = newer(routes={"hub": HUB, "tower": replace(TOWER, open=MODELS[1:])})
    assert over({PAIR.releases: PAIR}, [fewer, without]) == {PAIR.releases: PAIR}
    assert over({}, [fewer]) == {PAIR.releases: fewer}
    assert over({}, [replace(PAIR, lanes={})]) == {}
