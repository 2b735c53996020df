"""What was renamed to what: the substitutions that turn missing names into unexpected ones."""

from collections import Counter
from collections.abc import Sequence

Rename = tuple[str, str]
"""Old and new part of a name. Where a prefix came or went, the other is empty; a dot is new where a part went."""

GONE = "."


def renames(missing: Sequence[str], unexpected: Sequence[str]) -> Counter[Rename]:
    """How often each rename explains a missing name by an unexpected one; each name is used once."""
    found: Counter[Rename] = Counter()
    lost, left = sorted(missing), sorted(unexpected)
    # A prefix explains a whole name, a part of it only something: prefixes are tried on all names first.
    for explain in (_prefix, _part, _gone):
        for name in list(lost):
            partner = next((other for other in left if explain(name, other)), None)
            rename = partner and explain(name, partner)
            if partner and rename:
                lost.remove(name)
                left.remove(partner)
                found[rename] += 1
    return found


def applied(rename: Rename, name: str) -> str | None:
    """What a name becomes by a rename; None where the rename does not concern it."""
    old, new = rename
    if not old:
        return f"{new}.{name}"
    if not new:
        return name.removeprefix(f"{old}.") if name.startswith(f"{old}.") else None
    parts = name.split(".")
    if new == GONE:
        return ".".join(part for part in parts if part != old) if old in parts else None
    return ".".join(new if part == old else part for part in parts) if old in parts else None


def in_words(rename: Rename, times: int) -> str:
    """`2 of gamma to weight`, `9 prefixed with timm_model`, `9 without model`."""
    old, new = rename
    if not old:
        return f"{times} prefixed with {new}"
    return f"{times} of {old} to {new}" if new not in {"", GONE} else f"{times} without {old}"


def _prefix(name: str, other: str) -> Rename | None:
    """The prefix that came or went between two dotted names."""
    if other.endswith(f".{name}"):
        return "", other.removesuffix(f".{name}")
    if name.endswith(f".{other}"):
        return name.removesuffix(f".{other}"), ""
    return None


def _part(name: str, other: str) -> Rename | None:
    """The only part in which two dotted names differ, by more than a number."""
    parts, others = name.split("."), other.split(".")
    if len(parts) != len(others):
        return None
    apart = [(one, two) for one, two in zip(parts, others, strict=True) if one != two]
    return apart[0] if len(apart) == 1 and not apart[0][0].isdigit() else None


def _gone(name: str, other: str) -> Rename | None:
    """The part inside that one dotted name has and the other has not, and that is no number."""
    parts = name.split(".")
    lost = (part for part in dict.fromkeys(parts[:-1]) if [one for one in parts if one != part] == other.split("."))
    part = next(lost, None)
    return (part, GONE) if part and not part.isdigit() else None
