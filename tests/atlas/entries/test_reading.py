"""What was cut, edited or lost is one error."""

import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from harness.atlas.entries.pair_file import PairFile, dumps
from harness.atlas.entries.pair_files import read, write
from harness.atlas.entries.reading import REMEDY, loads
from harness.config.errors import BadInput
from tests.atlas.entries.pairs import (
    BROKEN,
    FIRST,
    HUB,
    LANE,
    PAIR,
    PASSED,
    SECOND,
    TOWER,
    UNKNOWN,
    at,
    read_again,
    text_of,
)


@pytest.mark.parametrize(
    "spoiled",
    [
        "",
        "{",
        "1",
        "[]",
        '{"pair": {}, "schema": 0}',
        '{"pair": 1, "lanes": [], "schema": 4}',
        '{"pair": [1], "lanes": [], "schema": 4}',
        text_of(PAIR)[:-20],
        text_of(PAIR).replace('"passed"', '"failed"'),
        "\n".join(text_of(PAIR).splitlines()[:1] + text_of(PAIR).splitlines()[2:]),
        "\n".join(text_of(PAIR).splitlines()[:2] + text_of(PAIR).splitlines()[3:]),
        text_of(PAIR).replace('"models": [', '"models": 1, "more": ['),
        "\n".join(
            [*text_of(PAIR).splitlines()[:3], *text_of(PAIR).splitlines()[5:]]
        ),  # cut between two lines: nothing is broken any more
        text_of(PAIR).replace('"passed": 0', '"passed": 1'),
        text_of(PAIR).replace('"only": ["eva02_tiny_patch14_224"]', '"only": ["eva02_tiny_patch14"]'),
        text_of(PAIR).replace("5.23.0", "5.22.0"),
        text_of(PAIR).replace('"timm": "1.0.31"', '"timm": "main"'),
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
        ('"route": "hub"', '"route": "hubb"', "line 3: ValueError: route 'hubb' is none of "),
        ('"cell": "d1"', '"cell": null', "line 4: ValueError: cell None is no text"),
        ('"passed": 0', '"passed": false', "line 3: ValueError: passed False is no whole number"),
        ('"open": ["resnet18"]', '"open": "resnet18"', "line 4: ValueError: open 'resnet18' is no list of texts"),
        ('"this release has no MODEL": ["*"]', '"why": 1', "line 3: ValueError: why 1 is no list of texts"),
        ('"outcome": "keys"', '"outcome": "odd"', "line 6: ValueError: outcome 'odd' is none of passed, "),
        ('"scenarios": [""]', '"scenarios": [1]', "line 6: ValueError: scenarios [1] is no list of texts"),
        ('"rules": ["buffers"]', '"rules": {}', "line 5: ValueError: rules {} is no list of texts"),
        ('"remedied": true', '"remedied": "no"', "line 5: TypeError: remedied is neither true nor false"),
        ('"finding": "keys', '"finding": ["keys"], "more": "', "line 6: ValueError: finding ['keys'] is no text"),
        ('"timm": "1.0.31"', '"timm": 1.1', "line 1: ValueError: timm 1.1 is no text"),
        (', "torch": "2.14.1"', "", "KeyError: 'torch'"),
        ('"torch": "2.14.1"', '"torch": "newest"', "Invalid version: 'newest'"),
    ],
)
def test_a_value_that_is_none_of_its_fields_kinds_is_refused_with_the_line(value: str, other: str, said: str) -> None:
    assert value in text_of(PAIR)
    with pytest.raises(BadInput, match=re.escape(said)):
        read_again(text_of(PAIR).replace(value, other))


def test_a_line_ends_where_json_ends_it(tmp_path: Path) -> None:
    odd = at("5.22.0", replace(TOWER, causes=(replace(UNKNOWN, finding="a\u2028b\x85c"), BROKEN)))
    write(odd, tmp_path)
    assert read(tmp_path)[odd.releases] == odd


