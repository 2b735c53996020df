"""Findings in words: one line that a person can act on, and the detail behind it."""

import math
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from ...contract.case import Outcome
from ..guards.library_warnings import mentions
from .findings import Findings, NameDifference, OtherDifference, OutputDifference, TensorDifference
from .renames import apply, in_words, renames
from .typed import pattern

DAMAGED: Final = "Damaged"  # the type of an error in a checkpoint's files, seen before anything loads them
LISTED: Final = 20  # items of each kind in the detail; the counts are always whole
WARNING_LENGTH: Final = 400  # characters kept of a library's warning
MESSAGE_LENGTH: Final = 240  # characters of an exception's message that fit on a line people read


FOLLOWS: Final = frozenset({Outcome.OUTPUTS, Outcome.NONFINITE, Outcome.GRADIENTS, Outcome.REPORT})
"""What a change of the process can lead to."""


def one_line(findings: Findings) -> str:
    """What happened, by how much, and where; damaged files come first."""
    damage = [error for error in findings.errors if error["type"] == DAMAGED]
    line = f"{_one_line(findings)}{_leaks(findings)}"
    return f"{_error(damage[0])}; {line}" if damage and line != _error(damage[0]) else line


def _one_line(findings: Findings) -> str:
    if findings.names:
        return _names(findings.names[0])
    if findings.tensors:
        return _tensors(findings.tensors)
    if findings.outcome in {"outputs", "nonfinite"} and not all(output.holds for output in findings.outputs):
        return _outputs(findings)
    if others := _others(findings):
        return _other(others)
    return _error(findings.errors[0]) if findings.errors else ""


def failure_signature(findings: Findings) -> str | None:
    """A line that cases with the same cause share, since it names no tensor; None if nothing but errors was found."""
    if findings.names:
        first = findings.names[0]
        if first.because:
            return f"{_side(first)}: {first.because}"
        counts = renames(first.missing, first.unexpected)
        renamed = ", ".join(f"{old or 'no prefix'} to {new or 'no prefix'}" for old, new in sorted(counts))
        return f"{_side(first)}: {f'{renamed} renamed' if renamed else 'names missing or unexpected'}"
    if findings.tensors:
        kinds = sorted({(tensor.kind, tensor.looks) for tensor in findings.tensors})
        return "; ".join(f"{kind}s {looks}" for kind, looks in kinds)
    if findings.outcome in {"outputs", "nonfinite"} and not all(output.holds for output in findings.outputs):
        return str(findings.outcome)
    if others := _others(findings):
        return "; ".join(sorted({f"{other.finding.kind}: {other.finding.how}" for other in others}))
    return None


def were_warned_of(findings: Findings, warnings: Sequence[str]) -> bool:
    """Whether a warning names a tensor that differs; any warning counts if only outputs differ."""
    names = {name for difference in findings.names for name in difference.names}
    names |= {difference.name for difference in findings.tensors}
    return any(mentions(text, names) for text in warnings) if names else bool(warnings)


def detail(findings: Findings, warnings: Sequence[str], seconds: Mapping[str, float]) -> dict[str, Any]:
    """All findings as JSON. `silent`: something differed, and neither library warned of it."""
    fields: dict[str, Any] = {
        "silent": findings.differ and not were_warned_of(findings, warnings),
        "said": [text[:WARNING_LENGTH] for text in dict.fromkeys(warnings)],
        "phases": {phase: round(spent, 4) for phase, spent in seconds.items()},
    }
    if findings.names:
        fields["names"] = [_listed_names(difference) for difference in findings.names]
    if tensors := findings.tensors:
        fields["tensors"] = {
            "count": len(tensors),
            "kinds": dict(Counter(tensor.kind for tensor in tensors)),
            "looks": dict(Counter(tensor.looks for tensor in tensors)),
            "patterns": dict(Counter(pattern(tensor.name) for tensor in tensors).most_common(LISTED)),
            "first": [asdict(tensor) for tensor in tensors[:LISTED]],
        }
    if outputs := findings.outputs:
        fields["outputs"] = {output.label: {"max_abs": output.max_abs, "largest": output.largest} for output in outputs}
        fields["nonfinite"] = any(not math.isfinite(output.max_abs) for output in outputs)
    errors = findings.errors
    optional = {
        "diverges": findings.diverges,
        "error": errors[0] if errors else None,
        "errors": errors if len(errors) > 1 else None,
        "cause": failure_signature(findings),
    }
    return {**fields, **{name: value for name, value in optional.items() if value is not None}}


