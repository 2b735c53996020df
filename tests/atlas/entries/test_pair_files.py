"""The files of the entries, and how most are told by what they have otherwise than another."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.atlas.entries.entry import Cause, LaneEntry, PairEntry, RouteEntry
from harness.atlas.entries.pair_files import MOST, PACKAGED, Kept, dumps, loads, read, write
from harness.config import whole_file
from harness.config.errors import BadInput

MODELS = ("convnext_atto", "eva02_tiny_patch14_224", "resnet18")
BROKEN = Cause("tensors", ("", "training"), ("buffers",), MODELS[1:2], remedied=True)
UNKNOWN = Cause("keys", ("",), (), MODELS, finding="keys in tower: a.gamma: renamed")
TOWER = RouteEntry("tower", "d1", MODELS, 0, ("resnet18",), {}, (BROKEN, UNKNOWN))
HUB = RouteEntry("hub", "d2", MODELS[:1], 0, (), {"this release has no MODEL": MODELS[:1]})
LANE = LaneEntry("cpu-float32", "2026-11-29", "narrow", {"tower": TOWER, "hub": HUB})
PAIR = PairEntry({"transformers": "5.23.0", "timm": "1.0.31", "torch": "2.14.1"}, {"cpu-float32": LANE})
PASSED = RouteEntry("tower", "d1", MODELS, 3)


def text_of(entry: PairEntry) -> str:
    """The text of an entry that is told by itself."""
    return dumps(Kept.of(entry), {})


def read_again(text: str) -> PairEntry:
    """The entry in the text of PAIR's file."""
    return loads({PAIR.id: text})[PAIR.id].entry


def at(transformers: str, *routes: RouteEntry, day: str = LANE.day, timm: str = "1.0.31") -> PairEntry:
    """A pair with that release of transformers, and these routes."""
    lane = replace(LANE, day=day, routes={route.route: route for route in routes})
    return PairEntry({**PAIR.versions, "transformers": transformers, "timm": timm}, {lane.lane: lane})


def written(entry: PairEntry, folder: Path) -> str:
    """The text of an entry's file, which is written."""
    return write(entry, folder).read_text()


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


def test_a_text_is_parsed_once_and_another_one_anew(tmp_path: Path) -> None:
    write(PAIR, tmp_path)
    first = read(tmp_path)[PAIR.releases]
    assert read(tmp_path)[PAIR.releases] is first
    write(replace(PAIR, lanes={LANE.lane: replace(LANE, day="2026-11-30")}), tmp_path)
    assert read(tmp_path)[PAIR.releases].lanes[LANE.lane].day == "2026-11-30"


def test_a_pair_that_could_not_be_installed_says_why() -> None:
    failed = replace(LANE, routes={}, failed="no wheel for this Python")
    entry = replace(PAIR, lanes={"cpu-float32": failed})
    assert read_again(text_of(entry)) == entry


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
        '{"pair": 1, "schema": 3}',
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


def test_a_pair_is_told_by_what_it_has_otherwise_than_another(tmp_path: Path) -> None:
    first, second = at("5.21.0", TOWER, HUB), at("5.22.0", PASSED, HUB, day="2026-11-30")
    assert [line[:9] for line in written(first, tmp_path).splitlines()] == [
        *('{"pair": ', '{"lane": ', '{"route":', '{"route":', '{"outcome', '{"outcome')
    ]
    text = re.sub('"[0-9a-f]{16}"', "D", written(second, tmp_path))
    assert text.splitlines()[1:] == [
        (
            '{"lane": "cpu-float32", "day": "2026-11-30", "size": "narrow", "digest": D, '
            '"like": "transformers5.21.0-timm1.0.31", "of": D}'
        ),
        '{"route": "tower", "cell": "d1", "passed": 3}',
    ]
    assert read(tmp_path) == {first.releases: first, second.releases: second}


