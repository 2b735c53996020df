import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.config.errors import BadInput, CannotImport, InstallationError
from harness.config.matrix import Matrix
from harness.config.options import LATEST, Options
from harness.contract import catalog, fingerprints, tempdirs
from harness.contract.catalog import Catalog
from harness.contract.fingerprints import Fingerprints
from harness.environments import catalog_history, lock, packaged, pypi
from harness.environments.lock import PYTEST
from harness.environments.pair_environment import VARIABLES
from harness.execution.pair_run import PairRun
from harness.planning import capacity
from harness.planning.capacity import Room
from tests.arguments import parse
from tests.fake_environment import FakeEnvironment
from tests.places import SCHEMAS

PAIR = "transformers5.23.0-timm1.0.31"
SCHEMA = SCHEMAS / "record.json"
ATTO = ["--model", "convnext_atto"]

Make = Callable[..., PairRun]


pytestmark = pytest.mark.usefixtures("packaged", "gpus")


@pytest.fixture
def make(small_matrix: Matrix) -> Make:
    return lambda *argv: PairRun.of(small_matrix, small_matrix.pairs[1], parse([*ATTO, *argv]))


def run(lanes: PairRun, environment: FakeEnvironment) -> list[str]:
    """Prepares and runs; what was said."""
    said: list[str] = []
    lanes.run(lanes.prepare(environment, said.append), environment, said.append)
    return said


def lines(lane: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("results", PAIR, f"{lane}.jsonl").read_text().splitlines()]


def kinds(lane: str) -> list[str]:
    return [line["kind"] for line in lines(lane)]


def test_a_lane_runs_its_plan_in_the_environment_of_its_pair(make: Make) -> None:
    environment = FakeEnvironment()
    run(make("--lane", "cpu-float32"), environment)
    assert [case.id for case in environment.plans[0].cases] == [
        "wrapper/convnext_atto",
        "tower/convnext_atto",
    ]
    assert environment.installed == [
        ("transformers==5.23.0", "timm==1.0.31", "torch==2.14.1", "torchvision==0.29.1", *PYTEST)
    ]


def test_a_run_has_the_workers_and_the_seconds_that_it_was_given(make: Make) -> None:
    environment = FakeEnvironment()
    run(make("--workers", "3"), environment)
    assert environment.option("-n") == "3"
    assert "--timeout=300" in environment.arguments


def test_a_run_in_which_cases_fail_is_a_success(make: Make) -> None:
    environment = FakeEnvironment()
    run(make(), environment)
    assert environment.success == (0, 1)


def test_nothing_of_a_run_is_left_in_the_temporary_folder(make: Make) -> None:
    environment = FakeEnvironment()
    run(make(), environment)
    folder = Path(environment.option("--scratch"))
    assert folder.name.startswith(tempdirs.PREFIX)
    assert not folder.exists()


def test_a_lane_without_its_device_has_a_file_that_says_so(make: Make) -> None:
    run(make(), FakeEnvironment())
    _, *cases, end = lines("cuda-float32")
    assert {(case["outcome"], case["reason"]) for case in cases} == {("not-run", "no CUDA device")}
    assert end["counts"] == {"not-run": 2}
    assert kinds("cpu-float32") == ["run", "case", "case", "end"]


def test_lanes_of_one_pair_share_one_installation(make: Make, gpus: Callable[[int], None]) -> None:
    gpus(1)
    environment = FakeEnvironment()
    run(make(), environment)
    assert [plan.lane for plan in environment.plans] == ["cpu-float32", "cuda-float32"]
    assert len(environment.installed) == 1


def test_what_is_recorded_is_neither_run_nor_installed_again(make: Make) -> None:
    run(make(), FakeEnvironment())
    environment = FakeEnvironment()
    assert run(make(), environment) == [f"{PAIR}: all cases are recorded; --rerun runs them again"]
    assert (environment.installed, environment.plans) == ([], [])
    assert kinds("cuda-float32") == ["run", "case", "case", "end"]


def test_a_case_that_could_not_be_run_again_runs_the_next_time_where_it_can(make: Make) -> None:
    run(make(), FakeEnvironment())
    run(make("--rerun"), FakeEnvironment({"tower/convnext_atto": "not-run"}))
    environment = FakeEnvironment()
    run(make(), environment)
    assert [case.id for plan in environment.plans for case in plan.cases] == ["tower/convnext_atto"]
    assert run(make(), FakeEnvironment()) == [f"{PAIR}: all cases are recorded; --rerun runs them again"]


