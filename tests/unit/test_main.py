"""What `python -m harness` takes, where there is nothing to examine."""

import subprocess
import sys

import pytest

from harness.__main__ import USAGE


def run(*arguments: str) -> tuple[int, str, str]:
    ended = subprocess.run([sys.executable, "-m", "harness", *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - the test's own words
    return ended.returncode, ended.stdout, ended.stderr


def test_without_the_libraries_there_is_one_error_with_the_remedy() -> None:
    code, out, said = run("doctor")
    missing = "torch, torchvision, timm, transformers"
    assert said == (
        f"{sys.executable}: there is no {missing} here; run this with the Python of your own project, "
        f"or install them: pip install {missing.replace(',', '')}\n"
    )
    assert (code, out) == (2, "")


@pytest.mark.parametrize("asked", [["--help"], ["-h"], ["doctor", "--help"]])
def test_help_says_all(asked: list[str]) -> None:
    assert run(*asked) == (0, USAGE, "")


@pytest.mark.parametrize(
    ("given", "named"), [([], "nothing"), (["docter"], "docter"), (["doctor", "now"], "doctor now")]
)
def test_anything_else_is_refused(given: list[str], named: str) -> None:
    assert run(*given) == (2, "", f"unexpected {named}; there is: python -m harness doctor\n")
