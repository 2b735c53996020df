"""What the atlas answers, and what it does not know."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from harness.atlas.answer import ANY, Answer, Part, State
from harness.atlas.asking import ask
from harness.atlas.entries.entry import Cause, LaneEntry, PairEntry, RouteEntry
from harness.atlas.entries.pair_files import write
from harness.atlas.entries.parts import AS_BEFORE
from harness.config.errors import BadInput

ATTO, EVA, FEMTO = "convnext_atto", "eva02_tiny_patch14_224", "convnext_femto"
MODELS = (ATTO, EVA)
LANE = "cpu-float32"
Measure = Callable[..., None]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Write what was measured of a pair on the route tower."""

    def write_entry(transformers: str, timm: str, *causes: Cause, failed: str | None = None, **more: Any) -> None:
        named = [more.get("open", ()), *more.get("unsupported", {}).values(), *(cause.models for cause in causes)]
        passed = len(set(MODELS) - {model for models in named for model in models})
        tower = RouteEntry("tower", "d", MODELS, passed, causes=causes, **more)
        lane = LaneEntry(LANE, "2026-11-29", "narrow", {} if failed else {"tower": tower}, failed)
        versions = {"transformers": transformers, "timm": timm, "torch": "2.14.1"}
        write(PairEntry(versions, {LANE: lane}), tmp_path)

    return write_entry


@pytest.fixture
def answer(tmp_path: Path) -> Callable[..., Answer]:
    def asked(transformers: str, timm: str, models: Iterable[str] = (), **more: str) -> Answer:
        return ask(transformers, timm, list(models), ["tower"], folder=tmp_path, **more)

    return asked


def broken(*models: str, rules: tuple[str, ...] = ("renamed",), remedied: bool = False, finding: str = "") -> Cause:
    return Cause("keys", ("",), rules, models, remedied, finding)


def of(answer: Answer) -> dict[str, State]:
    return {part.model: part.state for part in answer.parts}