def test_a_route_with_another_digest_alone_is_told_by_that(tmp_path: Path) -> None:
    write(at("5.21.0", TOWER, HUB), tmp_path)
    other = at("5.22.0", replace(TOWER, cell="d9"), HUB)
    assert written(other, tmp_path).splitlines()[2:] == ['{"route": "tower", "cell": "d9"}']
    assert read(tmp_path)[other.releases] == other


def test_models_that_most_routes_have_otherwise_are_told_once(tmp_path: Path) -> None:
    renamed = ("convnext_atto", "eva02_tiny_patch14_224", "resnet18", "vit_tiny_patch16_224")
    also = at(
        "5.22.0", replace(PASSED, models=renamed, passed=4), replace(HUB, models=renamed, unsupported={"x": renamed})
    )
    write(at("5.21.0", PASSED, replace(HUB, models=MODELS, unsupported={"x": MODELS})), tmp_path)
    lines = written(also, tmp_path).splitlines()[1:]
    assert lines[0].endswith(', "also": ["vit_tiny_patch16_224"]}')
    assert lines[1:] == ['{"route": "tower", "cell": "d1", "passed": 4}']
    assert read(tmp_path)[also.releases] == also


def test_the_pair_that_is_told_in_the_fewest_words_is_taken_and_of_two_the_nearer(tmp_path: Path) -> None:
    write(at("5.20.0", PASSED, HUB, timm="1.0.30"), tmp_path)
    write(at("5.21.0", TOWER, HUB), tmp_path)
    assert '"like": "transformers5.20.0-timm1.0.30"' in written(at("5.22.0", PASSED, HUB), tmp_path)
    assert '"like": "transformers5.22.0-timm1.0.31"' in written(at("5.23.0", PASSED, HUB), tmp_path)


@pytest.mark.parametrize("without", [at("5.22.0", HUB), at("5.22.0"), PairEntry(at("5.22.0").versions, {})])
def test_a_route_that_the_other_lacks_cannot_be_told_by_it(without: PairEntry, tmp_path: Path) -> None:
    write(at("5.21.0", PASSED, HUB), tmp_path)
    assert '"like"' not in written(without, tmp_path)
    assert read(tmp_path)[without.releases] == without


def test_a_pair_that_is_measured_again_leaves_those_that_are_told_by_it_as_they_are(tmp_path: Path) -> None:
    entries = [at(f"5.{minor}.0", TOWER if minor % 3 else PASSED, HUB) for minor in range(9)]
    for entry in entries:
        write(entry, tmp_path)
    told = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sum('"like"' in text for text in told.values()) == len(entries) - 1
    for turn, entry in enumerate(entries):
        again = at(entry.versions["transformers"], replace(TOWER, cell=f"new {turn}"), replace(HUB, cell=f"new {turn}"))
        write(again, tmp_path)
        entries[turn] = again
        assert read(tmp_path) == {entry.releases: entry for entry in entries}


def test_a_pair_that_is_measured_again_alike_leaves_the_other_files(tmp_path: Path) -> None:
    write(at("5.21.0", TOWER, HUB), tmp_path)
    text = written(at("5.22.0", PASSED, HUB), tmp_path)
    write(at("5.21.0", TOWER, HUB, day="2026-11-30"), tmp_path)
    assert (tmp_path / "transformers5.22.0-timm1.0.31.ndjson").read_text() == text
    assert read(tmp_path)["5.21.0", "1.0.31"].lanes["cpu-float32"].day == "2026-11-30"


