"""The fixtures of tests/cell/faults: the doctor runs in a pair's environment too."""

from tests.cell.faults.conftest import _own_dtype, attempt, entries, reference

__all__ = ["_own_dtype", "attempt", "entries", "reference"]
