"""Routes that somebody asks for on a command line."""

import pytest

from harness.config.asked_routes import problem


def test_routes_that_there_are_have_no_problem() -> None:
    assert problem(["tower", "hub"]) is None
    assert problem([]) is None


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        (["towr", "hub"], "there is no route towr; near: tower"),
        (["Tower"], "there is no route Tower; near: tower"),
        (["a\nb"], "there is no route a\\nb; there are wrapper, wrapper-features, "),
    ],
)
def test_one_that_there_is_not_is_said_with_what_is_near(routes: list[str], said: str) -> None:
    assert str(problem(routes)).startswith(said)
