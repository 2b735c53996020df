from harness.cell.routes import ROUTES
from tests.cell.faults.conftest import Attempt


def test_a_throw_away_route_runs(attempt: Attempt) -> None:
    assert attempt(ROUTES["throwaway"], "convnext_atto").outcome == "passed"
