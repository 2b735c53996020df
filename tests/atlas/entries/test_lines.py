"""An entry as lines, and back."""

from dataclasses import replace
from pathlib import Path

from harness.atlas.entries.entry import RouteEntry
from harness.atlas.entries.pair_files import read
from tests.atlas.entries.pairs import BROKEN, LANE, PAIR, PASSED, TOWER, at, read_again, text_of, written


def test_an_entry_is_read_as_it_was_written() -> None:
    assert read_again(text_of(PAIR)) == PAIR


def test_names_that_a_line_repeats_are_left_out() -> None:
    lines = text_of(PAIR).splitlines()
    assert [line.count("convnext_atto") for line in lines] == [0, 1, 1, 0, 0, 0]
    assert '"only": ["eva02_tiny_patch14_224"]' in lines[4]
    assert '"without"' not in "".join(lines)


def test_a_route_says_what_it_lacks_of_the_usual_models_and_has_beside_them() -> None:
    others = ("convnext_atto", "eva02_tiny_patch14_224", "vit_tiny_patch16_224")
    backbone = RouteEntry("backbone", "d3", others, 3)
    lane = replace(LANE, routes={"tower": TOWER, "backbone": backbone, "partial": replace(TOWER, route="partial")})
    entry = replace(PAIR, lanes={lane.lane: lane})
    assert lane.models == ("convnext_atto", "eva02_tiny_patch14_224", "resnet18", "vit_tiny_patch16_224")
    assert '"without": ["resnet18"], "also": ["vit_tiny_patch16_224"]' in text_of(entry)
    assert read_again(text_of(entry)) == entry


def test_a_pair_that_could_not_be_installed_says_why() -> None:
    failed = replace(LANE, routes={}, failed="no wheel for this Python")
    entry = replace(PAIR, lanes={"cpu-float32": failed})
    assert read_again(text_of(entry)) == entry


def test_a_cause_that_concerns_no_model_keeps_none(tmp_path: Path) -> None:
    odd = at("5.22.0", replace(PASSED, causes=(replace(BROKEN, models=()),)))
    assert '"only": []' in written(odd, tmp_path)
    assert read(tmp_path)[odd.releases] == odd
