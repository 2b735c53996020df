"""A rule applies to a case if all its restrictions hold, and to releases within its ranges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from harness.contract.case import Case, Outcome, Size
from harness.contract.finding import Finding
from harness.contract.matching import applies_to, applying, covers_releases, covers_scenario, explains, within
from harness.contract.plan import Pattern
from tests.known import Known, known
from tests.small_matrix import entry

LANE = "cpu-float32"
EVA = entry("eva02_tiny", gamma=4)
CASE = Case("tower", EVA.model, "sharded", Size.FULL)


@dataclass(frozen=True)
class Restriction:
    """A stand-in for a rule of matrix.yaml; None restricts nothing."""

    routes: tuple[str, ...] = ("tower", "scratch")
    models: tuple[str, ...] | None = None
    where: Mapping[str, Any] | None = None
    transformers: str | None = None
    timm: str | None = None
    torch: str | None = None
    lanes: tuple[str, ...] | None = None
    variants: tuple[str, ...] | None = None
    sizes: tuple[str, ...] | None = None


APPLIES = {
    "restricts nothing": (Restriction(), True),
    "its route": (Restriction(routes=("wrapper", "tower")), True),
    "another route": (Restriction(routes=("wrapper",)), False),
    "its lane": (Restriction(lanes=("cuda-float32", LANE)), True),
    "another lane": (Restriction(lanes=("cuda-float32",)), False),
    "its variant": (Restriction(variants=("bin", "sharded")), True),
    "another variant": (Restriction(variants=("safetensors",)), False),
    "its size": (Restriction(sizes=("slim", "full")), True),
    "another size": (Restriction(sizes=("slim",)), False),
    "its model": (Restriction(models=("resnet*", "eva02_*")), True),
    "another model": (Restriction(models=("resnet*",)), False),
    "its trait alone": (Restriction(where={"gamma_keys": True, "beta_keys": True}), False),
    "its traits": (Restriction(where={"gamma_keys": True, "beta_keys": False}), True),
    "its trait, another lane": (Restriction(where={"gamma_keys": True}, lanes=("cuda-float32",)), False),
}


@pytest.mark.parametrize(("rule", "applies"), APPLIES.values(), ids=APPLIES)
def test_a_rule_applies_to_a_case_if_all_its_restrictions_hold(
    rule: Restriction,
    applies: bool,  # noqa: FBT001
) -> None:
    assert applies_to(rule, CASE, LANE, EVA) is applies


TRAITS = {
    "some": ({"gamma_keys": True}, True),
    "none of some": ({"gamma_keys": False}, False),
    "some of none": ({"beta_keys": True}, False),
    "that many": ({"gamma_keys": 4}, True),
    "not that many": ({"gamma_keys": 5}, False),
    "a name": ({"family": "timm.models.eva"}, True),
    "a glob": ({"family": "timm.*.e?a"}, True),
    "a glob of others": ({"family": "timm.models.res*"}, False),
    "a glob in another case": ({"family": "TIMM.*"}, False),
    "a glob of figures": ({"input_size": "2?4"}, True),
    "any of these": ({"family": ["timm.models.resnet", "timm.models.eva"]}, True),
    "none of these": ({"family": ["timm.models.resnet", "timm.models.vit"]}, False),
    "any of these figures": ({"gamma_keys": [1, 4]}, True),
    "of no item": ({"gamma_keys": []}, False),
}


@pytest.mark.parametrize(("where", "applies"), TRAITS.values(), ids=TRAITS)
def test_a_trait_is_tested_by_truth_by_number_by_glob_or_by_a_list_of_these(
    where: dict[str, Any],
    applies: bool,  # noqa: FBT001
) -> None:
    assert applies_to(Restriction(where=where), CASE, LANE, EVA) is applies


@pytest.mark.parametrize(
    ("route", "folder", "applies"),
    [
        ("wrapper", True, True),
        ("wrapper", False, False),
        ("hub", False, True),
        ("tower", True, False),
        ("scratch", True, False),
    ],
    ids=["reads it", "reads another", "its own route", "takes its weights alone", "reads nothing"],
)
def test_a_rule_of_the_hub_applies_to_a_folder_that_timm_wrote_where_a_route_reads_it(
    route: str,
    folder: bool,  # noqa: FBT001
    applies: bool,  # noqa: FBT001
) -> None:
    rule = Restriction(routes=("hub",))
    assert applies_to(rule, Case(route, EVA.model), LANE, EVA, folder=folder) is applies


def test_a_checkpoint_is_no_folder_unless_that_is_said() -> None:
    assert not applies_to(Restriction(routes=("hub",)), Case("wrapper", EVA.model), LANE, EVA)


@pytest.mark.parametrize(
    ("specifier", "version", "holds"),
    [
        (None, "5.0.0", True),
        (">=5", "5.0.0", True),
        (">5.0.0", "5.0.0", False),
        ("<4.49", "4.48.3", True),
        ("<4.49", "4.49.0", False),
        (">=4.57,<5", "4.57.6", True),
        (">=4.57,<5", "5.0.0", False),
        (">=5.24.0.dev0", "5.24.0.dev0+g1a2b3c4", True),
        (">=5", "5.1.0rc1", True),
    ],
)
def test_a_release_is_in_a_range_pre_releases_too(specifier: str | None, version: str, holds: bool) -> None:  # noqa: FBT001
    assert within(specifier, version) is holds


@pytest.mark.parametrize("package", ["transformers", "timm", "torch"])
def test_a_rule_covers_the_releases_that_are_within_each_of_its_ranges(package: str) -> None:
    releases = {"transformers": "5.23.0", "timm": "1.0.31", "torch": "2.14.1"}
    ranges = {name: f"=={version}" for name, version in releases.items()}
    assert covers_releases(Restriction(), **releases)
    assert covers_releases(Restriction(**ranges), **releases)  # type: ignore[arg-type]  # three texts
    assert not covers_releases(Restriction(**{**ranges, package: f"!={releases[package]}"}), **releases)  # type: ignore[arg-type]


RENAMED = Finding(Outcome.KEYS, "the loading report", "blocks.*.ls1.gamma", "gamma renamed weight", 12, "blocks.0")
FITS = {
    "its kind": (Pattern("keys"), True),
    "another kind": (Pattern("tensors"), False),
    "its place": (Pattern("keys", where="the loading *"), True),
    "another place": (Pattern("keys", where="the file *"), False),
    "its name": (Pattern("keys", what="*.gamma"), True),
    "another name": (Pattern("keys", what="*.beta"), False),
    "a part of its name": (Pattern("keys", what="gamma"), False),
    "its description": (Pattern("keys", how="* renamed weight"), True),
    "another description": (Pattern("keys", how="* renamed bias"), False),
    "in another case": (Pattern("keys", how="GAMMA*"), False),
    "all of these": (Pattern("keys", "the*", "*.gamma", "gamma*"), True),
    "all but one": (Pattern("keys", "the*", "*.gamma", "beta*"), False),
    "its description, another kind": (Pattern("error", how="gamma*"), False),
}


def explaining(*finds: Pattern, scenarios: tuple[str, ...] | None = None) -> Known:
    return replace(known("keys"), finds=finds, scenarios=scenarios)


@pytest.mark.parametrize(("pattern", "fits"), FITS.values(), ids=FITS)
def test_a_rule_explains_a_finding_that_fits_all_of_its_pattern(pattern: Pattern, fits: bool) -> None:  # noqa: FBT001
    assert explains(explaining(pattern), "", RENAMED) is fits


def test_a_rule_explains_what_any_of_its_patterns_fits_and_nothing_without_one() -> None:
    assert explains(explaining(Pattern("tensors"), Pattern("keys")), "", RENAMED)
    assert not explains(explaining(), "", RENAMED)


@pytest.mark.parametrize(
    ("scenarios", "scenario", "covers"),
    [
        (None, "", True),
        (None, "hidden states", True),
        (("hidden*",), "hidden states", True),
        (("other*", "hidden*"), "hidden states", True),
        (("hidden*",), "", False),
        (("*",), "", True),
        (("hidden*",), "other channels", False),
        (("Hidden*",), "hidden states", False),
    ],
)
def test_a_rule_explains_findings_of_the_scenarios_that_it_names(
    scenarios: tuple[str, ...] | None,
    scenario: str,
    covers: bool,  # noqa: FBT001
) -> None:
    rule = explaining(Pattern("keys"), scenarios=scenarios)
    assert covers_scenario(rule, scenario) is covers
    assert explains(rule, scenario, RENAMED) is covers


def test_the_rules_that_apply_to_a_case_keep_their_order() -> None:
    first, other, last = Restriction(), Restriction(routes=("wrapper",)), Restriction(models=("eva02_*",))
    assert applying([first, other, last], CASE, LANE, EVA) == [first, last]
