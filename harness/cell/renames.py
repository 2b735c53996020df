"""What was renamed to what: the substitution that turns missing names into unexpected ones."""

from collections import Counter
from collections.abc import Sequence


def renames(missing: Sequence[str], unexpected: Sequence[str]) -> Counter[tuple[str, str]]:
    """How often each (old, new) part of a name explains a missing name by an unexpected one of the same place."""
    found: Counter[tuple[str, str]] = Counter()
    left = [name.split(".") for name in sorted(unexpected)]
    for name in sorted(missing):
        parts = name.split(".")
        partner = next((other for other in left if _differing(parts, other) is not None), None)
        if partner is not None:
            left.remove(partner)
            at = _differing(parts, partner)
            if at is not None:
                found[parts[at], partner[at]] += 1
    return found


def _differing(one: Sequence[str], other: Sequence[str]) -> int | None:
    """The only position in which two dotted names differ, by more than a number; None where there is none."""
    if len(one) != len(other):
        return None
    apart = [at for at, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]
    return apart[0] if len(apart) == 1 and not one[apart[0]].isdigit() else None
