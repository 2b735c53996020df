"""Compares what a library says of a model or a checkpoint, and what timm computes with what it computed before."""

from collections.abc import Iterable

from ...contract.finding import Finding
from ...contract.plan import Tolerance
from ..compare.configuration import compare_fields
from ..compare.recorded import compare_recorded
from ..compare.reports import compare_refusal, compare_report
from .context import CaseContext
from .protocol import Described, Recorded, Refused, Reported


def said(
    step: Described | Reported | Refused | Recorded, context: CaseContext, tolerance: Tolerance
) -> Iterable[Finding]:
    """The findings on a step that compares neither names, nor tensors, nor outputs of a loaded model."""
    match step:
        case Described(where, actual, fields):
            return compare_fields(where, fields, actual)
        case Reported(info, missing, unexpected, warned, mismatched):
            expected = {"missing": missing, "unexpected": unexpected, "mismatched": mismatched}
            return compare_report(info, expected, warned, context.captured_warnings)
        case Refused(what, call, tensor):
            with context.during("load"):
                return list(compare_refusal(what, call, tensor, context.captured_warnings))
        case Recorded(outputs, raised, recorded):
            return compare_recorded(outputs, raised, recorded, tolerance)
