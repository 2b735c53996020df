"""Findings in the form that rules explain: typed, without figures, and with patterns in place of names."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ...contract.case import Outcome
from ...contract.finding import LONGEST, Finding, bounded
from .findings import OUT_OF_MEMORY, Findings, NameDifference, OutputDifference
from .renames import GONE, Rename, partners

RUN: Final = "run"
"""The phase in which a loaded model runs."""
NUMBER: Final = re.compile(r"\b\d+\b")
SPACE: Final = re.compile(r"\s+")


def typed(findings: Findings) -> tuple[Finding, ...]:
    """Every finding of a scenario, equal ones counted together, in the order of the contract.

    What follows from another finding is none: a tensor whose name is missing, and an output or an exception of a model
    that runs although its state differs.
    """
    missing = {name for difference in findings.names for name in difference.missing}
    found = [finding for difference in findings.names for finding in _of_names(difference)]
    found += [
        Finding(Outcome.TENSORS, tensor.kind, pattern(tensor.name), tensor.looks, example=f"{tensor.name} {tensor.how}")
        for tensor in findings.tensors
        if tensor.name not in missing
    ]
    found += [_of_output(output) for output in findings.outputs if not output.holds and not output.of_state]
    found += [difference.finding for difference in findings.others]
    found += [_of_error(error) for error in findings.errors if findings.state_holds or error["phase"] != RUN]
    return bounded(_counted(found))


def pattern(name: str) -> str:
    """A name without its numbers: `blocks.*.ls1.gamma` for all blocks."""
    return NUMBER.sub("*", name)


def _of_names(difference: NameDifference) -> Iterator[Finding]:
    renamed = partners(difference.missing, difference.unexpected)
    found = {new for new, _ in renamed.values()}
    named = [(old, _in_words(rename), f"{old} became {new}") for old, (new, rename) in renamed.items()]
    because = f": {difference.because}" if difference.because else ""
    named += [(name, f"missing{because}", name) for name in difference.missing if name not in renamed]
    named += [(name, "unexpected", name) for name in difference.unexpected if name not in found]
    named += [(name, "of another shape", name) for name in difference.mismatched]
    for name, how, example in named:
        yield Finding(Outcome.KEYS, difference.where, pattern(name), how, example=example)


def _in_words(rename: Rename) -> str:
    old, new = rename
    if not old:
        return f"prefixed with {new}"
    return f"{old} renamed {new}" if new not in {"", GONE} else f"without {old}"


def _of_output(output: OutputDifference) -> Finding:
    kind = Outcome.OUTPUTS if output.finite else Outcome.NONFINITE
    how = NUMBER.sub("N", output.how) if output.how else ("off" if output.finite else "not finite")
    share = f"{output.max_abs:.3g}, of {output.largest:.3g} at most" if output.finite and not output.how else output.how
    return Finding(kind, "outputs", pattern(output.name), how, example=f"{output.name} {share}".strip())


def _of_error(error: Mapping[str, Any]) -> Finding:
    kind = Outcome.OUT_OF_MEMORY if error["type"] in OUT_OF_MEMORY else Outcome.ERROR
    message = SPACE.sub(" ", str(error["message"])).strip()[:LONGEST]
    return Finding(kind, str(error["phase"]), str(error["type"]), message, example=str(error["frame"]))


def _counted(findings: Iterable[Finding]) -> Sequence[Finding]:
    counts: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        counts.setdefault(finding.key, []).append(finding)
    return [Finding(*first.key, len(group), first.example) for group in counts.values() for first in group[:1]]
