import io
import json
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness import __main__ as command
from harness.commands.run import MatrixCommand, listed
from harness.config.errors import BadInput, HarnessError, InstallationError, NothingSelected
from harness.contract import catalog
from harness.contract.catalog import Catalog
from harness.environments import catalog_history
from harness.report import terminal
from harness.report.formats import files
from harness.results import store
from tests.fake_environment import FakeEnvironment
from tests.small_matrix import MATRIX

OLD = "transformers4.48.3-timm1.0.14"
NEW = "transformers5.23.0-timm1.0.31"
ATTO = f"--pair {NEW} --lane cpu-float32 --model convnext_atto"

ALONE = "--lane cpu-float32 --route tower --model convnext_atto --variant safetensors --rerun"

pytestmark = pytest.mark.usefixtures("packaged", "gpus")


@pytest.fixture(autouse=True)
def written(write: Callable[[str], Path]) -> Path:
    """The small matrix as matrix.yaml of the current folder."""
    return write(MATRIX)


def of(words: str = "", session: str = "matrix") -> MatrixCommand:
    return MatrixCommand.of(shlex.split(words), session)


def refusal(words: str, session: str = "matrix") -> str:
    with pytest.raises(BadInput) as caught:
        of(words, session)
    return str(caught.value)


def run(matrix_command: MatrixCommand, *environments: FakeEnvironment) -> list[str]:
    """Runs each pair in its environment; what was said."""
    said: list[str] = []
    for lanes, environment in zip(matrix_command.pair_runs, environments, strict=True):
        matrix_command.run(lanes, environment, said.append)
    return said


def sum_up(matrix_command: MatrixCommand) -> tuple[int, str]:
    """The exit code and the summary."""
    file = io.StringIO()
    return matrix_command.sum_up(Console(file=file, width=terminal.WIDTH)), file.getvalue()


def ids(matrix_command: MatrixCommand) -> list[str]:
    return [lanes.pair.id for lanes in matrix_command.pair_runs]


def test_a_matrix_session_runs_the_pairs_of_the_matrix_that_the_options_leave() -> None:
    assert ids(of()) == [OLD, NEW]
    assert ids(of(f"--pair {NEW}")) == [NEW]


def test_lanes_are_found_by_the_id_of_their_pair_and_only_where_it_is_selected() -> None:
    matrix_command = of(f"--pair {NEW}")
    assert matrix_command.pair_run_of(NEW) is matrix_command.pair_runs[0]
    assert matrix_command.pair_run_of(OLD) is None


def test_the_current_pair_is_the_one_that_the_matrix_names() -> None:
    assert of().current.pair.id == NEW


def test_while_a_pair_runs_the_environment_of_the_next_that_needs_one_is_made(small_catalog: Catalog) -> None:
    words = "--lane cpu-float32 --model convnext_atto"
    older, newer = (matrix_command := of(words)).pair_runs
    environment = FakeEnvironment(catalog=replace(small_catalog, timm="1.0.14"))
    matrix_command.run(older, environment, print, [newer])
    assert environment.ahead == [[NEW]]
    matrix_command.run(older, environment, print, [newer])
    assert environment.ahead == [[NEW]]  # all is recorded, so nothing runs beside which it could be made
    matrix_command.run(newer, environment, print)
    older, newer = (again := of(f"{words} --rerun")).pair_runs
    again.run(older, environment, print, [newer])
    assert environment.ahead == [[NEW], [], [NEW]]


def test_what_is_wrong_with_the_next_pair_is_said_in_its_turn(small_catalog: Catalog) -> None:
    older, newer = (matrix_command := of("--lane cpu-float32 --model convnext_atto")).pair_runs
    path = store.path_in(Path("results"), NEW, "cpu-float32")
    path.parent.mkdir(parents=True)
    path.write_text('{"kind": "run", "pair": 3}\n')
    environment = FakeEnvironment(catalog=replace(small_catalog, timm="1.0.14"))
    matrix_command.run(older, environment, print, [newer])
    assert environment.ahead == [[]]
    assert matrix_command.problems == {}
    matrix_command.run(newer, environment, print)
    assert list(matrix_command.problems) == [NEW]


