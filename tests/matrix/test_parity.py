"""One test a case of the plan. The plugin in harness.cell gives the cases, runs them and writes the records."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.contract.record import GREEN, SKIPPED


def test_the_loaded_model_is_the_saved_one(record: Mapping[str, Any]) -> None:
    if record["outcome"] in SKIPPED:
        pytest.skip(record["reason"])
    if record["outcome"] not in GREEN:
        pytest.fail(f"{record['outcome']}: {record['reason']}", pytrace=False)
