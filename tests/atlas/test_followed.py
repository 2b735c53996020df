"""Cases that are followed from release to release by what was measured."""

from dataclasses import replace
from datetime import date

import pytest

from harness.atlas.entries.entry import Cause, LaneEntry, PairEntry, RouteEntry
from harness.atlas.followed import Followed, Question, narrowed
from harness.atlas.measured import Atlas
from harness.config.pair import Defaults, Pair
from harness.environments.pypi import Release
from harness.results.bisection import Answer

LANE, ATTO = "cpu-float32", "convnext_atto"
DEFAULTS = Defaults(python="3.11", torch="2.14.1", torchvision="0.29.1")
STILL = Pair(**DEFAULTS.model_dump(), transformers="5.23.0", timm="1.0.31", defaults=DEFAULTS)
KEYS = Cause("keys", ("",), ("gamma-renamed",), (ATTO,), remedied=True)
OTHER = Cause("error", ("",), ("another",), (ATTO,))
NUMBERS = Cause("outputs", ("as before",), ("timm-xcit-dropout",), (ATTO,))
OPEN = "open"


def measured(version: str, cause: Cause | str | None, **versions: str) -> PairEntry:
    causes, unknown = ((cause,) if isinstance(cause, Cause) else ()), ((ATTO,) if cause == OPEN else ())
    tower = RouteEntry("tower", "d", (ATTO,), 0 if cause else 1, open=unknown, causes=causes)
    lane = LaneEntry(LANE, f"2026-11-{version.replace('.', '')[:2]}", "narrow", {"tower": tower})
    return PairEntry({"transformers": version, "timm": "1.0.31", "torch": "2.14.1", **versions}, {LANE: lane})


def followed(*entries: PairEntry, alike: bool = False) -> Followed:
    question = Question(None, LANE, "transformers", STILL, "5.0.0", "5.6.0", [ATTO], ["tower"], alike)
    atlas = Atlas({entry.releases: entry for entry in entries}, LANE)
    return Followed(question, atlas, {("tower", ATTO): frozenset({"gamma-renamed"})})


@pytest.mark.parametrize(
    ("cause", "alike", "answer"),
    [
        (None, False, Answer.GOOD),
        (KEYS, False, Answer.BAD),
        (KEYS, True, Answer.BAD),
        (OTHER, False, Answer.BAD),
        (OTHER, True, None),
        (NUMBERS, False, None),
        (OPEN, False, None),
    ],
    ids=["works", "remedied", "the same cause", "another failure", "another cause", "other numbers", "no result"],
)
def test_what_was_measured_is_good_bad_or_open(
    cause: Cause | str | None, *, alike: bool, answer: Answer | None
) -> None:
    taken = followed(measured("5.1.0", cause), alike=alike).at("5.1.0")
    assert (taken.answer if taken else None) is answer
    assert taken is None or taken.day == "2026-11-51"


def test_what_was_measured_on_another_torch_says_nothing() -> None:
    assert followed(measured("5.1.0", None, torch="2.4.0")).at("5.1.0") is None
    assert followed().at("5.1.0") is None


def test_the_ends_say_which_cases_work_and_which_fail() -> None:
    found = followed(measured("5.0.0", None), measured("5.6.0", KEYS))
    assert Followed.of_ends(found.question, found.atlas) == found
    back = replace(found.question, good="5.6.0", bad="5.0.0")
    assert Followed.of_ends(back, found.atlas) is None


def test_releases_are_narrowed_to_two_that_differ() -> None:
    line = [Release(f"5.{minor}.0", date(2026, 1, minor + 1)) for minor in range(7)]
    found = followed(measured("5.0.0", None), measured("5.2.0", None), measured("5.5.0", KEYS))
    near, taken = narrowed(line, Answer.GOOD, found)
    assert [release.version for release in near] == ["5.2.0", "5.3.0", "5.4.0", "5.5.0"]
    assert {version: said.answer for version, said in taken.items()} == {
        "5.0.0": Answer.GOOD,
        "5.2.0": Answer.GOOD,
        "5.5.0": Answer.BAD,
    }
    assert narrowed(line, Answer.BAD, found) == (line, {})
    assert narrowed(line, Answer.GOOD, followed(measured("5.0.0", None))) == (line, {})
