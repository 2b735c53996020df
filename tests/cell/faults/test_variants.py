"""Each variant is stored and loaded as its name says; an unsupported route or variant says why, and loads nothing."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.version import Version

from harness.cell.models.installed import Release
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import run_case
from harness.cell.scenarios.context import CaseContext
from harness.cell.scenarios.protocol import Loaded
from harness.cell.scenarios.written_files import names_in
from harness.contract.case import DEFAULT_VARIANT
from harness.contract.catalog import Catalog, Entry
from harness.contract.routes import ROUTES as ROWS
from tests.cell.faults import faulty
from tests.cell.faults.conftest import RELEASE, TOLERANCES, Attempt
from tests.cell.faults.faulty import Faulty, Scenarios
from tests.places import TIMM

pytestmark = pytest.mark.slow

CONVNEXT, GEMMA, RESNET, POOLFORMER = "convnext_atto", "mobilenetv5_300m_enc", "resnet18", "poolformer_s12"
NO_WRAPPER = "TimmWrapperModel is new in transformers 4.48.0"
NO_HEAD = f"{GEMMA} is an encoder: timm gives it no classification head"


def before(transformers: str) -> Release:
    return replace(RELEASE, transformers=Version(transformers))


def weights_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix in {".safetensors", ".bin"})


# The variants of this pair; device-map needs accelerate, and transformers 5 ignores low_cpu_mem_usage.
HERE = sorted(set(VARIANTS) - {"device-map", "low-cpu-mem"})
FILES = [
    pytest.param("safetensors", ["model.safetensors"], id="one file"),
    pytest.param("bin", ["pytorch_model.bin"], id="torch's own"),
    pytest.param("low-cpu-mem", ["model.safetensors"], id="low-cpu-mem"),
    pytest.param("model-args", ["model.safetensors"], id="model-args"),
]


@pytest.mark.parametrize(("variant", "files"), FILES)
def test_a_checkpoint_of_timm_has_the_files_of_its_variant(
    reference: Callable[..., ReferenceModel], tmp_path: Path, variant: str, files: list[str]
) -> None:
    folder = reference(CONVNEXT).save(tmp_path / "timm", VARIANTS[variant])
    assert weights_in(folder) == files
    assert set(names_in(folder)) == set(reference(CONVNEXT).state)


def test_a_sharded_checkpoint_has_more_than_one_file_and_an_index_of_them_all(
    reference: Callable[..., ReferenceModel], tmp_path: Path
) -> None:
    folder = reference(CONVNEXT).save(tmp_path / "timm", VARIANTS["sharded"])
    files, index = weights_in(folder), json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(files) > 1
    assert set(index["weight_map"]) == set(reference(CONVNEXT).state)
    assert set(index["weight_map"].values()) == set(files)


@pytest.mark.parametrize("variant", ["sharded", "bin"])
def test_what_transformers_saves_has_the_files_of_its_variant(attempt: Attempt, variant: str, tmp_path: Path) -> None:
    written: list[Path] = []
    record = attempt(Faulty(ROUTES["tower"], to_written=written.append), CONVNEXT, variant)
    assert record.outcome in {"passed", "drifted"}, record.reason
    assert [folder.relative_to(tmp_path).as_posix() for folder in written] == ["tower/saved"]
    files = weights_in(written[0])
    assert files == ["pytorch_model.bin"] if variant == "bin" else len(files) > 1


def test_one_shard_is_not_sharded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^asked for 2 shards, and there is one file$"):
        VARIANTS["sharded"].write({}, tmp_path)


@pytest.mark.parametrize(
    ("route", "variant"),
    [
        (route, variant)
        for route in ("wrapper", "tower")
        for variant in HERE
        if variant in (DEFAULT_VARIANT, *ROWS[route].variants)
    ],
)
def test_each_variant_is_green_on_a_healthy_model(attempt: Attempt, route: str, variant: str) -> None:
    record = attempt(ROUTES[route], CONVNEXT, variant)
    assert record.outcome in {"passed", "drifted"}, record.reason


@pytest.mark.parametrize("variant", HERE)
def test_each_variant_shows_a_fault(attempt: Attempt, variant: str) -> None:
    record = attempt(Faulty(ROUTES["wrapper"], to_model=faulty.constant), CONVNEXT, variant)
    assert record.outcome == "tensors"
    constant = torch.tensor(1e-5, dtype=torch.float16 if variant == "half" else torch.float32).item()
    assert record.reason == f"1 parameter not as saved: stages.0.blocks.0.gamma is {constant:.6g} throughout"


def test_a_checkpoint_with_model_args_names_timms_own_architecture_and_its_shape(
    reference: Callable[..., ReferenceModel], tmp_path: Path
) -> None:
    folder = reference(CONVNEXT).save(tmp_path / "timm", VARIANTS["model-args"])
    config = json.loads((folder / "config.json").read_text())
    assert config["architecture"] == config["pretrained_cfg"]["architecture"] == CONVNEXT
    assert config["model_args"] == {"depths": [2, 1, 1, 1]}


def test_lost_model_args_are_a_difference_in_keys(attempt: Attempt) -> None:
    def forget(folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        path.write_text(json.dumps({**config, "model_args": {}}))

    record = attempt(Faulty(ROUTES["wrapper"], to_checkpoint=forget), CONVNEXT, "model-args")
    assert record.outcome == "keys"
    assert record.reason.startswith("the loading report: keys 63 missing (stages.1.blocks.1.conv_dw.bias, ")


def test_all_variants_except_model_args_describe_the_checkpoint_alike(
    reference: Callable[..., ReferenceModel], tmp_path: Path
) -> None:
    configs = {
        name: (reference(CONVNEXT).save(tmp_path / name, variant) / "config.json").read_text()
        for name, variant in VARIANTS.items()
        if name != "model-args"
    }
    assert len(set(configs.values())) == 1


@pytest.mark.parametrize(
    ("variant", "arguments"),
    [
        ("safetensors", {}),
        ("sharded", {}),
        ("bin", {}),
        ("low-cpu-mem", {"low_cpu_mem_usage": True}),
        ("device-map", {"device_map": {"": "cpu"}}),
        ("model-args", {}),
    ],
)
def test_each_variant_is_loaded_with_its_own_arguments(
    reference: Callable[..., ReferenceModel], tmp_path: Path, variant: str, arguments: dict[str, Any]
) -> None:
    passed: dict[str, Any] = {}

    def from_pretrained(_folder: Path, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        passed.update(kwargs)
        return reference(CONVNEXT).headless.module, {}

    CaseContext(reference(CONVNEXT), VARIANTS[variant], RELEASE, tmp_path).load(from_pretrained, tmp_path)
    assert passed == {"output_loading_info": True, **arguments}


UNSUPPORTED_ROUTES = [
    pytest.param("wrapper", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="wrapper"),
    pytest.param("wrapper-features", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="wrapper-features"),
    pytest.param("tower-wrapper", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="tower-wrapper"),
    pytest.param("classifier", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="classifier"),
    pytest.param("hub", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="hub"),
    pytest.param("roundtrip", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="roundtrip"),
    pytest.param("scratch", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="scratch"),
    pytest.param("resume", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="resume"),
    pytest.param("processor", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="processor"),
    pytest.param("pipeline", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="pipeline"),
    pytest.param("train", CONVNEXT, before("4.47.1"), NO_WRAPPER, id="train"),
    pytest.param("trainer", CONVNEXT, RELEASE, "trainer needs accelerate, which is not installed", id="trainer"),
    pytest.param("adapter", CONVNEXT, RELEASE, "adapter needs peft, which is not installed", id="adapter"),
    pytest.param("classifier", GEMMA, RELEASE, NO_HEAD, id="no head to classify with"),
    pytest.param("pipeline", GEMMA, RELEASE, NO_HEAD, id="no head for a pipeline"),
    pytest.param("vlm", CONVNEXT, RELEASE, "no model of transformers builds on timm's convnext", id="no such vlm"),
    pytest.param(
        "partial", RESNET, RELEASE, "resnet18 has no LayerScale that a checkpoint could lack", id="nothing to lack"
    ),
    pytest.param("import", CONVNEXT, RELEASE, "convnext_atto is no text model", id="no text model"),
    pytest.param("legacy-layernorm", CONVNEXT, RELEASE, "convnext_atto has no LayerNorm of BERT's", id="not BERT"),
]
NO_BACKBONE = f"timm {TIMM} has no features_only for convnext_atto"
BACKBONES = ["backbone", "backbone-features", "backbone-pretrained", "detector"]


class Untouched(ReferenceModel):
    """A reference model whose case is decided by its entry alone."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read")


