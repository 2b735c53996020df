"""The files of the entries, read and written."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.atlas.entries.entry import PairEntry
from harness.atlas.entries.pair_file import dumps
from harness.atlas.entries.pair_files import PACKAGED, read, write
from harness.atlas.entries.reading import loads
from harness.config import whole_file
from tests.atlas.entries.pairs import HUB, LANE, MODELS, PAIR, PASSED, SECOND, TOWER, UNKNOWN, at, written


def test_a_text_is_parsed_once_and_another_one_anew(tmp_path: Path) -> None:
    write(PAIR, tmp_path)
    first = read(tmp_path)[PAIR.releases]
    assert read(tmp_path)[PAIR.releases] is first
    write(replace(PAIR, lanes={LANE.lane: replace(LANE, day="2026-11-30")}), tmp_path)
    assert read(tmp_path)[PAIR.releases].lanes[LANE.lane].day == "2026-11-30"


def test_another_lane_leaves_those_that_are_there(tmp_path: Path) -> None:
    write(PAIR, tmp_path)
    other = replace(LANE, lane="cpu-bfloat16", day="2026-11-30")
    path = write(replace(PAIR, lanes={"cpu-bfloat16": other}), tmp_path)
    assert path.name == "transformers5.23.0-timm1.0.31.ndjson"
    assert read(tmp_path)["5.23.0", "1.0.31"].lanes == {"cpu-float32": LANE, "cpu-bfloat16": other}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "odd",
    [
        PairEntry(at("5.22.0").versions, {}),
        at("5.22.0", replace(PASSED, passed=2)),
        at("5.22.0", replace(PASSED, models=MODELS[::-1])),
        at("5.22.0", replace(PASSED, models=(*MODELS, MODELS[0]))),
        at("5.22.0", replace(PASSED, route="towre")),
        at("newest", PASSED),
        at("5.22.0", replace(TOWER, causes=(replace(UNKNOWN, finding="\ud800"),))),
    ],
)
def test_an_entry_that_cannot_be_read_again_is_not_written(odd: PairEntry, tmp_path: Path) -> None:
    write(at("5.21.0", TOWER, HUB), tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=r"no file can hold this entry|surrogates"):
        write(odd, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_pair_that_is_measured_again_leaves_those_that_depend_on_it_as_they_are(tmp_path: Path) -> None:
    entries = [at(f"5.{minor}.0", TOWER if minor % 3 else PASSED, HUB) for minor in range(9)]
    for entry in entries:
        write(entry, tmp_path)
    texts = [path.read_text() for path in tmp_path.iterdir()]
    assert sum('"base"' in text for text in texts) == len(entries) - 1
    for turn, entry in enumerate(entries):
        again = at(entry.versions["transformers"], replace(TOWER, cell=f"new {turn}"), replace(HUB, cell=f"new {turn}"))
        write(again, tmp_path)
        entries[turn] = again
        assert read(tmp_path) == {entry.releases: entry for entry in entries}


def test_a_pair_that_is_measured_again_alike_leaves_the_other_files(tmp_path: Path) -> None:
    write(at("5.21.0", TOWER, HUB), tmp_path)
    text = written(at("5.22.0", PASSED, HUB), tmp_path)
    write(at("5.21.0", TOWER, HUB, day="2026-11-30"), tmp_path)
    assert (tmp_path / SECOND).read_text() == text
    assert read(tmp_path)["5.21.0", "1.0.31"].lanes["cpu-float32"].day == "2026-11-30"


def test_each_pair_is_as_it_was_or_as_it_is_whenever_writing_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [at(f"5.{minor}.0", TOWER, HUB) for minor in range(4)]
    again, real = at("5.0.0", PASSED, replace(HUB, cell="new")), whole_file.write
    for stop in range(9):
        shutil.rmtree(tmp_path)
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


def test_the_packaged_atlas_is_as_it_is_written() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in PACKAGED.iterdir()}
    files = loads(texts)
    assert texts == {pair: dumps(file, files) for pair, file in files.items()}
    assert sum(map(len, texts.values())) < 1_500_000


def test_nothing_is_read_while_another_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, again = at("5.1.0", TOWER, HUB), at("5.1.0", PASSED, HUB)
    write(before, tmp_path)
    real, entries = whole_file.write, list[dict[Any, PairEntry]]()
    reader = threading.Thread(target=lambda: entries.append(read(tmp_path)))

    def slow(text: str, path: Path) -> None:
        reader.start()
        reader.join(0.2)
        assert not entries
        real(text, path)

    monkeypatch.setattr(whole_file, "write", slow)
    write(again, tmp_path)
    reader.join()
    assert entries == [{again.releases: again}]
