import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.commands.distributed import shards
from harness.commands.distributed.shards import Durations, Shard, divide
from harness.config.errors import BadInput
from harness.config.matrix import Matrix
from harness.config.options import Options, in_words
from harness.config.pair import Pair
from harness.contract.case import Case, Outcome
from harness.contract.catalog import Catalog
from harness.contract.record import CaseLine, Log
from harness.planning import plan
from harness.results.store import path_in
from tests.arguments import parse
from tests.plans import MACHINE, plan_of

CPU = Options(lanes=("cpu-float32",))


def durations(folder: Path, *pairs: Pair) -> Durations:
    return Durations([folder], pairs, ["cpu-float32"])


def record(folder: Path, pair: str, seconds: Mapping[str, float]) -> None:
    """A lane's file in which cases took so long."""
    with Log(path_in(folder, pair, "cpu-float32")) as log:
        log.begin(plan_of(seconds, pair={"id": pair}), started="", **MACHINE)
        for case, took in seconds.items():
            log.case(Case.parse(case), CaseLine(Outcome.PASSED, "", {}, seconds=took))


def ran(described: Matrix, catalog: Catalog, found: list[Shard]) -> list[tuple[str, str]]:
    """What the commands of the shards select: pair and case."""
    cases = []
    for unit in (unit for shard in found for unit in shard.units):
        words = shlex.split(unit.command)
        options = parse(words[words.index("--") + 1 :], session=words[2])
        for lane in plan.lanes(described, options):
            cases += [(unit.pair.id, case.id) for case in plan.cases_of(described, catalog, lane, options)]
    return cases


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9, 256])
def test_the_shards_together_run_each_case_once(
    small_matrix: Matrix, small_catalog: Catalog, tmp_path: Path, count: int
) -> None:
    known = [(pair, small_catalog) for pair in small_matrix.pairs]
    record(tmp_path, small_matrix.pairs[0].id, {"wrapper/eva02_large": 5000.0})
    found = divide(small_matrix, known, CPU, count, durations(tmp_path, *small_matrix.pairs))
    assert len(found) <= count
    (lane,) = plan.lanes(small_matrix, CPU)
    whole = [
        (pair.id, case.id)
        for pair in small_matrix.pairs
        for case in plan.cases_of(small_matrix, small_catalog, lane, CPU)
    ]
    assert sorted(ran(small_matrix, small_catalog, found)) == sorted(whole)
    assert sum(unit.cases for shard in found for unit in shard.units) == len(whole)
    assert all(unit.cases for shard in found for unit in shard.units)


def test_a_pair_is_divided_only_where_it_is_longer_than_a_shard(
    small_matrix: Matrix, small_catalog: Catalog, tmp_path: Path
) -> None:
    old, new = small_matrix.pairs
    (lane,) = plan.lanes(small_matrix, CPU)
    cases = [case.id for case in plan.cases_of(small_matrix, small_catalog, lane, CPU)]
    for pair, seconds in ((old, 1800.0), (new, 1.0)):
        record(tmp_path, pair.id, dict.fromkeys(cases, seconds / len(cases)))
    known = [(pair, small_catalog) for pair in small_matrix.pairs]
    found = divide(small_matrix, known, CPU, 3, durations(tmp_path, old, new))
    parts = {(unit.pair.id, unit.of) for shard in found for unit in shard.units}
    assert parts == {(old.id, 3), (new.id, 1)}
    lengths = [round(shard.seconds) for shard in found]
    assert lengths == sorted(lengths, reverse=True)


def test_durations_are_those_of_the_case_or_of_the_nearest_that_was_measured(
    small_matrix: Matrix, tmp_path: Path
) -> None:
    old, new = (pair.id for pair in small_matrix.pairs)
    record(tmp_path, old, {"wrapper/a": 4.0, "wrapper/b": 8.0})
    record(tmp_path, new, {"wrapper/a": 2.0})
    found = durations(tmp_path, *small_matrix.pairs)
    cases = [(new, "wrapper/a"), (new, "wrapper/b"), (new, "wrapper/c"), (new, "tower/a")]
    assert [found.of(pair, "cpu-float32", Case.parse(case)) for pair, case in cases] == [
        *(2.0, 8.0, pytest.approx(14 / 3), shards.UNMEASURED)
    ]


def test_a_pair_without_a_catalog_is_a_unit_of_its_own(
    small_matrix: Matrix, small_catalog: Catalog, tmp_path: Path
) -> None:
    new = small_matrix.pairs[1].with_versions(timm="1.0.99")
    other = small_matrix.pairs[0]
    record(tmp_path, other.id, {"wrapper/eva02_large": 900.0})
    pairs = [(new, None), (other, small_catalog)]
    found = divide(small_matrix, pairs, CPU, 1, durations(tmp_path, new, other))
    seconds = {unit.pair.id: unit.seconds for shard in found for unit in shard.units}
    assert seconds[new.id] == seconds[other.id] > 900  # as long as the longest, for nobody knows
    (unit,) = (unit for shard in found for unit in shard.units if unit.pair is new)
    assert unit.command == "nox -s pair -- transformers==5.23.0 timm==1.0.99 --lane cpu-float32"


@pytest.mark.parametrize("count", [0, -1, 257])
def test_more_shards_than_a_ci_system_takes_are_refused(small_matrix: Matrix, tmp_path: Path, count: int) -> None:
    with pytest.raises(BadInput, match=f"--shards {count}: give 1 to 256, which is the most that GitHub Actions runs"):
        divide(small_matrix, [], CPU, count, durations(tmp_path))


def test_the_document_has_an_entry_a_shard(small_matrix: Matrix, small_catalog: Catalog, tmp_path: Path) -> None:
    known = [(pair, small_catalog) for pair in small_matrix.pairs]
    found = shards.document(divide(small_matrix, known, CPU, 2, durations(tmp_path)), ["a report"], "a test")
    assert (found["made_by"], found["reports"]) == ("a test", ["a report"])
    assert [one["shard"] for one in found["shards"]] == ["1/2", "2/2"]
    assert [one["commands"] for one in found["shards"]] == [
        [f"nox -s matrix -- --pair {pair.id} --lane cpu-float32"] for pair in small_matrix.pairs
    ]
    assert all(one["seconds"] > shards.SETUP for one in found["shards"])


def test_a_part_is_told_and_read_again() -> None:
    options = Options(part=(2, 4))
    assert in_words(options) == "--part 2/4"
    assert parse(["--part", "2/4"]).part == (2, 4)
    assert options.selection != replace(options, part=None).selection


@pytest.mark.parametrize("text", ["0/4", "5/4", "2", "a/b", "-1/2"])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"is no part; the second of four reads 2/4"):
        parse([f"--part={text}"])
