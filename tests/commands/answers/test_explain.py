"""What the documentation says of a word."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

import pytest

from harness.__main__ import main
from harness.atlas import proof
from harness.atlas.answer import State
from harness.atlas.moving import Kind
from harness.atlas.rules import known
from harness.commands.answers import explain
from harness.commands.answers.explain import look_up
from harness.config.names import LANES, TRAITS, VARIANTS
from harness.contract.case import Outcome, Size
from harness.contract.routes import OWN, ROUTES
from harness.remedies.table import MOVE, NONE, REMEDIES
from harness.report.marks import MARKS
from harness.results.judging import Verdict

WORDS: Final[Mapping[str, Iterable[str]]] = {
    "route": (*ROUTES, OWN),
    "variant": VARIANTS,
    "lane": LANES,
    "size": Size,
    "outcome": Outcome,
    "verdict": Verdict,
    "mark": (mark.word for mark in MARKS),
    "state": State,
    "change": Kind,
    "bound": proof.State,
    "rule": known(),
    "remedy": (*REMEDIES, MOVE, NONE),
    "trait": TRAITS,
    "glossary": ("atlas", "route", "rule", "expectation", "red"),
}


@pytest.mark.parametrize(
    "word", [pytest.param(str(word), id=f"{kind} {word}") for kind, words in WORDS.items() for word in words]
)
def test_every_word_of_the_reports_is_explained(word: str) -> None:
    entries = explain.look_up(word)
    assert all(len(entry.says) > 8 for entry in entries)
    assert any(len(entry.says) > 15 for entry in entries)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("TOWER", "tower"),
        ("known-broken", "known broken"),
        ("Known_Broken", "known broken"),
        ("works_with-a remedy", "works with a remedy"),
        ("not run", "not-run"),
        ("Gamma-Keys", "gamma_keys"),
        ("load by exact names", "load_by_exact_names"),
        ("`hub`", "hub"),
    ],
)
def test_case_spaces_hyphens_and_underscores_make_no_difference(typed: str, word: str) -> None:
    assert explain.look_up(typed) == explain.look_up(word)


def test_a_word_that_another_table_of_the_page_explains_is_told_from_there() -> None:
    assert [entry.page for entry in explain.look_up("fixed")] == ["results.md"]
    assert "a rule applies" in explain.look_up("fixed")[0].says


def test_a_word_for_a_shell_has_no_space() -> None:
    assert {"known-broken", "works-with-a-remedy", "load_by_exact_names"} <= explain.words()
    assert not [word for word in explain.words() if " " in word]


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
    [
        ("towr", "the documentation has no 'towr'; near: tower"),
        ("Load_By_Exact_Name", "near: load_by_exact_names"),
        ("zzzzzz", "name a route, an outcome or a rule"),
    ],
)
def test_an_unknown_word_is_one_error(word: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", word]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shape", "word"), [("✘", "regressed"), ("\N{EN DASH}", "unsupported"), ("◑", "remedied"), ("≈", "drifted")]
)
def test_a_shape_is_explained_by_its_word(shape: str, word: str) -> None:
    assert look_up(shape) == look_up(word) != []
