"""The `tower` route agrees with a script that uses nothing of the harness."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cell.routes import ROUTES
from tests.cell.faults.conftest import Attempt

ALONE = Path(__file__).parent / "tower_alone.py"
MODELS = [
    *(
        "convnext_atto",
        "test_vit_relpos",
        "beit_base_patch16_224",
        "efficientformerv2_s0",
        "vit_tiny_patch16_dinov3_qkvb",
    ),
    *(
        "coatnext_nano_rw_224",
        "cait_xxs24_224",
        "poolformer_s12",
        "resmlp_12_224",
        "eva02_tiny_patch14_224",
        "resnet18",
    ),
]


@pytest.mark.all_faults
def test_the_same_towers_fail_for_two_libraries_alone(attempt: Attempt) -> None:
    command = [sys.executable, str(ALONE), *MODELS]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - the test's own words
    alone = {line.split()[0] for line in out.splitlines() if " differs " in line}
    ours = {model for model in MODELS if attempt(ROUTES["tower"], model).outcome == "tensors"}
    assert len(out.splitlines()) == len(MODELS)
    assert ours == alone
    assert 0 < len(ours) < len(MODELS)
