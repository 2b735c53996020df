"""What the documentation says of a word."""

import json

import pytest

from harness.__main__ import main
from harness.atlas.rules import known
from harness.commands.answers import explain
from harness.contract.case import Outcome
from harness.contract.routes import OWN, ROUTES
from harness.results.judging import Verdict


@pytest.mark.parametrize(
    "word", [*(route for route in ROUTES if route != OWN), *map(str, Outcome), *map(str, Verdict), *known()]
)
def test_every_route_outcome_verdict_and_rule_is_explained(word: str) -> None:
    first, *_ = explain.look_up(word)
    assert len(first.says) > 20


def test_a_rule_is_told_with_its_releases_its_remedy_and_where_it_is_tracked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "gamma-renamed"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"gamma-renamed: {known()['gamma-renamed'].because}"
    assert "  Releases: transformers <4.49" in lines
    assert any("pytorch-image-models/issues/2324" in line for line in lines)


def test_a_word_on_two_pages_is_told_by_both(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "unsupported"])
    assert capsys.readouterr().out.count("\n") >= 2


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "tower", "--json"])
    [entry] = json.loads(capsys.readouterr().out)
    assert entry["page"] == "routes-and-variants.md"


@pytest.mark.parametrize(
    ("word", "why"),
    [("towr", "the documentation has no 'towr'; near: tower"), ("zzzzzz", "name a route, an outcome or a rule")],
)
def test_an_unknown_word_is_one_error(word: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", word]) == 2
    assert why in capsys.readouterr().err
