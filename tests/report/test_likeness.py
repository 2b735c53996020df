"""What is said of cases that were not run, since their model is another once slim."""

from dataclasses import replace

from harness.report.formats.columns import NONE, data
from harness.report.likeness import remarks
from harness.results.verdict import Judged
from tests.summaries import NEW, cases, summary


def judged(same_as: str | None) -> list[Judged]:
    ran, other = cases(NEW, {"tower/a": ("passed", None), "tower/b": ("passed", None)})
    return [ran, replace(other, record={**(other.record or {}), "same_as": same_as, "seconds": None})]


def test_what_was_not_run_is_counted_in_words() -> None:
    (told,) = remarks(judged("tower/a"))
    assert told.startswith("1 case of a model that is another once slim: not run, but recorded as that one's.")
    assert list(remarks(judged(None))) == []


def test_the_page_knows_as_which_model_it_was_run() -> None:
    known = data(summary(judged("tower/a")))
    assert known["cases"]["same_as"] == [NONE, known["models"].index("a")]
