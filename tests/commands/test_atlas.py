"""`nox -s atlas`, without nox."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.atlas import releases
from harness.atlas.answer import State
from harness.atlas.asking import ask
from harness.atlas.entries import pair_files
from harness.atlas.entries.entry import LaneEntry, PairEntry, RouteEntry
from harness.commands import atlas
from harness.commands.atlas import AtlasCommand
from harness.config.errors import (
    BadInput,
    CannotImport,
    HarnessError,
    Incomplete,
    InstallationError,
    NoRelease,
    NoSolution,
)
from harness.config.pair import Pair
from harness.contract import catalog
from harness.contract.case import Case
from harness.contract.catalog import Catalog
from harness.environments import catalog_history, pypi
from harness.environments.pypi import Release
from harness.execution.pair_run import PairRun
from harness.planning import currency
from harness.results import verdicts
from harness.results.judging import Judged, Verdict
from tests.fake_environment import FakeEnvironment
from tests.places import ROOT

LINE = {
    "transformers": [Release("5.22.0", date(2026, 7, 1)), Release("5.23.0", date(2026, 8, 1))],
    "timm": [Release("1.0.30", date(2026, 7, 10)), Release("1.0.31", date(2026, 8, 1))],
}
HEADER = {"started": "2026-11-29T10:00:00+00:00", "cell": {"tower": "d1"}}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtlasCommand:
    monkeypatch.setattr(pypi, "since", lambda name, *_: LINE[name])
    words = ["--matrix", str(ROOT / "matrix.yaml"), "--into", str(tmp_path), "--results", str(tmp_path / "results")]
    return AtlasCommand.of(words)


def passed(pair_run: PairRun, *_: Any) -> list[Judged]:
    return [
        Judged(pair_run.pair.id, "cpu-float32", Case("tower", "convnext_atto"), Verdict.AS_EXPECTED,
               {"outcome": "passed"}, header=HEADER)
    ]  # fmt: skip


def test_what_is_lacking_is_listed_in_order_of_need(command: AtlasCommand) -> None:
    first, *rest = command.lines()
    assert first == f"{len(rest)} pairs to measure in cpu-float32, in order of need:"
    named = [pair.id for pair in command.described.pairs]
    assert [line.strip() for line in rest[: len(named)]] == named
    assert "  transformers5.22.0-timm1.0.30" in rest


def test_pairs_are_measured_until_the_time_is_over_and_the_next_run_goes_on(
    command: AtlasCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 100_000, 1_500))
    monkeypatch.setattr("harness.commands.atlas.time.monotonic", lambda: float(next(now)))
    followed: list[list[Pair]] = []

    def tried(pair_run: PairRun, *_: Any) -> list[Judged]:
        followed.append([other.pair for other in pair_run.following])
        return passed(pair_run)

    monkeypatch.setattr(atlas, "tried", tried)
    said: list[str] = []
    command.measure(lambda _: FakeEnvironment(), said.append)
    assert followed == [[pair] for pair in command.lacking[1:3]]
    assert said[-1] == f"60 minutes are over; {len(command.lacking) - 2} pairs are left for the next run"
    assert len(pair_files.read(tmp_path)) == 2
    again = AtlasCommand.of(["--matrix", str(ROOT / "matrix.yaml"), "--into", str(tmp_path)])
    assert again.lacking == command.lacking[2:]


@pytest.mark.usefixtures("packaged")
def test_the_catalog_that_was_made_for_a_pair_is_kept_where_its_entry_is(
    command: AtlasCommand, tmp_path: Path, small_catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(pair_run: PairRun, *_: Any) -> list[Judged]:
        folder = pair_run.records.generated_catalogs
        folder.mkdir(parents=True, exist_ok=True)
        controls = tuple(command.described.models.controls)
        text = catalog.dumps(replace(small_catalog, timm=pair_run.pair.timm, controls=controls))
        catalog.path_in(folder, pair_run.pair.timm).write_text(text)
        return passed(pair_run)

    monkeypatch.setattr(atlas, "tried", made)
    pair = next(pair for pair in command.lacking if pair.timm == "1.0.30")
    command = replace(command, lacking=[pair], into=tmp_path / "elsewhere")
    before = catalog_history.releases()
    assert pair.timm not in before
    command.measure(lambda _: FakeEnvironment(), lambda _: None)
    assert catalog_history.releases() == before  # its entry went elsewhere
    monkeypatch.setattr(pair_files, "PACKAGED", command.into)
    command.measure(lambda _: FakeEnvironment(), lambda _: None)
    assert set(catalog_history.releases()) == {*before, "1.0.30"}


def test_what_became_stale_is_measured_after_what_is_lacking_the_oldest_first(
    command: AtlasCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def entry_of(pair: Pair, day: str, cell: str) -> PairEntry:
        tower = RouteEntry("tower", cell, ("convnext_atto",), 1)
        lane = LaneEntry("cpu-float32", day, "narrow", {"tower": tower})
        return PairEntry(pair.versions, {lane.lane: lane})

    current, newer, older, failed = command.lacking[:4]
    [digest] = currency.digests(command.described, ["tower"], current.timm).values()
    pair_files.write(entry_of(current, "2026-11-01", digest), tmp_path)
    pair_files.write(entry_of(newer, "2026-11-28", "another"), tmp_path)
    pair_files.write(entry_of(older, "2026-11-27", "another"), tmp_path)
    lane = LaneEntry("cpu-float32", "2026-11-02", "narrow", {}, "timm raises")
    pair_files.write(PairEntry(failed.versions, {lane.lane: lane}), tmp_path)

    words = ["--matrix", str(ROOT / "matrix.yaml"), "--into", str(tmp_path)]
    again = AtlasCommand.of(words)
    assert dict(again.stale) == {older: ["tower"], newer: ["tower"]}
    assert list(again.stale) == [older, newer]
    told = list(again.lines())
    at = told.index("2 pairs to measure again, the oldest first, whose routes have changed:")
    assert told[at + 1 :] == [f"  {older.id}: tower", f"  {newer.id}: tower"]
    assert told[0] == f"{at - 1} pairs to measure in cpu-float32, in order of need:"
    assert AtlasCommand.of([*words, "--draw", "2"]).stale == {}

    tried: list[str] = []

    def run(pair_run: PairRun, *_: Any) -> list[Judged]:
        tried.append(pair_run.pair.id)
        return passed(pair_run)

    monkeypatch.setattr(atlas, "tried", run)
    again.measure(lambda _: FakeEnvironment(), lambda _: None)
    assert tried == [*(pair.id for pair in again.lacking), older.id, newer.id]


def test_an_entry_that_no_file_can_hold_stops_no_other_pair(
    command: AtlasCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = command.lacking
    said: list[str] = []

    def tried(pair_run: PairRun, *_: Any) -> list[Judged]:
        [one] = passed(pair_run)
        return [replace(one, case=Case("tower", "half of a character: \ud800" if pair_run.pair == first else "a"))]

    monkeypatch.setattr(atlas, "tried", tried)
    with pytest.raises(Incomplete, match=f"^not measured, so the next run tries again: {re.escape(first.id)}$"):
        command.measure(lambda _: FakeEnvironment(), said.append)
    assert any(line.startswith(f"{first.id}: what was measured cannot be written: ") for line in said)
    assert {path.stem for path in tmp_path.glob("*.ndjson")} == {pair.id for pair in others}


def test_what_the_rules_have_not_foreseen_is_said_of_each_pair(
    command: AtlasCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def regressed(pair_run: PairRun, *_: Any) -> list[Judged]:
        record = {"outcome": "keys", "reason": "renamed"}
        case = Case("tower", "convnext_atto")
        return [Judged(pair_run.pair.id, "cpu-float32", case, Verdict.REGRESSED, record, header=HEADER)]

    said: list[str] = []
    for tried in (passed, regressed):
        monkeypatch.setattr(atlas, "tried", tried)
        chosen = AtlasCommand(command.described, command.options, LINE, command.lacking[:1], into=tmp_path)
        chosen.measure(lambda _: FakeEnvironment(), said.append)
    pair = command.lacking[0].id
    assert f"{pair}: 1 case, all as the rules foresee" in said
    assert f"{pair}: of 1 case 1 regressed, such as tower/convnext_atto: renamed" in said


def test_pairs_are_drawn_at_random(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypi, "since", lambda name, *_: LINE[name])
    words = ["--matrix", str(ROOT / "matrix.yaml"), "--into", str(tmp_path), "--list", "--draw", "2"]
    drawn = [AtlasCommand.of([*words, "--seed", str(seed)]).lacking for seed in (1, 1, *range(2, 9))]
    assert {len(pairs) for pairs in drawn} == {2}
    assert drawn[0] == drawn[1]
    assert any(pairs != drawn[0] for pairs in drawn)


def test_the_releases_that_there_are_are_written_beside_the_pairs(
    command: AtlasCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas, "tried", passed)
    chosen = AtlasCommand(command.described, command.options, LINE, [], into=tmp_path / "pairs")
    chosen.measure(lambda _: FakeEnvironment(), lambda _: None)
    assert releases.read(tmp_path / releases.NAME) == {
        name: [release.version for release in LINE[name]] for name in LINE
    }


@pytest.mark.parametrize(
    "certain",
    [CannotImport("timm raises"), NoSolution("it contradicts itself"), NoRelease("nothing for this Python")],
    ids=lambda error: type(error).__name__,
)
def test_what_is_certain_of_a_pair_is_an_entry_and_one_that_is_not_installed_is_tried_again(
    certain: HarnessError, command: AtlasCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, unreachable, sound = command.lacking[:3]

    def tried(pair_run: PairRun, *_: Any) -> list[Judged]:
        if pair_run.pair == broken:
            raise certain
        if pair_run.pair == unreachable:
            raise InstallationError("the index did not answer")
        return passed(pair_run)

    def judged(records: Sequence[Any]) -> list[Judged]:
        case = Case("tower", "convnext_atto")
        return [Judged(records[0].pair.id, "cpu-float32", case, Verdict.INCOMPLETE, missing="no record")]

    monkeypatch.setattr(atlas, "tried", tried)
    monkeypatch.setattr(verdicts, "judged", judged)
    chosen = AtlasCommand(command.described, command.options, LINE, [broken, unreachable, sound], into=tmp_path)
    with pytest.raises(Incomplete, match=f"the next run tries again: {unreachable.id}$"):
        chosen.measure(lambda _: FakeEnvironment(), lambda _: None)
    lanes = {key: found.lanes["cpu-float32"] for key, found in pair_files.read(tmp_path).items()}
    assert (unreachable.transformers, unreachable.timm) not in lanes
    assert lanes[broken.transformers, broken.timm].failed == str(certain)
    assert lanes[sound.transformers, sound.timm].routes["tower"].passed == 1
    [part] = ask(broken.transformers, broken.timm, ["convnext_atto"], ["tower"], folder=tmp_path).parts
    assert (part.state, part.because) == (State.BROKEN, str(certain))


def test_an_index_that_does_not_answer_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(pypi, "since", unreachable)
    with pytest.raises(BadInput, match="PyPI cannot be asked which releases there are: no route to host"):
        AtlasCommand.of(["--matrix", str(ROOT / "matrix.yaml")])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--seed", "1"], "--seed: only what is drawn has one; add --draw"),
        (["--draw", "0"], "no number of pairs"),
        (["--lane", "gpu"], "no lane gpu"),
        (["--minutes", "soon"], "no number of minutes"),
        (["--minute", "1"], "--minute"),
    ],
)
def test_bad_input_is_one_error(words: list[str], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypi, "since", lambda name, *_: LINE[name])
    with pytest.raises(BadInput, match=why):
        AtlasCommand.of(["--matrix", str(ROOT / "matrix.yaml"), *words])