def test_whenever_writing_stops_each_pair_is_as_it_was_or_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [at(f"5.{minor}.0", TOWER, HUB) for minor in range(4)]
    again, real = at("5.0.0", PASSED, replace(HUB, cell="new")), whole_file.write
    for stop in range(9):
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        for entry in before:
            write(entry, tmp_path)
        left = iter(range(stop))

        def stops(text: str, path: Path, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            real(text, path)

        monkeypatch.setattr(whole_file, "write", stops)
        stopped = False
        try:
            write(again, tmp_path)
        except KeyboardInterrupt:
            stopped = True
        monkeypatch.setattr(whole_file, "write", real)
        assert read(tmp_path) == {entry.releases: entry for entry in (before[0] if stopped else again, *before[1:])}
    assert not stopped


def test_no_pair_is_told_through_more_than_anyone_follows(tmp_path: Path) -> None:
    for minor in range(3 * MOST):
        write(
            at(f"5.{minor}.0", replace(PASSED, cell=f"cell {minor}"), replace(HUB, cell=f"cell {minor // 2}")), tmp_path
        )
    like = {path.stem: re.search('"like": "([^"]*)"', path.read_text()) for path in tmp_path.iterdir()}
    for pair in like:
        through = [pair]
        while told := like[through[-1]]:
            through.append(told[1])
        assert len(through) <= MOST + 1


FIRST, SECOND = (f"transformers{release}-timm1.0.31.ndjson" for release in ("5.21.0", "5.22.0"))


def test_a_pair_that_was_measured_again_elsewhere_is_not_taken_for_what_another_is_told_by(tmp_path: Path) -> None:
    merged, elsewhere = tmp_path / "merged", tmp_path / "elsewhere"
    for folder in (merged, elsewhere):
        folder.mkdir()
        write(at("5.21.0", TOWER, HUB), folder)
    write(at("5.22.0", PASSED, HUB), merged)
    shutil.copy(write(at("5.21.0", TOWER, replace(HUB, cell="new")), elsewhere), merged)
    with pytest.raises(BadInput, match=f"{SECOND} .*line 2: .*5.21.0-timm1.0.31, which it is like, is not what it was"):
        read(merged)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (FIRST, '"d2"', '"d3"', f"{FIRST} .*lane cpu-float32 is not as it was written"),
        (FIRST, '"keys"', '"odd"', f"{FIRST} .*line 6: .*'odd'"),
        (SECOND, "5.21.0-timm", "5.22.0-timm", f"{SECOND} .*line 2: .*5.22.0-timm1.0.31, which is told by it"),
        (SECOND, "5.21.0-timm", "5.2.0-timm", f"{SECOND} .*line 2: .*5.2.0-timm1.0.31, of which there is no file"),
        (SECOND, '"like": "t', '"like": 1, "x": "t', f"{SECOND} .*line 2: .*like 1 is no text"),
        (SECOND, '"of": "', '"on": "', f"{SECOND} .*line 2: KeyError: 'of'"),
        (SECOND, '"passed": 3', '"passed": 2', f"{SECOND} .* says that 2 passed"),
        (
            SECOND,
            '{"route": "tower", "cell": "d1", "passed": 3}\n',
            "",
            f"{SECOND} .*lane cpu-float32 is not as it was",
        ),
        (SECOND, '{"route": "tower", "cell": "d1"', '{"route": "tower", "cell": "d2"', f"{SECOND} .*is not as it was"),
        (SECOND, "cpu-float32", "cuda-float32", f"{SECOND} .*line 2: KeyError: 'cuda-float32'"),
    ],
)
def test_a_pair_that_is_told_by_what_was_lost_or_changed_is_one_error(
    name: str, old: str, new: str, said: str, tmp_path: Path
) -> None:
    write(at("5.21.0", TOWER, HUB), tmp_path)
    write(at("5.22.0", PASSED, HUB), tmp_path)
    path = tmp_path / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadInput, match=f"^{said}.*nox -s atlas"):
        read(tmp_path)


def test_the_packaged_atlas_is_as_it_is_written() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in PACKAGED.iterdir()}
    kept = loads(texts)
    assert texts == {name: dumps(one, kept) for name, one in kept.items()}
    assert all(one.entry.lanes for one in kept.values())
    assert sum(map(len, texts.values())) < 1_500_000
