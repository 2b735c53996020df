"""Whether a pin can be moved."""

from pathlib import Path
from typing import Any

import pytest

from harness.atlas.answer import Part, State
from harness.atlas.entries.entry import Cause, LaneEntry, PairEntry, RouteEntry
from harness.atlas.entries.pair_files import write
from harness.atlas.moving import Change, Kind, Move, as_json, kind_of, move
from harness.atlas.words import lines_of_move
from harness.config.errors import BadInput

ATTO, EVA, NEW = "convnext_atto", "eva02_tiny_patch14_224", "test_vit_relpos"
LANE = "cpu-float32"
OLD_PAIR, NEW_PAIR = ("4.57.6", "1.0.22"), ("5.23.0", "1.0.31")


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (State.WORKS, State.WORKS, Kind.SAME),
        (State.WORKS, State.BROKEN, Kind.BREAKS),
        (State.WORKS, State.UNSUPPORTED, Kind.GONE),
        (State.WORKS, State.UNKNOWN, Kind.UNKNOWN),
        (State.REMEDY, State.BROKEN, Kind.BREAKS),
        (State.REMEDY, State.UNSUPPORTED, Kind.GONE),
        (State.BROKEN, State.BROKEN, Kind.STILL),
        (State.BROKEN, State.WORKS, Kind.MENDED),
        (State.BROKEN, State.REMEDY, Kind.MENDED),
        (State.BROKEN, State.UNSUPPORTED, Kind.LEFT),
        (State.BROKEN, State.UNKNOWN, Kind.UNKNOWN),
        (State.UNSUPPORTED, State.BROKEN, Kind.NEW),
        (State.UNSUPPORTED, State.WORKS, Kind.NEW),
        (State.UNSUPPORTED, State.UNSUPPORTED, Kind.SAME),
        (State.UNSUPPORTED, State.UNKNOWN, Kind.UNKNOWN),
        (State.UNKNOWN, State.WORKS, Kind.WORKS_THERE),
        (State.UNKNOWN, State.BROKEN, Kind.UNKNOWN),
        (State.UNKNOWN, State.REMEDY, Kind.UNKNOWN),
    ],
)
def test_what_a_move_changes_is_told_by_both_ends(old: State, new: State, kind: Kind) -> None:
    assert kind_of(Part("tower", "a", old), Part("tower", "a", new)) is kind


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ((), ("x",), Kind.NEEDS),
        (("x",), ("x",), Kind.SAME),
        (("x",), ("y",), Kind.NEEDS),
        (("x", "y"), ("x",), Kind.MENDED),
    ],
)
def test_another_remedy_than_before_is_something_to_do(
    before: tuple[str, ...], after: tuple[str, ...], kind: Kind
) -> None:
    old = Part("tower", "a", State.REMEDY if before else State.WORKS, mended=before)
    assert kind_of(old, Part("tower", "a", State.REMEDY, mended=after)) is kind


def test_the_causes_of_what_is_mended_are_those_that_it_is_rid_of() -> None:
    old = Part("tower", "a", State.BROKEN, rules=("x", "y"))
    new = Part("tower", "a", State.REMEDY, mended=("y", "z"))
    assert Change(Kind.MENDED, old, new).causes == ("x",)
    assert Change(Kind.BREAKS, new, old).causes == ("x",)


@pytest.fixture
def atlas(tmp_path: Path) -> Path:
    def measured(releases: tuple[str, str], *causes: Cause, models: tuple[str, ...] = (ATTO, EVA)) -> None:
        passed = len(set(models) - {model for cause in causes for model in cause.models})
        lane = LaneEntry(
            LANE, "2026-11-29", "narrow", {"tower": RouteEntry("tower", "d", models, passed, causes=causes)}
        )
        versions = {"transformers": releases[0], "timm": releases[1], "torch": "2.14.1"}
        write(PairEntry(versions, {LANE: lane}), tmp_path)

    buffers = Cause("tensors", ("",), ("buffers-in-own-model",), (EVA,), remedied=True)
    measured(OLD_PAIR)
    measured(NEW_PAIR, buffers, Cause("keys", ("",), (), (ATTO,), finding="keys: renamed"), models=(ATTO, EVA, NEW))
    measured(("5.22.0", "1.0.31"), models=(ATTO, EVA, NEW))
    return tmp_path


def told(**more: Any) -> tuple[Move, str]:
    found = move(OLD_PAIR, NEW_PAIR, **more)
    return found, "\n".join(lines_of_move(found))


def test_a_move_is_told_in_a_sentence_then_by_cause(atlas: Path) -> None:
    found, said = told(folder=atlas)
    kinds = {change.new.model: change.kind for change in found.changes}
    assert kinds == {ATTO: Kind.BREAKS, EVA: Kind.NEEDS, NEW: Kind.NEW}
    assert said.startswith(
        "No: from transformers 4.57.6 with timm 1.0.22 to transformers 5.23.0 with timm 1.0.31 in cpu-float32: "
        "newly broken: 1, newly needs a remedy: 1, new: 1, of 3 cases.\n"
    )
    assert "✘ newly broken: tower (convnext_atto)\n  keys: renamed" in said
    assert "◑ newly needs a remedy: tower (eva02_tiny_patch14_224)\n  transformers 5 builds on the meta device" in said
    assert "nothing changes for worse: transformers 5.22.0 with timm 1.0.31." in said
    assert found.exit_code == 1
    assert '"exit_code": 1' in as_json(found)


