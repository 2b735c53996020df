"""A record is current while the code and the settings that its outcome rests on are the same."""

import itertools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.config.matrix import Bound, Costs, Limits, Matrix, Route
from harness.contract import package
from harness.contract.routes import OWN, ROUTES
from harness.planning import currency
from tests.places import TIMM

NUMBERS = itertools.count()
COSTS = Costs(seconds=Bound(ratio=10, floor=0.5), mib=Bound(ratio=2, floor=16))
TRIED = ("tower", "vlm", "hub", OWN)

Changed = Callable[[str, str, str], set[str]]


@pytest.fixture
def changed(small_matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Changed:
    """Changes a file in a copy of the package: the routes whose digest is another one then."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def copy() -> str:
        name = f"copied_{next(NUMBERS)}"
        shutil.copytree(package.FOLDER, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "locks"))
        return name

    def change(file: str, old: str, new: str) -> set[str]:
        before, after = copy(), copy()
        path = tmp_path / after / file
        text = path.read_text() if path.exists() else ""
        assert old in text
        path.write_text(text.replace(old, new))
        first, second = (currency.digests(small_matrix, TRIED, TIMM, name) for name in (before, after))
        return {route for route in TRIED if first[route] != second[route]}

    return change


def test_a_copy_under_another_name_has_the_same_digests(changed: Changed) -> None:
    assert changed("cell/routes/tower.py", "TOKENS", "TOKENS") == set()


@pytest.mark.parametrize(
    ("file", "text", "routes"),
    [
        ("cell/routes/vlm.py", "VlmRoute", {"vlm"}),
        ("cell/routes/tower.py", "TOKENS", {"tower"}),
        ("cell/routes/wrapped.py", "PREFIX", {"hub", OWN}),
        ("cell/user_models/target.py", "Target", {OWN}),
    ],
    ids=["vlm", "tower", "what hub imports, and a folder's routes", "user models"],
)
def test_a_change_in_one_route_leaves_the_others(changed: Changed, file: str, text: str, routes: set[str]) -> None:
    assert changed(file, text, f"{text}_") == routes


@pytest.mark.parametrize(
    "file",
    ["doctor/environment.py", "commands/bench/bench.py", "report/causes.py", "results/judging.py", "__main__.py"],
    ids=["doctor", "bench", "report", "verdict", "command line"],
)
def test_what_decides_no_outcome_leaves_all(changed: Changed, file: str) -> None:
    assert changed(file, "def ", "def  ") == set()


@pytest.mark.parametrize(
    ("release", "stale"), [(TIMM, {"tower"}), ("1.0.9", {"tower"}), ("99.0", set())], ids=["own", "older", "newer"]
)
def test_a_file_of_fingerprints_is_about_the_route_that_reads_it_and_no_older_release(
    changed: Changed, release: str, stale: set[str]
) -> None:
    assert changed(f"fingerprints/timm-{release}.ndjson", "", "more") == stale


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("contract/library_env.py", '"TRANSFORMERS_VERBOSITY": "warning"', '"TRANSFORMERS_VERBOSITY": "info"'),
        ("contract/routes.py", "shards=True", "shards=False"),
        ("contract/fields/record.py", "SAMPLES: Final = 8", "SAMPLES: Final = 9"),
        ("contract/checkpoint.py", "LARGEST_FILE: Final = 8", "LARGEST_FILE: Final = 4"),
        ("cell/models/mapped_tensors.py", "SHARDS: Final = 2", "SHARDS: Final = 3"),
        ("cell/compare/comparison.py", "def ", "def  "),
        ("cell/runtime/watchdog.py", "GRACE: Final = 10.0", "GRACE: Final = 5.0"),
    ],
    ids=[
        *("what the libraries are told", "whether a checkpoint lies in shards", "the fingerprint"),
        *("how a checkpoint is written", "how many shards", "comparing", "when a case is killed"),
    ],
)
def test_what_decides_every_outcome_makes_all_stale(changed: Changed, file: str, old: str, new: str) -> None:
    assert changed(file, old, new) == set(TRIED)


def test_settings_make_stale_what_they_are_about(small_matrix: Matrix) -> None:
    def stale(**update: object) -> set[str]:
        after = currency.digests(small_matrix.model_copy(update=update), small_matrix.routes, TIMM)
        return {route for route, digest in before.items() if after[route] != digest}

    before = currency.digests(small_matrix, small_matrix.routes, TIMM)
    assert stale(expectations=()) == set()
    assert stale(limits=Limits(seconds=301)) == set(before)
    assert stale(costs=COSTS) == set(before)
    assert stale(limits=Limits(seconds=300, install_seconds=9)) == set()
    assert stale(routes={**small_matrix.routes, "tower": Route(models="every")}) == {"tower"}


@pytest.mark.parametrize("route", ROUTES)
def test_an_outcome_rests_on_its_routes_file_and_on_what_compares(route: str) -> None:
    file = f"{package.NAME}.cell.routes.{ROUTES[route].module}"
    needed = {file, *map(package.module, ("cell.scenarios.run_case", "cell.compare.comparison", "contract.record"))}
    assert needed <= currency.modules(route)