def test_rerun_runs_what_is_recorded(make: Make) -> None:
    run(make(), FakeEnvironment())
    run(make("--rerun"), FakeEnvironment())
    assert kinds("cpu-float32") == ["run", "case", "case", "end"] * 2


def test_a_run_that_was_cut_short_goes_on_with_the_cases_that_have_no_line(make: Make) -> None:
    run(make(), FakeEnvironment({"tower/convnext_atto": None}))
    environment = FakeEnvironment()
    run(make(), environment)
    assert [case.id for case in environment.plans[0].cases] == ["tower/convnext_atto"]


def test_a_case_that_was_not_run_for_want_of_a_device_is_run_once_there_is_one(
    make: Make, gpus: Callable[[int], None]
) -> None:
    run(make(), FakeEnvironment())
    gpus(1)
    environment = FakeEnvironment()
    run(make(), environment)
    assert [plan.lane for plan in environment.plans] == ["cuda-float32"]


def test_a_case_for_which_there_is_no_room_is_not_run_and_the_others_are(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, full = ("--lane", "cpu-float32"), ("--size", "slim", "--size", "full")
    monkeypatch.setattr(capacity, "shared", lambda: Room(0.5, 100))
    environment = FakeEnvironment()
    run(make(*lane, *full), environment)
    assert {case.size for case in environment.plans[0].cases} == {"slim"}
    told = {line["reason"] for line in lines("cpu-float32") if line.get("outcome") == "not-run"}
    assert told == {"needs 3 GiB of memory, and 0 GiB are free"}
    assert run(make(*lane, *full), environment) == [f"{PAIR}: all cases are recorded; --rerun runs them again"]


def test_a_case_for_which_there_was_no_room_is_run_once_there_is(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = ("--lane", "cpu-float32", "--size", "full")
    monkeypatch.setattr(capacity, "shared", lambda: Room(0.5, 100))
    environment = FakeEnvironment()
    run(make(*lane), environment)
    assert (environment.installed, environment.plans) == ([], [])
    monkeypatch.setattr(capacity, "shared", lambda: Room(8, 100))
    run(make(*lane), environment)
    [plan] = environment.plans
    assert {case.size for case in plan.cases} == {"full"}
    assert plan.room == (8, 100)
    assert list(plan.needs) == ["convnext_atto"]


def test_the_hubs_weights_are_fetched_and_have_records_of_their_own(make: Make) -> None:
    lane = ("--lane", "cpu-float32", "--size", "full")
    synthetic, hub = FakeEnvironment(), FakeEnvironment()
    run(make(*lane), synthetic)
    run(make("--weights", "hub", *lane), hub)
    assert [environment.env["HF_HUB_OFFLINE"] for environment in (synthetic, hub)] == ["1", "0"]
    assert [environment.plans[0].weights for environment in (synthetic, hub)] == [None, "hub"]
    assert run(make("--weights", "hub", *lane), hub) == [f"{PAIR}: all cases are recorded; --rerun runs them again"]


def test_records_that_other_tolerances_made_are_made_again(make: Make, small_matrix: Matrix) -> None:
    run(make(), FakeEnvironment())
    strict = small_matrix.tolerances["float32"].model_copy(update={"atol": 0.0})
    changed = small_matrix.model_copy(update={"tolerances": {"float32": strict}})
    environment = FakeEnvironment()
    run(PairRun.of(changed, changed.pairs[1], parse(ATTO)), environment)
    assert len(environment.plans[0].cases) == 2


def test_an_environment_that_cannot_be_made_is_recorded_in_the_lanes_it_was_for(make: Make) -> None:
    with pytest.raises(InstallationError, match="no space left"):
        run(make(), FakeEnvironment(problem=InstallationError("no space left")))
    assert kinds("cpu-float32") == ["run", "end"]
    end = lines("cpu-float32")[-1]
    assert (end["failed"], end["reason"]) == ("environment", "no space left")
    assert lines("cuda-float32")[-1]["counts"] == {"not-run": 2}


def test_a_release_that_does_not_exist_leaves_no_record_in_any_lane(small_matrix: Matrix) -> None:
    reordered = small_matrix.model_copy(update={"lanes": small_matrix.lanes[::-1]})
    lanes = PairRun.of(reordered, reordered.pairs[1], parse(ATTO))
    with pytest.raises(BadInput, match="no such release"):
        run(lanes, FakeEnvironment(problem=BadInput("no such release")))
    assert not Path("results").exists()


def test_all_that_is_written_here_validates(make: Make) -> None:
    run(make(), FakeEnvironment())
    with pytest.raises(InstallationError):
        run(make("--rerun"), FakeEnvironment(problem=InstallationError("no space left")))
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    written = [line for lane in ("cpu-float32", "cuda-float32") for line in lines(lane)]
    assert [error.message for line in written for error in validator.iter_errors(line)] == []


def test_a_catalog_that_is_not_packaged_is_made_on_the_spot_and_kept_beside_the_records(
    make: Make, packaged: Path, small_catalog: Catalog
) -> None:
    (packaged / catalog_history.NAME).unlink()
    environment = FakeEnvironment(catalog=small_catalog)
    assert make("--model", "eva*").prepare(environment, print).digest == small_catalog.digest
    assert environment.arguments == ("-m", "harness.cell.catalog.builder", "--controls", "resnet18")
    assert [path.name for path in Path("results/catalogs").iterdir()] == ["timm-1.0.31.ndjson"]

    again = FakeEnvironment()
    assert make("--model", "eva*").prepare(again, print).digest == small_catalog.digest
    assert again.installed == []


@pytest.mark.parametrize(
    ("options", "alone"),
    [
        ({"models": ("convnext_atto", "resnet18")}, True),
        ({"models": ("convnext_*",), "anyway": True}, True),
        ({"models": ("convnext_*",)}, False),
        ({"models": ("convnext_atto", "eva?")}, False),
        ({"models": ("convnext_atto",), "quick": True}, False),
        ({}, False),
    ],
    ids=["in full", "whether quick or not", "a glob", "one glob", "if they are quick", "all"],
)
def test_of_a_release_without_a_catalog_models_that_are_named_are_catalogued_alone(
    small_matrix: Matrix,
    packaged: Path,
    small_catalog: Catalog,
    options: dict[str, Any],
    alone: bool,  # noqa: FBT001
) -> None:
    (packaged / catalog_history.NAME).unlink()
    environment = FakeEnvironment(catalog=small_catalog)
    PairRun.of(small_matrix, small_matrix.pairs[1], Options(**options)).prepare(environment, print)
    only = ("--only", *options["models"]) if alone else ()
    assert environment.arguments == ("-m", "harness.cell.catalog.builder", "--controls", "resnet18", *only)
    [written] = Path("results/catalogs").rglob("*.ndjson")
    assert (written.parent.name == "catalogs") is not alone


def test_fingerprints_are_packaged_with_the_catalog_and_made_from_those_of_older_releases_too(
    make: Make, small_catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fingerprints"
    monkeypatch.setattr(fingerprints, "PACKAGED", folder)
    folder.mkdir()
    catalog_history.add(replace(small_catalog, timm="1.0.9"))
    catalog_history.add(replace(small_catalog, timm="1.0.14"))
    catalog.path_in(folder, "1.0.14").touch()
    environment = FakeEnvironment(catalog=replace(small_catalog, architectures=9))
    environment.prints = Fingerprints("1.0.31", "2.14.1", 0, (1, 2), ())
    pair_environment = make().environment
    assert not packaged.has(pair_environment.pair.timm)
    with pair_environment.installed(environment, print) as python:
        packaged.make(pair_environment, python)
    assert packaged.has(pair_environment.pair.timm)
    *words, new, old = environment.arguments
    assert words == ["-m", "harness.cell.probes.builder", "--catalogs"]
    assert [Path(path).name for path in (new, old)] == ["timm-1.0.31.ndjson", "timm-1.0.14.ndjson"]
    assert (known := catalog_history.read("1.0.31"))
    assert known.architectures == 9
    assert catalog.path_in(folder, "1.0.31").read_text() == fingerprints.dumps(environment.prints)


def test_a_timm_that_the_matrix_does_not_name_is_packaged_without_fingerprints(
    small_matrix: Matrix, small_catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "PACKAGED", tmp_path / "fingerprints")
    pair = small_matrix.pairs[1].model_copy(update={"timm": "1.0.30"})
    pair_environment = PairRun.of(small_matrix, pair, Options()).environment
    made = FakeEnvironment(catalog=replace(small_catalog, timm="1.0.30"))
    with pair_environment.installed(made, print) as python:
        packaged.make(pair_environment, python)
    assert catalog_history.releases() == ("1.0.30", "1.0.31")
    assert not fingerprints.PACKAGED.exists()


def test_fingerprints_that_cannot_be_made_leave_no_file(
    make: Make, packaged: Path, small_catalog: Catalog, tmp_path: Path
) -> None:
    pair_environment = make().environment
    wrong, none = FakeEnvironment(catalog=small_catalog), FakeEnvironment()
    with pair_environment.installed(wrong, print) as python, pytest.raises(ValueError, match="no fingerprints"):
        pair_environment.make_fingerprints(python, tmp_path / "none", packaged)
    with pair_environment.installed(none, print) as python, pytest.raises(InstallationError) as caught:
        pair_environment.make_fingerprints(python, tmp_path / "none", packaged)
    assert str(caught.value) == "the file of fingerprints of timm 1.0.31 could not be made; see above"
    assert list((tmp_path / "none").glob("*.ndjson")) == []


def test_a_catalog_without_one_of_the_controls_is_made_again(make: Make, small_matrix: Matrix) -> None:
    controls = small_matrix.models.model_copy(update={"controls": ("resnet18", "regnetx_002")})
    wider = small_matrix.model_copy(update={"models": controls})
    assert PairRun.of(wider, wider.pairs[1], Options()).records.catalog() is None
    assert make().records.catalog() is not None


def test_a_catalog_that_cannot_be_made_leaves_no_catalog(make: Make, packaged: Path) -> None:
    (packaged / catalog_history.NAME).unlink()
    with pytest.raises(InstallationError) as caught:
        make().prepare(FakeEnvironment(catalog=None), print)
    assert str(caught.value) == "the catalog of timm 1.0.31 could not be made; see above"
    assert make().records.catalog() is None


def test_a_rerun_that_dies_does_not_leave_the_old_records_standing(make: Make, small_catalog: Catalog) -> None:
    run(make(), FakeEnvironment())
    run(make("--rerun"), FakeEnvironment(ends=False))
    lanes = make()
    recorded = lanes.records.recorded(lanes.matrix.lanes[0], small_catalog)
    assert (dict(recorded.records), recorded.failure) == ({}, "pytest ended before this case; see above")


def test_a_pair_that_cannot_be_imported_says_why(make: Make, small_catalog: Catalog) -> None:
    environment = FakeEnvironment(ends=False)
    environment.unimportable = "`import torchvision` raises RuntimeError: operator torchvision::nms does not exist"
    run(make(), environment)
    lanes = make()
    recorded = lanes.records.recorded(lanes.matrix.lanes[0], small_catalog)
    assert (dict(recorded.records), recorded.failure) == ({}, environment.unimportable)
    assert recorded.runs[-1].end is not None
    assert recorded.runs[-1].end["failed"] == "import"


def test_a_catalog_that_no_import_allows_says_why(make: Make, packaged: Path) -> None:
    (packaged / catalog_history.NAME).unlink()
    environment = FakeEnvironment(catalog=None)
    environment.unimportable = "`import timm` raises ImportError: no"
    with pytest.raises(CannotImport) as caught:
        make().prepare(environment, print)
    assert str(caught.value) == environment.unimportable


def test_a_rerun_that_dies_half_way_keeps_what_it_wrote(make: Make) -> None:
    run(make(), FakeEnvironment())
    lanes = make()
    catalog_now = lanes.records.catalog()
    assert catalog_now is not None
    lane = lanes.matrix.lanes[0]
    first, *_ = lanes.records.planned(lane, catalog_now)

    class Dying(FakeEnvironment):
        def python(self, interpreter: Path, /, *arguments: str, **options: Any) -> bool:
            return super().python(interpreter, *arguments, **options) and False

    outcomes = {case.id: None for case in lanes.records.planned(lane, catalog_now) if case != first}
    run(make("--rerun"), Dying(outcomes=outcomes))
    recorded = lanes.records.recorded(lane, catalog_now)
    assert list(recorded.records) == [first.id]


def test_a_rerun_that_gives_up_with_an_exit_code_of_success_withdraws_what_it_did_not_reach(
    make: Make, small_catalog: Catalog
) -> None:
    run(make(), FakeEnvironment())
    run(make("--rerun"), FakeEnvironment({"tower/convnext_atto": None}))
    lanes = make()
    recorded = lanes.records.recorded(lanes.matrix.lanes[0], small_catalog)
    assert list(recorded.records) == ["wrapper/convnext_atto"]
    assert recorded.failure == "pytest ended before this case; see above"


def test_every_case_may_kill_two_workers_and_spoil_one_before_a_run_is_given_up(make: Make) -> None:
    environment = FakeEnvironment()
    run(make("--workers", "3"), environment)
    assert environment.option("--max-worker-restart") == str(3 * len(environment.plans[0].cases) + 3)


def test_a_rerun_refuses_a_file_that_is_none_before_it_installs(make: Make) -> None:
    run(make(), FakeEnvironment())
    path = Path("results", PAIR, "cpu-float32.jsonl")
    path.write_text('{"kind": "case"}\n')
    environment = FakeEnvironment()
    with pytest.raises(BadInput, match="a 'case' line before any run; move that file away"):
        run(make("--rerun"), environment)
    assert environment.installed == []


LOCKED = """\
transformers==5.23.0 \\
    --hash=sha256:1
timm==1.0.31
torch==2.14.1
torchvision==0.29.1
pytest==9.2.0
pytest-xdist==3.8.0
pytest-timeout==2.4.0
numpy==2.4.6 ; python_full_version < '3.12'
"""


@pytest.fixture
def locked(packaged: Path) -> Path:
    """The pair's lock."""
    path = packaged / f"{PAIR}.txt"
    path.write_text(LOCKED)
    return path


def header(lane: str = "cpu-float32") -> dict[str, Any]:
    return [line for line in lines(lane) if line["kind"] == "run"][-1]


def test_a_pair_is_installed_from_its_lock_and_its_records_name_it(make: Make, locked: Path) -> None:
    environment = FakeEnvironment()
    run(make(), environment)
    assert (environment.locks, environment.until) == ([locked], [])
    assert header()["lock"] == lock.Lock.read(locked).digest


def test_a_pair_whose_lock_was_made_again_is_run_again(make: Make, locked: Path) -> None:
    run(make(), FakeEnvironment())
    locked.write_text(LOCKED.replace("2.4.6", "2.4.7"))
    environment = FakeEnvironment()
    run(make(), environment)
    assert len(environment.plans[0].cases) == 2


def test_a_pair_without_a_lock_is_resolved_as_of_a_date(small_matrix: Matrix) -> None:
    dated = small_matrix.model_copy(update={"as_of": date(2026, 11, 20)})
    environment = FakeEnvironment()
    run(PairRun.of(dated, dated.pairs[1], parse(ATTO)), environment)
    assert (environment.locks, environment.until) == ([None], [pypi.end_of(date(2026, 11, 20))])
    assert header()["lock"] is None


def test_where_pypi_says_no_date_a_pair_is_resolved_as_of_the_matrix_and_says_so(
    small_matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(pypi, "moment_of", unreachable)
    dated = small_matrix.model_copy(update={"as_of": date(2026, 11, 20)})
    environment = FakeEnvironment()
    said, *_ = run(PairRun.of(dated, dated.pairs[1], parse(ATTO)), environment)
    assert said == f"{PAIR}: PyPI did not answer, so releases count up to 2026-11-20: no route"
    assert environment.until == [pypi.end_of(date(2026, 11, 20))]


def test_the_newest_releases_are_held_against_the_lock(make: Make, locked: Path) -> None:
    environment = FakeEnvironment()
    environment.packages = {"numpy": "2.5.5", "novel": "1.0", "pytest": "9.2.0"}
    _, said = run(make("--resolve", LATEST), environment)
    assert (
        said == f"{PAIR}: the newest releases differ from the lock: novel is 1.0, not there; numpy is 2.5.5, not 2.4.6"
    )
    assert (environment.locks, environment.until) == ([None], [None])
    assert header()["lock"] == LATEST
    assert locked.is_file()


def test_records_of_the_newest_releases_do_not_stand_for_those_of_the_lock(make: Make, locked: Path) -> None:
    assert locked.is_file()
    run(make("--resolve", LATEST), FakeEnvironment())
    environment = FakeEnvironment()
    run(make(), environment)
    assert len(environment.plans) == 1


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ({"timm": "1.0.30"}, "timm 1.0.31 was asked for, and 1.0.30 is installed; timm is 1.0.30, not 1.0.31"),
        ({"python": "3.12.1"}, "python 3.11.* was asked for, and 3.12.1 is installed"),
        ({"accelerate": "1.2"}, "accelerate is 1.2, not there"),
    ],
    ids=["another release", "another Python", "something more"],
)
def test_an_environment_that_is_not_what_was_asked_for_is_not_used(
    make: Make, locked: Path, there: dict[str, str], why: str
) -> None:
    assert locked.is_file()
    environment = FakeEnvironment()
    environment.packages = there
    with pytest.raises(InstallationError) as caught:
        run(make(), environment)
    assert str(caught.value) == why
    assert environment.plans == []
    assert lines("cpu-float32")[-1]["failed"] == "environment"


def test_a_lock_is_made_where_it_was_wanted_and_fits_its_pair(make: Make, tmp_path: Path) -> None:
    lanes = make()
    lanes.environment.make_lock(FakeEnvironment(), tmp_path / "made", print)
    assert lock.of(lanes.pair, tmp_path / "made") is not None


def test_the_newest_releases_are_asked_about_anew_each_time(make: Make) -> None:
    run(make("--resolve", LATEST), FakeEnvironment())
    environment = FakeEnvironment()
    run(make("--resolve", LATEST), environment)
    assert len(environment.plans) == 1


def test_a_linked_file_of_a_pair_is_refused_before_it_is_read_or_written(make: Make, small_catalog: Catalog) -> None:
    elsewhere, link = Path("elsewhere"), Path("results", PAIR, "cpu-float32.jsonl")
    elsewhere.write_text("mine")
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere.resolve())
    lanes = make()
    for deed in (lanes.records.catalog, lambda: lanes.records.recorded(lanes.matrix.lanes[0], small_catalog)):
        with pytest.raises(BadInput, match=r"is a link to .*; take it away"):
            deed()
    assert elsewhere.read_text() == "mine"


def test_python_keeps_bytecode_in_an_environment_where_a_container_says_otherwise() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.dont_write_bytecode)"],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **VARIABLES},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "False\n"


