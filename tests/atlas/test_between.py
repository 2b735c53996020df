"""What the measured pairs on either side of a pair tell of it."""

from dataclasses import replace

import pytest

from harness.atlas.answer import Part, Releases, State
from harness.atlas.between import Place, unknown

WORKS = Part("tower", "convnext_atto", State.WORKS, "convnext_atto", basis="measured on 2026-11-29")
BROKEN = replace(WORKS, state=State.BROKEN, rules=("keys",))
BELOW, NEARER, ABOVE = ("5.1.0", "1.0.31"), ("5.2.0", "1.0.31"), ("5.4.0", "1.0.31")


def place_of(parts: dict[Releases, Part]) -> Place:
    return Place(0, (NEARER, BELOW), (ABOVE,), lambda releases, route, model: parts.get(releases))  # noqa: ARG005


def ends(parts: dict[Releases, Part]) -> object:
    return place_of(parts).ends("tower", "convnext_atto")


def test_two_that_agree_say_what_they_say_unless_a_rule_names_releases_between() -> None:
    basis = "not measured; transformers 5.2.0 and 5.4.0 on either side agree"
    ruled = unknown("tower", "convnext_atto", f"{basis}, and a rule of matrix.yaml names releases between")
    agreed = replace(WORKS, basis=basis)
    assert ends({NEARER: WORKS, ABOVE: WORKS, BELOW: BROKEN}) == (agreed, ruled, (NEARER, ABOVE))


def test_two_that_differ_say_nothing_whatever_rules_say() -> None:
    why = "not measured; transformers 5.2.0 and 5.4.0 on either side differ: works and broken"
    differ = unknown("tower", "convnext_atto", why)
    assert ends({NEARER: WORKS, ABOVE: BROKEN}) == (differ, differ, ())


def test_the_nearest_of_which_something_is_known_counts() -> None:
    found = ends({BELOW: BROKEN, ABOVE: BROKEN})
    assert isinstance(found, tuple)
    assert found[2] == (BELOW, ABOVE)


@pytest.mark.parametrize("parts", [{}, {NEARER: WORKS, BELOW: WORKS}, {ABOVE: WORKS}])
def test_one_side_alone_says_nothing(parts: dict[Releases, Part]) -> None:
    assert ends(parts) is None


def test_a_place_is_asked_once_for_all_pairs_in_it() -> None:
    parts = {NEARER: WORKS, ABOVE: WORKS}
    place = place_of(parts)
    before = place.ends("tower", "convnext_atto")
    parts.clear()
    assert place.ends("tower", "convnext_atto") is before
    assert place.ends("hub", "convnext_atto") is None
