import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.__main__ import main
from harness.command_line import parser
from harness.commands.distributed import import_results, nightly
from harness.config.errors import BadInput
from harness.contract import catalog, package, record
from harness.results import copies
from tests.places import ROOT
from tests.small_matrix import catalog_of_timm

pytestmark = pytest.mark.slow  # in processes of its own

NEW = "transformers5.24.0-timm1.0.31"
LANE = Path("transformers5.23.0-timm1.0.31/cpu-float32.jsonl")


COLLECTED = "2026-11-24T02:00:00+00:00"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "now", lambda: COLLECTED)


def run(at: int, *cases: str, **fields: Any) -> str:
    """The lines of a run."""
    nothing = dict.fromkeys(("max_abs", "max_rel", "noise", "fingerprint", "seconds"))
    header = {"kind": "run", "schema": 2, "pair": {"id": "p"}, "cases": list(cases), "started": f"2026-11-2{at}"}
    lines: list[dict[str, Any]] = [{**header, **fields}]
    for case in cases:
        route, model = case.split("/")
        fields = {"case": case, "route": route, "model": model, "outcome": "passed", "reason": "", "detail": {}}
        lines.append({"kind": "case", **fields, **nothing})
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def collected(at: int, *cases: str, **fields: Any) -> str:
    """The lines of a run that was collected."""
    return run(at, *cases, **fields, collected=COLLECTED)


def catalog_text(architectures: int) -> str:
    """A catalog, told from others by how many architectures its timm has."""
    return catalog.dumps(replace(catalog_of_timm(), architectures=architectures))


def shard(folder: Path, text: str) -> Path:
    (folder / LANE).parent.mkdir(parents=True)
    (folder / LANE).write_text(text)
    return folder


def test_runs_of_several_machines_are_one_folders_and_each_is_there_once(tmp_path: Path) -> None:
    one, two = shard(tmp_path / "1", run(1, "tower/a")), shard(tmp_path / "2", run(2, "tower/b"))
    into, out = tmp_path / "all", io.StringIO()
    for _ in range(2):
        assert nightly.collect([one, two], into, out) == 0
    assert (into / LANE).read_text() == collected(1, "tower/a") + collected(2, "tower/b")
    assert [list(found.cases) for found in record.read(into / LANE)] == [["tower/a"], ["tower/b"]]
    assert out.getvalue().splitlines() == [
        f"{into}: 2 runs added from 2 folders",
        f"{into}: 0 runs added from 2 folders",
    ]


def test_what_was_added_can_be_had_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, into = shard(tmp_path / "1", run(1, "tower/a") + run(2, "tower/b")), tmp_path / "all"
    assert main(["collect", str(one), "--into", str(into), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, json.loads((ROOT / "harness" / "schemas" / "command.json").read_text()))
    assert (said["runs"], said["into"], said["folders"]) == (2, str(into), [str(one)])
    assert said["files"] == [{"file": LANE.as_posix(), "runs": 2}]


def test_what_is_there_already_stays_and_half_a_line_swallows_nothing(tmp_path: Path) -> None:
    into = shard(tmp_path / "all", run(1, "tower/a") + '{"kind":"case","ca')
    nightly.collect([shard(tmp_path / "1", run(2, "tower/b"))], into, io.StringIO())
    assert (into / LANE).read_text() == run(1, "tower/a") + '{"kind":"case","ca\n' + collected(2, "tower/b")
    assert [list(found.cases) for found in record.read(into / LANE)] == [["tower/a"], ["tower/b"]]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_text("a catalog"), "line 1 is no object of JSON; move that file away"),
        (lambda path: path.write_text('{"schema": 5}'), "not a catalog of schema 5; move"),
        (
            lambda path: path.write_text(catalog_text(1) + '{"model": "a"}'),
            "no line of a model of this format: 'a'; see",
        ),
        (os.mkfifo, "is no regular file"),
        (lambda path: path.mkdir(), "is no regular file"),
    ],
    ids=["text", "another format", "another line", "a pipe", "a folder"],
)
def test_catalogs_that_are_none_are_refused_before_anything_is_written(
    tmp_path: Path, make: Callable[[Path], object], problem: str
) -> None:
    one = shard(tmp_path / "1", run(1, "tower/a"))
    (one / "catalogs").mkdir()
    make(one / "catalogs" / "timm-1.0.99.ndjson")
    with pytest.raises(BadInput, match=problem):
        nightly.collect([one], tmp_path / "all", io.StringIO())
    assert not (tmp_path / "all").exists()