def test_a_pair_session_runs_the_pair_that_it_names_and_no_other() -> None:
    matrix_command = of("transformers==5.8.1 timm==1.0.31", "pair")
    assert ids(matrix_command) == ["transformers5.8.1-timm1.0.31"]
    assert matrix_command.named is matrix_command.pair_runs[0].pair


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--rout tower", "unknown option '--rout', did you mean '--route'?; --help lists the options"),
        ("--route towr", "--route: unknown route 'towr', did you mean 'tower'?"),
        (
            "--matrix other.yaml",
            "other.yaml: there is no such file; run from the project's folder or name one: --matrix",
        ),
        (f"--pair {NEW} --model zzz", "--model: 'zzz' matches none of 4 models of timm 1.0.31"),
    ],
    ids=["option", "route", "matrix", "model"],
)
def test_what_is_wrong_with_a_command_line_is_refused_and_makes_no_folder(words: str, message: str) -> None:
    assert refusal(words) == message
    assert not Path("results").exists()


def test_releases_that_a_pair_session_cannot_read_are_refused() -> None:
    assert refusal("transformers>=5 timm==1.0.31", "pair") == (
        "transformers>=5: name one release, as in transformers==1.2.3"
    )


def test_a_selection_without_a_case_is_refused_and_makes_no_folder() -> None:
    with pytest.raises(NothingSelected) as caught:
        of(f"--pair {NEW} --model eva02_large --quick")
    assert str(caught.value) == "no case is left by --model eva02_large --quick; drop or widen an option"
    assert not Path("results").exists()


def test_a_selection_without_a_case_in_any_of_its_lanes_is_refused() -> None:
    Path("matrix.yaml").write_text(MATRIX.replace("cuda-float32: {models: every}", "cuda-float32: {models: quick}"))
    assert ids(of(f"--pair {NEW} --model 'eva02_l*'")) == [NEW]
    with pytest.raises(NothingSelected) as caught:
        of(f"--pair {NEW} --lane cuda-float32 --model 'eva02_l*'")
    assert str(caught.value) == "no case is left by --lane cuda-float32 --model 'eva02_l*'; drop or widen an option"


def test_as_long_as_a_catalog_is_to_be_made_no_selection_is_called_empty() -> None:
    assert ids(of("--model zzz")) == [OLD, NEW]


def test_a_lane_that_is_asked_for_needs_its_device(gpus: Callable[[int], None]) -> None:
    assert refusal("--lane cuda-float32") == (
        "--lane cuda-float32: no CUDA device on this machine; leave the option out to record it as not run"
    )
    gpus(1)
    assert of("--lane cuda-float32").options.lanes == ("cuda-float32",)


def test_a_file_in_the_place_of_the_results_folder_is_refused() -> None:
    Path("mine").write_text("text")
    assert refusal("--results mine") == "--results mine: File exists; name a folder that can be written"
    assert Path("mine").read_text() == "text"


def test_a_results_folder_that_cannot_be_written_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dir: Path) -> None:  # noqa: A002 - chmod stops no root
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert refusal("--results out") == "--results out: Permission denied; name a folder that can be written"


def test_the_check_of_the_results_folder_leaves_nothing_in_it() -> None:
    of("--results a/b")
    assert list(Path("a/b").iterdir()) == []


def test_a_pair_that_runs_is_recorded_and_summed_up_with_its_exit_code() -> None:
    matrix_command = of(ATTO)
    run(matrix_command, FakeEnvironment())
    code, summary = sum_up(matrix_command)
    assert code == 0
    assert summary.splitlines()[-2:] == ["2 passed", "Exit code 0: as expected."]


def test_a_regression_exits_with_1_and_names_the_command_that_reproduces_it() -> None:
    matrix_command = of(ATTO)
    run(matrix_command, FakeEnvironment({"tower/convnext_atto": "keys"}))
    code, summary = sum_up(matrix_command)
    assert code == 1
    command = f"nox -s matrix -- --pair {NEW} {ALONE}"
    assert f"  {command}" in [line.rstrip() for line in summary.splitlines()]


