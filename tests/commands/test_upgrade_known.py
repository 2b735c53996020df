"""What `nox -s upgrade` answers without running anything, and what it says that only a measurement tells."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.atlas.entries import pair_files
from harness.atlas.entries.entry import Cause, LaneEntry, PairEntry, RouteEntry
from harness.commands.answers import ask
from harness.commands.upgrade import UpgradeCommand
from harness.commands.upgrade_known import KnownMove
from harness.config.errors import BadInput, ExitCode, Incomplete

LANE, CUDA = "cpu-float32", "cuda-float32"
START = ("--from", "transformers4.57.6-timm1.0.22")
MOVE = ("transformers==5.23.0", "timm==1.0.31", *START)
ATTO, EVA = "convnext_atto", "eva02_tiny"

pytestmark = pytest.mark.usefixtures("small_matrix", "packaged", "gpus")


@pytest.fixture
def atlas(tmp_path: Path) -> Path:
    folder = tmp_path / "atlas" / "pairs"
    for transformers, timm in (("4.57.6", "1.0.22"), ("5.23.0", "1.0.31")):
        versions = {"transformers": transformers, "timm": timm, "torch": "2.14.1", "python": "3.11"}
        tower = RouteEntry("tower", "d", (ATTO,), 1)
        lanes = {name: LaneEntry(name, "2026-11-29", "narrow", {"tower": tower}) for name in (LANE, CUDA)}
        pair_files.write(PairEntry(versions, lanes), folder)
    return folder


def known(*words: str) -> KnownMove:
    found = UpgradeCommand.of(words, Path()).known
    assert found is not None
    return found


def test_it_answers_from_the_atlas_and_leaves_no_folder(atlas: Path) -> None:
    [answer] = known(*MOVE).answers(atlas)
    assert (answer.start, answer.end, answer.lane) == (("4.57.6", "1.0.22"), ("5.23.0", "1.0.31"), LANE)
    assert [change.new.model for change in answer.changes] == [ATTO]
    assert answer.exit_code == 0
    assert not Path("results").exists()


def test_each_lane_that_is_named_has_its_answer_and_the_worst_decides_the_code(atlas: Path) -> None:
    new = pair_files.read(atlas)["5.23.0", "1.0.31"]
    lost = Cause("keys", ("",), (), (ATTO,), finding="lost")
    tower = RouteEntry("tower", "d", (ATTO,), 0, causes=(lost,))
    pair_files.write(replace(new, lanes={CUDA: replace(new.lanes[CUDA], routes={"tower": tower})}), atlas)
    out = io.StringIO()
    code = ask.tell_all(known(*MOVE, "--lane", LANE, "--lane", CUDA).answers(atlas), out)
    first, second = out.getvalue().split("--measure\n\n")
    assert first.startswith("Yes: ")
    assert second.startswith("No: ")
    assert code == 1


def test_what_a_project_uses_is_what_is_asked_about(atlas: Path, small_matrix: object) -> None:
    assert small_matrix
    Path("matrix.yaml").write_text(
        f"{Path('matrix.yaml').read_text()}uses: {{models: [convnext_atto], routes: [wrapper]}}\n"
    )
    [answer] = known(*MOVE).answers(atlas)
    assert {change.new.route for change in answer.changes} == {"wrapper"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--own", "tests.own.towers:OpenVLALike"], "--own: the atlas has timm's models alone"),
        (["--size", "full"], "--size full: the atlas has narrow models alone"),
        (["--variant", "bin"], "--variant bin: the atlas has safetensors alone"),
        (["--rerun"], "--rerun and --resolve: the atlas has what was run before, with what is locked"),
    ],
    ids=["own", "size", "variant", "rerun"],
)
def test_what_no_atlas_can_know_is_one_line_with_the_command_that_measures_it(
    words: list[str], why: str, atlas: Path
) -> None:
    with pytest.raises(Incomplete) as caught:
        known(*MOVE, *words).answers(atlas)
    command = f"nox -s upgrade -- {' '.join([*MOVE, *words])} --measure"
    assert str(caught.value) == f"{why}; to measure it: {command}"
    assert caught.value.exit_code is ExitCode.INCOMPLETE


def test_a_lane_that_the_atlas_has_not_is_said(atlas: Path) -> None:
    entries = pair_files.read(atlas)
    shutil.rmtree(atlas)
    for entry in entries.values():
        pair_files.write(replace(entry, lanes={LANE: entry.lanes[LANE]}), atlas)
    with pytest.raises(Incomplete, match=f"^--lane {CUDA}: the atlas has {LANE} alone; to measure it: nox -s upgrade"):
        known(*MOVE, "--lane", CUDA).answers(atlas)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["transformers==5.24.0.dev0", *START], "transformers 5.24.0.dev0: the atlas has final releases alone"),
        (["torch==2.13.0", *START], "torch 2.13.0: the atlas has torch 2.14.1 there"),
        (["python==3.12", "--from", "transformers4.57.6-timm1.0.22-py3.12", "timm==1.0.31"], "python 3.12: the atlas"),
        (["timm@timm-1.0.32-py3-none-any.whl", *START], "timm-1.0.32-py3-none-any.whl: the atlas has releases alone"),
    ],
    ids=["development", "torch", "python", "wheel"],
)
def test_ends_that_no_atlas_has_are_said(words: list[str], why: str, atlas: Path) -> None:
    Path("timm-1.0.32-py3-none-any.whl").touch()
    with pytest.raises(Incomplete) as caught:
        known(*words).answers(atlas)
    assert why in str(caught.value)
    assert str(caught.value).endswith(" --measure")


def test_names_that_there_are_not_are_refused_without_a_measurement_too() -> None:
    with pytest.raises(BadInput, match="--route: unknown route 'towr', did you mean 'tower'"):
        known(*MOVE, "--route", "towr")
    with pytest.raises(BadInput, match="each release of timm has narrow models of its own"):
        known(*MOVE, "--size", "narrow")


def test_with_measure_nothing_is_asked_of_the_atlas() -> None:
    assert UpgradeCommand.of([*MOVE, "--lane", LANE, "--measure"], Path()).known is None