def test_a_line_ends_where_the_records_end_it_and_at_no_other_sign(tmp_path: Path) -> None:
    odd = [
        text.replace('"reason":""', '"reason":"one\u2028two"') for text in (run(1, "tower/a"), collected(1, "tower/a"))
    ]
    nightly.collect([shard(tmp_path / "1", odd[0])], tmp_path / "all", io.StringIO())
    assert (tmp_path / "all" / LANE).read_text() == odd[1]


def test_catalogs_made_on_the_spot_come_along(tmp_path: Path) -> None:
    one = shard(tmp_path / "1", run(1, "tower/a"))
    (one / "catalogs").mkdir()
    (one / "catalogs" / "timm-1.0.99.ndjson").write_text(catalog_text(1))
    nightly.collect([one], tmp_path / "all", io.StringIO())
    assert (tmp_path / "all" / "catalogs" / "timm-1.0.99.ndjson").read_text() == catalog_text(1)


def test_a_whole_disk_is_no_results_folder_and_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_results, "MOST", 3)
    nightly.collect([shard(tmp_path / "1", run(1, "tower/a"))], tmp_path / "all", io.StringIO())
    disk = tmp_path / "disk"
    for name in ("etc", "home", "tmp", "usr"):
        (disk / name / "more").mkdir(parents=True)
    with pytest.raises(BadInput, match="disk: more than 3 files and folders in it; name a results folder"):
        nightly.collect([disk], tmp_path / "all", io.StringIO())


@pytest.mark.parametrize("name", ["none", "a\0b", "n" * 300])
def test_a_folder_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="no records in it; name a results folder"):
        nightly.collect([tmp_path / name], tmp_path / "all", io.StringIO())


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "{}: no records in it"), ('{"kind":"case"}\n', "{}/" + str(LANE) + ":1: a 'case' line before any run; ")],
    ids=["nothing", "none of ours"],
)
def test_a_folder_that_holds_no_records_is_refused_and_nothing_is_written(
    tmp_path: Path, text: str, problem: str
) -> None:
    good, bad = shard(tmp_path / "1", run(1, "tower/a")), tmp_path / "2"
    bad.mkdir()
    if text:
        shard(bad, text)
    with pytest.raises(BadInput) as caught:
        nightly.collect([good, bad], tmp_path / "all", io.StringIO())
    assert str(caught.value).startswith(problem.format(bad))
    assert not (tmp_path / "all").exists()


def test_the_oldest_comes_first_and_one_that_comes_later_is_never_left_out(tmp_path: Path) -> None:
    one, two, three = (shard(tmp_path / str(at), run(at, "tower/a")) for at in (1, 2, 3))
    into, out = tmp_path / "all", io.StringIO()
    nightly.collect([three, two], into, out)
    assert (into / LANE).read_text() == collected(2, "tower/a") + collected(3, "tower/a")
    nightly.collect([one], into, out)
    assert (into / LANE).read_text() == "".join(collected(at, "tower/a") for at in (2, 3, 1))


def test_a_run_that_is_there_up_to_some_line_comes_whole_and_counts_once(tmp_path: Path) -> None:
    place = {"folder": "f1", "sequence": 1}
    whole = run(1, "tower/a", "tower/b", **place)
    part = "".join(whole.splitlines(keepends=True)[:2])
    one, two = shard(tmp_path / "1", part), shard(tmp_path / "2", whole)
    for name, folders in (("a", [one, two, one]), ("b", [two, one])):
        for folder in folders:
            nightly.collect([folder], tmp_path / name, io.StringIO())
        [found] = copies.distinct(record.read(tmp_path / name / LANE))
        assert list(found.cases) == ["tower/a", "tower/b"]


def test_a_run_that_comes_back_from_where_it_was_collected_is_there_already(tmp_path: Path) -> None:
    one = shard(tmp_path / "1", run(1, "tower/a"))
    nightly.collect([one], tmp_path / "all", io.StringIO())
    out = io.StringIO()
    nightly.collect([tmp_path / "all"], one, out)
    assert (one / LANE).read_text() == run(1, "tower/a")
    assert out.getvalue() == f"{one}: 0 runs added from 1 folder\n"