def test_a_regression_of_a_named_pair_is_reproduced_by_naming_it_again() -> None:
    matrix_command = of("transformers==5.8.1 timm==1.0.31 --lane cpu-float32 --model convnext_atto", "pair")
    run(matrix_command, FakeEnvironment({"tower/convnext_atto": "keys"}))
    command = f"nox -s pair -- transformers==5.8.1 timm==1.0.31 {ALONE}"
    code, summary = sum_up(matrix_command)
    assert code == 1
    assert command in " ".join(summary.split())


def test_a_report_sums_up_what_is_recorded_and_runs_nothing() -> None:
    run(of(ATTO), FakeEnvironment())
    code, summary = sum_up(of(ATTO, "report"))
    assert code == 0
    assert "2 passed" in summary


def test_a_run_and_a_report_write_what_is_asked_for_with_out_and_nothing_else() -> None:
    matrix_command = of(f"{ATTO} --out site")
    run(matrix_command, FakeEnvironment())
    sum_up(matrix_command)
    assert sorted(path.name for path in Path("site").iterdir()) == sorted(files.FILES)
    assert json.loads(Path("site/answer.json").read_text())["known_good"]["all"] == [NEW]
    sum_up(of(f"{ATTO} --out elsewhere/deep", "report"))
    assert Path("elsewhere/deep/index.html").read_text().count(NEW) > 0
    sum_up(of(ATTO, "report"))
    folders = sorted(path.name for path in Path.cwd().iterdir() if path.is_dir())
    assert folders == ["elsewhere", "packaged", "results", "site"]


def test_a_report_is_replaced_as_a_whole_and_a_link_is_not_followed() -> None:
    run(of(ATTO), FakeEnvironment())
    Path("site").mkdir()
    Path("mine").write_text("text")
    Path("site/summary.md").symlink_to(Path("mine").absolute())
    sum_up(of(f"{ATTO} --out site", "report"))
    assert Path("mine").read_text() == "text"
    assert Path("site/summary.md").read_text().startswith("# Which pairs")


@pytest.mark.parametrize("session", ["matrix", "pair", "report"])
def test_a_place_where_no_report_can_be_written_is_refused_before_anything_runs(session: str) -> None:
    Path("results").mkdir()
    Path("mine").write_text("text")
    named = "transformers==5.8.1 timm==1.0.31" if session == "pair" else ""
    assert refusal(f"{named} --out mine", session) == "--out mine: File exists; name a folder that can be written"
    assert Path("mine").read_text() == "text"


def test_a_report_of_several_folders_takes_what_each_has_and_tells_where_they_disagree() -> None:
    for folder, outcomes in (("a", {"tower/convnext_atto": "keys"}), ("b", {"wrapper/convnext_atto": None})):
        run(of(f"{ATTO} --results {folder}"), FakeEnvironment(outcomes))
    code, summary = sum_up(of(f"{ATTO} --results a --results b", "report"))
    assert code == 1
    assert "1 passed · 1 regressed" in summary
    told = f"Disagreements: 1 case, such as {NEW} cpu-float32 tower/convnext_atto: keys in a (keys here); passed in b"
    assert "The machines disagree on 1 case." in summary
    assert told in " ".join(summary.split())
    assert sum_up(of(f"{ATTO} --results b --results b", "report"))[0] == 4  # the same folder twice is one


def test_a_pair_that_is_left_out_is_in_every_report_and_in_the_exit_code() -> None:
    matrix_command = of("--lane cpu-float32 --model convnext_atto --out site")
    run(matrix_command, FakeEnvironment(problem=BadInput("no such release")), FakeEnvironment())
    with pytest.raises(BadInput):
        sum_up(matrix_command)
    told = json.loads(Path("site/answer.json").read_text())
    assert (told["exit_code"], told["complete"]) == (2, False)
    assert "Left out: no such release" in Path("site/summary.md").read_text()
    assert "1 pair left out" in Path("site/badge.svg").read_text()


