"""When releases appeared decides the date of a resolution. PyPI itself is played here."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from packaging.version import Version
from pypi_simple import NoSuchProjectError

from harness.config.errors import BadInput
from harness.environments import pypi

AS_OF = date(2026, 11, 20)
END = datetime(2026, 11, 20, 23, 59, 59, 999999, UTC)


class Index:
    """Two projects, whose files appeared on these days of November."""

    files: ClassVar[dict[str, list[tuple[str | None, int | None]]]] = {
        "transformers": [("5.22.0", 2), ("5.23.0", 21), ("5.23.0", 22), ("5.24.0rc1", 23), (None, 24), ("old", 24)],
        "timm": [("1.0.31", 3), ("1.0.32", None)],
    }

    def get_project_page(self, project: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - as pypi_simple
        if project not in self.files:
            raise NoSuchProjectError(project, "nowhere")
        return SimpleNamespace(
            packages=[
                SimpleNamespace(version=version, upload_time=day and datetime(2026, 11, day, 12, tzinfo=UTC))
                for version, day in self.files[project]
            ]
        )


@pytest.mark.parametrize(
    ("pins", "moment"),
    [
        (["transformers==5.22.0", "timm==1.0.31"], END),
        (["transformers==5.23.0", "timm==1.0.31"], datetime(2026, 11, 22, 12, tzinfo=UTC)),
        (["transformers==5.24.0rc1"], datetime(2026, 11, 23, 12, tzinfo=UTC)),
    ],
    ids=["older", "one is younger: its last file", "a pre-release"],
)
def test_the_date_moves_on_to_the_youngest_release(pins: list[str], moment: datetime) -> None:
    assert pypi.moment_of(pins, AS_OF, Index()) == moment


@pytest.mark.parametrize(
    ("pin", "newest"),
    [("transformers==9.9.9", "5.24.0rc1, 5.23.0, 5.22.0"), ("timm==1.0.32", "1.0.32, 1.0.31"), ("tomm==1.0", "none")],
    ids=["no such release", "one without a date", "no such project"],
)
def test_a_release_that_does_not_exist_is_bad_input_with_those_there_are(pin: str, newest: str) -> None:
    with pytest.raises(BadInput) as caught:
        pypi.moment_of([pin], AS_OF, Index())
    assert str(caught.value) == f"{pin}: there is no such release on PyPI; the newest are {newest}"


class Line:
    """A project's files: version, whether yanked, the Python that it asks for."""

    files = (
        ("1.0.0", False, ">=3.8"),
        ("1.1.0", True, None),
        ("1.2.0rc1", False, None),
        ("1.2.0", False, ">=3.6.*"),
        ("1.3.0", False, ">=3.12"),
        ("1.4", False, "<4"),
        ("1.5.0", True, None),
    )

    def get_project_page(self, project: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - as pypi_simple
        return SimpleNamespace(
            packages=[
                SimpleNamespace(
                    version=version,
                    upload_time=datetime(2026, 11, at + 1, tzinfo=UTC),
                    is_yanked=yanked,
                    requires_python=python,
                )
                for at, (version, yanked, python) in enumerate(self.files)
            ]
        )


def test_between_two_releases_are_those_that_this_python_can_run_oldest_first() -> None:
    found = pypi.between("timm", ("1.5.0", "1.0"), "3.11", Line())
    assert [(one.version, one.day) for one in found] == [
        ("1.0.0", date(2026, 11, 1)),
        ("1.2.0", date(2026, 11, 4)),
        ("1.4", date(2026, 11, 6)),
        ("1.5.0", date(2026, 11, 7)),
    ]


@pytest.mark.parametrize(
    ("oldest", "versions"),
    [
        ("1.0.0", ["1.0.0", "1.2.0", "1.4"]),
        ("1.0.1", ["1.2.0", "1.4"]),
        ("1.2", ["1.2.0", "1.4"]),
        ("1.4.0", ["1.4"]),
        ("1.4.0.post1", []),
        ("1.5.0", []),
    ],
    ids=["the first", "no release", "written shorter", "the last", "newer than any", "one that was yanked"],
)
def test_since_a_release_are_it_and_those_after_it_that_this_python_can_run(oldest: str, versions: list[str]) -> None:
    assert [release.version for release in pypi.since("timm", Version(oldest), "3.11", Line())] == versions


def test_since_a_release_each_has_the_day_of_its_last_file_or_none() -> None:
    class Days:
        """Two releases: one of two files, one whose files the index gives no date."""

        def get_project_page(self, project: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - as pypi_simple
            assert project == "timm"
            files = [("1.1", None), ("1.0", 5), ("1.0", 3)]
            return SimpleNamespace(
                packages=[
                    SimpleNamespace(
                        version=version,
                        upload_time=day and datetime(2026, 11, day, tzinfo=UTC),
                        is_yanked=False,
                        requires_python=None,
                    )
                    for version, day in files
                ]
            )

    assert pypi.since("timm", Version("1.0"), "3.11", Days()) == [
        pypi.Release("1.0", date(2026, 11, 5)),
        pypi.Release("1.1", None),
    ]


@pytest.mark.parametrize(
    ("ends", "problems"),
    [
        (("1.0.0", "2.0"), ["timm==2.0: there is no such release on PyPI; the newest are 1.5.0, 1.4, 1.3.0"]),
        (("1.3.0", "1.4"), ["timm==1.3.0: Python 3.11 cannot run it; it requires Python >=3.12"]),
        (
            ("0.9", "1.3.0"),
            [
                "timm==0.9: there is no such release on PyPI; the newest are 1.5.0, 1.4, 1.3.0",
                "timm==1.3.0: Python 3.11 cannot run it; it requires Python >=3.12",
            ],
        ),
    ],
    ids=["none", "another Python", "both"],
)
def test_an_end_that_cannot_be_is_refused(ends: tuple[str, str], problems: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        pypi.between("timm", ends, "3.11", Line())
    assert str(caught.value).splitlines() == problems


def test_a_day_ends_where_pypi_is() -> None:
    assert pypi.end_of(AS_OF) == END


def test_the_index_is_asked_for_the_project_and_is_not_waited_for_without_end() -> None:
    requests: list[tuple[str, float | None]] = []

    class Listening(Line):
        def get_project_page(self, project: str, timeout: float | None = None) -> Any:
            requests.append((project, timeout))
            return super().get_project_page(project, timeout)

    pypi.between("timm", ("1.0.0", "1.4"), "3.11", Listening())
    pypi.since("transformers", Version("1.0"), "3.11", Listening())
    pypi.moment_of(["torch==1.4"], AS_OF, Listening())
    assert requests == [("timm", 30.0), ("transformers", 30.0), ("torch", 30.0)]
