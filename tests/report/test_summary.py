"""What a summary says at its top, in words."""

from typing import Any

import pytest

from harness.config.errors import BadInput, ExitCode
from harness.report.summary import MEANING
from tests.summaries import NEW, OLD, Results, cases, summary

GREEN: Results = {"tower/m0": ("passed", None)}
NOT_RUN: Results = {"tower/m0": ("not-run", "no CUDA device")}


@pytest.mark.parametrize(
    ("results", "more", "told"),
    [
        (GREEN, {}, "As expected (exit code 0)."),
        (NOT_RUN, {}, "Nothing was run (exit code 0)."),
        ({"tower/m0": ("keys", None)}, {}, "1 regressed. Not everything is as expected (exit code 1)."),
        (GREEN, {"failed": True}, "As expected. A session failed (exit code 1)."),
        (
            GREEN,
            {"problems": [BadInput("no")]},
            "1 pair left out. Something in the input cannot be used (exit code 2).",
        ),
        ({}, {}, "Nothing was run. Nothing was selected (exit code 3)."),
        ({"tower/m0": None}, {}, "1 incomplete. Not everything has a result (exit code 4)."),
    ],
    ids=["green", "not run", "regressed", "a session failed", "bad input", "no case", "incomplete"],
)
def test_what_an_exit_code_means_is_said_in_words_before_the_code(
    results: Results, more: dict[str, Any], told: str
) -> None:
    assert summary(cases(NEW, results), **more).verdict == told


def test_every_exit_code_but_0_has_a_meaning() -> None:
    assert {ExitCode.AS_EXPECTED, *MEANING} == set(ExitCode)


@pytest.mark.parametrize(
    ("pairs", "title"),
    [
        ([NEW], "As expected on transformers 5.23.0 with timm 1.0.31"),
        ([OLD, NEW], "As expected on transformers 4.48.3 with timm 1.0.14 and transformers 5.23.0 with timm 1.0.31"),
        ([OLD, NEW, NEW.replace("5.23.0", "5.23.1")], "As expected on 3 pairs"),
        ([], "Nothing was run"),
    ],
    ids=["a pair", "two pairs", "more", "none"],
)
def test_the_title_names_the_result_and_then_the_pairs(pairs: list[str], title: str) -> None:
    assert summary([case for pair in pairs for case in cases(pair, GREEN)]).title == title
