"""Findings in words: one line that a person can act on, and the detail behind it."""

import math
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.cell.parity import Findings, NameDifference, OutputDifference, TensorDifference
from harness.cell.renames import renames
from harness.cell.said import mentions

LISTED: Final = 20  # how many of each kind the detail holds; the counts are always whole
SAID: Final = 400  # characters kept of what a library said
LONGEST: Final = 240  # characters of an exception's message that fit on a line people read


def one_line(findings: Findings) -> str:
    """What happened, by how much, and where."""
    if findings.names:
        return _names(findings.names[0])
    if findings.tensors:
        return _tensors(findings.tensors)
    if findings.outcome in {"outputs", "nonfinite"}:
        return _outputs(findings)
    if findings.error is not None:
        error = findings.error
        message = textwrap.shorten(str(error["message"]), LONGEST, placeholder=" ...")
        return f"{error['type']} in phase {error['phase']} at {error['frame']}: {message}"
    return ""


def cause(findings: Findings) -> str | None:
    """What cases that fail for one cause have in common, without the names of the model's own tensors."""
    if findings.names:
        first = findings.names[0]
        found = renames(first.missing, first.unexpected)
        renamed = ", ".join(f"{old} to {new}" for old, new in sorted(found))
        return f"{first.where}: {f'{renamed} renamed' if renamed else 'names missing or unexpected'}"
    if findings.tensors:
        kinds = sorted({(one.kind, _kind_of(one.how)) for one in findings.tensors})
        return "; ".join(f"{kind}s {how}" for kind, how in kinds)
    if findings.outcome in {"outputs", "nonfinite"}:
        return findings.outcome
    return None


def warned(findings: Findings, said: Sequence[str]) -> bool:
    """Whether a library named what differs; where only outputs differ there are no names, and any warning counts."""
    names = {name for one in findings.names for name in (*one.missing, *one.unexpected, *one.mismatched)}
    names |= {one.name for one in findings.tensors}
    return any(mentions(text, names) for text in said) if names else bool(said)


def detail(findings: Findings, said: Sequence[str], seconds: Mapping[str, float]) -> dict[str, Any]:
    """Everything found, as JSON. `silent`: something differed, and neither library warned of it."""
    found: dict[str, Any] = {
        "silent": findings.differ and not warned(findings, said),
        "said": [text[:SAID] for text in dict.fromkeys(said)],
        "phases": {phase: round(spent, 4) for phase, spent in seconds.items()},
    }
    if findings.names:
        found["names"] = [_listed_names(one) for one in findings.names]
    if findings.tensors:
        found["tensors"] = {
            "count": len(findings.tensors),
            "kinds": dict(Counter(one.kind for one in findings.tensors)),
            "first": [{"name": one.name, "kind": one.kind, "how": one.how} for one in findings.tensors[:LISTED]],
        }
    if findings.outputs:
        found["outputs"] = {one.name: {"max_abs": one.max_abs, "largest": one.largest} for one in findings.outputs}
        found["nonfinite"] = any(not math.isfinite(one.max_abs) for one in findings.outputs)
    optional = {"diverges": findings.diverges, "error": findings.error, "cause": cause(findings)}
    return {**found, **{name: value for name, value in optional.items() if value is not None}}


def _names(difference: NameDifference) -> str:
    found = renames(difference.missing, difference.unexpected)
    if found:
        (old, new), _ = found.most_common(1)[0]
        example = next(name for name in difference.missing if old in name.split("."))
        counted = ", ".join(f"{times} of {one} to {other}" for (one, other), times in found.most_common())
        arrived = ".".join(new if part == old else part for part in example.split("."))
        return f"{difference.where}: keys renamed, {counted} ({example} became {arrived})"
    parts = (
        f"{len(names)} {word} ({', '.join(names[:2])}{', ...' if len(names) > 2 else ''})"  # noqa: PLR2004
        for word, names in (
            ("missing", difference.missing),
            ("unexpected", difference.unexpected),
            ("of another shape", difference.mismatched),
        )
        if names
    )
    return f"{difference.where}: keys {', '.join(parts)}"


def _tensors(differences: Sequence[TensorDifference]) -> str:
    kinds = Counter(one.kind for one in differences)
    counted = ", ".join(f"{times} {kind}{'s' if times > 1 else ''}" for kind, times in kinds.items())
    first = differences[0]
    return f"{counted} not as saved: {first.name} {first.how}"


def _outputs(findings: Findings) -> str:
    worst = next(one for one in findings.outputs if not one.holds)
    at = f"; first in {findings.diverges}" if findings.diverges else ""
    if not worst.finite:
        return f"{worst.name} is not finite, native is{at}"
    return f"{worst.name} is off by {_relative(worst)}{at}; state is equal"


def _relative(output: OutputDifference) -> str:
    share = f" ({output.max_abs / output.largest:.2g} of its largest value)" if output.largest else ""
    return f"{output.max_abs:.3g}{share}"


def _listed_names(difference: NameDifference) -> dict[str, Any]:
    return {
        "where": difference.where,
        **{
            word: {"count": len(names), "first": list(names[:LISTED])}
            for word, names in (
                ("missing", difference.missing),
                ("unexpected", difference.unexpected),
                ("mismatched", difference.mismatched),
            )
            if names
        },
        "renamed": {
            f"{old} -> {new}": times for (old, new), times in renames(difference.missing, difference.unexpected).items()
        },
    }


def _kind_of(how: str) -> str:
    """A difference without its figures."""
    for word in ("uninitialised", "throughout", "differs", "shape", "not there"):
        if word in how:
            return {"throughout": "constant", "differs": "of other values", "shape": "of another shape"}.get(word, word)
    return "of another dtype or device" if how.startswith("is ") else how
