from pathlib import Path

import pytest

from harness.commands.upgrade import UpgradeCommand
from harness.config import matrix
from harness.config.errors import BadInput
from harness.config.matrix import Matrix
from harness.config.pair import Defaults, Pair
from harness.environments import lock
from harness.execution.pair_run import PairRun
from harness.report import reproduction
from tests.arguments import parse
from tests.fake_environment import FakeEnvironment
from tests.small_matrix import MATRIX

DEFAULTS = Defaults(python="3.11", torch="2.14.1", torchvision="0.29.1")
MAIN = "git+https://github.com/huggingface/transformers@main"
ARCHIVE = "https://github.com/huggingface/transformers/archive/refs/heads/main.zip"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("wheels").mkdir()
    Path("wheels/timm-1.0.32.dev0-py3-none-any.whl").write_bytes(b"a wheel")
    return "wheels/timm-1.0.32.dev0-py3-none-any.whl"


def of(*pins: str) -> Pair:
    return Pair.parse_requirements(pins, DEFAULTS)


def test_a_wheel_on_disk_is_installed_by_its_path_and_known_by_its_content(wheel: str) -> None:
    found = of("transformers==5.23.0", f"timm@{wheel}")
    assert found.timm.startswith("1.0.32.dev0+")
    assert found.id == f"transformers5.23.0-timm{found.timm}"
    assert found.requirements()[:2] == ["transformers==5.23.0", f"timm @ {Path(wheel).resolve().as_uri()}"]
    Path(wheel).write_bytes(b"another wheel")
    assert of("transformers==5.23.0", f"timm@{wheel}").id != found.id


@pytest.mark.parametrize("where", [MAIN, ARCHIVE])
def test_a_branch_says_its_version_and_is_known_by_its_address(where: str) -> None:
    found = of(f"transformers==5.25.0.dev0@{where}", "timm==1.0.31")
    assert found.transformers.startswith("5.25.0.dev0+")
    assert found.requirements()[0] == f"transformers @ {where}"
    assert of(*(found.pin(name) for name in ("transformers", "timm"))) == found


def test_a_row_of_the_matrix_takes_the_same(tmp_path: Path, wheel: str) -> None:
    path = tmp_path / "matrix.yaml"
    row = f'  - {{transformers: "5.25.0.dev0 @ {MAIN}", timm: "{wheel}"}}\n'
    path.write_text(MATRIX.replace("current:", f"{row}current:"))
    found = matrix.load(path).pairs[-1]
    assert found == of(f"transformers==5.25.0.dev0@{MAIN}", f"timm@{wheel}")
    assert lock.of(found) is None
    assert reproduction.running(found, matrix.load(path))[:5] == ["nox", "-s", "matrix", "--", "--pair"]


def test_a_pair_that_the_matrix_has_not_is_run_again_from_its_source(small_matrix: Matrix, wheel: str) -> None:
    found = of("transformers==5.23.0", f"timm@{wheel}")
    assert reproduction.running(found, small_matrix) == [
        *("nox", "-s", "pair", "--", "transformers==5.23.0", f"timm@{wheel}")
    ]


def test_another_version_of_a_package_has_no_source(wheel: str) -> None:
    assert of("transformers==5.23.0", f"timm@{wheel}").with_versions(timm="1.0.31") == of(
        "transformers==5.23.0", "timm==1.0.31"
    )


def test_what_is_installed_from_a_source_is_held_against_its_version(wheel: str) -> None:
    found = of("transformers==5.23.0", f"timm@{wheel}")
    there = {"transformers": "5.23.0", "torch": "2.14.1", "torchvision": "0.29.1", "python": "3.11.7"}
    assert lock.mismatches(found, {**there, "timm": "1.0.32.dev0"}) == []
    (problem,) = lock.mismatches(found, {**there, "timm": "1.0.31"})
    assert problem == "timm 1.0.32.dev0 was asked for, and 1.0.31 is installed"


def test_a_wheel_at_an_address_is_installed_from_there(wheel: str) -> None:
    assert wheel
    where = "https://host.example/timm-1.0.32.dev0-py3-none-any.whl"
    found = of("transformers==5.23.0", f"timm==1.0.32.dev0@{where}")
    assert found.requirements()[1] == f"timm @ {where}"
    assert of("transformers==5.23.0", found.pin("timm")) == found


@pytest.mark.usefixtures("packaged", "gpus")
@pytest.mark.parametrize(("where", "again"), [(MAIN, True), (None, False)], ids=["a branch", "a release"])
def test_what_an_address_holds_today_is_tried_today(
    small_matrix: Matrix, tmp_path: Path, where: str | None, *, again: bool
) -> None:
    pair = of(f"transformers==5.25.0.dev0@{where}" if where else "transformers==5.23.0", "timm==1.0.31")
    options = parse(["--results", str(tmp_path), "--lane", "cpu-float32", "--route", "wrapper"])
    lanes = PairRun.of(small_matrix, pair, options)
    environment = FakeEnvironment()
    environment.packages = {"transformers": "5.25.0.dev0" if where else "5.23.0"}
    catalog = lanes.prepare(environment, print)
    lanes.run(catalog, environment, print)
    assert bool(lanes.pending(small_matrix.lanes[0], catalog)) is again


def test_an_upgrade_leads_to_releases_and_wheels_and_to_nothing_that_may_change(wheel: str) -> None:
    Path("matrix.yaml").write_text(MATRIX)
    assert UpgradeCommand.of(["transformers==5.23.0", f"timm@{wheel}"], Path()).new.sources
    with pytest.raises(BadInput, match="it may be another one tomorrow; give a release, or a wheel"):
        UpgradeCommand.of(["transformers==5.23.0", "timm==1.0.32.dev0@https://host.example/timm.zip"], Path())


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("timm@wheels/none-1.0-py3-none-any.whl", "is a wheel of none, and none of timm"),
        (
            "timm@wheels/timm-9.9.9-py3-none-any.whl",
            "there is no such file; it is looked for from the project's folder",
        ),
        ("timm@wheels/timm.whl", "wheels/timm.whl: is no name of a wheel; one reads timm-1.0.31-py3-none-any.whl"),
        (f"transformers@{MAIN}", "does not say its version, which rules go by"),
        ("timm==1.0.32@somewhere", "is no source; give a wheel on disk"),
        (f"torch==2.0@{MAIN}", "only transformers and timm come from a source"),
    ],
    ids=["another package", "no file", "no wheel", "no version", "no address", "no axis"],
)
def test_a_source_that_is_none_is_bad_input(wheel: str, pin: str, problem: str) -> None:
    assert wheel
    with pytest.raises(BadInput) as caught:
        of("transformers==5.23.0", "timm==1.0.31", pin)
    assert problem in str(caught.value)


def test_a_row_whose_wheel_is_missing_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "matrix.yaml"
    path.write_text(MATRIX.replace('timm: "1.0.31"', 'timm: "wheels/timm-1.0.32-py3-none-any.whl"'))
    with pytest.raises(BadInput) as caught:
        matrix.load(path)
    assert str(caught.value).startswith(f"{path}: pairs[1].timm: wheels/timm-1.0.32-py3-none-any.whl: there is no such")
