"""What `nox -s upgrade` runs and says. No release is installed; each pair has the outcomes that it is given."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.commands.upgrade import UpgradeCommand
from harness.config.errors import BadInput, InstallationError, NothingSelected
from harness.contract.catalog import Catalog
from harness.contract.plan import Plan
from harness.environments import catalog_history
from harness.report import upgrade
from harness.results.upgrade_result import UpgradeResult
from tests.fake_environment import FakeEnvironment
from tests.small_matrix import MATRIX

OLD, NEW = "transformers4.57.6-timm1.0.22", "transformers5.23.0-timm1.0.31"
CASES = ("--lane", "cpu-float32", "--model", "convnext_atto")
BOTH = ("transformers==5.23.0", "timm==1.0.31", "--from", OLD, *CASES)
ALONE = "--lane cpu-float32 --route tower --model convnext_atto --variant safetensors --rerun"
WRAPPER, TOWER = "wrapper/convnext_atto", "tower/convnext_atto"

pytestmark = pytest.mark.usefixtures("small_matrix", "packaged", "gpus")
Outcomes = Mapping[str, str]


class Pairs(FakeEnvironment):
    """By `transformers timm` what becomes of which case; a pair that has nothing cannot be installed."""

    def __init__(self, **outcomes: Outcomes | None) -> None:
        super().__init__()
        self.by_pair = outcomes
        self.takes_over = False

    def enter(self, requirements: Sequence[str]) -> None:
        old = {"transformers": "4.57.6", "timm": "1.0.22"}
        pins = dict(one.split("==") for one in requirements if "==" in one)
        moved = "_".join(name for name, version in old.items() if pins[name] != version) or "none"
        outcomes = self.by_pair.get(moved, {})
        if outcomes is None:
            raise InstallationError("no wheel")
        self.outcomes = dict(self.by_pair.get("carried") or {}) if self.takes_over else dict(outcomes)

    def python(self, interpreter: Path, /, *arguments: str, **options: Any) -> bool:
        if "--plan" in arguments:
            plan = Plan.loads(Path(arguments[arguments.index("--plan") + 1]).read_text())
            self.takes_over = "takes" in plan.handover
        return super().python(interpreter, *arguments, **options)

    @property
    def tried(self) -> list[tuple[str, list[str]]]:
        """The pairs that ran, and their cases."""
        return [(plan.pair["id"], [case.id for case in plan.cases]) for plan in self.plans if not plan.handover]

    @property
    def carried(self) -> list[tuple[str, list[str], list[str]]]:
        """The same of runs that keep checkpoints or take them: which pair, which of both, which cases."""
        return [
            (plan.pair["id"], list(plan.handover), [case.id for case in plan.cases])
            for plan in self.plans
            if plan.handover
        ]


@pytest.fixture(autouse=True)
def _older_catalog(packaged: Path, small_catalog: Catalog) -> None:  # noqa: ARG001 - where it is added
    older = Catalog("1.0.22", 1300, small_catalog.controls, small_catalog.entries)
    catalog_history.add(older)


def answer(environment: FakeEnvironment, *options: str) -> UpgradeResult:
    return UpgradeCommand.of(options or BOTH, Path()).answer(environment, lambda _: None)


def test_a_move_that_breaks_nothing_says_what_to_pin() -> None:
    environment = Pairs()
    found = answer(environment)
    assert list(upgrade.lines(found)) == [
        f"{OLD} → {NEW}",
        "Nothing changes.",
        f"Checkpoints saved by {OLD} and loaded by {NEW}: 1 of 1 unchanged.",
        "No model ran on both sides, so timm's own numbers could not be compared.",
        "No pair in between is on record.",
        f"Nothing that works breaks. {NEW} is fit to pin:",
        "  transformers==5.23.0 timm==1.0.31",
        "Exit code 0.",
    ]
    assert environment.tried == [(OLD, [WRAPPER, TOWER]), (NEW, [WRAPPER, TOWER])]


def test_what_breaks_is_told_with_the_package_that_brings_it() -> None:
    broken = {TOWER: "tensors"}
    environment = Pairs(transformers_timm=broken, transformers=broken, carried=broken)
    found = answer(environment)
    assert list(upgrade.lines(found)) == [
        f"{OLD} → {NEW}",
        "1 newly broken",
        f"Checkpoints saved by {OLD} and loaded by {NEW}: 0 of 1 unchanged.",
        f"1 checkpoint broken in the same way as those that {NEW} saves itself.",
        "No model ran on both sides, so timm's own numbers could not be compared.",
        "No pair in between is on record.",
        f"No recorded pair in between is known to break nothing. Stay with {OLD}:",
        "  transformers==4.57.6 timm==1.0.22",
        "",
        "✘ newly broken · tower · 1 model, 1 case · by transformers",
        "tensors here",
        f"  nox -s pair -- transformers==5.23.0 timm==1.0.31 {ALONE}",
        "Exit code 1.",
    ]
    assert environment.tried[2:] == [
        ("transformers5.23.0-timm1.0.22", [TOWER]),
        ("transformers4.57.6-timm1.0.31", [TOWER]),
    ]


def test_a_mixed_pair_that_cannot_be_made_leaves_the_package_unknown() -> None:
    found = answer(Pairs(transformers_timm={TOWER: "tensors"}, transformers=None))
    assert set(found.by.values()) == {"unknown: a mixed pair has no record"}


def test_where_one_package_moves_no_mixed_pair_is_needed() -> None:
    environment = Pairs(transformers={TOWER: "tensors"})
    found = answer(environment, "transformers==5.23.0", "--from", OLD, *CASES)
    assert set(found.by.values()) == {"transformers"}
    assert [pair for pair, _ in environment.tried] == [OLD, "transformers5.23.0-timm1.0.22"]


def test_checkpoints_that_the_old_pair_saved_are_loaded_by_the_new_one() -> None:
    environment = Pairs(carried={TOWER: "keys"})
    found = answer(environment)
    assert environment.carried == [(OLD, ["keeps"], [TOWER]), (NEW, ["takes"], [TOWER])]
    assert list(upgrade.lines(found))[1:4] == [
        "Nothing changes.",
        f"Checkpoints saved by {OLD} and loaded by {NEW}: 0 of 1 unchanged.",
        f"✘ lost by carrying · tower · 1 case, such as {TOWER}: keys here",
    ]
    assert found.exit_code == 1


def test_the_whole_of_an_answer_in_which_nothing_but_carrying_breaks_anything() -> None:
    assert list(upgrade.lines(answer(Pairs(carried={TOWER: "keys"})))) == [
        f"{OLD} → {NEW}",
        "Nothing changes.",
        f"Checkpoints saved by {OLD} and loaded by {NEW}: 0 of 1 unchanged.",
        f"✘ lost by carrying · tower · 1 case, such as {TOWER}: keys here",
        "No model ran on both sides, so timm's own numbers could not be compared.",
        "No pair in between is on record.",
        f"No recorded pair in between is known to break nothing. Stay with {OLD}:",
        "  transformers==4.57.6 timm==1.0.22",
        "Exit code 1.",
    ]


def test_a_checkpoint_that_breaks_otherwise_than_what_the_new_pair_saves_is_told_too() -> None:
    broken = {TOWER: "keys"}
    found = answer(Pairs(transformers_timm=broken, transformers=broken, carried={TOWER: "tensors"}))
    told = f"✘ broken otherwise by carrying · tower · 1 case, such as {TOWER}: tensors here"
    assert told in list(upgrade.lines(found))
    assert found.lost == []


@pytest.mark.parametrize("lane", ["cpu-float32", "cuda-float32"])
def test_checkpoints_are_carried_in_the_lane_that_is_asked_for(lane: str, gpus: Callable[[int], None]) -> None:
    gpus(1)
    environment = Pairs()
    answer(environment, *BOTH[:4], "--lane", lane, "--model", "convnext_atto")
    assert [plan.lane for plan in environment.plans if plan.handover] == [lane, lane]
    [kept, taken] = [next(iter(plan.handover.values())) for plan in environment.plans if plan.handover]
    assert kept == taken
    assert Path(kept).name == lane


def test_that_nothing_could_be_carried_is_said() -> None:
    found = answer(Pairs(), *BOTH[:4], "--lane", "cpu-float32", "--route", "wrapper", "--model", "convnext_atto")
    assert "No checkpoint was carried over: the old pair saves none on these routes and lanes." in list(
        upgrade.lines(found)
    )
    none = answer(Pairs(carried={TOWER: "unsupported"}))
    assert "No checkpoint was carried over: unsupported here." in list(upgrade.lines(none))
    assert (none.harm, none.exit_code) == ([], 0)


def test_what_the_new_pair_breaks_anyway_is_not_lost_by_carrying() -> None:
    broken = {TOWER: "keys"}
    found = answer(Pairs(transformers_timm=broken, transformers=broken, carried=broken))
    assert found.lost == []


def test_a_case_of_which_the_old_pair_saves_nothing_is_not_carried() -> None:
    environment = Pairs(none={TOWER: "unsupported"})
    assert answer(environment).carried == []
    assert environment.carried == []


def test_a_carried_checkpoint_has_records_of_its_own_and_is_loaded_once() -> None:
    answer(Pairs())
    file = Path("results", "carried", OLD, NEW, "cpu-float32.jsonl")
    header = json.loads(file.read_text().splitlines()[0])
    assert (header["pair"]["id"], header["lock"]) == (NEW, "None, from None")
    assert not Path("results", NEW, "carried").exists()
    environment = Pairs()
    answer(environment)
    assert environment.carried == []


def test_what_is_mended_is_told_and_is_code_1_too() -> None:
    found = answer(Pairs(none={WRAPPER: "keys"}, timm={WRAPPER: "keys"}))
    told = "↑ newly fixed · wrapper · 1 model, 1 case · by transformers · keys here"
    assert told in list(upgrade.lines(found))
    assert found.exit_code == 1


def test_what_has_no_record_is_code_4() -> None:
    class Dying(Pairs):
        def python(self, interpreter: Path, /, *arguments: str, **options: object) -> bool:
            if "--plan" in arguments and len(self.plans) == 1:
                return False
            return super().python(interpreter, *arguments, **options)

    found = answer(Dying())
    assert found.exit_code == 4
    assert "3 cases without a result: pytest ended before this case; see above" in list(upgrade.lines(found))


def test_a_case_that_could_not_be_run_at_the_end_is_unknown_and_the_end_is_not_fit() -> None:
    found = answer(Pairs(transformers_timm={TOWER: "not-run"}))
    assert (found.fit, found.exit_code) == (False, 4)
    assert "1 case without a result: not-run here" in list(upgrade.lines(found))


def test_a_second_time_everything_comes_from_records() -> None:
    broken = {TOWER: "tensors"}
    first = list(upgrade.lines(answer(Pairs(transformers_timm=broken, transformers=broken))))
    environment = Pairs()
    assert list(upgrade.lines(answer(environment))) == first
    assert environment.installed == []


def test_recorded_pairs_on_the_way_say_how_far_one_can_go(small_matrix: object) -> None:
    assert small_matrix
    text = MATRIX.replace(
        "pairs:\n",
        'pairs:\n  - {transformers: "5.0.0", timm: "1.0.22"}\n  - {transformers: "5.12.1", timm: "1.0.22"}\n',
    )
    Path("matrix.yaml").write_text(text)
    broken = {TOWER: "tensors"}
    for way, outcomes in (("5.0.0", {}), ("5.12.1", broken)):
        answer(Pairs(transformers=outcomes), f"transformers=={way}", "--from", OLD, *CASES)
    found = answer(Pairs(transformers_timm=broken, transformers=broken))
    assert found.nearest is not None
    assert found.nearest.id == "transformers5.0.0-timm1.0.22"
    assert found.specifiers == ["transformers==5.0.0", "timm==1.0.22"]


def test_what_a_project_uses_is_what_is_asked_about(small_matrix: object) -> None:
    assert small_matrix
    Path("matrix.yaml").write_text(MATRIX + 'uses: {models: ["convnext_*"], routes: [tower]}\n')
    environment = Pairs()
    answer(environment, *BOTH[:4], "--lane", "cpu-float32")
    assert environment.tried == [(OLD, [TOWER]), (NEW, [TOWER])]


def test_a_model_of_ones_own_is_tried_on_both_sides_and_its_checkpoint_carried(small_matrix: object) -> None:
    assert small_matrix
    Path("matrix.yaml").write_text(MATRIX + 'uses: {models: ["convnext_*"], routes: [tower]}\n')
    environment, own = Pairs(), "tests.own.towers:OpenVLALike"
    found = answer(environment, *BOTH[:4], "--lane", "cpu-float32", "--variant", "safetensors", "--own", own)
    assert environment.tried == [(OLD, [f"own/{own}"]), (NEW, [f"own/{own}"])]
    assert environment.carried == [(OLD, ["keeps"], [f"own/{own}"]), (NEW, ["takes"], [f"own/{own}"])]
    assert [case.outcome for case in found.carried] == ["passed"]
    assert found.alike == {own}


def test_quick_models_are_slim_on_both_sides_and_narrow_ones_are_refused() -> None:
    assert UpgradeCommand.of(["transformers==5.24.0", *CASES, "--quick"], Path()).options.sizes == ("slim",)
    with pytest.raises(BadInput, match="each release of timm has narrow models of its own; leave it out"):
        UpgradeCommand.of(["transformers==5.24.0", *CASES, "--size", "slim", "--size", "narrow"], Path())


def test_it_starts_from_the_current_pair() -> None:
    move = UpgradeCommand.of(["transformers==5.24.0", *CASES], Path())
    assert (move.old.id, move.new.id) == (NEW, "transformers5.24.0-timm1.0.31")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([*BOTH[:2], *CASES], f"{NEW} is where it starts; name another release, or another start with --from"),
        (
            ["timm==1.0.30", "python==3.12", *CASES],
            f"python would move too, from {NEW} to transformers5.23.0-timm1.0.30-py3.12; move one at a time",
        ),
        (
            ["timm==1.0.30", "torch==2.13.0", *CASES],
            f"torch would move too, from {NEW} to transformers5.23.0-timm1.0.30-torch2.13.0; move one at a time",
        ),
        (
            ["timm==1.0.30", "--from", "transformers5"],
            f"--from: unknown pair 'transformers5'; there is transformers4.48.3-timm1.0.14, {NEW}",
        ),
        (["timm==1.0.30", "--route", "towr"], "--route: unknown route 'towr', did you mean 'tower'?"),
        (
            ["timm==1.0.30", "--lane", "cuda-float32", "--measure"],
            "--lane cuda-float32: no CUDA device on this machine; leave the option out to record it as not run",
        ),
        (
            ["timm>=1", "tim==2"],
            "timm>=1: name one release, as in timm==1.2.3\ntim==2: unknown package 'tim', did you mean 'timm'?",
        ),
    ],
    ids=["nowhere", "another Python", "torch too", "no pair", "no route", "no device", "no release"],
)
def test_a_command_that_names_no_move_is_refused_at_once(options: list[str], problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        UpgradeCommand.of(options, Path())
    assert str(caught.value) == problem


def test_a_selection_of_nothing_is_refused() -> None:
    with pytest.raises(NothingSelected):
        answer(Pairs(), *BOTH[:4], "--quick", "--route", "tower", "--model", "eva02_large")


def test_the_same_release_spelt_short_is_no_move() -> None:
    with pytest.raises(BadInput, match="is where it starts"):
        UpgradeCommand.of(["transformers==5.23", *CASES], Path())


def test_models_that_are_quick_with_one_timm_alone_are_tried_with_both(small_catalog: Catalog) -> None:
    smaller = [
        replace(entry, slim=replace(entry.slim, params=1)) if entry.model == "eva02_large" else entry
        for entry in small_catalog
    ]
    older = Catalog("1.0.22", 1300, small_catalog.controls, tuple(smaller))
    catalog_history.add(older)
    environment = Pairs()
    found = answer(environment, *BOTH[:4], "--lane", "cpu-float32", "--route", "tower")
    [(_, old), (_, new)] = environment.tried
    assert {"tower/eva02_large", "tower/eva02_tiny"} < set(old)
    assert set(old) == set(new)
    assert found.changes == []


def test_a_model_that_the_new_timm_has_not_got_is_gone(small_catalog: Catalog) -> None:
    fewer = tuple(entry for entry in small_catalog if entry.model != "eva02_tiny")
    catalog_history.add(replace(small_catalog, entries=fewer))
    found = answer(Pairs(), *BOTH[:4], "--lane", "cpu-float32", "--route", "tower")
    assert {(change.kind.value, change.key[1]) for change in found.changes} == {("gone", "tower/eva02_tiny")}


def test_an_end_without_a_catalog_that_cannot_be_made_has_lost_nothing() -> None:
    environment = Pairs(timm=None)
    found = answer(environment, "timm==1.0.99", "--from", OLD, "--lane", "cpu-float32", "--route", "tower")
    assert found.changes == []
    assert found.exit_code == 4


def test_an_end_that_does_not_exist_is_refused_before_anything_runs() -> None:
    class Unknown(Pairs):
        def enter(self, requirements: Sequence[str]) -> None:
            if "transformers==5.99.0" in requirements:
                raise BadInput("no such release")

    environment = Unknown()
    with pytest.raises(BadInput, match="no such release"):
        answer(environment, "transformers==5.99.0", "--from", OLD, *CASES)
    assert environment.plans == []


def test_a_pair_that_only_the_records_know_is_on_the_way_too() -> None:
    answer(Pairs(), "transformers==5.0.0", "--from", OLD, *CASES)
    broken = {TOWER: "tensors"}
    found = answer(Pairs(transformers=broken), "transformers==5.23.0", "--from", OLD, *CASES)
    assert found.nearest is not None
    assert found.nearest.id == "transformers5.0.0-timm1.0.22"
    assert "Recorded pairs in between that break nothing: transformers5.0.0-timm1.0.22." in list(upgrade.lines(found))


def test_what_is_broken_and_new_is_told_by_cause() -> None:
    found = answer(Pairs(none={TOWER: "unsupported"}, transformers_timm={TOWER: "error"}))
    assert "◐ new, and broken · tower · 1 model, 1 case · error here" in list(upgrade.lines(found))


def test_of_what_stops_nobody_the_largest_causes_are_told_and_the_rest_counted() -> None:
    names = ("convnext_atto", "eva02_large", "eva02_tiny", "resnet18")
    outcomes = dict(zip((f"wrapper/{name}" for name in names), ("keys", "tensors", "error", "outputs"), strict=True))
    found = answer(Pairs(none=outcomes), *BOTH[:4], "--lane", "cpu-float32", "--route", "wrapper")
    told = [line for line in upgrade.lines(found) if line.startswith("↑")]
    assert len(told) == 3
    assert told[-1] == "↑ newly fixed · 2 more causes, 2 cases"


def test_it_can_start_from_a_pair_on_another_torch() -> None:
    move = UpgradeCommand.of(["transformers==5.24.0", "--from", f"{NEW}-torch2.13.0", *CASES], Path())
    assert (move.old.torch, move.new.id) == ("2.13.0", "transformers5.24.0-timm1.0.31-torch2.13.0")


def test_a_move_of_torch_alone_ends_with_something_to_paste() -> None:
    found = answer(Pairs(), "torch==2.13.0", "--from", OLD, *CASES)
    assert found.specifiers == ["torch>=2.13.0,<=2.14.1"]


def test_a_link_above_carried_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    Path("results").mkdir()
    Path("results/carried").symlink_to(tmp_path / "away")
    with pytest.raises(BadInput, match="results/carried: is a link to"):
        answer(Pairs())


def test_an_end_that_could_not_be_made_is_not_fit() -> None:
    found = answer(Pairs(transformers_timm=None))
    assert not found.fit
    assert found.exit_code == 4
    assert f"{NEW} is fit to pin:" not in " ".join(upgrade.lines(found))


def test_along_one_package_what_is_recorded_bounds_a_range_and_what_breaks_is_taken_out(small_matrix: object) -> None:
    assert small_matrix
    rows = "".join(f'  - {{transformers: "{version}", timm: "1.0.22"}}\n' for version in ("5.0.0", "5.12.1"))
    Path("matrix.yaml").write_text(MATRIX.replace("pairs:\n", f"pairs:\n{rows}"))
    broken = {TOWER: "tensors"}
    ways = {"5.0.0": broken, "5.12.1": {}, "5.23.0": broken}
    found = [answer(Pairs(transformers=ways[way]), f"transformers=={way}", "--from", OLD, *CASES) for way in ways][-1]
    assert found.nearest is not None
    assert found.nearest.id == "transformers5.12.1-timm1.0.22"
    assert found.specifiers == ["transformers>=4.57.6,<=5.12.1,!=5.0.0"]


def test_a_way_down_is_a_range_too() -> None:
    found = answer(Pairs(), "transformers==4.57.6", "--from", "transformers5.23.0-timm1.0.22", *CASES)
    assert found.fit
    assert found.specifiers == ["transformers>=4.57.6,<=5.23.0"]


def test_a_named_model_is_tried_on_every_route_of_both_pairs() -> None:
    environment = Pairs()
    answer(environment, *BOTH[:4], "--lane", "cpu-float32", "--model", "eva02_large")
    assert [cases for _, cases in environment.tried] == [["wrapper/eva02_large", "tower/eva02_large"]] * 2


def test_a_catalog_of_named_models_alone_does_for_a_second_run_as_well(packaged: Path, small_catalog: Catalog) -> None:
    (packaged / catalog_history.NAME).unlink()
    catalog_history.add(small_catalog)
    atto = tuple(entry for entry in small_catalog if entry.model == "convnext_atto")

    def environment() -> Pairs:
        made = Pairs()
        made.catalog = Catalog("1.0.22", 1, small_catalog.controls, atto)
        return made

    first = list(upgrade.lines(answer(environment())))
    again = environment()
    assert list(upgrade.lines(answer(again))) == first
    assert again.installed == []


def test_a_damaged_file_of_a_pair_on_the_way_hides_no_answer(small_matrix: object) -> None:
    assert small_matrix
    Path("matrix.yaml").write_text(MATRIX.replace("pairs:\n", 'pairs:\n  - {transformers: "5.0.0", timm: "1.0.22"}\n'))
    file = Path("results", "transformers5.0.0-timm1.0.22", "cpu-float32.jsonl")
    file.parent.mkdir(parents=True)
    file.write_text('{"kind": "end"}\n')
    said: list[str] = []
    UpgradeCommand.of(BOTH, Path()).answer(Pairs(), said.append)
    assert f"transformers5.0.0-timm1.0.22 is left out: {file}:1: a 'end' line before any run; " in " ".join(said)