def test_a_run_that_began_in_the_future_is_refused_with_its_machine_and_nothing_is_written(tmp_path: Path) -> None:
    def at(minutes: float) -> str:
        return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()

    good, soon = shard(tmp_path / "1", run(1, "tower/a")), shard(tmp_path / "2", run(1, "tower/a", started=at(4)))
    nightly.collect([good, soon], tmp_path / "soon", io.StringIO())
    late = shard(tmp_path / "3", run(1, "tower/a", started=at(6), machine="node-7"))
    with pytest.raises(BadInput) as caught:
        nightly.collect([good, late], tmp_path / "all", io.StringIO())
    assert str(caught.value).startswith(f"{late / LANE}: a run of p cpu-float32 began on node-7 at 20")
    assert str(caught.value).endswith(
        "which is in the future; set the clock of that machine or this one, move the file away, and run its cases again"
    )
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize("place", ["from", "to"])
def test_a_linked_catalog_is_seen_before_anything_is_written(tmp_path: Path, place: str) -> None:
    one, into = shard(tmp_path / "1", run(1, "tower/a")), tmp_path / "all"
    for folder in (one, into):
        (folder / "catalogs").mkdir(parents=True)
    (tmp_path / "elsewhere").write_text(catalog_text(1))
    for folder, linked in ((one, place == "from"), (into, place == "to")):
        path = folder / "catalogs" / "timm-1.0.99.ndjson"
        path.symlink_to(tmp_path / "elsewhere") if linked else path.write_text(catalog_text(1))
    with pytest.raises(BadInput, match="is a link to"):
        nightly.collect([one], into, io.StringIO())
    assert not (into / LANE).exists()


def test_a_shard_that_came_to_its_catalog_alone_is_no_obstacle_and_the_newest_catalog_counts(tmp_path: Path) -> None:
    for at in (1, 2):
        (tmp_path / str(at) / "catalogs").mkdir(parents=True)
        (tmp_path / str(at) / "catalogs" / "timm-1.0.99.ndjson").write_text(catalog_text(at))
        assert nightly.collect([tmp_path / str(at)], tmp_path / "all", io.StringIO()) == 0
    assert (tmp_path / "all" / "catalogs" / "timm-1.0.99.ndjson").read_text() == catalog_text(2)


def test_the_folder_above_those_of_the_machines_is_refused(tmp_path: Path) -> None:
    shard(tmp_path / "shards" / "1", run(1, "tower/a"))
    with pytest.raises(BadInput, match="is not where a results folder has its records; name the folder itself"):
        nightly.collect([tmp_path / "shards"], tmp_path / "all", io.StringIO())


def test_a_folder_in_which_a_run_records_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    take = f"run_lock.take(pathlib.Path({str(tmp_path / 'all')!r})); "
    script = f"import pathlib, time; from harness.execution import run_lock; {take}"
    holder = subprocess.Popen(  # noqa: S603 - the test's own words
        [sys.executable, "-c", script + "print('there', flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"there\n"
        with pytest.raises(BadInput, match="another run is recording there"):
            nightly.collect([shard(tmp_path / "1", run(1, "tower/a"))], tmp_path / "all", io.StringIO())
    finally:
        holder.kill()
        holder.wait()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    one = shard(tmp_path / "1", run(1, "tower/a"))
    (tmp_path / "2" / LANE).parent.mkdir(parents=True)
    (tmp_path / "2" / LANE).symlink_to(one / LANE)
    with pytest.raises(BadInput, match="is a link to"):
        nightly.collect([tmp_path / "2"], tmp_path / "all", io.StringIO())


def given(**more: Any) -> Namespace:
    usual = {"matrix": Path("matrix.yaml"), "shards": 4, "results": [], "lanes": [], "also": []}
    return Namespace(
        **{**usual, "typed": "python -m harness", "quick": False, "newest": False, "development": None, **more}
    )


def test_a_pair_named_besides_is_planned_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = nightly.plan(given(also=["transformers==5.24.0 timm==1.0.31"], lanes=["cpu-float32"], quick=True))
    commands = [command for one in found["shards"] for command in one["commands"]]
    assert "nox -s pair -- transformers==5.24.0 timm==1.0.31 --lane cpu-float32 --quick" in commands
    assert len(found["shards"]) == 4
    assert found["reports"] == [
        "nox -s report -- --lane cpu-float32 --quick --out site",
        f"nox -s report -- transformers==5.24.0 timm==1.0.31 --lane cpu-float32 --quick --out site/{NEW}",
    ]


def test_a_plan_says_how_it_was_made_without_the_paths_of_a_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "matrix.yaml", tmp_path / "mine.yaml")
    monkeypatch.chdir(tmp_path)
    for folder in ("results", "wheels"):
        (tmp_path / folder).mkdir()
    (tmp_path / "wheels" / "timm-1.0.32.dev0-py3-none-any.whl").touch()
    here = {"matrix": tmp_path / "mine.yaml", "results": [tmp_path / "results"], "development": tmp_path / "wheels"}
    also = "transformers==5.24.0 timm==1.0.31"
    found = nightly.plan(given(**here, also=[also], lanes=["cpu-float32"], quick=True))
    assert found["made_by"] == (
        f"python -m harness plan --shards 4 --results results --lane cpu-float32 --also '{also}' --matrix mine.yaml "
        "--development wheels --quick"
    )
    assert str(tmp_path) not in json.dumps(found)
    typed = parser().parse_args(shlex.split(found["made_by"])[3:])
    assert nightly.plan(typed) == found


def test_an_installed_package_plans_for_the_matrix_of_a_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "matrix.yaml", tmp_path)
    monkeypatch.setattr(package, "FOLDER", tmp_path)
    found = nightly.plan(given(matrix=tmp_path / "matrix.yaml", typed="layerscale-matrix", quick=True))
    assert found["made_by"] == "layerscale-matrix plan --shards 4 --quick"
    assert str(tmp_path) not in json.dumps(found)
    assert found["reports"] == ["nox -s report -- --quick --out site"]