def test_a_pair_that_was_measured_again_elsewhere_is_not_taken_for_the_base_that_it_was(tmp_path: Path) -> None:
    merged, elsewhere = tmp_path / "merged", tmp_path / "elsewhere"
    for folder in (merged, elsewhere):
        write(at("5.21.0", TOWER, HUB), folder)
    write(at("5.22.0", PASSED, HUB), merged)
    shutil.copy(write(at("5.21.0", TOWER, replace(HUB, cell="new")), elsewhere), merged)
    remedy = f"restore {SECOND} and {FIRST} as of one commit, or delete {SECOND} and measure again: nox -s atlas"
    said = f"^{SECOND} .*5.21.0-timm1.0.31, its base, is not what it was; {remedy}"
    with pytest.raises(BadInput, match=said):
        read(merged)


CHANGED = "lane cpu-float32 is not as it was written"


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (FIRST, '"d2"', '"d3"', f"{FIRST} .*line 2: .*{CHANGED}; restore it: 1 pair cannot be read without it"),
        (FIRST, '"keys"', '"odd"', f"{FIRST} .*line 6: .*'odd'"),
        (SECOND, '"d1"', '"d4"', f"{SECOND} .*line 2: .*{CHANGED}; {{REMEDY}}"),
        (SECOND, "2026-11-29", "2026-11-30", f"{SECOND} .*line 2: .*{CHANGED}"),
        (SECOND, '"narrow"', '"full"', f"{SECOND} .*line 2: .*{CHANGED}"),
        (SECOND, '"narrow"', '"narrow", "failed": "x"', f"{SECOND} .*line 2: .*{CHANGED}"),
        (SECOND, '"narrow"', '"narrow", "more": "x"', f"{SECOND} .*line 2: .*a lane has no more"),
        (SECOND, '"2.14.1"', '"2.14.0"', f"{SECOND} .*line 2: .*{CHANGED}"),
        (SECOND, '"schema": 4', '"schema": 4, "more": 1', f"{SECOND} .*line 1: .*a pair has no more"),
        (SECOND, '{"route": "tower", "cell": "d1", "passed": 3}\n', "", f"{SECOND} .*line 2: .*{CHANGED}"),
        (SECOND, '"passed": 3', '"open": []', f"{SECOND} .*line 3: .*tower has no passed"),
        (SECOND, '"passed": 3', '"passed": 2', f"{SECOND} .*line 2: .*{CHANGED}"),
        (
            SECOND,
            "5.21.0-timm",
            "5.22.0-timm",
            f"{SECOND} .*its base, depends on it; restore {SECOND} as of one commit, or delete",
        ),
        (
            SECOND,
            "5.21.0-timm",
            "5.2.0-timm",
            f"{SECOND} .*there is no file; restore .* or delete {SECOND} and measure",
        ),
        (SECOND, '"base": "t', '"base": 1, "x": "t', f"{SECOND} .*line 2: .*base 1 is no text"),
        (SECOND, '"base_digest": "', '"on": "', f"{SECOND} .*line 2: KeyError: 'base_digest'"),
        (SECOND, '"cpu-float32"', '"cuda-float32"', f"{SECOND} .*its base, has no lane cuda-float32; restore"),
        (SECOND, '["cpu-float32"]', "[]", f"{SECOND} .*it has cpu-float32, and not a lane"),
    ],
)
def test_what_was_lost_or_changed_is_one_error(name: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    write(at("5.21.0", TOWER, HUB), tmp_path)
    write(at("5.22.0", PASSED, HUB), tmp_path)
    path = tmp_path / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadInput, match=f"^{said.format(REMEDY=REMEDY)}"):
        read(tmp_path)


def test_a_file_whose_lane_was_cut_off_is_one_error() -> None:
    other = replace(LANE, lane="cuda-float32")
    text = text_of(replace(PAIR, lanes={**PAIR.lanes, "cuda-float32": other}))
    with pytest.raises(BadInput, match="it has cpu-float32, and not cpu-float32, cuda-float32"):
        read_again(text[: text.index('{"lane": "cuda')])


def test_bases_of_bases_are_followed_to_an_end() -> None:
    pairs = [at(f"5.{minor}.0", PASSED) for minor in range(300)]
    files = {pair.id: PairFile.of(pair, {"cpu-float32": base.id}) for base, pair in pairwise(pairs)}
    files[pairs[0].id] = PairFile.of(pairs[0])
    with pytest.raises(BadInput, match="it is on 100 bases, one on another"):
        loads({name: dumps(files[name], files) for name in reversed(files)})
