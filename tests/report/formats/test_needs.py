import json
from typing import Any

import jsonschema
import pytest

from harness.report.formats import markdown
from harness.report.formats.answer import answer
from harness.report.formats.needs import find
from tests.known import Known, known
from tests.places import SCHEMAS
from tests.summaries import NEW, OLD, RENAMED, cases, summary

UNSET = known("tensors", "nothing sets the buffers", url=None, script="tests/causes/x.py", advice="set them")
FAMILIES = {"m0": "timm.models.eva", "m1": "timm.models.eva", "m2": "timm.models.convnext"}


def missing(*names: str) -> dict[str, Any]:
    return {"names": [{"where": "the loading report", "missing": {"count": len(names), "first": list(names)}}]}


def buffers(**patterns: int) -> dict[str, Any]:
    return {"tensors": {"patterns": patterns}}


def needs(*judged: Any) -> list[tuple[Any, ...]]:
    summed_up = summary([case for group in judged for case in group], families=FAMILIES)
    return [(need.family, need.names, need.routes, need.pairs, need.since) for need in find(summed_up)]


def test_a_name_is_shortened_to_its_end_once_for_all_models_of_a_family() -> None:
    old = cases(
        OLD,
        {"tower/m0": ("keys", "x"), "backbone/m1": ("keys", "x"), "tower/m2": ("keys", "x")},
        rules=[RENAMED],
        details={
            "tower/m0": missing("blocks.0.ls1.gamma", "blocks.11.ls1.gamma"),
            "backbone/m1": missing("model.blocks.0.ls1.gamma", "model.blocks.0.gamma_1"),
            "tower/m2": missing("stages_0.blocks.0.gamma"),
        },
    )
    assert needs(old) == [
        ("convnext", ("gamma",), ("tower",), (OLD,), None),
        ("eva", ("ls1.gamma", "gamma_1"), ("tower", "backbone"), (OLD,), None),
    ]


@pytest.mark.parametrize(
    ("later", "since"),
    [("passed", NEW), ("drifted", NEW), ("unsupported", None), ("not-run", None), ("outputs", None)],
)
def test_it_matters_no_more_from_the_first_later_pair_on_which_the_same_route_passes(
    later: str, since: str | None
) -> None:
    old = cases(OLD, {"tower/m0": ("keys", "x")}, rules=[RENAMED], details={"tower/m0": missing("a.gamma")})
    new = cases(NEW, {"tower/m1": (later, "y"), "wrapper/m0": ("passed", None)})
    assert needs(old, new) == [("eva", ("a.gamma",), ("tower",), (OLD,), since)]


def test_a_need_of_the_last_pair_is_still_there() -> None:
    details = {"tower/m0": buffers(**{"rope.bands": 2, "blocks.*.attn.k_bias": 1})}
    old = cases(OLD, {"tower/m0": ("passed", None)})
    new = cases(NEW, {"tower/m0": ("tensors", "x")}, rules=[UNSET], details=details)
    assert needs(old, new) == [("eva", ("rope.bands", "attn.k_bias"), ("tower",), (NEW,), None)]


def test_many_names_are_shortened_to_their_last_parts() -> None:
    listed = {f"stem.bn{number}.running_mean": 1 for number in range(9)}
    broken = cases(NEW, {"tower/m0": ("tensors", "x")}, rules=[UNSET], details={"tower/m0": buffers(**listed)})
    assert needs(broken) == [("eva", ("running_mean",), ("tower",), (NEW,), None)]


def test_a_cause_that_affects_every_name_is_no_need_of_a_family() -> None:
    every = missing("blocks.0.conv.weight", "blocks.0.conv.bias", "blocks.0.ls1.gamma")
    assert needs(cases(OLD, {"tower/m0": ("keys", "x")}, rules=[RENAMED], details={"tower/m0": every})) == []


@pytest.mark.parametrize(
    ("outcome", "rules"), [("keys", []), ("error", [known("error", "raises")])], ids=["unknown", "no state"]
)
def test_a_failure_without_a_rule_or_without_a_tensor_is_no_need(outcome: str, rules: list[Known]) -> None:
    details = {"tower/m0": missing("a.gamma")}
    assert needs(cases(OLD, {"tower/m0": (outcome, "x")}, rules=rules, details=details)) == []


@pytest.mark.parametrize("detail", [{"names": 3}, {"names": [{"missing": []}]}, {"tensors": {"patterns": 1}}], ids=str)
def test_a_record_from_elsewhere_that_lists_nothing_names_nothing(detail: dict[str, Any]) -> None:
    assert needs(cases(OLD, {"tower/m0": ("keys", "x")}, rules=[RENAMED], details={"tower/m0": detail})) == []


def test_the_record_for_people_and_for_programs_says_the_same() -> None:
    old = cases(OLD, {"tower/m0": ("keys", "x")}, rules=[RENAMED], details={"tower/m0": missing("layer_scale.gamma|")})
    new = cases(NEW, {"tower/m0": ("passed", None)})
    summed_up = summary([*old, *new], families=FAMILIES)
    lines = markdown.needs(summed_up).splitlines()
    assert lines[4:9] == [
        f"## {RENAMED.because}",
        "",
        RENAMED.advice,
        "",
        f"- **eva**: layer&#95;scale.gamma&#124;. Seen on {OLD}, by tower; not seen from {NEW} on.",
    ]
    document = answer(summed_up)
    schema = json.loads((SCHEMAS / "answer.json").read_text())
    jsonschema.validate(document, schema)
    assert document["needs"] == [
        {
            "family": "eva",
            "names": ["layer_scale.gamma|"],
            "routes": ["tower"],
            "pairs": [OLD],
            "since": NEW,
            "because": RENAMED.because,
            "advice": RENAMED.advice,
            "source": RENAMED.url,
        }
    ]
    assert "No record here names one." in markdown.needs(summary(new))