class Installing(FakeEnvironment):
    """Somebody installs another numpy while cases run."""

    def python(self, interpreter: Path, /, *arguments: str, **options: Any) -> bool:
        (site,) = interpreter.parent.parent.glob("lib/python*/site-packages")
        info = site / "peft-0.1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "RECORD").write_text(f"{info.name}/RECORD,,\n")
        return super().python(interpreter, *arguments, **options)


def test_what_ran_in_an_environment_that_was_changed_meanwhile_does_not_count(make: Make) -> None:
    run(make(), environment := Installing())
    assert lines("cpu-float32")[-1]["reason"] == (
        "the environment was changed during the run: peft is 0.1, and nothing was installed"
    )
    said = run(make(), environment)
    assert any("peft is 0.1, and nothing was installed; installing it again" in line for line in said)


@pytest.mark.parametrize("cached", [False, True], ids=["to be fetched", "in the installer's cache"])
def test_a_download_of_torch_is_announced_where_there_is_one(make: Make, *, cached: bool) -> None:
    environment = FakeEnvironment()
    environment.cached = {"torch==2.14.1 for 3.11"} if cached else set()
    said = [line for line in run(make("--lane", "cpu-float32"), environment) if "installing" in line]
    first = "" if cached else "; the first torch 2.14.1 on this machine is a download of 3 GB"
    assert said == [f"{PAIR}: installing{first}"]


def test_an_environment_whose_python_is_gone_is_made_again(make: Make) -> None:
    run(make(), environment := FakeEnvironment())
    (python,) = environment.root.glob("*/bin/python")
    python.unlink()
    run(make("--rerun"), environment)
    assert len(environment.installed) == 2
