"""When releases appeared decides the date of a resolution. PyPI itself is played here."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pypi_simple import NoSuchProjectError

from harness import releases
from harness.errors import BadInput

AS_OF = date(2026, 11, 20)
END = datetime(2026, 11, 20, 23, 59, 59, 999999, UTC)


class Index:
    """Two projects, whose files appeared on these days of November."""

    files: ClassVar[dict[str, list[tuple[str | None, int | None]]]] = {
        "transformers": [("5.22.0", 2), ("5.23.0", 21), ("5.23.0", 22), ("5.24.0rc1", 23), (None, 24), ("old", 24)],
        "timm": [("1.0.31", 3), ("1.0.32", None)],
    }

    def get_project_page(self, project: str) -> Any:
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
    assert releases.day_of(pins, AS_OF, Index()) == moment


@pytest.mark.parametrize(
    ("pin", "newest"),
    [("transformers==9.9.9", "5.24.0rc1, 5.23.0, 5.22.0"), ("timm==1.0.32", "1.0.32, 1.0.31"), ("tomm==1.0", "none")],
    ids=["no such release", "one without a date", "no such project"],
)
def test_a_release_that_does_not_exist_is_bad_input_with_those_there_are(pin: str, newest: str) -> None:
    with pytest.raises(BadInput) as caught:
        releases.day_of([pin], AS_OF, Index())
    assert str(caught.value) == f"{pin}: there is no such release on PyPI; the newest are {newest}"


def test_a_day_ends_where_pypi_is() -> None:
    assert releases.end_of(AS_OF) == END
