"""Finds the renames that turn missing names into unexpected ones."""

from collections import Counter
from collections.abc import Sequence

Rename = tuple[str, str]
"""Old and new part of a name. Old is empty for an added prefix, new for a removed one, or a dot for a removed part."""

GONE = "."


def renames(missing: Sequence[str], unexpected: Sequence[str]) -> Counter[Rename]:
    """How often each rename explains a missing name by an unexpected one."""
    return Counter(rename for _, rename in partners(missing, unexpected).values())


def partners(missing: Sequence[str], unexpected: Sequence[str]) -> dict[str, tuple[str, Rename]]:
    """Missing name -> the unexpected name that it became, and the rename; each name is used once."""
    found: dict[str, tuple[str, Rename]] = {}
    old_names, new_names = sorted(missing), sorted(unexpected)
    # A prefix leaves the whole name as it was, so it is the stronger explanation and is tried on all names first.
    for explain in (_prefix, _part, _gone):
        for name in list(old_names):
            partner = next((other for other in new_names if explain(name, other)), None)
            rename = partner and explain(name, partner)
            if partner and rename:
                old_names.remove(name)
                new_names.remove(partner)
                found[name] = partner, rename
    return found


def apply(rename: Rename, name: str) -> str | None:
    """The name after a rename; None if the rename does not concern it."""
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
    """Describe a rename: `2 of gamma to weight`, `9 prefixed with timm_model`, `9 without model`."""
    old, new = rename
    if not old:
        return f"{times} prefixed with {new}"
    return f"{times} of {old} to {new}" if new not in {"", GONE} else f"{times} without {old}"


def _prefix(name: str, other: str) -> Rename | None:
    """The prefix that only one of two dotted names has."""
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
    changes = [(old, new) for old, new in zip(parts, others, strict=True) if old != new]
    return changes[0] if len(changes) == 1 and not changes[0][0].isdigit() else None


def _gone(name: str, other: str) -> Rename | None:
    """The part, not a number and not the last, that only `name` has."""
    parts, others = name.split("."), other.split(".")
    removed = (gone for gone in dict.fromkeys(parts[:-1]) if [part for part in parts if part != gone] == others)
    part = next(removed, None)
    return (part, GONE) if part and not part.isdigit() else None
