"""Compares what timm computes with what it computed when it was recorded, and with what an older release did."""

from collections.abc import Iterator, Mapping
from typing import Final

from ...contract.case import Outcome
from ...contract.finding import Finding
from ...contract.fingerprints import Print
from ...contract.plan import Tolerance
from .typed import pattern

WHERE: Final = "timm"
UNSTABLE: Final[Mapping[str, float]] = {"training: output": 1e-3, "training: gradient of the pixels": 5e-2}
"""The share of its largest value by which an output of training may differ.

A batch norm of few values and the kinks of a ReLU magnify rounding. With the kernels of another processor the output of
mobilenetv4_hybrid_medium_075 moves by 1.6e-4, the gradient of regnetx_002 by 4.9e-3, and all else by 2.1e-6 at most.
"""


def compare_recorded(
    outputs: Mapping[str, Print],
    raised: Mapping[str, Exception],
    recorded: Mapping[str, Mapping[str, Print]],
    tolerance: Tolerance,
) -> Iterator[Finding]:
    """A finding for each recorded output that differs beyond tolerance, has another shape, or is missing now.

    `raised` is what probes raised, by the name before an output's colon. Each set of fingerprints is `recorded` by
    words that name it: `timm 1.0.27`.
    """
    for words, before in recorded.items():
        for name, print_ in before.items():
            now = outputs.get(name)
            if now is None:
                yield _finding(name, _missing(raised.get(name.partition(":")[0])), words, name)
            elif difference := differs(now, print_, _bound(name, tolerance)):
                how, example = difference
                yield _finding(name, how, words, f"{name} {example}")


def _bound(name: str, tolerance: Tolerance) -> Tolerance:
    return Tolerance(UNSTABLE.get(name, tolerance.rtol), tolerance.atol)


def differs(now: Print, before: Print, tolerance: Tolerance) -> tuple[str, str] | None:
    """How an output differs from what it was, in words without figures and with them; None if it does not."""
    if now["shape"] != before["shape"]:
        return "has another shape than", f"of shape {tuple(now['shape'])}, not {tuple(before['shape'])},"
    largest = before.get("absmax", 0.0)
    distance = max((abs(a - b) for a, b in zip(_figures(now), _figures(before), strict=True)), default=0.0)
    if distance <= tolerance.atol + tolerance.rtol * largest:
        return None
    return "computes otherwise than", f"off by {distance:.3g}, of {largest:.3g} at most,"


def _missing(error: Exception | None) -> str:
    return f"raises {type(error).__name__}, unlike" if error else "is not there, unlike"


def _finding(name: str, how: str, words: str, example: str) -> Finding:
    return Finding(Outcome.OUTPUTS, WHERE, pattern(name), f"{how} {words}", example=example)


def _figures(print_: Print) -> list[float]:
    """The figures of one output; none for an output without values."""
    return [] if "absmax" not in print_ else [print_["mean"], print_["std"], print_["absmax"], *print_["samples"]]