def test_a_site_says_which_records_have_too_few_cases_to_stand_over_what_was_measured_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(of(ATTO), FakeEnvironment())
    assert command.main(["site", "--out", "site", "--alone", "--results", "results"]) == 2
    said = "left as it was measured before, for these records have not all of its cases"
    assert capsys.readouterr().err == f"{NEW}: {said}\n"
    assert not Path("site").exists()
    assert command.main(["site", "--out", "site", "--alone", "--results", "nowhere"]) == 2
    assert capsys.readouterr().err == "--results nowhere: there is no such folder; nox -s matrix makes one\n"


def test_a_report_of_a_part_says_so() -> None:
    run(of(ATTO), FakeEnvironment())
    _, summary = sum_up(of(f"{ATTO} --route wrapper --quick --out site", "report"))
    part = f"A part of the matrix: {ATTO} --quick".replace("--model", "--route wrapper --model")
    assert part in " ".join(summary.split())
    assert json.loads(Path("site/answer.json").read_text())["selection"]["routes"] == ["wrapper"]


def test_the_page_of_a_quick_run_knows_which_model_stands_for_another() -> None:
    quick = f"--pair {NEW} --lane cpu-float32 --quick"
    run(of(quick), FakeEnvironment())
    sum_up(of(f"{quick} --out site", "report"))
    data = json.loads(Path("site/index.html").read_text().split('id="data">')[1].split("</script>")[0])
    assert {model: data["models"][other] for model, other in data["stand_ins"].items()} == {"eva02_large": "eva02_tiny"}


def test_a_report_of_a_named_pair_is_no_part_of_the_matrix() -> None:
    named = "transformers==5.8.1 timm==1.0.31"
    run(of(named, "pair"), FakeEnvironment())
    assert "A part of" not in sum_up(of(named, "report"))[1]


def test_a_rerun_that_broke_off_is_said_though_every_case_has_a_record() -> None:
    run(of(ATTO), FakeEnvironment())
    run(of(f"{ATTO} --rerun"), FakeEnvironment({"tower/convnext_atto": None}))
    path = Path("results", NEW, "cpu-float32.jsonl")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:6]))  # killed after its first case
    _, summary = sum_up(of(ATTO, "report"))
    assert f"Broken off: {NEW} cpu-float32, begun 2026-11-20 12:00 UTC." in " ".join(summary.split())


def test_every_folder_that_is_missing_is_told_at_once() -> None:
    Path("there").mkdir()
    assert refusal("--results a --results there --results b", "report") == (
        "--results a: there is no such folder; nox -s matrix makes one\n"
        "--results b: there is no such folder; nox -s matrix makes one"
    )


def test_an_environment_that_cannot_be_made_stops_no_other_pair(small_catalog: Catalog) -> None:
    matrix_command = of("--lane cpu-float32 --model convnext_atto")
    broken = FakeEnvironment(problem=InstallationError("no space left"))
    healthy = FakeEnvironment(catalog=small_catalog)
    assert f"{OLD}: no space left" in run(matrix_command, broken, healthy)
    assert len(healthy.plans) == 1
    code, summary = sum_up(matrix_command)
    assert code == 4
    assert "  no space left" in [line.rstrip() for line in summary.splitlines()]
    assert "2 passed · 2 incomplete" in summary


def test_a_release_that_does_not_exist_stops_no_other_pair_and_is_raised_after_the_summary() -> None:
    matrix_command = of("--lane cpu-float32 --model convnext_atto")
    run(matrix_command, FakeEnvironment(problem=BadInput("no such release")), FakeEnvironment())
    file = io.StringIO()
    with pytest.raises(BadInput, match=r"^no such release$"):
        matrix_command.sum_up(Console(file=file, width=terminal.WIDTH))
    assert "2 passed" in file.getvalue()
    assert OLD not in file.getvalue()


def test_where_every_pair_is_wrong_there_is_no_summary(capsys: pytest.CaptureFixture[str]) -> None:
    matrix_command = of(ATTO)
    run(matrix_command, FakeEnvironment(problem=BadInput("no such release")))
    with pytest.raises(BadInput, match=r"^no such release$"):
        matrix_command.sum_up(Console())
    assert capsys.readouterr().out == ""