def _side(difference: NameDifference) -> str:
    return f"{difference.where} ({difference.scenario})" if difference.scenario else difference.where


def _names(difference: NameDifference) -> str:
    because = f": {difference.because}" if difference.because else ""
    return f"{_names_alone(difference)}{because}"


def _names_alone(difference: NameDifference) -> str:
    counts = renames(difference.missing, difference.unexpected)
    if counts:
        first = counts.most_common(1)[0][0]
        example, renamed = next(
            (name, new) for name in difference.missing if (new := apply(first, name)) in difference.unexpected
        )
        counted = ", ".join(in_words(rename, times) for rename, times in counts.most_common())
        rest = (
            f", {unexplained} more {word}"
            for word, names in (("missing", difference.missing), ("unexpected", difference.unexpected))
            if (unexplained := len(names) - counts.total())
        )
        return f"{_side(difference)}: keys renamed, {counted} ({example} became {renamed}){''.join(rest)}"
    parts = (
        f"{len(names)} {word} ({', '.join(names[:2])}{', ...' if len(names) > 2 else ''})"  # noqa: PLR2004
        for word, names in (
            ("missing", difference.missing),
            ("unexpected", difference.unexpected),
            ("of another shape", difference.mismatched),
        )
        if names
    )
    return f"{_side(difference)}: keys {', '.join(parts)}"


def _tensors(differences: Sequence[TensorDifference]) -> str:
    scenarios = list(dict.fromkeys(tensor.scenario for tensor in differences))
    differences = [tensor for tensor in differences if tensor.scenario == scenarios[0]]
    kinds = Counter(tensor.kind for tensor in differences)
    counted = ", ".join(f"{times} {kind}{'s' if times > 1 else ''}" for kind, times in kinds.items())
    first = differences[0]
    patterns = Counter(pattern(tensor.name) for tensor in differences)
    most, times = patterns.most_common(1)[0]
    like = f", {times} of them {most}" if times > 1 else ""
    on = f" ({', '.join(scenarios)})" if all(scenarios) else ""
    return f"{counted} not as saved{on}{like}: {first.name} {first.how}"


def _others(findings: Findings) -> list[OtherDifference]:
    """The other differences that make the outcome."""
    return [difference for difference in findings.others if difference.finding.kind == findings.outcome]


def _other(differences: Sequence[OtherDifference]) -> str:
    first = differences[0]
    finding, alike = first.finding, [other for other in differences if other.finding.how == first.finding.how]
    times = len({other.finding.example for other in alike})
    counted = f", {times} like it" if times > 1 else ""
    on = f" ({first.scenario})" if first.scenario else ""
    more = len({other.finding.how for other in differences}) - 1
    rest = f"; {more} more of other kinds" if more else ""
    return f"{finding.where}{on}: {finding.example or finding.what} {finding.how}{counted}{rest}"


def _leaks(findings: Findings) -> str:
    """What was left changed for the process, where it may be the cause of other findings."""
    leaks = [other for other in findings.others if other.finding.kind == Outcome.LEAKED]
    follows = findings.outcome in FOLLOWS and leaks
    return f"; {leaks[0].finding.where}: {leaks[0].finding.what} {leaks[0].finding.how}" if follows else ""


def _error(error: Mapping[str, Any]) -> str:
    message = textwrap.shorten(str(error["message"]), MESSAGE_LENGTH, placeholder=" ...")
    if error["type"] == DAMAGED:
        return f"the files themselves are damaged: {message}"
    on = f" ({error['scenario']})" if error.get("scenario") else ""
    at = f" at {error['frame']}" if error["frame"] else ""
    return f"{error['type']} in phase {error['phase']}{on}{at}: {message}"


def _outputs(findings: Findings) -> str:
    output = next(output for output in findings.outputs if not output.holds)
    at = f"; first in {findings.diverges}" if findings.diverges else ""
    if not output.finite:
        return f"{output.label} is not finite, native is{at}"
    return f"{output.label} {output.how or f'is off by {_distance(output)}'}{at}; state is equal"


def _distance(output: OutputDifference) -> str:
    share = f" ({output.max_abs / output.largest:.2g} of its largest value)" if output.largest else ""
    return f"{output.max_abs:.3g}{share}"


def _listed_names(difference: NameDifference) -> dict[str, Any]:
    return {
        "where": _side(difference),
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
