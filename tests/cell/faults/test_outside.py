"""Every fault in a library is caught on its route; the table says on which other routes it shows."""

from pathlib import Path

import pytest

from harness.cell.routes import ROUTES
from tests.cell.faults import table
from tests.cell.faults.conftest import Attempt
from tests.cell.faults.outside import FAULTS, Reached

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_library_is_caught_and_named(attempt: Attempt, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    fault, reached = FAULTS[name], Reached()
    with monkeypatch.context() as patch:
        fault.put(patch, reached)
        record = attempt(ROUTES[fault.route], fault.model, fault.variant)
    assert reached.times > 0
    assert record.outcome == fault.outcome, record.reason
    assert fault.reason in record.reason


@pytest.mark.all_faults
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_escapes_on_no_route_and_the_table_says_where_it_shows(name: str) -> None:
    page = (Path(table.__file__).parent / "README.md").read_text()
    row = table.line(name)
    assert table.ESCAPED not in row
    assert row in page.splitlines()
