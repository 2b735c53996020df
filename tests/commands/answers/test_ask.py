"""The commands `ask` and `upgrade`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.__main__ import main
from harness.atlas.entries.entry import LaneEntry, PairEntry, RouteEntry
from harness.atlas.entries.pair_files import write
from harness.command_line import parser
from harness.commands.answers import ask
from tests.places import ROOT

PINS = ["transformers==5.23.0", "timm==1.0.31"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("models/towers.py:make", "models.towers:make"),
        ("towers.py:Mine.make", "towers:Mine.make"),
        ("towers:make", "towers:make"),
        ("checkpoints/last.py", "checkpoints/last.py"),
        ("../towers.py:make", "../towers.py:make"),  # no module of this folder's
    ],
)
def test_a_target_may_name_its_file(typed: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    for file in ("models/towers.py", "towers.py"):
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    assert parser().parse_args(["check", typed]).target == meant
    assert parser().parse_args(["upgrade", "--own", typed]).own == meant


def test_the_command_answers_from_the_packaged_atlas(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", *PINS, "--model", "convnext_atto", "--route", "wrapper"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("transformers 5.23.0 with timm 1.0.31 in cpu-float32: works: 1, of 1 case.\n")
    assert main(["ask", *reversed(PINS), "--route", "wrapper", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["transformers"] == "5.23.0"


@pytest.mark.parametrize("start", ["transformers==4.57.6,timm==1.0.22", "transformers4.57.6-timm1.0.22"])
def test_a_move_is_answered_from_the_packaged_atlas(start: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["upgrade", *PINS, "--from", start, "--model", "eva02_tiny_patch14_224", "--route", "tower"]
    assert main(words) == 1
    assert capsys.readouterr().out.startswith("With remedies: from transformers 4.57.6 with timm 1.0.22 to ")
    assert main(["upgrade", "timm==1.0.22", "--from", start, "--route", "wrapper"]) == 0
    assert capsys.readouterr().out.startswith("No worse: from transformers 4.57.6 with timm 1.0.22 to transformers ")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["timm==1.0.31", "timm==1.0.30"], "two releases of timm, 1.0.31 and 1.0.30; name one"),
        (["timm==1.0.31"], "no release of transformers is named; as in transformers==5.23.0 timm==1.0.31"),
        (["5.23.0", "1.0.31"], "5.23.0: it is no pin as in transformers==5.23.0 timm==1.0.31"),
        ([*PINS, "--route", "towr"], "there is no route towr; near: tower"),
        ([*PINS, "--lane", "gpu"], "nothing was measured in a lane gpu; measured: cpu-float32"),
        (["transformers==x", "timm==1.0.31"], "transformers==x is no release"),
    ],
)
def test_bad_input_is_one_error(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", *words]) == 2
    printed = capsys.readouterr()
    assert why in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("words", "which"),
    [
        (["site", "--out", ""], "what follows --out"),
        (["ask", *PINS, "--model="], "--model"),
        (["repair", ""], "what follows repair"),
        (["explain", " "], "what follows explain"),
    ],
)
def test_what_is_empty_is_one_error(words: list[str], which: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    told = capsys.readouterr().err
    assert told == f"{which} is empty: perhaps a variable that is not set; see python -m harness --help\n"
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "start", ["5.23.0", "transformers==5.23.0", "a-timmb", "x==1,y==2", "transformers4.57.6-timm1.0.22-torch2.4"]
)
def test_a_start_that_is_no_pair_is_one_error(start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade", *PINS, "--from", start]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_it_imports_neither_torch_nor_the_libraries_of_the_harness() -> None:
    seen = (
        "import sys; from harness.__main__ import main; main(sys.argv[1:]);"
        "found = {'torch', 'timm', 'transformers', 'pydantic', 'ruamel.yaml', 'rich', 'nox'} & set(sys.modules);"
        "sys.exit(f'imported {found}' if found else 0)"
    )
    words = [sys.executable, "-c", seen, "ask", *PINS, "--route", "wrapper"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_file_that_pins_both_stands_for_its_releases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pinned = tmp_path / "requirements.txt"
    pinned.write_text("\n".join(PINS))
    part = ["--route", "wrapper", "--model", "convnext_atto", "--json"]
    main(["ask", str(pinned), *part])
    of_file = capsys.readouterr().out
    main(["ask", *PINS, *part])
    assert capsys.readouterr().out == of_file


def test_a_move_starts_where_a_lock_is_and_a_diff_names_both_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = ["--route", "wrapper", "--model", "convnext_atto"]
    lock, diff = tmp_path / "uv.lock", tmp_path / "pull.diff"
    lock.write_text(
        '[[package]]\nname = "transformers"\nversion = "4.57.6"\n[[package]]\nname = "timm"\nversion = "1.0.22"\n'
    )
    diff.write_text("-transformers==4.57.6\n+transformers==5.23.0\n-timm==1.0.22\n+timm==1.0.31\n")
    assert main(["upgrade", *PINS, "--lockfile", str(lock), *part]) == 0
    by_lock = capsys.readouterr().out
    assert by_lock.startswith("Yes: from transformers 4.57.6 with timm 1.0.22 to transformers 5.23.0 with timm 1.0.31")
    assert main(["upgrade", "--diff", str(diff), *part]) == 0
    assert capsys.readouterr().out == by_lock


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([*PINS], "say what moves, and from where: upgrade"),
        (["--from", "transformers4.57.6-timm1.0.22"], "say what moves, and from where: upgrade"),
        (["--diff", "no.diff"], "no.diff: there is no such file"),
        (["--diff", "a\nb"], "a\\nb: there is no such file"),
        (["a\nb", "--from", "5.23.0,1.0.31"], "a\\nb: it is no pin"),
        ([*PINS, "--from", "4.57.6,1.0.22", "--route", "a\nb"], "there is no route a\\nb; there are"),
        ([*PINS, "--from", "4.57.6,1.0.22", "--lane", "a\nb"], "in a lane a\\nb; measured: cpu-float32"),
        ([*PINS, "--from", "4.57.6,1.0.22", "--model", "a\nb"], "no LayerScale model a\\nb, and"),
        (["a\nb", "--diff", "no.diff"], "--diff: it names both ends; leave a\\nb out"),
        ([*PINS, "--diff", "no.diff"], "--diff: it names both ends; leave transformers==5.23.0 timm==1.0.31 out"),
    ],
)
def test_a_move_without_its_ends_is_one_error(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade", *words]) == 2
    told = capsys.readouterr().err
    assert why in told
    assert told.count("\n") == 1


def test_a_diff_of_one_package_takes_the_other_from_the_lockfile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "requirements.txt").write_text("timm==1.0.22\n")
    diff = tmp_path / "pull.diff"
    diff.write_text("-transformers==4.57.6\n+transformers==5.23.0\n")
    words = ["upgrade", "--diff", str(diff), "--route", "wrapper", "--model", "convnext_atto"]
    assert main([*words, "--lockfile", str(tmp_path / "requirements.txt")]) == 4  # nobody has measured that
    assert "to transformers 5.23.0 with timm 1.0.22 in" in capsys.readouterr().out
    assert main(words) == 2
    remedy = "name the file that pins what does not move, as --lockfile uv.lock"
    assert capsys.readouterr().err == f"{diff}: no release of timm is in it; {remedy}\n"


@pytest.mark.parametrize("command", ["ask", "upgrade"])
def test_the_help_names_every_kind_of_file(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "uv.lock, poetry.lock, pdm.lock, pylock.toml, pyproject.toml or requirements.txt" in told


def test_markdown_has_the_sentence_in_bold_and_causes_as_lists(capsys: pytest.CaptureFixture[str]) -> None:
    main(["ask", *PINS, "--route", "tower", "--model", "eva02_tiny_patch14_224", "--markdown"])
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("**transformers 5.23.0 with timm 1.0.31 in cpu-float32: works with a remedy")
    assert any(line.startswith("- transformers 5 builds on the meta device") for line in rest)
    assert any("\\_init\\_weights" in line for line in rest)
    assert "  - https://github.com/huggingface/transformers/issues/48892" in rest


def test_a_pair_between_two_that_agree_is_told_in_a_sentence(tmp_path: Path) -> None:
    for transformers in ("5.1.0", "5.3.0"):
        tower = RouteEntry("tower", "d", ("convnext_atto",), 1)
        lane = LaneEntry("cpu-float32", "2026-11-29", "narrow", {"tower": tower})
        versions = {"transformers": transformers, "timm": "1.0.31", "torch": "2.14.1"}
        write(PairEntry(versions, {lane.lane: lane}), tmp_path)
    said = ask.in_brief("5.2.0", "1.0.31", folder=tmp_path)
    assert said == (
        "By the atlas, where the releases on either side agree: "
        "transformers 5.2.0 with timm 1.0.31 in cpu-float32: works: 1, of 1 case."
    )
    assert ask.in_brief("5.4.0", "1.0.31", folder=tmp_path) is None
