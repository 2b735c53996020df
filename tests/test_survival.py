"""pytest's part of `survives_transformers`, without the libraries: its pairs, its marker, and what it costs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

FAST = 0.02  # seconds of a processor, for others work here too
MARKED = """\
import pytest

@pytest.mark.layerscale_pairs("transformers4.57.6-timm1.0.22", "installed", remedied=["gamma-renamed"])
def test_marked(survives_transformers):
    pass

def test_plain(survives_transformers):
    pass

def test_other():
    pass
"""


def pytest_of_a_user(folder: Path, *words: str, text: str = MARKED) -> subprocess.CompletedProcess[str]:
    (folder / "test_mine.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "harness.survival", "-p", "no:cacheprovider", "-q", *words]
    return subprocess.run(  # noqa: S603 - the test's own words
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )


def collected(folder: Path, *words: str, text: str = MARKED) -> list[str]:
    ended = pytest_of_a_user(folder, "--collect-only", "--strict-markers", *words, text=text)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [line.partition("::")[2] for line in ended.stdout.splitlines() if "::" in line]


def test_a_marker_runs_its_test_for_each_pair_and_the_others_as_ever(tmp_path: Path) -> None:
    assert collected(tmp_path) == [
        *("test_marked[4.57.6,1.0.22]", "test_marked[installed]"),
        *("test_plain", "test_other"),
    ]


def test_the_option_names_the_pairs_of_every_test_that_uses_the_fixture(tmp_path: Path) -> None:
    words = ("--layerscale-pairs", "5.23.0,1.0.31 installed", "--layerscale-pairs=transformers5.23.0-timm1.0.31")
    pairs = ("5.23.0,1.0.31", "installed")
    expected = [f"{name}[{pair}]" for name in ("test_marked", "test_plain") for pair in pairs]
    assert collected(tmp_path, *words) == [*expected, "test_other"]


@pytest.mark.parametrize("words", ["4.57.6", "transformers4.57.6-timm1.0.22", "4.57.6 and 1.0.22"])
def test_an_expression_selects_a_pair_by_its_release_and_by_its_id(tmp_path: Path, words: str) -> None:
    assert collected(tmp_path, "-k", words) == ["test_marked[4.57.6,1.0.22]"]


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        (
            '"installed", remedy=["gamma-renamed"]',
            "it takes remedied and no keyword 'remedy', did you mean 'remedied'?",
        ),
        ('"installed", pair=1', "it takes remedied and no keyword 'pair'"),
        (
            'remedied=["gamma-renamd"]',
            "remedied: matrix.yaml has no rule 'gamma-renamd', did you mean 'gamma-renamed'?",
        ),
        ('remedied="gamma-renamed"', "remedied is a list of rules, and not 'gamma-renamed'"),
    ],
    ids=["a misspelt keyword", "another keyword", "no rule", "no list"],
)
def test_a_marker_that_is_misspelt_is_refused_in_one_sentence(tmp_path: Path, marker: str, said: str) -> None:
    text = f"import pytest\n@pytest.mark.layerscale_pairs({marker})\ndef test_it(survives_transformers):\n    pass\n"
    ended = pytest_of_a_user(tmp_path, text=text)
    assert ended.returncode == pytest.ExitCode.INTERRUPTED
    assert f"\ntest_mine.py::test_it: layerscale_pairs: {said}\n" in ended.stdout


def test_a_marker_on_a_test_that_does_not_use_the_fixture_is_refused(tmp_path: Path) -> None:
    text = 'import pytest\n@pytest.mark.layerscale_pairs("5.23.0,1.0.31")\ndef test_it():\n    pass\n'
    said = "test_it: layerscale_pairs: the test does not use the fixture survives_transformers, so that the marker does"
    assert said in pytest_of_a_user(tmp_path, text=text).stdout
    of_a_module = MARKED.replace("@pytest.mark", "pytestmark = pytest.mark")
    assert collected(tmp_path, text=of_a_module)[-1] == "test_other"


@pytest.mark.parametrize("place", ["option", "marker"])
def test_a_pair_that_is_none_is_an_error_of_usage(tmp_path: Path, place: str) -> None:
    text = MARKED.replace('"installed"', '"4.57"') if place == "marker" else MARKED
    ended = pytest_of_a_user(tmp_path, *(["--layerscale-pairs", "4.57"] if place == "option" else []), text=text)
    assert ended.returncode == (pytest.ExitCode.USAGE_ERROR if place == "option" else pytest.ExitCode.INTERRUPTED)
    said = ended.stdout + ended.stderr
    assert "4.57: it is no pin as in transformers==5.23.0 timm==1.0.31" in said
    assert ("--layerscale-pairs: " if place == "option" else "test_marked: layerscale_pairs: ") in said


def test_the_marker_and_the_option_are_described(tmp_path: Path) -> None:
    assert "@pytest.mark.layerscale_pairs(*pairs, remedied=()): run" in pytest_of_a_user(tmp_path, "--markers").stdout
    assert "--layerscale-pairs=PAIRS" in pytest_of_a_user(tmp_path, "--help").stdout


def test_a_suite_that_does_not_use_it_pays_next_to_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time, pytest; before = {*sys.modules}; start = time.process_time(); import harness.survival;"
        "print(time.process_time() - start); print(*{*sys.modules} - before)"
    )
    seen = [
        subprocess.run(  # noqa: S603 - the test's own words
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for _ in range(3)
    ]
    assert {name for _, names in seen for name in names.split()} == {"harness", "harness.survival"}
    assert min(float(seconds) for seconds, _ in seen) < FAST
    unused = "def test_other():\n    import sys\n    assert 'harness.atlas' not in sys.modules\n"
    assert pytest_of_a_user(tmp_path, text=unused).returncode == 0
