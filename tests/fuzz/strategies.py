"""Which changes are tried, as strategies of hypothesis."""

from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

from tests.fuzz.changes import LINE_CHANGES, ODD_VALUES, STRANGE, WHAT, Step


def steps(odd: Sequence[Any], most: int = 4) -> st.SearchStrategy[list[Step]]:
    """A few changes."""
    what = st.sampled_from(WHAT)
    values = st.one_of(st.sampled_from(odd), st.text(max_size=6))
    return st.lists(st.tuples(what, st.integers(0, 10_000), values), min_size=1, max_size=most)


OF_LINES: Final = st.lists(
    st.tuples(st.sampled_from([*["inside"] * 8, *LINE_CHANGES]), st.integers(0, 10_000), steps(ODD_VALUES, 3)),
    min_size=1,
    max_size=3,
)
OF_FOLDERS: Final = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(sorted(STRANGE))), max_size=2)
