"""A lane as what it has otherwise than a base."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.atlas.entries.entry import PairEntry
from harness.atlas.entries.pair_files import read, write
from harness.config.errors import BadInput
from tests.atlas.entries.pairs import HUB, MODELS, PAIR, PASSED, TOWER, at, read_again, text_of, written


def test_a_pair_is_what_it_has_otherwise_than_another(tmp_path: Path) -> None:
    first, second = at("5.21.0", TOWER, HUB), at("5.22.0", PASSED, HUB, day="2026-11-30")
    assert [line[:9] for line in written(first, tmp_path).splitlines()] == [
        *('{"pair": ', '{"lane": ', '{"route":', '{"route":', '{"outcome', '{"outcome')
    ]
    text = re.sub('"[0-9a-f]{16}"', "D", written(second, tmp_path))
    assert text.splitlines()[1:] == [
        (
            '{"lane": "cpu-float32", "day": "2026-11-30", "size": "narrow", '
            '"base": "transformers5.21.0-timm1.0.31", "base_digest": D, "digest": D}'
        ),
        '{"route": "tower", "cell": "d1", "passed": 3}',
    ]
    assert read(tmp_path) == {first.releases: first, second.releases: second}


def test_of_a_route_with_another_digest_alone_that_is_written(tmp_path: Path) -> None:
    write(at("5.21.0", TOWER, HUB), tmp_path)
    other = at("5.22.0", replace(TOWER, cell="d9"), HUB)
    assert written(other, tmp_path).splitlines()[2:] == ['{"route": "tower", "cell": "d9"}']
    assert read(tmp_path)[other.releases] == other


def test_models_that_most_routes_have_otherwise_are_written_once(tmp_path: Path) -> None:
    renamed = ("convnext_atto", "eva02_tiny_patch14_224", "resnet18", "vit_tiny_patch16_224")
    tower, hub = replace(PASSED, models=renamed, passed=4), replace(HUB, models=renamed, unsupported={"x": renamed})
    also = at("5.22.0", tower, hub)
    write(at("5.21.0", PASSED, replace(HUB, models=MODELS, unsupported={"x": MODELS})), tmp_path)
    lines = written(also, tmp_path).splitlines()[1:]
    assert '"also": ["vit_tiny_patch16_224"]' in lines[0]
    assert lines[1:] == ['{"route": "tower", "cell": "d1", "passed": 4}']
    assert read(tmp_path)[also.releases] == also


@pytest.mark.parametrize("without", [at("5.22.0", HUB), at("5.22.0")])
def test_a_pair_that_has_a_route_which_another_lacks_is_no_base(without: PairEntry, tmp_path: Path) -> None:
    write(at("5.21.0", PASSED, HUB), tmp_path)
    assert '"base"' not in written(without, tmp_path)
    assert read(tmp_path)[without.releases] == without


@pytest.mark.parametrize(("first", "last"), [(1, 2), (2, 3), (1, None)])
def test_what_is_there_twice_is_one_error(first: int, last: int | None) -> None:
    lines = text_of(PAIR).splitlines()
    with pytest.raises(BadInput, match=r"line 7: ValueError: (cpu-float32|hub) is there twice"):
        read_again("\n".join([*lines, *lines[first:last]]))
