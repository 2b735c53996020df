"""Writing the site."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.atlas.answer import LANE
from harness.atlas.entries import pair_files
from harness.atlas.entries.entry import Cause, PairEntry
from harness.config.errors import BadInput
from harness.site import build, night
from harness.site.frame import Frame
from harness.site.pages import Pages
from tests.site.conftest import front_data


@pytest.fixture(scope="module")
def small(few: Path) -> Frame:
    return build.site("2026-11-30", folder=few)


def test_the_front_page_alone_is_one_file(small: Frame, tmp_path: Path) -> None:
    assert build.write(small, tmp_path / "public", alone=True) == 1
    assert [path.name for path in (tmp_path / "public").iterdir()] == [build.FRONT]


def test_what_lies_there_stays_and_a_page_is_replaced(small: Frame, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / build.FRONT).write_text("old")
    build.write(small, tmp_path, alone=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / build.FRONT).read_text().startswith("<!doctype html>")


def test_a_folder_that_is_a_file_is_bad_input(small: Frame, tmp_path: Path) -> None:
    (tmp_path / "public").write_text("")
    with pytest.raises(BadInput, match=r"--out .*public: .*name another folder"):
        build.write(small, tmp_path / "public", alone=True)


def test_a_pair_of_ones_own_runs_is_told_like_the_others_and_is_what_is_new(few: Path) -> None:
    measured = pair_files.read(few)["5.23.0", "1.0.31"]
    day = replace(measured.lanes[LANE], day="2999-01-01")
    own = PairEntry({**measured.versions, "transformers": "5.8.1"}, {LANE: day})
    part = PairEntry(measured.versions, {LANE: replace(day, routes={"tower": day.routes["tower"]})})
    frame = build.site("2999-01-01", folder=few, own=[own, part])
    assert frame.atlas.lanes["5.8.1", "1.0.31"] is day
    assert frame.atlas.lanes[measured.releases].day == measured.lanes[LANE].day
    assert frame.grid.days["5.8.1", "1.0.31"] == "2999-01-01"
    told = night.page(frame)
    assert "2999-01-01" in told
    assert "transformers 5.8.1" in told


def test_half_a_run_is_not_what_a_site_begins_with_nor_what_is_new(few: Path) -> None:
    measured = pair_files.read(few)["5.23.0", "1.0.31"]
    half = replace(measured.lanes[LANE], day="2999-01-01", routes=dict(list(measured.lanes[LANE].routes.items())[:10]))
    own = PairEntry({**measured.versions, "transformers": "5.24.0"}, {LANE: half})
    frame = build.site("2999-01-01", folder=few, own=[own])
    assert frame.current == measured.releases
    assert "2999-01-01" not in frame.grid.days.values()


def test_the_foot_of_a_page_says_of_which_size_the_measured_models_are(small: Frame, few: Path) -> None:
    assert "Models are narrow, with synthetic weights." in build.front(small)
    measured = pair_files.read(few)["5.23.0", "1.0.31"]
    lanes = {LANE: replace(measured.lanes[LANE], size="slim")}
    mine = [PairEntry(measured.versions, lanes), PairEntry({**measured.versions, "transformers": "5.24.0"}, lanes)]
    frame = build.site("2026-11-30", folder=few, own=mine)
    assert "Models are narrow or slim, with synthetic weights." in night.page(frame)


def test_a_cause_that_the_package_lacks_has_no_page_and_comes_with_its_reason(few: Path) -> None:
    measured = pair_files.read(few)["5.23.0", "1.0.31"]
    tower = replace(measured.lanes[LANE].routes["tower"], unsupported={}, causes=())
    mine, gone = (Cause("keys", ("",), (rule,), tower.models) for rule in ("mine", "gone"))
    routes = {**measured.lanes[LANE].routes, "tower": replace(tower, passed=0, causes=(mine, gone))}
    own = PairEntry(measured.versions, {LANE: replace(measured.lanes[LANE], routes=routes)})
    frame = build.site("2026-11-30", folder=few, own=[own], reasons={"mine": "our own <cause>", "idle": "unused"})
    assert frame.pageless == {"gone": "", "mine": "our own <cause>"}
    told = front_data(build.front(frame))
    assert told["pageless"] == ["gone", "mine"]
    assert told["rules"]["gone"] == ["gone", "", "", "", ""]
    assert told["rules"]["mine"] == ["our own <cause>", "", "", "", ""]
    pages = dict(Pages(frame).all())
    assert "mine: our own &lt;cause&gt;" in pages["model/test_convnext.html"]
    assert not any("rule/mine.html" in page for page in pages.values())


def test_an_atlas_without_a_pair_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no measured pair; nox -s atlas measures"):
        build.site("2026-11-30", folder=tmp_path)


def test_a_lane_in_which_nothing_was_measured_is_bad_input() -> None:
    with pytest.raises(BadInput, match="nothing was measured in a lane cuda-float16"):
        build.site("2026-11-30", "cuda-float16")


def test_a_bar_of_the_pairs_that_are_done_is_shown_on_a_terminal_alone(
    few: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build.site("2026-11-30", folder=few)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    build.site("2026-11-30", folder=few)
    shown = capsys.readouterr()
    assert "pairs" in shown.err
    assert "100%" in shown.err
    assert shown.out == ""
