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
    expected: Mapping[str, Collection[str]],
    warned: Collection[str] = (),
    warnings: Sequence[str] = (),
) -> Iterator[Finding]:
    """Names that a loading report omits, though they do not fit, and that no warning names.

    `expected` has the names that are missing, unexpected and mismatched. What a report lists without reason shows where
    the whole model is compared. A report may have a prefix before a name.
    """
    for kind, names in expected.items():
        listed = listed_names(info, f"{kind}_keys")
        for name in sorted(names):
            if not any(f".{other}".endswith(f".{name}") for other in listed):
                yield _finding(REPORT, name, f"is {kind} and not listed")
    for name in sorted(warned):
        if not any(mentions(text, [name]) for text in warnings):
            yield _finding("the warnings", name, "does not fit, and no warning names it")


def listed_names(info: Mapping[str, Any], key: str) -> list[str]:
    """The names that a report lists. Before transformers 5 a mismatched name comes with its two shapes."""
    return [str(name[0] if isinstance(name, tuple | list) else name) for name in info.get(key, ())]


def compare_refusal(what: str, call: Callable[[], Any], name: str, warnings: Sequence[str] = ()) -> Iterator[Finding]:
    """A call that must raise an exception, and returns; or neither that nor a warning names the tensor.

    `warnings` is read after the call.
    """
    try:
        call()
    except Exception as error:  # noqa: BLE001  any exception refuses
        if not any(name in text for text in (str(error), *warnings)):
            yield _finding(what, name, f"is refused by {type(error).__name__}, which does not name it")
    else:
        yield _finding(what, name, "is accepted, and must be refused")


def _finding(where: str, name: str, how: str) -> Finding:
    return Finding(Outcome.REPORT, where, pattern(name), how, example=name)
