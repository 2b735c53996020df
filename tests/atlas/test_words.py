"""An answer in words."""

import json

import pytest

from harness.atlas.answer import Answer, Part, State
from harness.atlas.moving import as_json
from harness.atlas.words import lines

MEASURED = "measured on 2026-11-29"


def answer(*parts: Part) -> Answer:
    return Answer("5.23.0", "1.0.31", "cpu-float32", parts, (("5.20.0", "1.0.31"),))


def words(*parts: Part) -> str:
    return "\n".join(lines(answer(*parts)))


def test_the_first_line_says_how_many_cases_are_how() -> None:
    parts = [Part("tower", f"m{at}", State.WORKS, f"m{at}") for at in range(6)]
    said = words(*parts, Part("hub", "m0", State.BROKEN, "m0", because="keys: renamed"))
    assert said.startswith("transformers 5.23.0 with timm 1.0.31 in cpu-float32: broken: 1, works: 6, of 7 cases.\n")
    assert "✔ works: tower (6 models)" in said
    assert "  keys: renamed\n    hub (m0)" in said
    assert "Nearest pairs on record that are as good for this as any: transformers 5.20.0 with timm 1.0.31." in said


def test_a_cause_is_told_once_with_what_to_do_and_whom_it_concerns() -> None:
    said = words(
        Part("tower", "a", State.REMEDY, "a", mended=("buffers-in-own-model",), basis=MEASURED),
        Part("tower", "b", State.REMEDY, "a", mended=("buffers-in-own-model",), basis=MEASURED),
    )
    assert said.count("leaves non-persistent buffers uninitialised, timm's and your own (transformers >=5.0)") == 1
    assert "    https://github.com/huggingface/transformers/issues/48892\n    tower (a; b, as a)" in said
    assert said.endswith("Measured on 2026-11-29.\na was run for b: it is of its kind.")
    assert "Nearest" not in said


def test_what_is_not_known_comes_with_the_command_that_tells() -> None:
    unknown = Part("tower", "a", State.UNKNOWN, because="not measured, nor on both sides of it")
    assert words(unknown).endswith(
        "To know: nox -s pair -- transformers==5.23.0 timm==1.0.31 --lane cpu-float32 --route tower --model a"
    )
    assert "--route tower --model a" in words(unknown, Part("hub", "a", State.WORKS, "a"))


@pytest.mark.parametrize(
    ("route", "lane", "lanes"),
    [
        ("trainer", "cpu-float32", "--lane cpu-float32-companions"),
        ("adapter", "cpu-bfloat16", "--lane cpu-float32-companions"),
        ("tower", "cuda-float16", "--lane cuda-float16"),
    ],
)
def test_what_needs_a_companion_is_measured_in_a_lane_of_its_own(route: str, lane: str, lanes: str) -> None:
    given = Answer("5.23.0", "1.0.31", lane, (Part(route, "a", State.UNKNOWN),), ())
    assert "\n".join(lines(given)).endswith(f"timm==1.0.31 {lanes} --route {route} --model a")


def test_numbers_that_changed_in_timm_are_told_apart_from_what_is_broken() -> None:
    said = words(Part("tower", "a", State.WORKS, "a", changed=("timm-xcit-dropout", "gone")))
    assert "timm itself computes otherwise than older releases:\n  a: " in said
    assert "  a: gone" in said


def test_nothing_measured_is_said() -> None:
    assert words().startswith("transformers 5.23.0 with timm 1.0.31 in cpu-float32: nothing was measured")


def test_json_has_the_whole_answer_and_its_causes() -> None:
    given = answer(Part("tower", "a", State.REMEDY, "a", mended=("buffers-in-own-model",)))
    content = json.loads(as_json(given))
    assert content["state"] == "works with a remedy"
    assert content["parts"][0]["mended"] == ["buffers-in-own-model"]
    assert content["causes"]["buffers-in-own-model"]["transformers"] == ">=5.0"


def test_of_a_broken_model_what_a_remedy_mends_is_told_apart() -> None:
    said = words(Part("tower", "a", State.BROKEN, "a", rules=("gone",), mended=("buffers-in-own-model",)))
    first, second = said.split("◑ beside that, with a remedy:")
    assert "gone, a cause that matrix.yaml no longer has" in first
    assert "non-persistent buffers" not in first
    assert "non-persistent buffers" in second


def test_of_many_models_of_a_pair_that_was_not_measured_the_quick_ones_tell() -> None:
    parts = tuple(Part("tower", f"m{at}", State.UNKNOWN) for at in range(13))

    def command(*, is_measured: bool) -> str:
        return "\n".join(lines(Answer("5.23.0", "1.0.31", "cpu-float32", parts, (), is_measured)))

    assert command(is_measured=False).endswith("--lane cpu-float32 --route tower --quick --variant safetensors")
    assert command(is_measured=True).endswith("--model m11 --model m12")