def test_a_model_that_one_timm_lacks_is_new_or_gone(atlas: Path) -> None:
    found, said = told(folder=atlas, models=[NEW, EVA])
    assert {change.new.model: change.kind for change in found.changes} == {EVA: Kind.NEEDS, NEW: Kind.NEW}
    assert "↑ new: tower (test_vit_relpos)" in said
    back = move(NEW_PAIR, OLD_PAIR, [NEW], folder=atlas)
    assert [(change.kind, change.new.because) for change in back.changes] == [(Kind.GONE, f"timm 1.0.22 has no {NEW}")]
    assert back.exit_code == 1
    assert next(lines_of_move(back)).startswith("No: ")


def test_a_model_that_neither_timm_has_is_refused_beside_one_that_they_have(atlas: Path) -> None:
    with pytest.raises(BadInput, match=r"has no LayerScale model convnext_ato.*near: convnext_atto"):
        told(folder=atlas, models=[EVA, "convnext_ato"])


def test_what_is_broken_for_another_reason_is_told() -> None:
    old, new = (Part("tower", "a", State.BROKEN, rules=rules) for rules in (("x",), ("x", "y")))
    assert kind_of(old, new) is Kind.OTHERWISE
    assert kind_of(new, old) is Kind.STILL


def test_a_remedy_that_the_start_needed_too_is_not_told_as_new() -> None:
    old = Part("tower", "a", State.REMEDY, "a", mended=("gone",))
    new = Part("tower", "a", State.REMEDY, "a", mended=("gone", "buffers-in-own-model"))
    said = "\n".join(lines_of_move(Move(OLD_PAIR, NEW_PAIR, LANE, (Change(Kind.NEEDS, old, new),))))
    assert "non-persistent buffers" in said
    assert "gone, a cause" not in said


XCIT = "xcit_nano_12_p8_224"


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (("1.0.22", "1.0.31"), {XCIT: ("timm-xcit-dropout",)}),
        (("1.0.31", "1.0.22"), {XCIT: ("timm-xcit-dropout",)}),
        (("1.0.15", "1.0.22"), {EVA: ("timm-eva-max-pooling",), ATTO: ("timm-convnext-levels",)}),
        (("1.0.16", "1.0.30"), {}),
        (("1.0.31", "1.0.31"), {}),
    ],
)
def test_numbers_of_timm_change_with_a_release_between_the_ends(
    atlas: Path, ends: tuple[str, str], told: dict[str, tuple[str, ...]]
) -> None:
    found = move(("5.23.0", ends[0]), ("5.23.0", ends[1]), [EVA, ATTO, XCIT], ["wrapper"], folder=atlas)
    assert found.numbers == told
    assert ("timm itself computes otherwise" in "\n".join(lines_of_move(found))) == bool(told)


def test_what_needs_a_remedy_alone_and_what_changes_nothing_begin_otherwise(atlas: Path) -> None:
    assert told(folder=atlas, models=[EVA])[1].startswith("With remedies: from ")
    back = move(NEW_PAIR, ("5.22.0", "1.0.31"), [ATTO, EVA], folder=atlas)
    assert back.exit_code == 0
    assert next(lines_of_move(back)).startswith("Yes: ")
    unknown = move(OLD_PAIR, ("5.24.0", "1.0.31"), [EVA], folder=atlas)
    assert unknown.exit_code == 4
    said = list(lines_of_move(unknown))
    assert said[0].startswith("Not known: ")
    start = "--from transformers4.57.6-timm1.0.22 --lane cpu-float32"
    assert said[-1].endswith(f"{start} --route tower --model {EVA} --measure")
    assert said[-2].startswith("Not measured: 1 case of these; whether the end loads checkpoints")


def test_what_no_atlas_has_comes_with_the_command_that_measures_it(atlas: Path) -> None:
    _, said = told(folder=atlas)
    *_, what, command = said.splitlines()
    carried = "whether the end loads checkpoints that the start saved"
    assert what == f"Not measured: {carried}; which package brings a change."
    ends = "transformers==5.23.0 timm==1.0.31 --from transformers4.57.6-timm1.0.22 --lane cpu-float32"
    chosen = f"--route tower --model {ATTO} --model {EVA} --model {NEW}"
    assert command == f"To know: nox -s upgrade -- {ends} {chosen} --measure"
    parts = [Part("tower", f"m{at}", State.WORKS, f"m{at}") for at in range(13)]
    changes = tuple(Change(Kind.SAME, part, part) for part in parts)
    *_, what, command = lines_of_move(Move(NEW_PAIR, ("5.22.0", "1.0.31"), LANE, changes))
    assert what == f"Not measured: {carried}."
    assert command.endswith("--lane cpu-float32 --route tower --quick --variant safetensors --measure")
    assert "Not measured" not in "\n".join(lines_of_move(move(NEW_PAIR, NEW_PAIR, folder=atlas)))


def test_where_the_ends_are_known_otherwise_it_is_said_how_each_is_known() -> None:
    between = "not measured; transformers 5.20.0 and 5.22.0 on either side agree"
    ends = [[Part("tower", "a", State.WORKS, "a", basis=basis)] for basis in ("measured on 2026-11-29", between)]

    def said(start: int, end: int) -> list[str]:
        changes = tuple(Change(Kind.SAME, old, new) for old, new in zip(ends[start], ends[end], strict=True))
        return [line for line in lines_of_move(Move(NEW_PAIR, NEW_PAIR, LANE, changes)) if "easured" in line]

    assert said(0, 0) == ["Measured on 2026-11-29."]
    assert said(0, 1) == ["The start: measured on 2026-11-29.", f"The end: {between}."]
