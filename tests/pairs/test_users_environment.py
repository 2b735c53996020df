"""Environment variables of the user do not change what comes out."""

from pathlib import Path

import pytest

from tests.pairs.command import ONE_LANE, facts, nox

HOSTILE = {
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "PYTHONHASHSEED": "7",
    "TORCH_LOGS": "+dynamo",
    "TRANSFORMERS_VERBOSITY": "debug",
    "TIMM_FUSED_ATTN": "2",
    "HF_HUB_OFFLINE": "0",
    "PYTEST_PLUGINS": "no_such_plugin",
}
SELECTION = (
    *(*ONE_LANE, "--workers", "1"),
    *("--route", "wrapper", "--route", "hub", "--model", "convnext_atto"),
)


@pytest.mark.slow
def test_the_records_are_the_same_whatever_the_users_environment_holds(tmp_path: Path) -> None:
    without, with_them = tmp_path / "without", tmp_path / "with"
    assert nox("matrix", *SELECTION, results=without, seconds=300).code == 0
    ended = nox("matrix", *SELECTION, results=with_them, seconds=300, variables=HOSTILE)
    assert ended.code == 0, ended.said
    assert facts(with_them) == facts(without)
