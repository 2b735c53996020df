import subprocess
import sys
import time

import pytest

from harness.config.errors import BadInput, InstallationError, NoRelease, NoSolution
from harness.environments.installer_output import failure, within

PAIR = "transformers==99.0.0, timm==1.0.31"
REMEDY = "PyPI lists those that exist"

# What the installers print, pip's list of versions cut.
UV = """\
error: No solution found when resolving dependencies
  cause: Because there is no version of transformers==99.0.0 and you require transformers==99.0.0, we can conclude that
your requirements are unsatisfiable.
"""
UV_WRAPPED = """\
  cause: Because you require timm==1.0.31 and there is no version of
      transformers==99.0.0, we can conclude that your requirements are
      unsatisfiable.
"""
PIP = """\
ERROR: Could not find a version that satisfies the requirement transformers==99.0.0 (from versions: 0.1, 2.0.0)
ERROR: No matching distribution found for transformers==99.0.0
"""
PIP_OFFLINE = """\
ERROR: Could not find a version that satisfies the requirement transformers==5.23.0 (from versions: none)
ERROR: No matching distribution found for transformers==5.23.0
"""
UV_OFFLINE = """\
error: Request failed after 3 retries in 8.9s
  cause: Failed to fetch: https://pypi.org/simple/transformers/
"""


@pytest.mark.parametrize("output", [UV, UV_WRAPPED, PIP], ids=["uv", "uv, wrapped", "pip"])
def test_a_release_that_does_not_exist_is_bad_input(output: str) -> None:
    error = failure(PAIR, output)
    assert type(error) is NoRelease
    assert str(error) == f"{PAIR}: there is no release transformers==99.0.0 for this Python; {REMEDY}"


UV_CONTRADICTION = """\
error: No solution found when resolving dependencies
  cause: Because transformers==5.23.0 depends on huggingface-hub>=1.31.0,<3.0 and you require transformers==5.23.0, we
         can conclude that you require huggingface-hub>=1.31.0,<3.0.
         And because you require huggingface-hub==0.20.0, we can conclude that your requirements are unsatisfiable.

hint: huggingface-hub may have a later release
"""
PIP_CONTRADICTION = """\
ERROR: Cannot install huggingface-hub==0.20.0 and transformers==5.23.0 because these package versions have conflicting
 dependencies.
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/
"""
UV_CACHE_ALONE = """\
error: No solution found when resolving dependencies
  cause: Because transformers was not found in the cache and you require transformers==5.23.0, we can conclude that your
requirements are unsatisfiable.

hint: Packages were unavailable because the network was disabled. When the network is disabled, registry packages may
only be read from the cache.
"""


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (UV_CONTRADICTION, "Because transformers==5.23.0 depends on huggingface-hub>=1.31.0,<3.0 and you require"),
        (PIP_CONTRADICTION, "Cannot install huggingface-hub==0.20.0 and transformers==5.23.0 because these package"),
    ],
    ids=["uv", "pip"],
)
def test_requirements_that_contradict_each_other_are_certain(output: str, why: str) -> None:
    error = failure(PAIR, output)
    assert type(error) is NoSolution
    assert str(error).startswith(f"no installer finds releases of all that it requires: {why}")
    assert "hint" not in str(error)


@pytest.mark.parametrize(
    "output",
    [UV_CACHE_ALONE, UV_CONTRADICTION.replace("may have", "was filtered by `exclude-newer`, which has")],
    ids=["no network", "an earlier day"],
)
def test_that_an_index_did_not_tell_all_is_not_certain(output: str) -> None:
    assert type(failure(PAIR, output)) is InstallationError


def test_a_release_that_appeared_after_the_day_is_bad_input_and_not_certain() -> None:
    later = f"{UV}hint: `transformers` was filtered by `exclude-newer` to only include packages uploaded before\n"
    assert type(failure(PAIR, later)) is BadInput


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (PIP_OFFLINE, "; ".join(PIP_OFFLINE.splitlines())),
        (UV_OFFLINE, "; ".join(line.strip() for line in UV_OFFLINE.splitlines())),
        ("error: No space left on device (os error 28)\n", "error: No space left on device (os error 28)"),
    ],
    ids=["pip without an index", "uv without an index", "no space"],
)
def test_a_machine_that_cannot_install_is_no_bad_input(output: str, message: str) -> None:
    error = failure(PAIR, output)
    assert type(error) is InstallationError
    assert str(error) == message


def test_of_a_long_output_the_last_eight_lines_are_kept_and_no_empty_one() -> None:
    lines = [f"  line {number}\n\n" for number in range(12)]
    assert str(failure(PAIR, "".join(lines))) == "; ".join(f"line {number}" for number in range(4, 12))


@pytest.mark.parametrize("output", ["", "\n \n"], ids=["empty", "blank"])
def test_an_installer_that_said_nothing_is_said_to_have_said_nothing(output: str) -> None:
    assert str(failure(PAIR, output)) == "no output"


def test_installing_that_takes_too_long_is_stopped_and_says_so() -> None:
    started = time.monotonic()
    with pytest.raises(InstallationError, match=r"^it took longer than limits\.install_seconds: 1$"), within(1):
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], check=True)
    assert time.monotonic() - started < 10


def test_installing_that_fails_in_time_fails_as_ever() -> None:
    with pytest.raises(ZeroDivisionError), within(60):
        raise ZeroDivisionError


@pytest.mark.parametrize("seconds", [None, 60], ids=["no limit", "a limit"])
def test_installing_that_ends_in_time_is_not_stopped(seconds: int | None) -> None:
    with within(seconds):
        subprocess.run([sys.executable, "-c", ""], check=True)
