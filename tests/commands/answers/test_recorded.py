"""What the records of one's own runs say of pairs."""

import shlex
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from harness import command_line
from harness.atlas.entries import pair_files
from harness.commands.answers import recorded
from harness.commands.answers.recorded import Own
from harness.commands.run import MatrixCommand
from harness.config.errors import BadInput, InstallationError
from tests.fake_environment import FakeEnvironment
from tests.small_matrix import MATRIX

NEW = "transformers5.23.0-timm1.0.31"
BETWEEN = "transformers5.8.1-timm1.0.31"
LATER = "transformers5.8.2-timm1.0.31"
PINS = "transformers==5.8.1 timm==1.0.31"
LANE = "cpu-float32"

pytestmark = pytest.mark.usefixtures("packaged", "gpus")


@pytest.fixture(autouse=True)
def written(write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The small matrix as matrix.yaml of the current folder, and an atlas without pairs."""
    write(MATRIX)
    Path("atlas").mkdir()
    monkeypatch.setattr(pair_files, "read", partial(pair_files.read, Path("atlas")))


def record(words: str, environment: FakeEnvironment | None = None, session: str = "pair", lane: str = LANE) -> None:
    """Run what the words select, where nothing is installed."""
    command = MatrixCommand.of(shlex.split(f"{words} --lane {lane}"), session)
    for pair_run in command.pair_runs:
        command.run(pair_run, environment or FakeEnvironment(), lambda _: None)


def told(words: str = "") -> Own:
    """What a site tells of the records in `results`."""
    return recorded.of(command_line.parser().parse_args(shlex.split(f"site --out public --results results {words}")))


def refusal(words: str = "") -> str:
    with pytest.raises(BadInput) as caught:
        told(words)
    return str(caught.value)


def test_a_pair_that_the_matrix_does_not_list_is_told_as_one_that_it_lists() -> None:
    record(PINS)
    record(f"--pair {NEW}", session="matrix")
    own = told()
    assert (sorted(own.entries), own.left_out) == ([NEW, BETWEEN], ())
    assert own.entries[BETWEEN].lanes[LANE].tried == own.entries[NEW].lanes[LANE].tried
    assert (own.entries[BETWEEN].id, own.entries[BETWEEN].versions["torch"]) == (BETWEEN, "2.14.1")


def test_the_reasons_of_causes_that_only_ones_own_matrix_has_come_with_them() -> None:
    record(PINS)
    assert told().reasons == {"renamed": "renamed"}


def test_a_pair_is_told_in_each_folder_that_has_a_part_of_it() -> None:
    record(f"{PINS} --route tower")
    record(f"{PINS} --route wrapper --results others")
    assert set(told("--results others").entries[BETWEEN].lanes[LANE].routes) == {"tower", "wrapper"}
    assert set(told().entries[BETWEEN].lanes[LANE].routes) == {"tower"}


def test_records_of_another_size_are_left_out_with_the_option_that_reads_them() -> None:
    record(PINS)
    why = f"{BETWEEN}: left out, for its records are of runs with{{}}"
    assert refusal("--quick") == why.format("out --quick; leave --quick out")
    shutil.rmtree("results")
    record(f"{PINS} --quick")
    assert refusal() == why.format(" --quick; add --quick")
    assert told("--quick").entries[BETWEEN].lanes[LANE].size == "narrow"


def test_of_several_pairs_each_that_is_left_out_has_a_line_and_so_have_other_lanes(
    gpus: Callable[[int], None],
) -> None:
    gpus(1)
    record(f"{PINS} --quick")
    record(f"{PINS} --quick", lane="cuda-float32")
    record("transformers==5.8.2 timm==1.0.31 --quick", lane="cuda-float32")
    record("transformers==5.8.1 timm==1.0.31 torch==2.13.0 --quick")
    record("transformers==5.8.0 timm==1.0.31")
    shutil.copytree(f"results/{BETWEEN}", "results/an old copy")
    own = told("--quick")
    assert list(own.entries) == [BETWEEN]
    assert own.left_out == (
        "an old copy: left out, for no pair has this name",
        f"{LATER}: left out, for it has no records in cpu-float32, but in cuda-float32; see --lane",
        "cuda-float32: left out, for a site is of one lane; --lane names another",
        "transformers5.8.0-timm1.0.31: left out, for its records are of runs without --quick; leave --quick out",
        f"{BETWEEN}-torch2.13.0: left out, for {BETWEEN} is of the same releases",
    )


def test_what_has_no_result_is_left_out_with_the_reason() -> None:
    record(PINS, FakeEnvironment(problem=InstallationError("no wheel")))
    assert refusal() == f"{BETWEEN}: left out, for no case has a result: no wheel"


def test_records_that_count_no_more_are_left_out() -> None:
    record(PINS)
    path = Path(f"results/{BETWEEN}/{LANE}.jsonl")
    path.write_text(path.read_text().replace('"seed":0', '"seed":1'))
    why = "left out, for none of its records counts: what they are of has changed since, or is not asked for"
    assert refusal() == f"{BETWEEN}: {why}"


def test_a_folder_without_records_or_none_is_bad_input() -> None:
    Path("results").mkdir()
    assert refusal() == "--results results: no pair has records there; nox -s matrix makes some"
    assert refusal("--results none") == "--results none: there is no such folder; nox -s matrix makes one"


def test_a_pair_with_few_cases_beside_one_that_the_atlas_has_is_left_out() -> None:
    record(f"--pair {NEW}", session="matrix")
    pair_files.write(told().entries[NEW], Path("atlas"))
    shutil.rmtree("results")
    record(f"--pair {NEW} --route tower", session="matrix")
    record(f"{PINS} --route tower --model eva02_tiny")
    again, few = refusal().splitlines()
    assert again == f"{NEW}: left as it was measured before, for these records have not all of its cases"
    assert few == f"{BETWEEN}: left out, for 1 case has a result, and 7 of {NEW}, measured next to it"


@pytest.mark.parametrize("killed", ["the run", "its pytest"])
def test_half_a_run_is_left_out_until_the_other_half_is_there(killed: str) -> None:
    record(PINS, FakeEnvironment({"tower/eva02_tiny": None}))
    path = Path(f"results/{BETWEEN}/{LANE}.jsonl")
    if killed == "the run":  # before it could say that its pytest had ended
        runs = path.read_text()
        path.write_text(runs[: runs.rindex('{"kind":"run"')])
    assert refusal() == f"{BETWEEN}: left out, for its run did not end, without a record of 1 case"
    record(PINS)
    assert list(told().entries) == [BETWEEN]
