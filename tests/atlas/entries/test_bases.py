"""Which base a lane has."""

import re
from dataclasses import replace
from pathlib import Path

from harness.atlas.entries.bases import LONGEST
from harness.atlas.entries.entry import PairEntry, RouteEntry
from harness.atlas.entries.pair_files import read, write
from tests.atlas.entries.pairs import HUB, PASSED, TOWER, at, written


def test_the_base_that_makes_a_file_shortest_is_taken_and_of_two_the_nearer(tmp_path: Path) -> None:
    write(at("5.20.0", PASSED, HUB, timm="1.0.30"), tmp_path)
    write(at("5.21.0", TOWER, HUB), tmp_path)
    assert '"base": "transformers5.20.0-timm1.0.30"' in written(at("5.22.0", PASSED, HUB), tmp_path)
    assert '"base": "transformers5.22.0-timm1.0.31"' in written(at("5.23.0", PASSED, HUB), tmp_path)


def test_two_pairs_may_be_bases_of_each_other_in_different_lanes(tmp_path: Path) -> None:
    def in_lane(lane: str, transformers: str, *routes: RouteEntry) -> PairEntry:
        entry = at(transformers, *routes)
        return replace(entry, lanes={lane: replace(entry.lanes["cpu-float32"], lane=lane)})

    write(in_lane("cpu-float32", "5.1.0", TOWER, HUB), tmp_path)
    write(in_lane("cpu-float32", "5.2.0", PASSED, HUB), tmp_path)
    write(in_lane("cuda-float32", "5.2.0", TOWER, HUB), tmp_path)
    write(in_lane("cuda-float32", "5.1.0", PASSED, HUB), tmp_path)
    bases = {path.stem: re.findall('"base": "([^"]*)"', path.read_text()) for path in tmp_path.iterdir()}
    assert bases == {
        "transformers5.1.0-timm1.0.31": ["transformers5.2.0-timm1.0.31"],
        "transformers5.2.0-timm1.0.31": ["transformers5.1.0-timm1.0.31"],
    }
    assert [entry.lanes["cuda-float32"].routes["tower"] for entry in read(tmp_path).values()] == [PASSED, TOWER]


def test_no_chain_of_bases_is_long(tmp_path: Path) -> None:
    for turn in range(2):
        for minor in range(3 * LONGEST):
            cells = f"cell {minor} {turn}", f"cell {minor // 2} {turn}"
            write(at(f"5.{minor}.0", replace(PASSED, cell=cells[0]), replace(HUB, cell=cells[1])), tmp_path)
            assert longest(tmp_path) <= LONGEST


def longest(folder: Path) -> int:
    """The length of the longest chain of bases of a folder's files."""
    bases = {path.stem: re.search('"base": "([^"]*)"', path.read_text()) for path in folder.iterdir()}

    def length(pair: str) -> int:
        base = bases[pair]
        return 1 + (length(base[1]) if base else 0)

    return max(map(length, bases))
