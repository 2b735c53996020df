"""Which of several results of a case counts, when runs of several machines are in one file."""

import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.commands.distributed import nightly
from harness.contract import record
from harness.contract.case import Case
from harness.execution import run_lock
from harness.results import store
from harness.results.judging import Verdict, judge
from tests.known import known
from tests.plans import PAIR

LANE = Path(PAIR["id"]) / "cpu-float32.jsonl"
CASE = "tower/a"
DAY = datetime(2026, 11, 1, tzinfo=UTC)
GREEN, RED, LOST = "passed", "keys", None
BADNESS = {"not-run": 0, "passed": 0, "drifted": 0, "keys": 1, "error": 1, None: 2}


@dataclass(frozen=True)
class Ran:
    """A run of one case: what it came to, None for a run that was killed, and the hour of the clock."""

    outcome: str | None
    hour: float = 0.0

    def lines(self, folder: str, sequence: int) -> str:
        """As they are recorded."""
        started = DAY + timedelta(hours=self.hour)
        place = {"folder": folder, "sequence": sequence, "machine": folder, "started": started.isoformat()}
        lines: list[dict[str, Any]] = [{"kind": "run", "schema": 2, "pair": PAIR, "cases": [CASE], **place}]
        if self.outcome:
            fields = {"case": CASE, "route": "tower", "model": "a", "outcome": self.outcome, "reason": "no"}
            lines.append({"kind": "case", **fields, "detail": {}})
            ended = (started + timedelta(minutes=1)).isoformat()
            lines.append({"kind": "end", "cases": 1, "counts": {}, "ended": ended, "failed": None})
        return "".join(f"{json.dumps(line)}\n" for line in lines)


class Folders:
    """Results folders by name, and one into which they are collected."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def record(self, name: str, *runs: Ran) -> None:
        """Record runs in a folder."""
        path = self.where / name / LANE
        path.parent.mkdir(parents=True, exist_ok=True)
        before = len(record.read(path)) if path.is_file() else 0
        with path.open("a") as file:
            file.writelines(ran.lines(name, before + number) for number, ran in enumerate(runs, 1))

    def collect(self, *names: str, into: str = "all", hour: float = 100.0) -> str | None:
        """Collect folders at this hour of this machine's clock; what counts afterwards."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(record, "now", (DAY + timedelta(hours=hour)).isoformat)
            patch.setattr(run_lock, "take", lambda _: None)  # a process keeps its locks, of each example one
            nightly.collect([self.where / name for name in names], self.where / into, io.StringIO())
        return self.verdict(into)

    def verdict(self, name: str = "all") -> str | None:
        """What counts in a folder."""
        found = store.load(self.where / name, PAIR["id"], "cpu-float32", None).records.get(CASE)
        return None if found is None else str(found["outcome"])


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_within_a_folder_no_clock_decides(folders: Folders) -> None:
    folders.record("a", Ran(GREEN, hour=9), Ran(RED, hour=1))
    folders.record("b", Ran(RED, hour=9), Ran(GREEN, hour=9))
    assert [folders.verdict("a"), folders.collect("a", into="1")] == [RED, RED]
    assert [folders.verdict("b"), folders.collect("b", into="2")] == [GREEN, GREEN]


def test_a_folder_that_was_collected_in_parts_keeps_its_order(folders: Folders) -> None:
    folders.record("a", Ran(RED, hour=3))
    folders.record("older", Ran(GREEN, hour=2))
    folders.collect("a")
    folders.record("a", Ran(GREEN, hour=1))
    assert folders.collect("a") == GREEN
    (folders.where / "back" / LANE).parent.mkdir(parents=True)
    runs = (folders.where / "a" / LANE).read_text().splitlines(keepends=True)
    (folders.where / "back" / LANE).write_text("".join(runs[:3]))  # as somebody kept it
    folders.collect("a", into="2")
    assert folders.collect("back", into="2") == GREEN


@pytest.mark.parametrize(("first", "second"), ["ab", "ba"])
@pytest.mark.parametrize("hours", [(1, 2), (2, 1), (1, 1), (1, 5000)], ids=["older", "newer", "same", "behind"])
def test_a_red_of_one_machine_outlives_a_green_of_another_whatever_the_clocks_and_the_order(
    folders: Folders, first: str, second: str, hours: tuple[float, float]
) -> None:
    red, green = hours
    folders.record("a", Ran(RED, red))
    folders.record("b", Ran(GREEN, min(green, 90)))
    folders.collect(first)
    assert folders.collect(second) == RED
    assert folders.collect(first, second) == RED
    assert folders.collect(first, second, into="at once") == RED


def test_a_night_that_began_after_the_last_was_collected_replaces_it(folders: Folders) -> None:
    folders.record("monday", Ran(RED, hour=2))
    assert folders.collect("monday", hour=5) == RED
    folders.record("tuesday", Ran(GREEN, hour=26))
    assert folders.collect("tuesday", hour=29) == GREEN
    assert folders.collect("monday", hour=30) == GREEN
    assert folders.collect("all", into="elsewhere", hour=40) == GREEN
    assert folders.collect("monday", into="elsewhere", hour=41) == GREEN
    folders.collect("monday", into="by itself", hour=41)
    assert folders.collect("all", into="by itself", hour=42) == GREEN


@pytest.mark.parametrize("minutes", [-60, 0, 4])
def test_clocks_that_differ_by_minutes_replace_nothing(folders: Folders, minutes: float) -> None:
    folders.record("a", Ran(RED, hour=2))
    folders.collect("a", hour=5)
    folders.record("b", Ran(GREEN, hour=5 + minutes / 60))
    assert folders.collect("b", hour=6) == RED


