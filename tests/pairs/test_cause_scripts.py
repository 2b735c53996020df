"""Each script of tests/causes, run in an environment of the pair that has its cause and of the one that has not.

Where its remedy is a function, the script is run with it on the pair that has the cause, and must be sound.
"""

import functools
import re
from collections.abc import Sequence

import pytest

from tests.causes import scripts
from tests.causes.scripts import Row
from tests.pairs.command import run
from tests.places import TIMM, TRANSFORMERS

SECONDS_TO_INSTALL = 600
SECONDS_A_SCRIPT = 60
SAID = re.compile(r"^tests/causes/(\w+\.py): (broken: .+|sound)$", re.MULTILINE)

ROWS = {row.script: row for row in scripts.rows()}

USUAL = {
    f"transformers=={transformers} timm=={timm}"
    for transformers, timm in ((TRANSFORMERS, TIMM), ("4.48.3", "1.0.14"), ("4.49.0", "1.0.15"))
}
"""The pairs that other tests install too; in a new environment the libraries are compiled first."""


def mark(pair: str) -> pytest.MarkDecorator:
    return pytest.mark.slow if pair in USUAL else pytest.mark.all_faults


RUNS = [
    pytest.param(
        row.script,
        pair,
        broken,
        id=f"{row.script.removesuffix('.py')}, {'broken' if broken else 'healthy'}",
        marks=mark(pair),
    )
    for row in ROWS.values()
    for pair, broken in row.pairs.items()
]
REMEDIED = [
    pytest.param(row.script, row.broken, id=row.script.removesuffix(".py"), marks=mark(row.broken))
    for row in ROWS.values()
    if row.can_be_remedied
]


@functools.cache
def said(pair: str) -> dict[str, str]:
    """What each script of this pair says in its environment, which is made once."""
    return run_scripts(pair, [row for row in ROWS.values() if pair in row.pairs])


@functools.cache
def said_with_remedies(pair: str) -> dict[str, str]:
    """What each script that is broken on this pair, and has a remedy to run, says with it."""
    remedied = [row for row in ROWS.values() if pair == row.broken and row.can_be_remedied]
    return run_scripts(pair, remedied, scripts.OPTION)


def run_scripts(pair: str, rows: Sequence[Row], *options: str) -> dict[str, str]:
    words = (*pair.split(), *options, *(row.path for row in rows))
    ended = run("-s", "cause", "--", *words, seconds=SECONDS_TO_INSTALL + SECONDS_A_SCRIPT * len(rows))
    found = dict(SAID.findall(ended.out))
    assert sorted(found) == [row.script for row in rows], ended.out + ended.said
    assert ended.code == 0
    return found


@pytest.mark.parametrize(("script", "pair", "broken"), RUNS)
def test_a_cause_shows_on_the_pair_that_has_it_and_on_no_other(script: str, pair: str, broken: bool) -> None:  # noqa: FBT001
    assert said(pair)[script].startswith("broken: ") == broken


@pytest.mark.parametrize(("script", "pair"), REMEDIED)
def test_with_its_remedy_a_script_is_sound_on_the_pair_that_has_its_cause(script: str, pair: str) -> None:
    assert said_with_remedies(pair)[script] == "sound"


@pytest.mark.slow
@pytest.mark.parametrize("remedy", ["move", "none"])
def test_a_script_whose_remedy_is_no_function_ends_in_2_with_it_and_says_so(remedy: str) -> None:
    row = next(row for row in ROWS.values() if row.remedy == remedy)
    pins = (f"transformers=={TRANSFORMERS}", f"timm=={TIMM}")
    ended = run("-s", "cause", "--", *pins, "--remedy", row.path, seconds=SECONDS_TO_INSTALL + SECONDS_A_SCRIPT)
    assert ended.out.splitlines()[1:] == [
        f"{row.path}: its remedy is {remedy}, which is no function; leave out --remedy"
    ]
    assert ended.code == 2


def test_help_names_the_remedy() -> None:
    ended = run("-s", "cause", "--", "--help")
    assert "\n  --remedy " in ended.out
    assert ended.code == 0
