"""One test a case of the plan. The plugin in the cell gives the cases, runs them and writes the records."""

import pytest

from ..contract.case import GREEN, SKIPPED
from ..contract.record import CaseLine


def test_the_loaded_model_is_the_saved_one(record: CaseLine) -> None:
    """It is green, or it was not run."""
    if record.outcome in SKIPPED:
        pytest.skip(record.reason)
    if record.outcome not in GREEN:
        pytest.fail(f"{record.outcome}: {record.reason}", pytrace=False)