def test_a_clock_that_was_in_the_future_when_it_was_collected_proves_nothing(folders: Folders) -> None:
    folders.record("a", Ran(RED, hour=2))
    folders.record("b", Ran(GREEN, hour=99))
    folders.collect("b", hour=4)  # as an older version of this did
    folders.collect("a", hour=5)
    assert folders.verdict() == RED


def test_a_red_recorded_here_by_a_clock_that_was_behind_outlives_a_collected_green(folders: Folders) -> None:
    folders.record("all", Ran(RED, hour=1))  # at 25, by a clock that is a day behind and is set right then
    folders.record("a", Ran(GREEN, hour=16))
    assert folders.collect("a", hour=30) == RED


def test_a_run_here_comes_after_all_that_was_collected_before(folders: Folders) -> None:
    folders.record("a", Ran(RED, hour=50))
    folders.collect("a", hour=60)
    folders.record("all", Ran(GREEN, hour=1))
    assert folders.verdict() == GREEN
    folders.record("b", Ran(RED, hour=2))
    assert folders.collect("b", hour=61) == RED


def test_a_run_that_was_killed_withdraws_what_was_collected_before_and_counts_like_one_that_fails(
    folders: Folders,
) -> None:
    folders.record("a", Ran(GREEN, hour=1))
    folders.collect("a")
    folders.record("all", Ran(LOST, hour=2))
    assert folders.verdict() is None
    folders.record("all", Ran("not-run", hour=3))
    assert folders.verdict() is None
    for name, order in (("1", "cb"), ("2", "bc")):
        folders.record("b", Ran(GREEN, hour=1))
        folders.record("c", Ran(GREEN, hour=1), Ran(LOST, hour=2))
        for folder in order:
            folders.collect(folder, into=name)
        assert folders.verdict(name) is None


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize(("expected", "verdict"), [("error", Verdict.REGRESSED), (RED, Verdict.INCOMPLETE)])
def test_a_red_of_one_machine_that_no_rule_expects_outlives_a_run_of_another_that_was_killed(
    folders: Folders, order: str, expected: str, verdict: Verdict
) -> None:
    folders.record("a", Ran(RED, hour=1))
    folders.record("b", Ran(GREEN, hour=1), Ran(LOST, hour=2))
    for folder in order:
        folders.collect(folder)
    lane = store.load(folders.where / "all", PAIR["id"], "cpu-float32", None)
    [case] = judge([Case.parse(CASE)], lane, lambda _: [known(expected, "renamed")])
    assert (case.verdict, case.withdrawn) == (verdict, verdict is Verdict.INCOMPLETE)
    assert bool(case.header) is (verdict is Verdict.REGRESSED)


def test_a_machine_that_cannot_run_a_case_takes_no_result_away(folders: Folders) -> None:
    folders.record("a", Ran(RED, hour=1))
    folders.record("b", Ran("not-run", hour=50))
    folders.collect("a", hour=10)
    assert folders.collect("b", hour=60) == RED


def test_copies_of_a_folder_that_went_different_ways_do_not_hide_each_others_failures(folders: Folders) -> None:
    folders.record("a", Ran(GREEN, hour=1))
    for name, ran in (("one", [Ran(RED, 2)]), ("two", [Ran(GREEN, 3), Ran(GREEN, 4)])):
        runs = [Ran(GREEN, 1), *ran]
        path = folders.where / name / LANE
        path.parent.mkdir(parents=True)
        path.write_text("".join(here.lines("a", number) for number, here in enumerate(runs, 1)))
    for name, order in (("1", ("one", "two")), ("2", ("two", "one"))):
        for folder in order:
            folders.collect(folder, into=name)
        assert folders.verdict(name) == RED


def test_runs_after_copies_of_a_folder_parted_come_after_those_before(folders: Folders) -> None:
    for name, outcome in (("one", "passed"), ("two", "drifted")):
        path = folders.where / name / LANE
        path.parent.mkdir(parents=True)
        path.write_text(Ran(RED, 1).lines("a", 1) + Ran(outcome, 2).lines("a", 2))
        folders.collect(name)
    assert folders.verdict() in {"passed", "drifted"}


RUNS = st.lists(
    st.builds(Ran, st.sampled_from(["passed", "drifted", "keys", "error", "not-run", None]), st.integers(0, 72)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(RUNS, min_size=1, max_size=3), st.data())
def test_the_order_of_collecting_changes_no_verdict_and_none_is_greener_than_a_folders_own(
    runs: Sequence[Sequence[Ran]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as where:
        folders, names = Folders(Path(where)), [f"folder-{number}" for number, _ in enumerate(runs)]
        for name, ran in zip(names, runs, strict=True):
            folders.record(name, *ran)
        own = [folders.verdict(name) for name in names]
        orders = [data.draw(st.permutations(names), label=f"order {number}") for number in range(2)]
        again = data.draw(st.lists(st.sampled_from(names), max_size=2), label="once more")
        at_once = folders.collect(*orders[0], into="at once")
        for name in [*orders[1], *again]:
            folders.collect(name)
        half = data.draw(st.integers(0, len(names)), label="by way of another")
        if orders[0][:half]:
            folders.collect(*orders[0][:half], into="half")
            folders.collect("half", into="by way")
        if orders[0][half:]:
            folders.collect(*orders[0][half:], into="by way")
        verdicts = {at_once, folders.verdict(), folders.verdict("by way")}
        assert len(verdicts) == 1
        results = [BADNESS[outcome] for outcome in own if outcome]
        if any(ran.outcome not in {None, "not-run"} for here in runs for ran in here):
            assert BADNESS[at_once] >= max(results, default=0)
