"""The end of a bisection in words."""

from collections.abc import Iterator

from ..environments.pypi import Release
from ..results.bisection import Answered
from ..results.pair_diff import key_of
from . import reproduction


def lines(answered: Answered) -> Iterator[str]:
    """Which release it was, or which it may have been; what was wrong, why, and both sides as commands."""
    found, axis = answered.found, answered.axis
    first, last = _dated(found.first), _dated(found.last)
    yield f"First {answered.newer}: {axis} {first}. Last {answered.older}: {axis} {last}."
    if found.culprit is None:
        untested = ", ".join(one.version for one in found.suspects[:-1])
        yield f"Untestable, so that any of them may have brought it as well: {untested}."
    broken = answered.broken
    yield f"Where it is bad: {broken.case.id} is {broken.outcome}: {broken.reason}"
    if rule := broken.explanation:
        yield from filter(None, (f"because {rule.because}", rule.advice, rule.url or rule.script))
    yield "Both sides:"
    for release in (found.last, found.first):
        one = next(one for one in answered.judged[release.version] if key_of(one) == key_of(broken))
        yield f"  {reproduction.of_pair(answered.pairs[release.version])(one)}"


def _dated(release: Release) -> str:
    return f"{release.version} ({release.day})" if release.day else release.version
