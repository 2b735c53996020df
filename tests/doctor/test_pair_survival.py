"""What is known of a user's model on a pair that is not installed, from the atlas and from its names."""

from collections.abc import Callable
from typing import Any

import pytest
import timm
from torch import nn
from transformers import TimmWrapperConfig, TimmWrapperForImageClassification, TimmWrapperModel

from harness.atlas.answer import Releases
from harness.cell.user_models.target import Unusable
from harness.pair_survival import assert_survives, held
from tests.own.as_people_write import OldStyleInit, TowerConfig
from tests.own.towers import OpenVLALike, no_model

OLD, NEW, UNMEASURED = ("4.48.3", "1.0.14"), ("5.23.0", "1.0.31"), ("4.30.0", "0.9.0")
RELATIVE = "vit_relpos_small_patch16_224"


def own(architecture: str) -> Callable[[], Any]:
    return lambda: OldStyleInit(TowerConfig(architecture))


def wrapper() -> Any:
    return TimmWrapperModel(TimmWrapperConfig(architecture="test_convnext"))


class Holder(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner


class OwnScale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(nn.Linear(2, 2).weight)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (own("test_convnext"), [("test_convnext", "tower")]),
        (lambda: timm.create_model("test_convnext"), [("test_convnext", "tower")]),
        (wrapper, [("test_convnext", "wrapper")]),
        (lambda: TimmWrapperForImageClassification(wrapper().config), [("test_convnext", "classifier")]),
        (lambda: Holder(wrapper()), [("test_convnext", "tower-wrapper")]),
        (lambda: nn.Linear(2, 2), []),
    ],
    ids=["own", "timm's", "wrapper", "classifier", "wrapper within", "none"],
)
def test_what_a_model_holds_is_asked_on_the_route_that_is_like_it(make: Any, expected: Any) -> None:
    assert list(held(make())) == expected


def test_names_that_are_rewritten_are_a_failure_with_cause_and_remedy() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_survives(OLD, (), own("test_convnext"))
    said = str(raised.value)
    assert said.startswith("with transformers 4.48.3 and timm 1.0.14, by what was measured before:\n✘ ")
    assert said.splitlines()[1].endswith(".gamma and 8 more; tower/test_convnext: works with a remedy")
    assert said.count("because") == 1
    assert "because transformers before 4.49 renames every key that contains gamma to weight" in said
    assert "Move to transformers 4.49 or later." in said
    assert said.endswith("Where your model has the remedy already: remedied=['gamma-renamed'] in the marker.")


def test_a_name_of_one_s_own_is_a_failure_too_though_the_atlas_has_no_such_model() -> None:
    with pytest.raises(AssertionError, match="gamma-renamed"):
        assert_survives(OLD, (), lambda: Holder(OwnScale()))


@pytest.mark.parametrize(
    ("releases", "remedied", "make"),
    [
        (NEW, (), own("test_convnext")),
        (NEW, ("buffers-in-own-model",), own(RELATIVE)),
        (NEW, (), lambda: (timm.create_model("resnet18"), None)),
    ],
    ids=["works", "has the remedy", "a model and its inputs"],
)
def test_what_works_passes(releases: Releases, remedied: tuple[str, ...], make: Any) -> None:
    assert_survives(releases, remedied, make)


def test_what_needs_a_remedy_is_a_failure_until_the_model_has_it() -> None:
    with pytest.raises(AssertionError, match="tower/vit_relpos_small_patch16_224: works with a remedy"):
        assert_survives(NEW, (), own(RELATIVE))


def test_a_class_is_made_as_check_makes_it_and_what_gives_no_model_is_unusable() -> None:
    assert_survives(NEW, (), OpenVLALike)
    with pytest.raises(Unusable, match=r"no_model\(\) gives a str, and no model"):
        assert_survives(NEW, (), no_model)


@pytest.mark.parametrize(
    ("releases", "make", "why"),
    [
        (UNMEASURED, lambda: timm.create_model("resnet18"), "transformers 4.30.0 with timm 0.9.0: tower/resnet18: "),
        (NEW, lambda: nn.Linear(2, 2), "the model holds no model of timm"),
        (NEW, lambda: timm.create_model("vgg11", num_classes=1), "has no LayerScale model vgg11"),
    ],
    ids=["a pair", "no timm", "a model"],
)
def test_what_is_not_known_is_skipped_and_never_passes(releases: Releases, make: Any, why: str) -> None:
    with pytest.raises(pytest.skip.Exception, match=why):
        assert_survives(releases, (), make)


def test_a_rule_that_is_none_and_a_model_that_is_made_already_are_refused() -> None:
    with pytest.raises(ValueError, match=r"remedied: matrix\.yaml has no rule gamma-renamd"):
        assert_survives(NEW, ("gamma-renamd",), wrapper)
    with pytest.raises(TypeError, match="give what makes the model"):
        assert_survives(NEW, (), wrapper())
