"""nox -s compare, without nox."""

from pathlib import Path

import pytest

from harness.commands import compare
from harness.commands.compare import CompareCommand
from harness.config.errors import BadInput
from harness.config.matrix import Matrix
from harness.contract.case import Case
from harness.results.judging import NO_RECORD, Judged, Verdict
from harness.results.pair_diff import Change, Kind
from harness.results.upgrade_result import UpgradeResult
from tests.findings import case_line, finding, scenario
from tests.places import ROOT

WHEEL = "timm-1.0.32.dev0-py3-none-any.whl"
MATRIX = ("--matrix", str(ROOT / "matrix.yaml"))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    (tmp_path / WHEEL).write_bytes(b"a wheel")
    return tmp_path


def of(here: Path, *words: str) -> CompareCommand:
    return CompareCommand.of(["--base", "timm==1.0.31", "--head", WHEEL, *words], here)


def test_it_is_a_quick_run_in_one_lane_unless_more_is_named(wheel: Path) -> None:
    assert of(wheel).options == ("--lane", "cpu-float32", "--variant", "safetensors", "--quick")
    named = of(wheel, "--model", "convnext_atto", "--lane", "cpu-bfloat16").options
    assert named == ("--model", "convnext_atto", "--lane", "cpu-bfloat16", "--variant", "safetensors")


def test_an_option_counts_however_it_is_written_and_a_model_of_one_s_own_is_not_quick(wheel: Path) -> None:
    assert of(wheel, "--lane=cpu-bfloat16", "--quick").options.count("cpu-float32") == 0
    assert "--quick" not in of(wheel, "--own", "a.b:C").options


def test_it_is_an_upgrade_from_the_base_to_the_wheel(wheel: Path) -> None:
    move = of(wheel, "--model", "convnext_atto", "--results", str(wheel / "results"), *MATRIX).upgrade()
    assert (move.old.timm, move.old.transformers) == ("1.0.31", "5.23.0")
    assert move.new.timm.startswith("1.0.32.dev0+")
    assert move.new.transformers == "5.23.0"
    assert [source.where for source in move.new.sources] == [str(wheel / WHEEL)]


def test_a_checkout_is_built_first_and_a_release_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "timm").mkdir()
    assert CompareCommand.of(["--base", "timm==1.0.31", "--head", "timm"], tmp_path).checkout == tmp_path / "timm"
    released = CompareCommand.of(["--base", "timm==1.0.30", "--head", "timm==1.0.31", *MATRIX], tmp_path)
    assert released.checkout is None
    assert released.upgrade().new.timm == "1.0.31"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--head", WHEEL], "--base missing"),
        ([], "--base and --head missing"),
        (["--base", "timm>=1", "--head", WHEEL], "--base timm>=1: name one release"),
        (["--base", "torch==2.14.1", "--head", WHEEL], "--base torch==2.14.1: name a release of transformers or timm"),
        (["--base", "timm==1.0.31", "--head", "no.whl"], "--head no.whl: it is no wheel, no folder and no release"),
        (["--base", "timm==1.0.31", "--head", "transformers==5"], "it is no wheel, no folder and no release of timm"),
    ],
)
def test_bad_input_is_one_error(words: list[str], why: str, wheel: Path) -> None:
    with pytest.raises(BadInput) as error:
        CompareCommand.of(words, wheel)
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--modle", "x"], "unknown option '--modle'"),
        (["transformers==5.20.0"], "what moves is the head alone, from the base"),
        (["--from", "transformers4.57.6-timm1.0.22"], "what moves is the head alone, from the base"),
    ],
)
def test_what_upgrade_has_not_or_what_moves_more_is_one_error(words: list[str], why: str, wheel: Path) -> None:
    with pytest.raises(BadInput, match=why):
        of(wheel, *words)


def test_an_empty_head_is_no_folder(wheel: Path) -> None:
    with pytest.raises(BadInput, match="--head : it is no wheel"):
        CompareCommand.of(["--base", "timm==1.0.31", "--head", ""], wheel)


def judged(model: str, outcome: str) -> Judged:
    lines = scenario("", *([] if outcome == "passed" else [finding(outcome)]))
    return Judged("pair", "cpu-float32", Case("tower", model), Verdict.AS_EXPECTED, case_line(lines, fingerprint=None))


@pytest.mark.parametrize(
    ("changes", "unknown", "expected"),
    [
        ([], False, "it breaks nothing that was tried."),
        ([Kind.BROKEN, Kind.GONE], False, "it breaks 2 cases."),
        ([Kind.BROKEN, Kind.FIXED], True, "it breaks 1 case, mends 1 case and has 1 case without a result."),
    ],
)
def test_the_answer_is_one_sentence(
    changes: list[Kind],
    unknown: bool,  # noqa: FBT001
    expected: str,
    small_matrix: Matrix,
) -> None:
    old, new = judged("a", "passed"), judged("a", "keys")
    missing = Judged("pair", "cpu-float32", Case("tower", "b"), Verdict.INCOMPLETE, missing=NO_RECORD)
    start = small_matrix.pairs[-1]
    answer = UpgradeResult(
        start=start,
        end=start.with_versions(timm="1.0.32.dev0+28f87d4f"),
        tolerances=small_matrix.tolerances,
        old=[old],
        new=[new, *([missing] if unknown else [])],
        changes=[Change(kind, old, new) for kind in changes],
        by={},
        known={},
        carried=[],
        alike=frozenset(),
    )
    told = compare.sentence(answer, "timm")
    assert told.startswith(f"timm 1.0.32.dev0+28f87d4f against {start.timm}, with transformers {start.transformers}: ")
    assert told.endswith(expected)