def outcome_of(route: str, variant: str, entry: Entry, release: Release, tmp_path: Path) -> tuple[str, str]:
    """Outcome and reason of a case for which nothing is written or loaded."""
    tolerance = next(iter(TOLERANCES.values()))
    record = run_case.run(ROUTES[route], VARIANTS[variant], Untouched(entry), release, tolerance, tmp_path)
    assert list(tmp_path.iterdir()) == []
    return record.outcome, record.reason


@pytest.mark.parametrize(("route", "model", "release", "why"), UNSUPPORTED_ROUTES)
def test_a_route_is_unsupported_before_anything_is_loaded(
    entries: Catalog, tmp_path: Path, route: str, model: str, release: Release, why: str
) -> None:
    assert outcome_of(route, "safetensors", entries[model], release, tmp_path) == ("unsupported", why)


@pytest.mark.parametrize("route", BACKBONES)
def test_a_model_without_a_backbone_in_timm_has_no_such_route(entries: Catalog, tmp_path: Path, route: str) -> None:
    entry = replace(entries[CONVNEXT], feature_levels=0)
    assert outcome_of(route, "safetensors", entry, RELEASE, tmp_path) == ("unsupported", NO_BACKBONE)


@pytest.mark.parametrize(
    ("release", "levels"), [(RELEASE, 0), (before("4.57.0"), 4)], ids=["no feature maps", "features_only came later"]
)
def test_a_model_without_intermediate_outputs_in_timm_has_no_wrapper_features(
    entries: Catalog, tmp_path: Path, release: Release, levels: int
) -> None:
    entry = replace(entries[CONVNEXT], intermediates=False, feature_levels=levels)
    why = f"timm {TIMM} gives no intermediate outputs of convnext_atto"
    assert outcome_of("wrapper-features", "safetensors", entry, release, tmp_path) == ("unsupported", why)


