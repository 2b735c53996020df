"""What the doctor hides of the libraries, and what its cases hear all the same."""

import logging
import sys

import pytest
import transformers

from harness.cell.guards.library_warnings import capture_warnings
from harness.doctor.console_report import quiet


@pytest.mark.parametrize("verbosity", [logging.WARNING, logging.ERROR, logging.INFO], ids=logging.getLevelName)
def test_in_quiet_a_case_hears_warnings_that_the_terminal_does_not(
    verbosity: int, capfd: pytest.CaptureFixture[str]
) -> None:
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity(verbosity)
    handlers = list(logging.getLogger("transformers").handlers)
    heard: list[str] = []
    try:
        with quiet(), capture_warnings(heard):
            transformers.logging.get_logger("transformers.models").warning("it does not fit")
            sys.stderr.write("neither does this\n")
        after = transformers.logging.get_verbosity()
    finally:
        transformers.logging.set_verbosity(before)
    assert heard == ["it does not fit"]
    assert capfd.readouterr().err == ""
    assert after == verbosity
    assert logging.getLogger("transformers").handlers == handlers
