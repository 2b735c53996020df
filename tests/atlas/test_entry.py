"""The files of the atlas."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.atlas.entry import PACKAGED, Cause, LaneEntry, PairEntry, RouteEntry, dumps, loads, read, write
from harness.config.errors import BadInput

MODELS = ("convnext_atto", "eva02_tiny_patch14_224", "resnet18")
BROKEN = Cause("tensors", ("", "training"), ("buffers",), MODELS[1:2], remedied=True)
UNKNOWN = Cause("keys", ("",), (), MODELS, finding="keys in tower: a.gamma: renamed")
TOWER = RouteEntry("tower", "d1", MODELS, 0, ("resnet18",), {}, (BROKEN, UNKNOWN))
HUB = RouteEntry("hub", "d2", MODELS[:1], 0, (), {"this release has no MODEL": MODELS[:1]})
LANE = LaneEntry("cpu-float32", "2026-11-29", "narrow", {"tower": TOWER, "hub": HUB})
PAIR = PairEntry({"transformers": "5.23.0", "timm": "1.0.31", "torch": "2.14.1"}, {"cpu-float32": LANE})


def test_an_entry_is_read_as_it_was_written() -> None:
    assert loads(dumps(PAIR), "x") == PAIR
    assert loads(dumps(PAIR), f"{PAIR.id}.ndjson") == PAIR


def test_names_that_a_line_repeats_are_left_out() -> None:
    lines = dumps(PAIR).splitlines()
    assert [line.count("convnext_atto") for line in lines] == [0, 1, 0, 0, 0, 1]
    assert '"only": ["eva02_tiny_patch14_224"]' in lines[3]
    assert '"without"' not in "".join(lines)


def test_a_route_says_what_it_lacks_of_the_usual_models_and_has_beside_them() -> None:
    others = ("convnext_atto", "eva02_tiny_patch14_224", "vit_tiny_patch16_224")
    backbone = RouteEntry("backbone", "d3", others, 3)
    lane = replace(LANE, routes={"tower": TOWER, "backbone": backbone, "partial": replace(TOWER, route="partial")})
    entry = replace(PAIR, lanes={lane.lane: lane})
    assert lane.models == ("convnext_atto", "eva02_tiny_patch14_224", "resnet18", "vit_tiny_patch16_224")
    assert '"without": ["resnet18"], "also": ["vit_tiny_patch16_224"]' in dumps(entry)
    assert loads(dumps(entry), "x") == entry


def test_a_text_is_parsed_once_and_another_one_anew(tmp_path: Path) -> None:
    write(PAIR, tmp_path)
    first = read(tmp_path)[PAIR.releases]
    assert read(tmp_path)[PAIR.releases] is first
    write(replace(PAIR, lanes={LANE.lane: replace(LANE, day="2026-11-30")}), tmp_path)
    assert read(tmp_path)[PAIR.releases].lanes[LANE.lane].day == "2026-11-30"


def test_a_pair_that_could_not_be_installed_says_why() -> None:
    failed = replace(LANE, routes={}, failed="no wheel for this Python")
    entry = replace(PAIR, lanes={"cpu-float32": failed})
    assert loads(dumps(entry), "x") == entry


def test_another_lane_leaves_those_that_are_there(tmp_path: Path) -> None:
    write(PAIR, tmp_path)
    other = replace(LANE, lane="cpu-bfloat16", day="2026-11-30")
    path = write(replace(PAIR, lanes={"cpu-bfloat16": other}), tmp_path)
    assert path.name == "transformers5.23.0-timm1.0.31.ndjson"
    assert read(tmp_path)["5.23.0", "1.0.31"].lanes == {"cpu-float32": LANE, "cpu-bfloat16": other}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "spoiled",
    [
        "",
        "{",
        "1",
        "[]",
        '{"pair": {}, "schema": 0}',
        '{"pair": 1, "schema": 2}',
        dumps(PAIR)[:-20],
        dumps(PAIR).replace('"passed"', '"failed"'),
        "\n".join(dumps(PAIR).splitlines()[:1] + dumps(PAIR).splitlines()[2:]),
        "\n".join(dumps(PAIR).splitlines()[:2] + dumps(PAIR).splitlines()[3:]),
        dumps(PAIR).replace('"models": [', '"models": 1, "more": ['),
        "\n".join(
            [*dumps(PAIR).splitlines()[:3], *dumps(PAIR).splitlines()[5:]]
        ),  # cut between two lines: nothing is broken any more
        dumps(PAIR).replace('"passed": 0', '"passed": 1'),
        dumps(PAIR).replace('"only": ["eva02_tiny_patch14_224"]', '"only": ["eva02_tiny_patch14"]'),
        dumps(PAIR).replace("5.23.0", "5.22.0"),
        dumps(PAIR).replace('"timm": "1.0.31"', '"timm": "main"'),
        "[" * 100_000,
    ],
)
def test_a_file_that_was_cut_or_edited_is_one_error_with_what_to_do(spoiled: str, tmp_path: Path) -> None:
    (tmp_path / "transformers5.23.0-timm1.0.31.ndjson").write_text(spoiled)
    with pytest.raises(BadInput, match=r"timm1\.0\.31\.ndjson is no file of the atlas.*nox -s atlas"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("value", "other", "said"),
    [
        ('"size": "narrow"', '"size": "huge"', "line 2: ValueError: size 'huge' is none of narrow, slim, full"),
        ('"day": "2026-11-29"', '"day": "2026-13-29"', "line 2: ValueError: day '2026-13-29' is no day"),
        ('"day": "2026-11-29"', '"day": "20261129"', "line 2: ValueError: day '20261129' is no day"),
        ('"day": "2026-11-29"', '"day": 20261129', "line 2: ValueError: day 20261129 is no day"),
        ('"lane": "cpu-float32"', '"lane": ["cpu"]', "line 2: ValueError: lane ['cpu'] is no text"),
        ('"route": "hub"', '"route": "hubb"', "line 6: ValueError: route 'hubb' is none of "),
        ('"cell": "d1"', '"cell": null', "line 3: ValueError: cell None is no text"),
        ('"passed": 0', '"passed": false', "line 3: ValueError: passed False is no whole number"),
        ('"open": ["resnet18"]', '"open": "resnet18"', "line 3: ValueError: open 'resnet18' is no list of texts"),
        ('"this release has no MODEL": ["*"]', '"why": 1', "line 6: ValueError: why 1 is no list of texts"),
        ('"outcome": "keys"', '"outcome": "odd"', "line 5: ValueError: outcome 'odd' is none of passed, "),
        ('"scenarios": [""]', '"scenarios": [1]', "line 5: ValueError: scenarios [1] is no list of texts"),
        ('"rules": ["buffers"]', '"rules": {}', "line 4: ValueError: rules {} is no list of texts"),
        ('"remedied": true', '"remedied": "no"', "line 4: TypeError: remedied is neither true nor false"),
        ('"finding": "keys', '"finding": ["keys"], "more": "', "line 5: ValueError: finding ['keys'] is no text"),
        ('"timm": "1.0.31"', '"timm": 1.1', "line 1: ValueError: timm 1.1 is no text"),
        (', "torch": "2.14.1"', "", "KeyError: 'torch'"),
        ('"torch": "2.14.1"', '"torch": "newest"', "Invalid version: 'newest'"),
    ],
)
def test_a_value_that_is_none_of_its_fields_kinds_is_refused_with_the_line(value: str, other: str, said: str) -> None:
    assert value in dumps(PAIR)
    with pytest.raises(BadInput, match=re.escape(said)):
        loads(dumps(PAIR).replace(value, other), "a file")


def test_the_packaged_atlas_is_as_it_is_written() -> None:
    for (transformers, timm), entry in read().items():
        path = PACKAGED / f"transformers{transformers}-timm{timm}.ndjson"
        assert path.read_text(encoding="utf-8") == dumps(entry)
        assert entry.lanes
    assert sum(path.stat().st_size for path in PACKAGED.iterdir()) < 1_500_000
