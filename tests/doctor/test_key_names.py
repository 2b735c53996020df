"""Names at risk, by known releases and by the rules of the installed one."""

import io
from dataclasses import replace
from typing import Final

import pytest
import timm
import torch
from packaging.version import Version
from torch import nn
from transformers import FocalNetConfig, FocalNetModel, PretrainedConfig, PreTrainedModel

from harness.cell.models.installed import Release
from harness.cell.user_models.key_renames import KNOWN
from harness.cell.user_models.request import Request
from harness.cell.user_models.resolution import resolve
from harness.cell.user_models.target import Target
from harness.doctor import key_names
from harness.doctor.messages import Console
from tests.cell.faults.conftest import RELEASE

SIX: Final = {"LayerNorm.gamma", "scale_gamma", "betas", "norm.weight_g", "base.mix.weight", "table"}
RISKY: Final = "tests.own.risky:risky"


def of(transformers: str) -> Release:
    return replace(RELEASE, transformers=Version(transformers))


def model() -> nn.Module:
    target = resolve(RISKY)
    assert isinstance(target, Target)
    return target.build()


def test_six_names_of_six_kinds_are_found_and_nothing_else() -> None:
    out = io.StringIO()
    assert key_names.examine(Request(RISKY), Console(out)) == 1
    lines = out.getvalue().splitlines()
    assert {line[2:] for line in lines if line[:2] in {"✘ ", "· "}} == SIX
    assert lines[-1] == "6 at risk, 2 of them with this transformers"
    assert "    transformers <4.49: becomes norm.parametrizations.weight.original0" not in lines
    assert "    safe name: norm.gain" in lines


@pytest.mark.parametrize(
    ("release", "here"),
    [
        ("4.44.2", {"LayerNorm.gamma", "scale_gamma", "betas"}),
        ("4.48.3", {"LayerNorm.gamma", "scale_gamma", "betas", "norm.weight_g"}),
        ("4.57.6", {"LayerNorm.gamma", "norm.weight_g"}),
        ("5.0.0", {"LayerNorm.gamma", "norm.weight_g", "base.mix.weight"}),
        ("5.23.0", {"base.mix.weight"}),
    ],
)
def test_the_names_that_each_release_renames_are_known(
    release: str, here: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_names, "installed", lambda *_: {})  # without the rules of the installed release
    risks = list(key_names.renamed(model(), of(release)))
    assert {risk.name for risk in risks if risk.here} == here
    assert {risk.name for risk in risks} == SIX - {"table"}


def test_the_rules_of_this_release_are_read_and_a_name_that_the_model_has_is_left_alone() -> None:
    rename = key_names._rules(model())
    assert rename("x.LayerNorm.gamma") == "x.LayerNorm.weight"
    assert rename("x.weight_g") == "x.parametrizations.weight.original0"
    assert key_names.installed(model(), list(model().state_dict()), RELEASE) == {}
    both = ["a.LayerNorm.gamma", "a.LayerNorm.weight"]
    assert key_names.installed(model(), both, RELEASE) == {"a.LayerNorm.gamma": "a.LayerNorm.weight"}


def test_a_safe_name_is_not_at_risk() -> None:
    for risk in key_names.renamed(model(), RELEASE):
        _, colon, safe = risk.advice.partition("safe name: ")
        assert not (colon and any(rule.pattern.search(safe) for rule in KNOWN))


class Holding(PreTrainedModel):
    config_class = PretrainedConfig

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("test_convnext", num_classes=0)
        self.mine = nn.ModuleList(Scaled() for _ in range(3))
        self.post_init()


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(2))


class Named(PreTrainedModel):
    """Names that a proposal may run into, and names that torch and transformers give."""

    config_class = PretrainedConfig

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__(config)
        for name in ("scale_gamma", "gamma", "shift", "beta", "gamma_rescale", "gammas"):
            self.register_parameter(name, nn.Parameter(torch.ones(2)))
        self.normed = nn.utils.weight_norm(nn.Linear(2, 2))
        self.norm = nn.Module()
        self.norm.weight_g = nn.Parameter(torch.ones(2))
        self.parametrized = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
        layer = {"embed_dim": 2, "use_layerscale": True, "depths": [1], "focal_levels": [1], "focal_windows": [1]}
        self.theirs = FocalNetModel(FocalNetConfig(image_size=4, patch_size=2, **layer))
        self.post_init()


def test_a_proposed_name_is_free_and_says_nothing_twice() -> None:
    told = {risk.name: risk.advice for risk in key_names.renamed(Named(PretrainedConfig()), of("4.48.3"))}
    assert {name: told[name] for name in told if "." not in name} == {
        "scale_gamma": "safe name: scale",
        "gamma": "safe name: scale_factor",
        "beta": "safe name: shift_factor",
        "gamma_rescale": "safe name: scale_rescale",
        "gammas": "safe name: scales",
    }


def test_no_name_is_proposed_for_what_torch_and_transformers_name() -> None:
    told = {risk.name: risk.advice for risk in key_names.renamed(Named(PretrainedConfig()), of("4.57.6"))}
    assert told["normed.weight_g"] == told["normed.weight_v"] == key_names.NORMED
    assert told["norm.weight_g"] == "safe name: norm.gain"
    assert not any(name.startswith("parametrized.") for name in told)
    theirs = {advice for name, advice in told.items() if name.startswith("theirs.")}
    assert theirs == {key_names.OTHERS.format("transformers'")}


def test_names_that_differ_in_numbers_are_told_once_and_no_name_is_proposed_for_timm_s_own() -> None:
    risks = list(key_names.renamed(Holding(PretrainedConfig()), of("4.48.3")))
    told = {risk.name: risk for risk in key_names.grouped(risks)}
    assert told["mine.*.gamma (3 of them)"].advice == "safe name: mine.*.scale"
    timms = [risk for name, risk in told.items() if name.startswith("vision.")]
    assert {risk.advice for risk in timms} == {key_names.OTHERS.format("timm's")}
    assert len(told) < len(risks)


def test_a_buffer_that_is_set_again_is_not_named() -> None:
    class Setting(type(model())):  # type: ignore[misc]
        def _init_weights(self, module: nn.Module) -> None:
            if hasattr(module, "table"):
                module.table.copy_(range_of(module.table.shape[0]))

    def range_of(width: int) -> object:
        return 1.0 * torch.arange(width)

    set_again = Target("set", lambda: Setting(Setting.config_class()), {})
    assert list(key_names.unset(set_again, RELEASE)) == []
    [risk] = key_names.unset(Target("unset", model, {}), RELEASE)
    assert (risk.name, risk.here) == ("table", True)
    [risk] = key_names.unset(Target("unset", model, {}), of("4.57.6"))
    assert (risk.name, risk.here) == ("table", False)
