"""What one's own runs measured, over the atlas."""

from dataclasses import replace
from typing import Any

from harness.atlas.entries.entry import PairEntry
from harness.atlas.own import lacks, over
from tests.atlas.entries.pairs import HUB, LANE, MODELS, PAIR, TOWER


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


def test_a_pair_that_the_atlas_lacks_has_at_least_half_of_the_cases_of_the_one_next_to_it() -> None:
    far = replace(PAIR, versions={**PAIR.versions, "timm": "1.0.9"}, lanes={"cpu-float32": replace(LANE, routes={})})
    many = replace(LANE, routes={name: replace(TOWER, open=()) for name in ("tower", "backbone")})
    near = replace(PAIR, lanes={"cpu-float32": many})
    entries = {far.releases: far, near.releases: near}
    half, fewer = (replace(LANE, routes={"tower": replace(TOWER, open=some)}) for some in ((), MODELS[:1]))
    next_to_it = ("5.24.0", "1.0.31")
    assert lacks(half, next_to_it, entries) == ""
    why = "left out, for 2 cases have a result, and 6 of transformers5.23.0-timm1.0.31, measured next to it"
    assert lacks(fewer, next_to_it, entries) == why
    small = PairEntry({**PAIR.versions, "transformers": "5.24.0"}, {"cpu-float32": fewer})
    assert over(entries, [small]) == entries


def test_a_lane_in_which_nothing_was_measured_has_whatever_there_is() -> None:
    other = replace(LANE, lane="cpu-bfloat16", routes={"hub": HUB})
    failed = replace(other, routes={}, failed="no wheel")
    assert lacks(other, PAIR.releases, {PAIR.releases: PAIR}) == ""
    assert lacks(other, ("5.24.0", "1.0.31"), {PAIR.releases: replace(PAIR, lanes={"cpu-bfloat16": failed})}) == ""
