"""The end of a bisection in words."""

from collections.abc import Iterator

from ..environments.pypi import Release
from ..results.bisection import Bisection
from ..results.pair_diff import key_of
from . import reproduction


def lines(answered: Bisection) -> Iterator[str]:
    """Which release brought the change, or may have; what fails, why, and a command for each side."""
    change, axis = answered.change, answered.axis
    first, last = _dated(change.first), _dated(change.last)
    yield f"First {answered.newer}: {axis} {first}. Last {answered.older}: {axis} {last}."
    if change.culprit is None:
        untested = ", ".join(release.version for release in change.suspects[:-1])
        yield f"Also possible, because they could not be tested: {untested}."
    broken = answered.broken
    yield f"On the bad side {broken.case.id} is {broken.outcome}: {broken.reason}"
    if rule := broken.explanation:
        yield from filter(None, (f"because {rule.because}", rule.advice, rule.url or rule.script))
    if not answered.symptom.is_as_at_the_end(broken):
        other = answered.symptom.cases[key_of(broken)]
        yield f"Farther on it is {other.outcome}: {other.reason}"
    if answered.taken:
        told = "; ".join(f"{version} {said}" for version, said in answered.taken.items())
        yield f"From the atlas, which both sides were run to prove: {axis} {told}."
    yield "Both sides:"
    for release in (change.last, change.first):
        same_case = next(case for case in answered.judged[release.version] if key_of(case) == key_of(broken))
        yield f"  {reproduction.of_pair(answered.pairs[release.version])(same_case)}"


def _dated(release: Release) -> str:
    return f"{release.version} ({release.day})" if release.day else release.version
