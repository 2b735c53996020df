"""timm's download of the hub's weights compared with transformers' own, by the real client from a hub on loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import timm
from timm.models import save_for_hf

from harness.cell.models import weights
from harness.contract.case import Case, Size
from harness.contract.catalog import Catalog
from harness.contract.routes import Takes, taking
from tests.cell.faults.conftest import plan_of
from tests.hub import REVISION, Hub, serving
from tests.places import ROOT

pytestmark = pytest.mark.slow

PUBLIC, GATED, MISSING, NO_WEIGHTS = "test_vit2", "test_convnext", "test_convnext2", "test_vit3"
NOWHERE: Final = "http://127.0.0.1:9"
REPOSITORIES: Final = {
    model: timm.create_model(model).pretrained_cfg["hf_hub_id"] for model in (PUBLIC, GATED, MISSING, NO_WEIGHTS)
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    model = timm.create_model(PUBLIC)
    weights.fill(model)
    save_for_hf(model, folder / "whole", safe_serialization=True)
    config = json.loads((folder / "whole" / "config.json").read_text())
    config.pop("model_args", None)  # timm 1.0.31 writes them so that transformers fails; the hub's files are older
    (folder / "half").mkdir()
    for name in ("whole", "half"):
        (folder / name / "config.json").write_text(json.dumps(config))
    served: dict[str, Path | str] = {PUBLIC: folder / "whole", GATED: "gated", NO_WEIGHTS: folder / "half"}
    with serving({REPOSITORIES[model]: answer for model, answer in served.items()}) as server:
        yield server


def run(cases: list[Case], entries: Catalog, folder: Path, **variables: str) -> dict[str, Mapping[str, Any]]:
    """Run these cases in a new process, since the client reads its endpoint once; returns their records by id."""
    plan = plan_of(cases, entries, weights="hub")
    (folder / "scratch").mkdir()
    (folder / "plan.json").write_text(plan.dumps())
    options = ("--plan", folder / "plan.json", "--records", folder / "r.jsonl", "--scratch", folder / "scratch")
    online = {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
    subprocess.run(  # noqa: S603 - the test's own words
        [
            *(sys.executable, "-m", "pytest", ROOT / "tests" / "matrix", "-p", "harness.cell.runtime.plugin"),
            *("-p", "no:cacheprovider", "-q", "--parent", str(os.getpid()), *options),
        ],
        env={**os.environ, **online, **variables},
        check=False,
        capture_output=True,
    )
    lines = [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]
    return {line["case"]: line for line in lines if line["kind"] == "case"}


def test_what_both_libraries_download_is_the_same_model(hub: Hub, entries: Catalog, tmp_path: Path) -> None:
    cases = [Case(route, PUBLIC, size=Size.FULL) for route in taking(Takes.HUB)]
    records = run(cases, entries, tmp_path, HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "cache"))
    outcomes = {record["route"]: record["outcome"] for record in records.values()}
    # roundtrip is known to break with timm 1.0.31: timm does not read what transformers 5 resaves.
    assert outcomes == {**dict.fromkeys(taking(Takes.HUB), "passed"), "roundtrip": "error"}, {
        record["route"]: record["reason"] for record in records.values()
    }
    sources = {json.dumps(record["detail"]["hub"]) for record in records.values()}
    assert sources == {json.dumps({"repository": REPOSITORIES[PUBLIC], "revision": REVISION})}
    downloads = [
        request for request in hub.asked if request.startswith("GET") and request.endswith("model.safetensors")
    ]
    assert len(downloads) == 1  # from then on it is in the cache


def test_without_a_hub_cached_models_are_run_and_others_are_no_finding(
    hub: Hub, entries: Catalog, tmp_path: Path
) -> None:
    cached, missing = Case("wrapper", PUBLIC, size=Size.FULL), Case("wrapper", MISSING, size=Size.FULL)
    for name, endpoint in (("with", hub.url), ("without", NOWHERE)):
        (tmp_path / name).mkdir()
        cache = str(tmp_path / "cache")
        records = run([cached, missing], entries, tmp_path / name, HF_ENDPOINT=endpoint, HF_HOME=cache)
        assert records[cached.id]["outcome"] == "passed", records[cached.id]["reason"]
    assert records[missing.id]["outcome"] == "not-run"
    assert records[missing.id]["reason"].startswith(f"{NOWHERE}/{REPOSITORIES[MISSING]} cannot be reached: ")


def test_a_case_without_a_checkpoint_on_the_hub_is_not_run_and_says_why(
    hub: Hub, entries: Catalog, tmp_path: Path
) -> None:
    cases = [Case("wrapper", model, size=Size.FULL) for model in (GATED, MISSING, NO_WEIGHTS)]
    records = run(cases, entries, tmp_path, HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "cache"))
    assert {record["outcome"] for record in records.values()} == {"not-run"}
    urls = {model: f"{hub.url}/{repository}" for model, repository in REPOSITORIES.items()}
    assert {record["model"]: record["reason"] for record in records.values()} == {
        GATED: f"{urls[GATED]} is gated: accept its terms there, and log in (HF_TOKEN)",
        MISSING: f"{urls[MISSING]} is not there, or private: log in (HF_TOKEN)",
        NO_WEIGHTS: f"{urls[NO_WEIGHTS]} lacks config.json or model.safetensors",
    }
