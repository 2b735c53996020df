"""The command `site`."""

import json
from functools import partial
from pathlib import Path

import jsonschema
import pytest

from harness import __main__ as command
from harness.atlas.entries import pair_files
from harness.atlas.entries.entry import PairEntry
from harness.commands.answers import recorded
from harness.site import build
from tests.places import ROOT
from tests.site.conftest import front_data


def test_it_says_how_many_pages_there_are_and_which_to_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pair_files.write(pair_files.read()["5.23.0", "1.0.31"], tmp_path / "atlas")  # the site of all of them takes seconds
    monkeypatch.setattr(build, "site", partial(build.site, folder=tmp_path / "atlas"))
    assert command.main(["site", "--out", str(tmp_path), "--alone"]) == 0
    assert capsys.readouterr().out == f"1 page; open {tmp_path / 'index.html'}\n"


def test_a_folder_that_is_a_file_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert command.main(["site", "--out", str(tmp_path / "file"), "--alone"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_it_says_which_pairs_are_of_ones_own_runs_and_which_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = pair_files.read()["5.23.0", "1.0.31"]
    pair_files.write(measured, tmp_path / "atlas")
    mine = PairEntry({**measured.versions, "transformers": "5.8.1"}, measured.lanes)
    own = recorded.Own({mine.id: mine}, ("a pair: left out, for a reason",))
    monkeypatch.setattr(build, "site", partial(build.site, folder=tmp_path / "atlas"))
    monkeypatch.setattr(recorded, "of", lambda _: own)
    assert command.main(["site", "--out", str(tmp_path), "--alone", "--results", "results"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 pair of your own runs: transformers5.8.1-timm1.0.31",
        "a pair: left out, for a reason",
        f"1 page; open {tmp_path / 'index.html'}",
    ]
    assert "5.8.1" in front_data((tmp_path / "index.html").read_text())["releases"][0]
    assert command.main(["site", "--out", str(tmp_path), "--alone", "--results", "results", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, json.loads((ROOT / "harness" / "schemas" / "command.json").read_text()))
    assert (said["own"], said["left_out"]) == ([mine.id], list(own.left_out))
    assert (said["pages"], said["front"]) == (1, str(tmp_path / "index.html"))


@pytest.mark.parametrize("given", [["--quick"], ["--matrix", "other.yaml"], ["--quick", "--matrix", "other.yaml"]])
def test_what_is_of_records_alone_needs_some(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["site", "--out", "nowhere", *given]) == 2
    assert capsys.readouterr().err.endswith(": only records have that; name their folder with --results\n")
    assert not Path("nowhere").exists()


def test_a_folder_without_records_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["site", "--out", str(tmp_path / "public"), "--results", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "public").exists()


def test_a_lane_without_a_measured_pair_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["site", "--out", "nowhere", "--lane", "cuda-float16"]) == 2
    assert "nothing was measured in a lane cuda-float16; measured: cpu-float32" in capsys.readouterr().err
    assert not Path("nowhere").exists()