def test_a_pair_on_another_torch_is_reported_as_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    other = "transformers==5.23.0 timm==1.0.31 torch==2.13.0 torchvision==0.28.0"
    (_, report) = nightly.plan(given(also=[other]))["reports"]
    assert report.startswith(f"nox -s report -- {other} --out site/")


def test_development_versions_are_tried_beside_the_current_ones_and_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("transformers-5.25.0.dev0", "timm-1.0.32.dev0"):
        (tmp_path / f"{name}-py3-none-any.whl").write_bytes(name.encode())
    transformers, timm = (
        f"{name.partition('-')[0]}@{tmp_path}/{name}-py3-none-any.whl"
        for name in ("transformers-5.25.0.dev0", "timm-1.0.32.dev0")
    )
    found = nightly.plan(given(development=tmp_path, lanes=["cpu-float32"], shards=256))
    commands = {command for one in found["shards"] for command in one["commands"] if "nox -s pair" in command}
    lane = "--lane cpu-float32"
    assert {command.removesuffix(f" {lane}").partition(" --part")[0] for command in commands} >= {
        f"nox -s pair -- transformers==5.23.0 {timm}",
        f"nox -s pair -- {transformers} {timm}",
    }
    assert any(f"{transformers} timm==1.0.31" in command for command in commands)
    (tmp_path / "timm-1.0.33.dev0-py3-none-any.whl").touch()
    with pytest.raises(BadInput, match="several wheels of timm; keep one"):
        nightly.plan(given(development=tmp_path))


def test_a_catalog_that_is_none_is_one_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "catalogs").mkdir()
    path = tmp_path / "catalogs" / "timm-1.0.99.ndjson"
    path.write_text("{}")
    with pytest.raises(BadInput) as caught:
        nightly.plan(given(results=[tmp_path], also=["transformers==5.23.0 timm==1.0.99"]))
    assert str(caught.value).startswith(f"{path}: not a catalog of schema ")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"lanes": ["tpu"]}, "--lane tpu: matrix.yaml has no such lane"),
        ({"results": [Path("nowhere")]}, "--results nowhere: there is no such folder"),
        ({"also": ["timm==1.0.31"]}, "transformers is not named; add its release, as in transformers==5.23.0"),
        ({"development": Path("tests")}, "--development tests: no wheel of transformers or timm in it"),
        ({"also": ["timm=='1"]}, "--also timm=='1: No closing quotation; close what is quoted"),
        ({"shards": 0}, "--shards 0: give 1 to 256, which is the most that GitHub Actions runs"),
    ],
    ids=["lane", "records", "pair", "wheels", "quotes", "shards"],
)
def test_what_cannot_be_planned_is_one_error(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], problem: str
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(BadInput) as caught:
        nightly.plan(given(**more))
    assert str(caught.value) == problem


def test_the_commands_work_without_torch_and_end_with_their_codes(tmp_path: Path) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the test's own words
            [sys.executable, "-m", "harness", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONSAFEPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    planned = command("plan", "--shards", "3", "--lane", "cpu-float32")
    assert planned.returncode == 0, planned.stderr
    assert len(json.loads(planned.stdout)["shards"]) == 3
    one = shard(tmp_path / "1", run(1, "tower/a"))
    collected = command("collect", str(one), "--into", str(tmp_path / "all"))
    assert (collected.returncode, collected.stderr) == (0, "")
    refused = command("plan", "--shards", "999")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_what_collect_says_moves_no_cursor(tmp_path: Path) -> None:
    into, out = tmp_path / "\x1b[2J", io.StringIO()
    nightly.collect([shard(tmp_path / "1", run(1, "tower/a"))], into, out)
    assert out.getvalue() == f"{tmp_path}/\\x1b[2J: 1 run added from 1 folder\n"
