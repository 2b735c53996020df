"""What a library says of a checkpoint, and what it must refuse, held against what is true."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from ...contract.case import Outcome
from ...contract.finding import Finding
from ..guards.library_warnings import mentions
from .typed import pattern

REPORT: Final = "the loading report"


def compare_report(
    info: Mapping[str, Any],
    missing: Collection[str],
    unexpected: Collection[str],
    warned: Collection[str],
    warnings: Sequence[str],
) -> Iterator[Finding]:
    """Names that a loading report omits, though the checkpoint lacks them or has too many, and that no warning names.

    What it lists without reason shows where the whole model is compared.
    """
    for kind, names in (("missing", missing), ("unexpected", unexpected)):
        listed = {str(name) for name in info.get(f"{kind}_keys", ())}
        for name in sorted(set(names) - listed):
            yield _finding(REPORT, name, f"is {kind} and not listed")
    for name in sorted(warned):
        if not any(mentions(text, [name]) for text in warnings):
            yield _finding("the warnings", name, "does not fit, and no warning names it")


def compare_refusal(what: str, call: Callable[[], Any], name: str) -> Iterator[Finding]:
    """A call that must raise an exception that names a tensor, and returns, or raises one that does not name it."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  any exception refuses
        if name not in str(error):
            yield _finding(what, name, f"is refused by {type(error).__name__}, which does not name it")
    else:
        yield _finding(what, name, "is accepted, and must be refused")


def _finding(where: str, name: str, how: str) -> Finding:
    return Finding(Outcome.REPORT, where, pattern(name), how, example=name)
