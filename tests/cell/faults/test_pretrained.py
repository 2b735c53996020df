"""The hub's weights: timm's own download against transformers' own, from a hub on loopback by the real client."""

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

THERE, GATED, MISSING, NO_WEIGHTS = "test_vit2", "test_convnext", "test_convnext2", "test_vit3"
NOWHERE: Final = "http://127.0.0.1:9"
REPOSITORIES: Final = {
    model: timm.create_model(model).pretrained_cfg["hf_hub_id"] for model in (THERE, GATED, MISSING, NO_WEIGHTS)
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    model = timm.create_model(THERE)
    weights.fill(model)
    save_for_hf(model, folder / "whole", safe_serialization=True)
    config = json.loads((folder / "whole" / "config.json").read_text())
    config.pop("model_args", None)  # timm 1.0.31 writes them so that transformers fails; what is on the hub is older
    (folder / "half").mkdir()
    for name in ("whole", "half"):
        (folder / name / "config.json").write_text(json.dumps(config))
    there: dict[str, Path | str] = {THERE: folder / "whole", GATED: "gated", NO_WEIGHTS: folder / "half"}
    with serving({REPOSITORIES[model]: where for model, where in there.items()}) as found:
        yield found


def run(cases: list[Case], entries: Catalog, folder: Path, **variables: str) -> dict[str, Mapping[str, Any]]:
    """The records of these cases by id, made in a process of their own: the client reads its endpoint once."""
    plan = plan_of(cases, entries, weights="hub")
    (folder / "scratch").mkdir()
    (folder / "plan.json").write_text(plan.dumps())
    options = ("--plan", folder / "plan.json", "--records", folder / "r.jsonl", "--scratch", folder / "scratch")
    here = {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
    subprocess.run(  # noqa: S603 - the test's own words
        [
            *(sys.executable, "-m", "pytest", ROOT / "tests" / "matrix", "-p", "harness.cell.runtime.plugin"),
            *("-p", "no:cacheprovider", "-q", "--parent", str(os.getpid()), *options),
        ],
        env={**os.environ, **here, **variables},
        check=False,
        capture_output=True,
    )
    lines = [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]
    return {line["case"]: line for line in lines if line["kind"] == "case"}


def test_what_both_libraries_download_is_the_same_model(hub: Hub, entries: Catalog, tmp_path: Path) -> None:
    cases = [Case(route, THERE, size=Size.FULL) for route in taking(Takes.HUB)]
    found = run(cases, entries, tmp_path, HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "cache"))
    outcomes = {line["route"]: line["outcome"] for line in found.values()}
    # roundtrip is known to break with timm 1.0.31: timm does not read what transformers 5 resaves.
    assert outcomes == {**dict.fromkeys(taking(Takes.HUB), "passed"), "roundtrip": "error"}
    told = {json.dumps(line["detail"]["hub"]) for line in found.values()}
    assert told == {json.dumps({"repository": REPOSITORIES[THERE], "revision": REVISION})}
    weights_asked = [asked for asked in hub.asked if asked.startswith("GET") and asked.endswith("model.safetensors")]
    assert len(weights_asked) == 1  # from then on it is in the cache


def test_without_a_hub_what_the_cache_has_is_run_and_the_rest_is_no_finding(
    hub: Hub, entries: Catalog, tmp_path: Path
) -> None:
    there, elsewhere = Case("wrapper", THERE, size=Size.FULL), Case("wrapper", MISSING, size=Size.FULL)
    for name, endpoint in (("with", hub.url), ("without", NOWHERE)):
        (tmp_path / name).mkdir()
        cache = str(tmp_path / "cache")
        found = run([there, elsewhere], entries, tmp_path / name, HF_ENDPOINT=endpoint, HF_HOME=cache)
        assert found[there.id]["outcome"] == "passed", found[there.id]["reason"]
    assert found[elsewhere.id]["outcome"] == "not-run"
    assert found[elsewhere.id]["reason"].startswith(f"{NOWHERE}/{REPOSITORIES[MISSING]} cannot be reached: ")


def test_what_the_hub_does_not_give_is_not_run_and_says_why(hub: Hub, entries: Catalog, tmp_path: Path) -> None:
    cases = [Case("wrapper", model, size=Size.FULL) for model in (GATED, MISSING, NO_WEIGHTS)]
    found = run(cases, entries, tmp_path, HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "cache"))
    assert {line["outcome"] for line in found.values()} == {"not-run"}
    places = {model: f"{hub.url}/{repository}" for model, repository in REPOSITORIES.items()}
    assert {line["model"]: line["reason"] for line in found.values()} == {
        GATED: f"{places[GATED]} is gated: accept its terms there, and log in (HF_TOKEN)",
        MISSING: f"{places[MISSING]} is not there, or private: log in (HF_TOKEN)",
        NO_WEIGHTS: f"{places[NO_WEIGHTS]} lacks config.json or model.safetensors",
    }
