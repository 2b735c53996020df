"""`guard` and `repair` with real releases that lose something."""

import pytest

from tests.pairs.command import run
from tests.places import TIMM, TRANSFORMERS

SCRIPT = "tests/own/mended.py"
FOLDERS = "tests/own/mended_folders.py"
SECONDS = 660


def prove(script: str, transformers: str, timm: str) -> None:
    """Run a script with a pair, and assert that it finds nothing broken."""
    ended = run("-s", "cause", "--", f"transformers=={transformers}", f"timm=={timm}", script, seconds=SECONDS)
    assert f"{script}: sound" in ended.out, ended.out + ended.said
    assert ended.code == 0


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param((TRANSFORMERS, TIMM), id="buffers that nothing sets", marks=pytest.mark.all_faults),
        pytest.param(("4.48.3", "1.0.14"), id="names that are rewritten", marks=pytest.mark.all_faults),
        pytest.param(("4.57.6", "1.0.22"), id="nothing", marks=pytest.mark.all_faults),
        pytest.param(("5.0.0", "1.0.24"), id="parameters that are initialised again", marks=pytest.mark.all_faults),
    ],
)
@pytest.mark.slow
def test_guard_raises_where_a_release_loses_something_and_repair_brings_it_back(pair: tuple[str, str]) -> None:
    prove(SCRIPT, *pair)


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param((TRANSFORMERS, TIMM), id="the number of classes twice"),
        pytest.param(("4.48.3", "1.0.14"), id="tensors that are lost", marks=pytest.mark.all_faults),
    ],
)
@pytest.mark.slow
def test_repair_mends_a_copy_of_a_folder_and_refuses_one_whose_tensors_are_lost(pair: tuple[str, str]) -> None:
    prove(FOLDERS, *pair)
