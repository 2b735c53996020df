from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.commands.releases import ReleasesCommand, added
from harness.config import matrix
from harness.config.errors import BadInput, InstallationError
from harness.config.pair import Pair
from harness.contract import fingerprints
from harness.contract.catalog import Catalog
from harness.contract.fingerprints import Fingerprints
from harness.environments import catalog_history, companions
from tests.fake_environment import FakeEnvironment
from tests.small_matrix import MATRIX

TODAY = date(2026, 11, 25)
OLD = {"transformers": {"4.48.3": 1, "5.0.0": 2, "5.23.0": 3}, "timm": {"1.0.14": 1, "1.0.31": 3}}


class Index:
    """Releases by project, and the day of November on which they appeared. PyPI itself is played here."""

    def __init__(self, **newer: Mapping[str, int | None]) -> None:
        self.files = {project: {**found, **newer.get(project, {})} for project, found in OLD.items()}

    def get_project_page(self, project: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - as pypi_simple
        return SimpleNamespace(
            packages=[
                SimpleNamespace(
                    version=version,
                    upload_time=day and datetime(2026, 11, day, 12, tzinfo=UTC),
                    is_yanked=version == "1.0.40",
                    requires_python=">=3.13" if version == "9.0.0" else None,
                )
                for version, day in self.files[project].items()
            ]
        )


@pytest.fixture(autouse=True)
def no_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The companions have no dates: PyPI does not know these releases."""
    monkeypatch.setattr(companions, "releases", lambda _pair, **_: [f"{name}==1.0" for name in companions.NAMES])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "matrix.yaml"
    file.write_text(MATRIX)
    return file


def news(path: Path, *argv: str, **newer: Mapping[str, int | None]) -> ReleasesCommand:
    return ReleasesCommand.of(["--matrix", str(path), *argv], TODAY, Index(**newer))


def test_what_is_newer_is_told_with_its_day_and_what_no_pair_names_is_counted(path: Path) -> None:
    found = news(path, transformers={"5.24.0": 10, "5.25.0": 20, "6.0.0rc1": 1, "9.0.0": 1}, timm={"1.0.40": 1})
    assert list(found.lines()) == [
        f"transformers: 2 releases newer than 5.23.0, the newest of {path}",
        "  5.24.0 (2026-11-10)",
        "  5.25.0 (2026-11-20; cooling down for 7 days)",
        "  in no pair: 1 release between the oldest and the newest",
        f"timm: 0 releases newer than 1.0.31, the newest of {path}",
        "To add, with its catalog and lock: transformers5.24.0-timm1.0.31; nox -s releases -- --write does it.",
    ]


def test_a_development_version_is_no_release_beside_which_others_are_old(path: Path) -> None:
    row = '  - {transformers: "5.26.0.dev0 @ git+https://host/x@main", timm: "1.0.31"}\n'
    path.write_text(MATRIX.replace("current:", f"{row}current:"))
    found = news(path, transformers={"5.24.0": 10})
    assert (found.pair and found.pair.id) == "transformers5.24.0-timm1.0.31"


def test_without_news_there_is_no_pair(path: Path) -> None:
    found = news(path)
    assert found.pair is None
    assert list(found.lines())[-1] == "No pair to add."


@pytest.mark.parametrize(
    ("days", "newer", "pair"),
    [
        ("5", {"transformers": {"5.24.0": 20}}, "transformers5.24.0-timm1.0.31"),
        ("6", {"transformers": {"5.24.0": 20}}, None),
        ("0", {"transformers": {"5.24.0": 25}, "timm": {"1.0.32": 25}}, "transformers5.24.0-timm1.0.32"),
        ("7", {"transformers": {"5.24.0": 25}, "timm": {"1.0.32": 5}}, "transformers5.23.0-timm1.0.32"),
        ("0", {"transformers": {"5.24.0": None}}, None),
    ],
    ids=["just cool", "not yet", "both", "one of two", "without a date"],
)
def test_the_pair_to_add_is_of_the_newest_that_have_cooled_down(
    path: Path, days: str, newer: dict[str, Any], pair: str | None
) -> None:
    found = news(path, "--cool-down", days, **newer).pair
    assert (found and found.id) == pair


def test_a_pair_is_added_after_the_last_and_all_else_stays_as_it_is(path: Path) -> None:
    found = news(path, "--cool-down", "0", transformers={"5.24.0": 24}).pair
    assert found is not None
    before, after = path.read_text().splitlines(), added(path, found, TODAY).splitlines()
    (at,) = [at for at, line in enumerate(after) if line not in before]
    assert after[:at] + after[at + 1 :] == before
    assert after[at] == '  - {transformers: "5.24.0", timm: "1.0.31", note: "added by nox -s releases on 2026-11-25"}'
    assert "5.23.0" in after[at - 1]


def test_a_file_that_ends_with_its_pairs_gets_a_line_more(path: Path) -> None:
    found = news(path, "--cool-down", "0", transformers={"5.24.0": 24}).pair
    assert found is not None
    path.write_text('current: x\npairs:\n  - {transformers: "5.23.0", timm: "1.0.31"}')
    assert len(added(path, found, TODAY).splitlines()) == 4


BLOCK = """\
pairs:  # a comment
    - transformers: "4.48.3"
      timm: "1.0.14"  # another

# the current one
current: x
"""


def test_a_pair_is_added_where_rows_are_blocks_too(path: Path) -> None:
    found = news(path, "--cool-down", "0", transformers={"5.24.0": 24}).pair
    assert found is not None
    path.write_text(BLOCK)
    lines = added(path, found, TODAY).splitlines()
    assert lines[3].startswith('    - {transformers: "5.24.0"')
    assert [*lines[:3], *lines[4:]] == BLOCK.splitlines()


@pytest.mark.parametrize("text", ['pairs: [{transformers: "5.0.0", timm: "1.0.1"}]\n', "pairs: []\n", "current: x\n"])
def test_a_file_in_which_pairs_are_written_otherwise_is_left_alone(path: Path, text: str) -> None:
    found = news(path, "--cool-down", "0", transformers={"5.24.0": 24}).pair
    assert found is not None
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        added(path, found, TODAY)
    assert str(caught.value) == f"{path}: pairs: write them one a line, each after a dash, so that one can be added"


def pair_to_add(found: ReleasesCommand) -> Pair:
    assert found.pair is not None
    return found.pair


@pytest.mark.usefixtures("packaged")
def test_writing_makes_the_lock_and_then_the_pair(path: Path, tmp_path: Path) -> None:
    found = news(path, "--cool-down", "0", "--out", str(tmp_path / "locks"), transformers={"5.24.0": 24})
    said: list[str] = []
    found.write(pair_to_add(found), FakeEnvironment(), said.append)
    assert said[-1] == f"{path}: transformers5.24.0-timm1.0.31 added"
    assert [pair.id for pair in matrix.load(path).pairs][-1] == "transformers5.24.0-timm1.0.31"
    for name in ("transformers5.24.0-timm1.0.31.txt", "transformers5.24.0-timm1.0.31-companions.txt"):
        assert (tmp_path / "locks" / name).is_file()


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize("known", [False, True], ids=["a new timm", "one whose catalog is packaged"])
def test_writing_makes_the_catalog_and_the_fingerprints_of_a_timm_that_the_matrix_does_not_name_yet(
    path: Path,
    tmp_path: Path,
    small_catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
    known: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(fingerprints, "PACKAGED", tmp_path / "fingerprints")
    environment = FakeEnvironment(catalog=replace(small_catalog, timm="1.0.32"))
    environment.prints = Fingerprints("1.0.32", "2.14.1", 0, (1, 2), ())
    if known:
        catalog_history.add(replace(small_catalog, timm="1.0.32"))
    found = news(path, "--cool-down", "0", "--out", str(tmp_path / "locks"), timm={"1.0.32": 24})
    found.write(pair_to_add(found), environment, lambda _: None)
    assert catalog_history.releases() == ("1.0.31", "1.0.32")
    assert [made.name for made in fingerprints.PACKAGED.iterdir()] == ["timm-1.0.32.ndjson"]


@pytest.mark.usefixtures("packaged")
def test_a_pair_whose_lock_or_catalog_cannot_be_made_is_not_added(path: Path, tmp_path: Path) -> None:
    found = news(path, "--cool-down", "0", "--out", str(tmp_path), timm={"1.0.32": 24})
    with pytest.raises(InstallationError):
        found.write(pair_to_add(found), FakeEnvironment(problem=InstallationError("no network")), print)
    assert path.read_text() == MATRIX
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".unfinished"] == []


def test_an_index_that_cannot_be_asked_is_one_error(path: Path) -> None:
    class Silent(Index):
        def get_project_page(self, project: str, timeout: float | None = None) -> Any:  # noqa: ARG002
            raise OSError("no route to host")

    with pytest.raises(BadInput) as caught:
        ReleasesCommand.of(["--matrix", str(path)], TODAY, Silent())
    assert str(caught.value) == "PyPI cannot be asked for transformers: no route to host; try again later"


def test_a_number_of_days_that_is_none_is_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="'soon' is no number of days; give 0 to 36,500"):
        news(path, "--cool-down", "soon")
