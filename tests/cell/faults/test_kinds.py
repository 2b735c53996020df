"""Each kind of fault of a release is caught on the scenario that looks at it, with a reason that names it."""

from pathlib import Path

import pytest

from harness.contract.case import GREEN
from harness.contract.catalog import Catalog
from tests.cell.faults import kinds_table
from tests.cell.faults.kinds_table import ALL, KINDS, attempted
from tests.cell.faults.outside import Reached

pytestmark = pytest.mark.slow

LIKE_OTHERS = frozenset(
    {
        "a custom model left in training mode",
        "the text tower comes back frozen",
        "another momentum of batch norms",
        "hidden states of a classifier reversed",
        "an oblong picture cut to a square",
        "a backbone's levels in another order",
        "a pixel mask of the first picture for all",
        "the report logged below a warning",
        "the report logged without names",
        "a new head of NaN",
        "a new head of large values",
        "a tie lost",
        "batch norms without an epsilon",
        "weights of a backbone come back as channels_last",
        "another number of threads",
        "loading seeds torch anew",
        "loading seeds numpy",
        "loading seeds Python",
        "loading silences one kind of warning",
        "loading forgets the filters of warnings",
        "timm writes no LayerScale",
        "timm writes no input size",
        "label names saved in order of the alphabet",
        "the number of classes not saved",
        "colours of an array in another order",
        "a batch in another order",
        "a smaller part of a picture",
    }
)
"""Faults that are tried with --all-faults: another one is seen by the same comparison."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.all_faults] * (name in LIKE_OTHERS))
        for name, fault in ALL.items()
        if not fault.escapes
    ],
)
def test_a_fault_of_a_kind_is_caught_and_named(entries: Catalog, tmp_path: Path, name: str) -> None:
    fault, reached = ALL[name], Reached()
    line = attempted(fault, entries, tmp_path, reached)
    assert reached.times > 0
    assert line.outcome == fault.outcome, line.reason
    assert fault.reason in line.reason
    kind = next(kind for kind, faults in KINDS.items() if name in faults)
    page = (Path(kinds_table.__file__).parent / "README.md").read_text()
    assert f"\n{kinds_table.head(kind, name, fault)} " in page


@pytest.mark.parametrize("name", [name for name, fault in ALL.items() if fault.escapes])
def test_a_fault_that_escapes_is_known_to(entries: Catalog, tmp_path: Path, name: str) -> None:
    fault, reached = ALL[name], Reached()
    line = attempted(fault, entries, tmp_path, reached)
    assert reached.times > 0
    assert line.outcome in GREEN, f"{line.reason}: seen by now, so it belongs to the others"
