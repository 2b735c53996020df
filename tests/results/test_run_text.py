"""Runs as text: what is copied from one results folder to another."""

import json
from pathlib import Path
from typing import Any

from harness.contract import folder, record
from harness.contract.record import Log
from harness.results import run_text
from harness.results.run_text import RunText
from tests.plans import MACHINE, PAIR, plan_of

RUN: dict[str, Any] = {"kind": "run", "schema": 2, "pair": PAIR, "cases": ["tower/a"], "started": "2026-01-01"}
CASE: dict[str, Any] = {"kind": "case", "case": "tower/a", "route": "tower", "model": "a", "outcome": "keys"}
CASE |= {"reason": "", "detail": {}}


def test_the_text_of_a_run_is_its_lines_as_they_are_and_its_header(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    first, second = json.dumps(RUN), json.dumps({**RUN, "started": "2026-01-02"})
    path.write_text("\n".join(["torn", first, json.dumps(CASE), '{"kind":"ca', "", second, '{"kind":"run"}']))
    found = run_text.read(path)
    assert found == [
        RunText("torn\n", ""),
        RunText(f"{first}\n", f'{json.dumps(CASE)}\n{{"kind":"ca\n\n'),
        RunText(f"{second}\n", ""),
        RunText('{"kind":"run"}\n', ""),
    ]
    assert [run.header.get("started") for run in found] == [None, "2026-01-01", "2026-01-02", None]


def test_a_file_that_is_not_there_or_is_empty_has_no_runs(tmp_path: Path) -> None:
    path = tmp_path / "lane.jsonl"
    assert run_text.read(path) == []
    path.touch()
    assert run_text.read(path) == []


def written(path: Path, *lines: dict[str, Any] | str) -> RunText:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{line}\n" for line in texts))
    [run] = run_text.read(path)
    return run


def test_when_a_run_was_collected_does_not_make_it_another(tmp_path: Path) -> None:
    ours = written(tmp_path / "1", RUN, CASE)
    theirs = written(tmp_path / "2", {**RUN, "collected": "2026-01-03"}, CASE)
    assert ours.identity == theirs.identity
    assert written(tmp_path / "3", {**RUN, "started": "2026-01-02"}, CASE).identity != ours.identity


def test_a_run_that_was_copied_while_it_went_on_is_part_of_the_whole(tmp_path: Path) -> None:
    whole = written(tmp_path / "1", RUN, CASE, '{"kind":"end"}')
    for number, lines in enumerate([(), (CASE,), (CASE, '{"kind"')], 2):
        part = written(tmp_path / str(number), RUN, *lines)
        assert part.is_part_of(whole)
        assert not whole.is_part_of(part)
    assert not written(tmp_path / "9", RUN, {**CASE, "outcome": "passed"}).is_part_of(whole)


def test_runs_made_for_a_folder_elsewhere_take_their_places_in_its_order(tmp_path: Path) -> None:
    lanes = [tmp_path / name / "pair" / "lane.jsonl" for name in ("cell-1", "cell-2", "here")]
    for lane in lanes:
        with Log(lane) as log:
            log.begin(plan_of(["tower/a"]), started="2026-01-01", **MACHINE)
    *cells, ours = lanes
    for lane in cells:
        run_text.adopt(ours, run_text.read(lane))
    headers = [run.header for run in record.read(ours)]
    assert [header["sequence"] for header in headers] == [1, 2, 3]
    assert {header["folder"] for header in headers} == {folder.identity(tmp_path / "here")}
