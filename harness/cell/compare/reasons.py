"""Findings in words: one line that a person can act on, and the detail behind it."""

import math
import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from ..guards.library_warnings import mentions
from .findings import Findings, NameDifference, OutputDifference, TensorDifference
from .renames import applied, in_words, renames

NUMBER: Final = re.compile(r"\b\d+\b")
DAMAGED: Final = "Damaged"  # what is wrong with a checkpoint before anything loads it
LISTED: Final = 20  # how many of each kind the detail holds; the counts are always whole
SAID: Final = 400  # characters kept of what a library said
LONGEST: Final = 240  # characters of an exception's message that fit on a line people read


def one_line(findings: Findings) -> str:
    """What happened, by how much, and where; what is wrong with the files themselves comes first."""
    damage = [error for error in findings.errors if error["type"] == DAMAGED]
    found = _one_line(findings)
    return f"{_error(damage[0])}; {found}" if damage and found != _error(damage[0]) else found


def _one_line(findings: Findings) -> str:
    if findings.names:
        return _names(findings.names[0])
    if findings.tensors:
        return _tensors(findings.tensors)
    if findings.outcome in {"outputs", "nonfinite"}:
        return _outputs(findings)
    return _error(findings.errors[0]) if findings.errors else ""


def cause(findings: Findings) -> str | None:
    """What cases that fail for one cause have in common, without the names of the model's own tensors."""
    if findings.names:
        first = findings.names[0]
        found = renames(first.missing, first.unexpected)
        renamed = ", ".join(f"{old or 'no prefix'} to {new or 'no prefix'}" for old, new in sorted(found))
        return f"{first.where}: {f'{renamed} renamed' if renamed else 'names missing or unexpected'}"
    if findings.tensors:
        kinds = sorted({(one.kind, one.looks) for one in findings.tensors})
        return "; ".join(f"{kind}s {looks}" for kind, looks in kinds)
    if findings.outcome in {"outputs", "nonfinite"}:
        return findings.outcome
    return None


def warned(findings: Findings, said: Sequence[str]) -> bool:
    """Whether a library named what differs; where only outputs differ there are no names, and any warning counts."""
    names = {name for one in findings.names for name in one.names}
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
            "looks": dict(Counter(one.looks for one in findings.tensors)),
            "patterns": dict(Counter(pattern(one.name) for one in findings.tensors).most_common(LISTED)),
            "first": [asdict(one) for one in findings.tensors[:LISTED]],
        }
    if findings.outputs:
        found["outputs"] = {one.name: {"max_abs": one.max_abs, "largest": one.largest} for one in findings.outputs}
        found["nonfinite"] = any(not math.isfinite(one.max_abs) for one in findings.outputs)
    errors = findings.errors
    optional = {
        "diverges": findings.diverges,
        "error": errors[0] if errors else None,
        "errors": errors if len(errors) > 1 else None,
        "cause": cause(findings),
    }
    return {**found, **{name: value for name, value in optional.items() if value is not None}}


def _names(difference: NameDifference) -> str:
    found = renames(difference.missing, difference.unexpected)
    if found:
        first = found.most_common(1)[0][0]
        example, arrived = next(
            (name, new) for name in difference.missing if (new := applied(first, name)) in difference.unexpected
        )
        counted = ", ".join(in_words(rename, times) for rename, times in found.most_common())
        rest = (
            f", {left} more {word}"
            for word, names in (("missing", difference.missing), ("unexpected", difference.unexpected))
            if (left := len(names) - found.total())
        )
        return f"{difference.where}: keys renamed, {counted} ({example} became {arrived}){''.join(rest)}"
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
    scenarios = list(dict.fromkeys(one.scenario for one in differences))
    differences = [one for one in differences if one.scenario == scenarios[0]]
    kinds = Counter(one.kind for one in differences)
    counted = ", ".join(f"{times} {kind}{'s' if times > 1 else ''}" for kind, times in kinds.items())
    first = differences[0]
    patterns = Counter(pattern(one.name) for one in differences)
    most, times = patterns.most_common(1)[0]
    like = f", {times} of them {most}" if times > 1 else ""
    on = f" ({', '.join(filter(None, scenarios))})" if any(scenarios) else ""
    return f"{counted} not as saved{on}{like}: {first.name} {first.how}"


def pattern(name: str) -> str:
    """A name without its numbers: `blocks.*.ls1.gamma` for all blocks."""
    return NUMBER.sub("*", name)


def _error(error: Mapping[str, Any]) -> str:
    message = textwrap.shorten(str(error["message"]), LONGEST, placeholder=" ...")
    if error["type"] == DAMAGED:
        return f"the files themselves are damaged: {message}"
    on = f" ({error['leg']})" if error.get("leg") else ""
    at = f" at {error['frame']}" if error["frame"] else ""
    return f"{error['type']} in phase {error['phase']}{on}{at}: {message}"


def _outputs(findings: Findings) -> str:
    worst = next(one for one in findings.outputs if not one.holds)
    at = f"; first in {findings.diverges}" if findings.diverges else ""
    if not worst.finite:
        return f"{worst.name} is not finite, native is{at}"
    return f"{worst.name} {worst.how or f'is off by {_relative(worst)}'}{at}; state is equal"


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
            f"{old or '(nothing)'} -> {new or '(nothing)'}": times
            for (old, new), times in renames(difference.missing, difference.unexpected).items()
        },
    }
