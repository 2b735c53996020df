import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.planning import device
from harness.results.store import LOCK_FILE
from tests.pairs.command import PAIR, Ended, nox

MATRIX = """\
as_of: 2026-11-20
defaults: {python: "3.11", torch: "2.14.1", torchvision: "0.29.1"}
pairs:
  - {transformers: "5.23.0", timm: "1.0.31"}
current: transformers5.23.0-timm1.0.31
tolerances: {float32: {rtol: 1.0e-5, atol: 1.0e-5}}
lanes: {cpu-float32: {models: every}, cuda-float32: {models: every}}
routes: {wrapper: {models: every}, tower: {models: every}}
models: {controls: [resnet18]}
limits: {seconds: 300}
"""
RECORDED = Path(PAIR, "cpu-float32.jsonl")

Command = Callable[..., Ended]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with a record in it."""
    folder = tmp_path / "results"
    lines: list[dict[str, object]] = [
        {"kind": "run", "schema": 1, "pair": {"id": PAIR}, "cases": ["wrapper/resnet18"], "cell": {"wrapper": "0123"}},
        {"kind": "end", "cases": 0, "counts": {}, "failed": None},
    ]
    (folder / RECORDED).parent.mkdir(parents=True)
    (folder / RECORDED).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


@pytest.fixture
def command(results: Path, tmp_path: Path) -> Command:
    """Runs a session that must leave the records as they are, without a traceback."""

    def run(session: str, *options: str) -> Ended:
        before = contents(results)
        ended = nox(session, *options, results=results, environments=tmp_path / "environments")
        assert contents(results) == before
        assert "Traceback" not in ended.out + ended.said
        return ended

    return run


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder below it, when it was changed, and what is in it; but for who is recording there."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
        if path.name != LOCK_FILE
    }


@pytest.fixture
def matrix(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "matrix.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            'transformers: "5.23.0"',
            "transformers: 4.50",
            'pairs[0].transformers: 4.50 is a number; quote versions: "4.50"',
            id="unquoted version",
        ),
        pytest.param(
            "limits:",
            "limits: {seconds: 3}\nlimits:",
            "line 11: key 'limits' is already on line 10; delete one of them",
            id="duplicate key",
        ),
        pytest.param("as_of:", "as_off:", "unknown key 'as_off', did you mean 'as_of'?", id="unknown key at the top"),
        pytest.param(
            "{models: every}, tower",
            "{modles: every, models: every}, tower",
            "routes.wrapper: unknown key 'modles', did you mean 'models'?",
            id="unknown key further down",
        ),
        pytest.param("tower:", "towr:", "routes: unknown route 'towr', did you mean 'tower'?", id="unknown route"),
        pytest.param(
            "cuda-float32:",
            "cuda-float3:",
            "lanes: unknown lane 'cuda-float3', did you mean 'cuda-float32'?",
            id="unknown lane",
        ),
        pytest.param(
            "current: transformers5.23.0",
            "current: transformers5.23.1",
            "current: unknown pair 'transformers5.23.1-timm1.0.31', did you mean 'transformers5.23.0-timm1.0.31'?",
            id="unknown pair",
        ),
        pytest.param(
            '\n  - {transformers: "5.23.0", timm: "1.0.31"}', " []", "pairs: is empty; give at least one", id="no pair"
        ),
        pytest.param(
            MATRIX,
            "pairs: [",
            "line 1, column 9: not YAML: expected the node content, but found '<stream end>'; "
            "mend it there, or quote what is text",
            id="no YAML",
        ),
    ],
)
def test_a_matrix_that_cannot_be_used_ends_in_2_and_says_where(
    command: Command, matrix: Callable[[str], Path], old: str, new: str, message: str
) -> None:
    assert old in MATRIX
    path = matrix(MATRIX.replace(old, new))
    ended = command("matrix", "--matrix", str(path))
    assert ended.errors == [f"{path}: {message}"]
    assert ended.out == ""
    assert ended.code == 2


def test_a_matrix_that_is_not_there_ends_in_2(command: Command) -> None:
    ended = command("matrix", "--matrix", "no.yaml")
    assert ended.errors == ["no.yaml: there is no such file; run from the project's folder or name one: --matrix"]
    assert ended.code == 2


def test_names_that_do_not_exist_end_in_2_all_at_once(command: Command, matrix: Callable[[str], Path]) -> None:
    words = "--pair transformers5.23.0-timm1.0.3 --lane cpu-float3 --route towr --model eva*"
    ended = command("matrix", "--matrix", str(matrix(MATRIX)), *words.split())
    assert ended.errors == [
        f"--pair: unknown pair 'transformers5.23.0-timm1.0.3', did you mean '{PAIR}'?",
        "--lane: unknown lane 'cpu-float3', did you mean 'cpu-float32'?",
        "--route: unknown route 'towr', did you mean 'tower'?",
    ]
    assert ended.code == 2


def test_a_glob_without_a_match_ends_in_2_and_names_the_nearest(
    command: Command, matrix: Callable[[str], Path]
) -> None:
    ended = command("matrix", "--matrix", str(matrix(MATRIX)), "--model", "convnextt_atto*")
    [message] = ended.errors
    assert re.fullmatch(
        r"--model: 'convnextt_atto\*' matches none of \d+ models of timm 1\.0\.31; "
        "the nearest: convnext_atto, convnext_atto_rms, convnext_atto_ols",
        message,
    )
    assert ended.code == 2


def test_an_unknown_option_ends_in_2(command: Command) -> None:
    ended = command("matrix", "--rout", "tower")
    assert ended.errors == ["unknown option '--rout', did you mean '--route'?; --help lists the options"]
    assert ended.code == 2


def test_names_are_checked_before_an_unnamed_pair_is_installed(command: Command) -> None:
    ended = command("pair", "transformers==5.8.1", "timm==1.0.26", "--route", "towr")
    assert ended.errors == ["--route: unknown route 'towr', did you mean 'tower'?"]
    assert ended.code == 2


@pytest.mark.skipif(device.cuda_devices() > 0, reason="there is a GPU here")
def test_a_lane_that_is_asked_for_and_has_no_device_ends_in_2(command: Command) -> None:
    ended = command("matrix", "--lane", "cuda-float32")
    assert ended.errors == [
        "--lane cuda-float32: no CUDA device on this machine; leave the option out to record it as not run"
    ]
    assert ended.code == 2


def test_a_file_in_the_place_of_the_results_folder_ends_in_2(tmp_path: Path) -> None:
    file = tmp_path / "results"
    file.write_text("mine")
    ended = nox("matrix", results=file, environments=tmp_path / "environments")
    assert ended.errors == [f"--results {file}: File exists; name a folder that can be written"]
    assert ended.code == 2
    assert file.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_results_folder_without_leave_to_write_ends_in_2(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir(mode=0o500)
    ended = nox("matrix", results=folder, environments=tmp_path / "environments")
    assert ended.errors == [f"--results {folder}: Permission denied; name a folder that can be written"]
    assert ended.code == 2


@pytest.mark.parametrize("inside", [".running", f"{PAIR}", f"{PAIR}/cpu-float32.jsonl", "catalogs"])
def test_a_results_folder_whose_files_lie_elsewhere_ends_in_2_and_they_stay_as_they_are(
    tmp_path: Path, inside: str
) -> None:
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "results" / inside
    elsewhere.write_text("mine\n")
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    ended = nox("matrix", results=tmp_path / "results", environments=tmp_path / "environments")
    assert ended.errors == [f"{link}: is a link to {elsewhere}, and records stay in their folder; take it away"]
    assert ended.code == 2
    assert elsewhere.read_text() == "mine\n"


def test_a_selection_of_nothing_ends_in_3_and_makes_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    ended = nox(
        "matrix", "--quick", "--model", "convnext_xxlarge", results=folder, environments=tmp_path / "environments"
    )
    assert ended.errors == ["no case is left by --model convnext_xxlarge --quick; drop or widen an option"]
    assert ended.code == 3
    assert not folder.exists()


def test_a_release_that_does_not_exist_ends_in_2_although_its_timm_has_a_catalog(command: Command) -> None:
    ended = command("pair", "transformers==99.0.0", "timm==1.0.31")
    [message] = ended.errors
    assert re.fullmatch(
        r"transformers==99\.0\.0: there is no such release on PyPI; the newest are \d[\w.]*, \d[\w.]*, \d[\w.]*",
        message,
    )
    assert ended.out == ""
    assert ended.code == 2


def test_a_timm_that_does_not_exist_ends_in_2_although_it_has_no_catalog(command: Command) -> None:
    ended = command("pair", "transformers==5.23.0", "timm==99.0.0")
    [message] = ended.errors
    assert message.startswith("timm==99.0.0: there is no such release on PyPI; the newest are ")
    assert ended.code == 2


def test_releases_that_cannot_be_read_end_in_2_all_at_once(command: Command) -> None:
    ended = command("pair", "transformers>=5", "tim==1.0.31")
    assert ended.errors == [
        "transformers>=5: name one release, as in transformers==1.2.3",
        "tim==1.0.31: unknown package 'tim', did you mean 'timm'?",
        "timm is not named; add its release, as in timm==1.0.31",
    ]
    assert ended.code == 2


def test_records_that_are_none_end_in_2(command: Command, results: Path, matrix: Callable[[str], Path]) -> None:
    file = results / RECORDED
    file.write_text('{"kind":"case","case":"wrapper/resnet18"}\n')
    ended = command("report", "--matrix", str(matrix(MATRIX)))
    assert ended.errors == [
        f"{file}:1: a 'case' line before any run; move that file away, or name another folder with --results"
    ]
    assert ended.code == 2


@pytest.mark.parametrize("session", ["matrix", "pair"])
def test_help_lists_the_options_and_ends_in_0(command: Command, session: str) -> None:
    ended = command(session, "--help")
    for option in (
        "lane",
        "route",
        "model",
        "size",
        "variant",
        "quick",
        "rerun",
        "resolve",
        "workers",
        "matrix",
        "results",
    ):
        assert f"\n  --{option} " in ended.out
    assert ended.errors == []
    assert ended.code == 0


@pytest.mark.parametrize("session", ["tests", "faults", "lint", "cluster", "worker", "verdict"])
def test_help_of_a_session_without_options_of_its_own_says_what_it_does(command: Command, session: str) -> None:
    ended = command(session, "--help")
    assert ended.out.startswith(f"usage: nox -s {session} -- [options]\n\n")
    assert (ended.errors, ended.code) == ([], 0)


@pytest.mark.parametrize(
    ("session", "words", "problem"),
    [
        ("lint", ["x"], "nox -s lint takes no options; leave them out"),
        ("verdict", [], "matrix and pair queue this session; nox -s report draws what is recorded"),
        ("cluster", [], "matrix and pair queue this session: nox -s matrix -- --on HOST:PORT"),
    ],
)
def test_a_session_that_is_asked_for_what_it_is_not_ends_in_2(
    command: Command, session: str, words: list[str], problem: str
) -> None:
    ended = command(session, *words)
    [error] = ended.errors
    assert error.endswith(problem)
    assert ended.code == 2
