"""The test of the package, taken in here, where pytest looks for tests."""

from harness.execution.parity import test_the_loaded_model_is_the_saved_one

__all__ = ["test_the_loaded_model_is_the_saved_one"]
