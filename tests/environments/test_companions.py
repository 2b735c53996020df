"""Which releases of companions a pair gets. PyPI itself is played here."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from harness.config.errors import InstallationError, NoCompanion
from harness.config.pair import Defaults, Pair
from harness.environments import companions

PAIR = Pair(
    transformers="5.22.0",
    timm="1.0.31",
    torch="2.14.1",
    torchvision="0.29.1",
    python="3.11",
    defaults=Defaults(python="3.11", torch="2.14.1", torchvision="0.29.1"),
)


class Index:
    """Projects whose releases appeared on these days of November, for these Pythons."""

    files: ClassVar[dict[str, list[tuple[str, int, str]]]] = {
        "transformers": [("5.22.0", 10, "")],
        "timm": [("1.0.31", 3, "")],
        "accelerate": [("1.14.0", 2, ""), ("1.15.0", 9, ">=3.12"), ("1.16.0", 11, "")],
        "peft": [("0.20.0", 1, ">=3.10"), ("0.21.0", 10, ""), ("0.22.0rc1", 10, "")],
    }

    def get_project_page(self, project: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - as pypi_simple
        return SimpleNamespace(
            packages=[
                SimpleNamespace(
                    version=version,
                    upload_time=datetime(2026, 11, day, 12, tzinfo=UTC),
                    requires_python=python,
                    is_yanked=False,
                )
                for version, day, python in self.files.get(project, [])
            ]
        )


def test_each_is_the_newest_when_the_last_file_of_the_pair_appeared_that_its_python_can_run() -> None:
    assert companions.releases(PAIR, latest=False, index=Index()) == ["accelerate==1.14.0", "peft==0.21.0"]


def test_with_the_newest_releases_asked_for_any_counts() -> None:
    assert companions.releases(PAIR, latest=True, index=Index()) == ["accelerate", "peft"]


def test_one_without_a_release_on_that_day_is_named_with_the_day() -> None:
    class Earlier(Index):
        files: ClassVar = {**Index.files, "peft": [("0.21.0", 11, "")]}

    with pytest.raises(NoCompanion, match=r"peft had no release for Python 3.11 on 2026-11-10"):
        companions.releases(PAIR, latest=False, index=Earlier())


def test_without_an_answer_the_pair_cannot_be_installed() -> None:
    class Silent(Index):
        def get_project_page(self, project: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - as above
            raise OSError("no route to host")

    with pytest.raises(InstallationError, match="PyPI did not answer"):
        companions.releases(PAIR, latest=False, index=Silent())


def test_releases_that_do_not_go_together_are_no_companions_and_other_failures_stay() -> None:
    said = "Because peft==0.1 depends on transformers<4, we can conclude that your requirements are unsatisfiable."
    with pytest.raises(NoCompanion, match="do not go with transformers"), companions.refused(PAIR):
        raise InstallationError(said)
    with pytest.raises(InstallationError, match="no network"), companions.refused(PAIR):
        raise InstallationError("no network")
