"""Two runs on one results folder: the second is refused, by the system, for as long as the first lives."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.config.errors import BadInput
from harness.execution import run_lock

HOLD = """
import sys
from pathlib import Path
from harness.execution import run_lock
run_lock.take(Path(sys.argv[1]))
print("held", flush=True)
input()
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that has claimed the folder."""
    process = subprocess.Popen(  # noqa: S603 - the test's own words
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_folder_in_which_another_run_records_is_refused_with_who_that_is(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as refused:
        run_lock.take(tmp_path)
    holder.communicate("\n")
    assert re.fullmatch(
        rf"--results {re.escape(str(tmp_path))}: another run is recording there \(process {holder.pid}, since "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: -c .*\); wait for its end, or name another folder",
        str(refused.value),
    )


def test_a_run_that_was_killed_holds_nothing(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    run_lock.take(tmp_path)


def test_the_sessions_of_one_command_share_their_folder(tmp_path: Path) -> None:
    run_lock.take(tmp_path)
    run_lock.take(tmp_path)