def test_what_was_measured_is_told_as_it_was(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31", broken(EVA, remedied=True))
    found = answer("5.23.0", "1.0.31")
    assert found.parts == (
        Part("tower", ATTO, State.WORKS, ATTO, basis="measured on 2026-11-29"),
        Part("tower", EVA, State.REMEDY, EVA, mended=("renamed",), basis="measured on 2026-11-29"),
    )
    assert (found.state, found.exit_code) == (State.REMEDY, 0)


def test_one_cause_without_a_remedy_makes_it_broken(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31", broken(EVA, remedied=True), broken(EVA, rules=("lost",)))
    [part] = answer("5.23.0", "1.0.31", [EVA]).parts
    assert (part.state, part.rules, part.mended) == (State.BROKEN, ("lost",), ("renamed",))
    assert answer("5.23.0", "1.0.31").exit_code == 1
    assert answer("5.23.0", "1.0.31", [ATTO]).exit_code == 0


def test_what_no_rule_explains_is_broken_whatever_else_is_mended(
    measure: Measure, answer: Callable[..., Answer]
) -> None:
    measure("5.23.0", "1.0.31", broken(EVA, rules=(), finding="keys in tower: renamed"))
    [part] = answer("5.23.0", "1.0.31", [EVA]).parts
    assert (part.state, part.because) == (State.BROKEN, "keys in tower: renamed")


def test_other_numbers_of_timm_itself_break_nothing(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31", Cause("outputs", (AS_BEFORE,), ("timm-poolings",), (EVA,)))
    [part] = answer("5.23.0", "1.0.31", [EVA]).parts
    assert (part.state, part.changed, part.rules) == (State.WORKS, ("timm-poolings",), ())
    measure("5.23.0", "1.0.31", Cause("outputs", (AS_BEFORE,), (), (EVA,), finding="outputs: other"))
    assert of(answer("5.23.0", "1.0.31", [EVA])) == {EVA: State.BROKEN}


def test_a_model_of_the_same_kind_stands_for_another(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31")
    [part] = answer("5.23.0", "1.0.31", ["convnext_femto"]).parts
    assert (part.model, part.measured, part.state) == ("convnext_femto", ATTO, State.WORKS)
    assert of(answer("5.23.0", "1.0.31", ["cait_m36_384"])) == {"cait_m36_384": State.UNKNOWN}


def test_a_case_without_a_result_is_not_known(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31", open=(EVA,))
    assert of(answer("5.23.0", "1.0.31")) == {ATTO: State.WORKS, EVA: State.UNKNOWN}
    assert answer("5.23.0", "1.0.31").exit_code == 4


def test_what_a_pair_cannot_have_is_unsupported_and_no_harm(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31", unsupported={"MODEL is an encoder": (EVA,)})
    [_, part] = answer("5.23.0", "1.0.31").parts
    assert (part.state, part.because) == (State.UNSUPPORTED, f"{EVA} is an encoder")
    assert answer("5.23.0", "1.0.31").exit_code == 0


def test_a_pair_that_cannot_be_installed_is_broken(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.22.0", "1.0.31")
    measure("5.23.0", "1.0.31", failed="no wheel for this Python")
    found = answer("5.23.0", "1.0.31", [ATTO])
    assert [(part.state, part.because) for part in found.parts] == [(State.BROKEN, "no wheel for this Python")]


@pytest.mark.parametrize(
    ("below", "above", "between"),
    [
        (("5.20.0", "1.0.31"), ("5.23.0", "1.0.31"), ("5.21.0", "1.0.31")),
        (("5.23.0", "1.0.27"), ("5.23.0", "1.0.31"), ("5.23.0", "1.0.29")),
    ],
    ids=["of transformers", "of timm"],
)
def test_between_two_pairs_that_agree_their_answer_is_given_and_said_to_be_that(
    measure: Measure,
    answer: Callable[..., Answer],
    below: tuple[str, str],
    above: tuple[str, str],
    between: tuple[str, str],
) -> None:
    measure(*below, broken(EVA))
    measure(*above, broken(EVA))
    [part] = answer(*between, [EVA]).parts
    assert (part.state, part.rules) == (State.BROKEN, ("renamed",))
    assert part.basis.startswith("not measured; ")
    assert part.basis.endswith("on either side agree")


def test_between_two_pairs_that_differ_nothing_is_known(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.20.0", "1.0.31", broken(EVA))
    measure("5.23.0", "1.0.31")
    [part] = answer("5.21.0", "1.0.31", [EVA]).parts
    assert part.state is State.UNKNOWN
    assert part.because == "not measured; transformers 5.20.0 and 5.23.0 on either side differ: broken and works"


def test_beyond_the_last_measured_pair_nothing_is_known(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.20.0", "1.0.31")
    measure("5.23.0", "1.0.31")
    for transformers in ("5.24.0", "5.19.0"):
        assert of(answer(transformers, "1.0.31", [ATTO])) == {ATTO: State.UNKNOWN}
    assert of(answer("5.21.0", "1.0.30", [ATTO])) == {ATTO: State.UNKNOWN}
    with pytest.raises(BadInput, match="nothing was measured in a lane cuda-float32; measured: cpu-float32"):
        answer("5.20.0", "1.0.31", [ATTO], lane="cuda-float32")


@pytest.mark.parametrize(
    ("timm", "route", "why"),
    [
        ("1.0.31", "vlm", "the pair was measured, but neither this model nor one that stands for it"),
        ("1.0.31", "trainer", "not measured: it needs accelerate beside the pair"),
        ("1.0.30", "tower", "not measured, nor on both sides of it"),
    ],
)
def test_why_nothing_is_known_is_said(measure: Measure, tmp_path: Path, timm: str, route: str, why: str) -> None:
    measure("5.23.0", "1.0.31")
    [part] = ask("5.23.0", timm, [ATTO], [route], folder=tmp_path).parts
    assert (part.state, part.because) == (State.UNKNOWN, why)


def test_the_nearest_good_pairs_are_named(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31", broken(EVA))
    measure("5.22.0", "1.0.31", broken(EVA, remedied=True))
    measure("5.10.0", "1.0.31")
    measure("4.57.6", "1.0.31")
    nearest = answer("5.23.0", "1.0.31", [EVA]).nearest
    assert nearest == (("5.22.0", "1.0.31"), ("5.10.0", "1.0.31"), ("4.57.6", "1.0.31"))


def test_without_models_those_of_the_nearest_pair_are_asked(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31")
    assert of(answer("5.30.0", "1.0.31")) == dict.fromkeys(MODELS, State.UNKNOWN)


def test_an_open_case_between_two_green_ones_stays_open(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.20.0", "1.0.31")
    measure("5.22.0", "1.0.31", open=(ATTO,))
    measure("5.23.0", "1.0.31")
    assert of(answer("5.22.0", "1.0.31", [ATTO])) == {ATTO: State.UNKNOWN}
    assert answer("5.24.0", "1.0.31", [ATTO]).nearest == (("5.23.0", "1.0.31"), ("5.20.0", "1.0.31"))


def test_a_rule_that_names_releases_between_is_heeded(measure: Measure, answer: Callable[..., Answer]) -> None:
    for transformers in ("4.57.6", "5.1.0"):
        measure(transformers, "1.0.27")
    [part] = answer("5.0.0", "1.0.27", [EVA]).parts  # from 5.0 on, a rule says
    assert part.because.endswith("agree, and a rule of matrix.yaml names releases between")


def test_what_one_axis_says_and_the_other_denies_is_not_known(measure: Measure, answer: Callable[..., Answer]) -> None:
    for releases in (("5.20.0", "1.0.30"), ("5.23.0", "1.0.30")):
        measure(*releases)
    for releases in (("5.21.0", "1.0.29"), ("5.21.0", "1.0.31")):
        measure(*releases, broken(ATTO))
    assert of(answer("5.21.0", "1.0.30", [ATTO])) == {ATTO: State.UNKNOWN}


@pytest.mark.parametrize("version", ["5.21.0.dev0", "5.21.0rc1", "5.21.0+x1"])
def test_of_what_is_no_release_only_measuring_tells(
    measure: Measure, answer: Callable[..., Answer], version: str
) -> None:
    measure("5.20.0", "1.0.31")
    measure("5.23.0", "1.0.31")
    assert of(answer(version, "1.0.31", [ATTO])) == {ATTO: State.UNKNOWN}


def test_a_release_may_be_spelled_otherwise(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31")
    for spelled in ("5.23", "v5.23.0", "5.23.0.0"):
        assert of(answer(spelled, "1.0.31", [ATTO])) == {ATTO: State.WORKS}


def test_none_stands_for_another_where_few_were_tried(tmp_path: Path) -> None:
    others = tuple(f"m{at}" for at in range(6))
    towers = {"tower": RouteEntry("tower", "d", (ATTO, *others), 7), "vlm": RouteEntry("vlm", "d", (ATTO,), 1)}
    lane = LaneEntry(LANE, "2026-11-29", "narrow", towers)
    write(PairEntry({"transformers": "5.23.0", "timm": "1.0.31", "torch": "2.14.1"}, {LANE: lane}), tmp_path)
    found = ask("5.23.0", "1.0.31", [ATTO, "convnext_femto"], ["vlm"], folder=tmp_path)
    assert of(found) == {ATTO: State.WORKS, "convnext_femto": State.UNKNOWN}


def test_a_route_that_nobody_measured_is_not_known(measure: Measure, tmp_path: Path) -> None:
    measure("5.23.0", "1.0.31")
    found = ask("5.23.0", "1.0.31", routes=["tower", "trainer"], folder=tmp_path)
    assert [(part.model, part.state) for part in found.parts if part.route == "trainer"] == [(ANY, State.UNKNOWN)]
    assert found.exit_code == 4


def test_what_is_supported_nowhere_does_not_work(measure: Measure, answer: Callable[..., Answer]) -> None:
    measure("5.23.0", "1.0.31", unsupported={"MODEL is an encoder": (EVA,)})
    assert answer("5.23.0", "1.0.31", [EVA]).exit_code == 1


@pytest.mark.parametrize(
    ("transformers", "models", "routes", "why"),
    [
        ("latest", [], [], "transformers==latest is no release"),
        ("9" * 400, [], [], "9 is no release"),
        ("5.23.0", [], ["towr"], "there is no route towr"),
        ("5.23.0", ["convnext_ato"], [], "has no LayerScale model convnext_ato.*near: convnext_atto"),
    ],
)
def test_what_does_not_exist_is_one_error_with_what_there_is(
    transformers: str, models: list[str], routes: list[str], why: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=why):
        ask(transformers, "1.0.31", models, routes, folder=tmp_path)
