"""Each script of tests/causes, run in an environment of the pair that has its cause and of the one that has not."""

import functools
import re
from collections import defaultdict

import pytest

from tests.causes import index
from tests.pairs.command import run
from tests.places import TIMM, TRANSFORMERS

SECONDS_TO_INSTALL = 600
SECONDS_A_SCRIPT = 60
SAID = re.compile(r"^tests/causes/(\w+\.py): (broken: .+|sound)$", re.MULTILINE)

BY_PAIR: defaultdict[str, list[str]] = defaultdict(list)
for _row in index.rows():
    for _pair in _row.pairs:
        BY_PAIR[_pair].append(_row.script)

USUAL = {
    f"transformers=={transformers} timm=={timm}"
    for transformers, timm in ((TRANSFORMERS, TIMM), ("4.48.3", "1.0.14"), ("4.49.0", "1.0.15"))
}
"""The pairs that other tests install too; in a new environment the libraries are compiled first."""
RUNS = [
    pytest.param(
        row.script,
        pair,
        broken,
        id=f"{row.script.removesuffix('.py')}, {'broken' if broken else 'healthy'}",
        marks=pytest.mark.slow if pair in USUAL else pytest.mark.all_faults,
    )
    for row in index.rows()
    for pair, broken in row.pairs.items()
]


@functools.cache
def said(pair: str) -> dict[str, str]:
    """What each script of this pair says in its environment, which is made once."""
    paths = [f"tests/causes/{script}" for script in BY_PAIR[pair]]
    ended = run("-s", "cause", "--", *pair.split(), *paths, seconds=SECONDS_TO_INSTALL + SECONDS_A_SCRIPT * len(paths))
    found = dict(SAID.findall(ended.out))
    assert sorted(found) == BY_PAIR[pair], ended.out + ended.said
    return found


@pytest.mark.parametrize(("script", "pair", "broken"), RUNS)
def test_a_cause_shows_on_the_pair_that_has_it_and_on_no_other(script: str, pair: str, broken: bool) -> None:  # noqa: FBT001
    assert said(pair)[script].startswith("broken: ") == broken