def test_a_glob_that_a_new_catalog_shows_to_match_nothing_is_refused_before_any_case_runs(
    small_catalog: Catalog,
) -> None:
    older = Catalog("1.0.14", 1100, small_catalog.controls, small_catalog.entries)
    matrix_command = of("--model zzz")
    environments = FakeEnvironment(catalog=older), FakeEnvironment()
    run(matrix_command, *environments)
    assert [environment.plans for environment in environments] == [[], []]
    with pytest.raises(BadInput) as caught:
        sum_up(matrix_command)
    # Both pairs found it, and it is said once.
    assert str(caught.value) == "--model: 'zzz' matches none of 4 models of timm 1.0.14, 1.0.31"


@pytest.mark.parametrize(
    "problems",
    [[NothingSelected("nothing"), BadInput("bad")], [BadInput("bad"), NothingSelected("nothing")]],
    ids=["bad input last", "bad input first"],
)
def test_of_several_problems_bad_input_decides_the_exit_code(problems: list[HarnessError]) -> None:
    matrix_command = of()
    matrix_command.problems = dict(zip((OLD, NEW), problems, strict=True))
    with pytest.raises(BadInput) as caught:
        sum_up(matrix_command)
    assert str(caught.value).splitlines() == [str(problem) for problem in problems]


def test_nothing_selected_alone_keeps_its_own_exit_code() -> None:
    matrix_command = of(ATTO)
    matrix_command.problems = {NEW: NothingSelected("nothing")}
    with pytest.raises(NothingSelected, match=r"^nothing$"):
        sum_up(matrix_command)


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        ("nox -s matrix", [OLD, NEW]),
        (f"nox -s matrix --pair {NEW}", [OLD, NEW]),
        (f"nox -s matrix -- --quick --pair {NEW} --route tower", [NEW]),
        (f"nox -s matrix -- --pair={NEW} --pair {OLD}", [OLD, NEW]),
        ("nox -s matrix -- --pair transformers9.9.9-timm9.9.9", [OLD, NEW]),
        ("nox -s matrix -- --pair", [OLD, NEW]),
        ("nox -s matrix -- --matrix", [OLD, NEW]),
    ],
    ids=["all", "before the dashes", "one", "the matrix's order", "unknown", "no id", "no file"],
)
def test_nox_lists_the_pairs_that_are_named_or_else_all(words: str, pairs: list[str]) -> None:
    assert [pair.id for pair in listed(shlex.split(words))] == pairs


def test_nox_lists_the_pairs_of_the_matrix_that_is_named() -> None:
    Path("other.yaml").write_text(MATRIX.replace("4.48.3", "4.49.0"))
    assert listed(["nox", "--", "--matrix", "other.yaml"])[0].transformers == "4.49.0"


def test_nox_lists_no_pair_of_a_matrix_that_is_wrong() -> None:
    with pytest.raises(BadInput) as caught:
        listed(["nox", "--", "--matrix", "other.yaml"])
    assert str(caught.value) == "other.yaml: there is no such file; run from the project's folder or name one: --matrix"


def test_a_catalog_of_the_named_models_alone_needs_no_controls(packaged: Path, small_catalog: Catalog) -> None:
    (packaged / catalog_history.NAME).unlink()
    named = ("--model", "convnext_atto", "--model", "convnext_ato")
    command = MatrixCommand.of(["transformers==5.23.0", "timm==1.0.31", *named], "pair")
    [atto] = [entry for entry in small_catalog if entry.model == "convnext_atto"]
    path = catalog.path_in(command.pair_runs[0].records.catalog_folder, "1.0.31")
    path.parent.mkdir(parents=True)
    path.write_text(catalog.dumps(replace(small_catalog, entries=(atto,))))
    with pytest.raises(BadInput) as caught:
        command.check()
    assert str(caught.value) == ("--model: 'convnext_ato' is no model with a LayerScale of timm 1.0.31; leave it out")
