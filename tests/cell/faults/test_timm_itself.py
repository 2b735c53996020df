"""A fault in timm is in the native and in the loaded model alike; the fingerprints of its releases show it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor

from harness.cell.compare.findings import Findings
from harness.cell.compare.reasons import one_line
from harness.cell.compare.recorded import differs
from harness.cell.compare.typed import typed
from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.probes import builder, probes
from harness.cell.routes import ROUTES, as_before
from harness.cell.scenarios import run_case, said
from harness.cell.scenarios.attempt import Attempt
from harness.cell.scenarios.context import CaseContext
from harness.cell.scenarios.handover import NOTHING, Handover
from harness.contract import catalog, fingerprints
from harness.contract.case import GREEN, Outcome
from harness.contract.catalog import Catalog, Entry
from harness.contract.fingerprints import PACKAGED, Fingerprints
from harness.contract.record import CaseLine
from tests.cell.faults.conftest import RELEASE, TOLERANCES
from tests.places import TIMM

VIT, EVA, RESNET = "test_vit2", "eva02_tiny_patch14_224", "resnet18"
ITSELF = "this release did when it was recorded"
OLDER = next(prints.timm for prints in fingerprints.up_to(TIMM, PACKAGED) if prints.timm != TIMM)
Patch = pytest.MonkeyPatch
Put = Callable[[Patch], None]
Found = Callable[[str], Findings]


@pytest.fixture
def found(entries: Catalog) -> Found:
    """The findings of the scenario, on a reference model that no other test has used."""

    def of(model: str) -> Findings:
        context = context_of(entries[model])
        alone = Attempt(context, TOLERANCES[torch.float32])
        alone.run_scenario(as_before.NAME, ROUTES["tower"].scenarios(context)[as_before.NAME])
        return alone.findings

    return of


def context_of(
    entry: Entry, *, dtype: Any = torch.float32, size: str = "slim", handover: Handover = NOTHING
) -> CaseContext:
    reference = ReferenceModel(entry, size, Placement("cpu", dtype))
    return CaseContext(reference, VARIANTS["safetensors"], RELEASE, Path(), handover=handover)


def hows(findings: Findings) -> set[tuple[str, str]]:
    seen = typed(findings)
    assert {(finding.kind, finding.where) for finding in seen} <= {(Outcome.OUTPUTS, "timm")}
    return {(finding.what, finding.how) for finding in seen}


def own(findings: Findings) -> set[str]:
    """What is otherwise than when this release was recorded."""
    return {what for what, how in hows(findings) if how == f"computes otherwise than {ITSELF}"}


def counting_the_class_token(patch: Patch) -> None:
    """Average pooling of a ViT takes the class token for a part of the picture."""
    module: Any = timm.models.vision_transformer
    pool = module.global_pool_nlc

    def pooled(x: Tensor, pool_type: str = "token", num_prefix_tokens: int = 1, **kwargs: Any) -> Tensor:
        tokens: Tensor = pool(x, pool_type, 0 if pool_type == "avg" else num_prefix_tokens, **kwargs)
        return tokens

    patch.setattr(module, "global_pool_nlc", pooled)


def swapping_height_and_width(patch: Patch) -> None:
    """A rotary table has the place at row i and column j where j and i belong."""
    rotary = timm.layers.RotaryEmbeddingCat
    build = rotary._build_embed_cat

    def built(self: Any, feat_shape: Sequence[int], *args: Any, **kwargs: Any) -> Tensor:
        height, width = feat_shape
        table: Tensor = build(self, [width, height], *args, **kwargs)
        return table.view(width, height, -1).transpose(0, 1).reshape(height * width, -1)

    patch.setattr(rotary, "_build_embed_cat", built)


def dropping_whole_paths(patch: Patch) -> None:
    """Stochastic depth does not make up for what it drops."""
    drop = timm.layers.drop.drop_path

    def dropped(x: Tensor, drop_prob: float = 0.0, training: bool = False, scale_by_keep: bool = True) -> Tensor:  # noqa: ARG001, FBT001, FBT002 - timm's
        kept: Tensor = drop(x, drop_prob, training, scale_by_keep=False)
        return kept

    patch.setattr(timm.layers.drop, "drop_path", dropped)


def resampling_otherwise(patch: Patch) -> None:
    """Position embeddings are resampled without antialiasing, and by another interpolation."""
    module: Any = timm.models.vision_transformer
    resample = module.resample_abs_pos_embed

    def resampled(*args: Any, **kwargs: Any) -> Tensor:
        embed: Tensor = resample(*args, **{**kwargs, "interpolation": "bilinear", "antialias": False})
        return embed

    patch.setattr(module, "resample_abs_pos_embed", resampled)


def refusing_grey(patch: Patch) -> None:
    def refused(*_: Any, **__: Any) -> Tensor:
        raise LookupError("no weights for grey pictures")

    patch.setattr(timm.models._builder, "adapt_input_conv", refused)


FAULTS: dict[str, tuple[Put, str, set[str]]] = {
    "average pooling counts the class token": (counting_the_class_token, VIT, {"global_pool avg: logits"}),
    "height and width swapped in a rotary table": (
        swapping_height_and_width,
        EVA,
        {"without classes: last_hidden_state", "features_only: feature_maps.*", "two pictures: features"},
    ),
    "drop path that is not made up for": (
        dropping_whole_paths,
        VIT,
        {"training: output", "training: gradient of the pixels"},
    ),
    "position embeddings resampled otherwise": (
        resampling_otherwise,
        VIT,
        {"img_size: features", "oblong img_size: features", "dynamic_img_size: features of twice the size"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_timm_is_found_by_what_it_computed_before(found: Found, monkeypatch: Patch, name: str) -> None:
    put, model, outputs = FAULTS[name]
    with monkeypatch.context() as patch:
        put(patch)
        findings = found(model)
    assert outputs <= own(findings)
    assert "without classes: last_hidden_state" in outputs or "without classes: last_hidden_state" not in own(findings)
    assert findings.outcome == "outputs"
    assert one_line(findings).startswith(f"timm ({as_before.NAME}): ")
    assert f"at most, computes otherwise than {ITSELF}" in one_line(findings)


@pytest.mark.parametrize("model", [VIT, EVA, RESNET])
def test_without_a_fault_timm_computes_what_it_did(found: Found, model: str) -> None:
    assert {how for _, how in hows(found(model))} <= {f"computes otherwise than timm {OLDER}"}


def test_what_is_raised_where_it_was_not_is_found(found: Found, monkeypatch: Patch) -> None:
    refusing_grey(monkeypatch)
    assert ("one channel: features", f"raises LookupError, unlike {ITSELF}") in hows(found(RESNET))


def line_of_tower(entries: Catalog, folder: Path) -> CaseLine:
    reference = ReferenceModel(entries[VIT], "slim", Placement("cpu", torch.float32))
    return run_case.run(ROUTES["tower"], VARIANTS["safetensors"], reference, RELEASE, TOLERANCES[torch.float32], folder)


def test_the_scenario_is_one_of_the_route_and_hides_no_other(
    monkeypatch: Patch, entries: Catalog, tmp_path: Path
) -> None:
    counting_the_class_token(monkeypatch)
    line = line_of_tower(entries, tmp_path)
    scenarios = {scenario.name: scenario for scenario in line.scenarios}
    assert line.outcome == "outputs"
    assert {name for name, scenario in scenarios.items() if scenario.findings} == {as_before.NAME}
    assert {"", "training"} < scenarios.keys()


def test_without_the_comparison_the_fault_is_missed(monkeypatch: Patch, entries: Catalog, tmp_path: Path) -> None:
    counting_the_class_token(monkeypatch)
    monkeypatch.setattr(said, "compare_recorded", lambda *_: [])
    assert line_of_tower(entries, tmp_path).outcome in GREEN


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: Patch) -> Callable[..., None]:
    """Has the fingerprints of the current release stand for those of others, with changes."""
    [prints] = [prints for prints in fingerprints.up_to(TIMM, PACKAGED) if prints.timm == TIMM]

    def package(*releases: str, **changes: Any) -> None:
        folder = tmp_path / "packaged"
        folder.mkdir()
        for release in releases:
            changed: Fingerprints = replace(prints, timm=release, **changes)
            catalog.path_in(folder, release).write_text(fingerprints.dumps(changed))
        monkeypatch.setattr(fingerprints, "PACKAGED", folder)

    return package


def test_a_release_without_a_file_is_compared_with_the_nearest_older_one(
    found: Found, monkeypatch: Patch, packaged: Callable[..., None]
) -> None:
    packaged("1.0.9", "1.0.14")
    assert hows(found(VIT)) == set()
    counting_the_class_token(monkeypatch)
    seen = hows(found(VIT))
    assert "global_pool avg: logits" in {what for what, _ in seen}
    assert {how for _, how in seen} == {"computes otherwise than timm 1.0.14"}


def test_where_other_numbers_are_drawn_training_is_not_compared(
    found: Found, monkeypatch: Patch, packaged: Callable[..., None]
) -> None:
    packaged(TIMM, random=(1, 2))
    dropping_whole_paths(monkeypatch)
    assert hows(found(VIT)) == set()


def test_with_another_seed_nothing_is_compared(entries: Catalog, packaged: Callable[..., None]) -> None:
    packaged(TIMM, seed=1)
    assert offered(entries[VIT]) == []


def offered(*arguments: Any, **others: Any) -> list[str]:
    return [name for name in ROUTES["tower"].scenarios(context_of(*arguments, **others)) if name == as_before.NAME]


def test_only_what_is_comparable_is_compared(entries: Catalog) -> None:
    assert offered(entries[VIT]) == [as_before.NAME]
    assert offered(entries[VIT], dtype=torch.bfloat16) == []
    assert offered(entries[VIT], size="full") == []
    assert offered(entries[VIT], handover=Handover(takes=Path())) == []
    assert offered(entries["convnext_xlarge"]) == []
    deeper = replace(entries[VIT].slim, args={**entries[VIT].slim.args, "depth": 3})
    assert offered(replace(entries[VIT], slim=deeper)) == []


def test_the_packaged_line_of_a_model_comes_out_again(entries: Catalog) -> None:
    told: list[str] = []
    [line] = builder.generate([entries[VIT]], told.append).lines
    [packaged] = [prints for prints in fingerprints.up_to(TIMM, PACKAGED) if prints.timm == TIMM]
    recorded = packaged.by_model[VIT].outputs
    assert line.outputs.keys() == recorded.keys()
    assert {name.partition(":")[0] for name in recorded} == set(probes.PROBES)
    tolerance = TOLERANCES[torch.float32]
    assert [name for name, print_ in line.outputs.items() if differs(print_, recorded[name], tolerance)] == []
    assert told[0].startswith(f"{VIT}: {len(recorded)} outputs, ")


def test_what_timm_leaves_random_is_not_recorded(entries: Catalog) -> None:
    entry = next(entry for entry in entries if entry.family == "naflexvit")
    told: list[str] = []
    [line] = builder.generate([entry], told.append).lines
    assert "one channel: features" not in line.outputs
    assert "random: ['one channel: features']" in told[0]