def test_every_route_that_can_be_unsupported_is_tested() -> None:
    tested = {param.values[0] for param in UNSUPPORTED_ROUTES} | set(BACKBONES)
    assert set(ROUTES) - tested == {"tower", "tower-init", "tower-pretrained"}


UNSUPPORTED_VARIANTS = [
    pytest.param(
        "low-cpu-mem",
        CONVNEXT,
        before("4.50.3"),
        "before transformers 4.51.0 this asks for accelerate",
        id="low-cpu-mem needs accelerate",
    ),
    pytest.param(
        "low-cpu-mem",
        CONVNEXT,
        before("5.0.0"),
        "transformers 5 always loads like this, and drops low_cpu_mem_usage unread",
        id="low-cpu-mem does nothing",
    ),
    pytest.param(
        "model-args",
        CONVNEXT,
        before("4.52.4"),
        "TimmWrapper takes model_args since transformers 4.53.0; before, it ignores them",
        id="model_args are ignored",
    ),
    pytest.param(
        "model-args",
        POOLFORMER,
        RELEASE,
        f"timm.create_model does not take the arguments that make {POOLFORMER} slim",
        id="model_args that timm does not take",
    ),
]


@pytest.mark.parametrize(("variant", "model", "release", "why"), UNSUPPORTED_VARIANTS)
def test_a_variant_is_unsupported_before_anything_is_loaded(
    entries: Catalog, tmp_path: Path, variant: str, model: str, release: Release, why: str
) -> None:
    assert outcome_of("wrapper", variant, entries[model], release, tmp_path) == ("unsupported", why)


def test_a_model_that_is_the_same_when_slim_has_no_model_args(entries: Catalog, tmp_path: Path) -> None:
    entry = entries[CONVNEXT]
    uncut = replace(entry, slim=replace(entry.slim, args={}))
    why = "convnext_atto is the same when slim: there are no model_args to give"
    assert outcome_of("wrapper", "model-args", uncut, RELEASE, tmp_path) == ("unsupported", why)


@pytest.mark.parametrize("installed", [True, False], ids=["accelerate", "no accelerate"])
def test_a_device_map_needs_accelerate(entries: Catalog, monkeypatch: pytest.MonkeyPatch, *, installed: bool) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object() if installed else None)
    why = VARIANTS["device-map"].unsupported(RELEASE, entries[CONVNEXT])
    assert why == (None if installed else "device_map asks for accelerate, which is not installed")


def test_the_reason_of_the_route_comes_before_that_of_the_variant(entries: Catalog, tmp_path: Path) -> None:
    outcome = outcome_of("wrapper", "model-args", entries[CONVNEXT], before("4.47.1"), tmp_path)
    assert outcome == ("unsupported", NO_WRAPPER)


def test_what_is_supported_is_tried(attempt: Attempt) -> None:
    assert attempt(Scenarios({}), CONVNEXT).outcome == "error"


def test_a_detector_is_loaded_with_the_attention_that_is_asked_for(attempt: Attempt) -> None:
    used: dict[str, set[str]] = {}

    def look(variant: str) -> Callable[[Loaded], None]:
        return lambda loaded: used.setdefault(variant, set()).add(loaded.model.config._attn_implementation)

    for variant in (DEFAULT_VARIANT, "attention"):
        attempt(Faulty(ROUTES["detector"], to_loaded=look(variant), only="DETR"), RESNET, variant)
    assert used["attention"] == {"eager"}
    assert used[DEFAULT_VARIANT] == {"sdpa"}
