"""Captures the warnings of transformers and timm, logged or issued."""

import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from ...contract.finding import COLOUR

LIBRARIES: Final = ("transformers", "timm")
NUMBERS: Final = re.compile(r"\{[^}]*\}|\d+")


class _Collector(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def capture_warnings(messages: list[str]) -> Iterator[None]:
    """Append the two libraries' warnings, and log records from that level up, to `messages`."""
    handler = _Collector(messages)
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as issued:
            warnings.simplefilter("always")
            ours = list(warnings.filters)
            try:
                yield
            finally:
                theirs = list(warnings.filters)
        if theirs != ours:  # what was changed inside holds outside too, where leaks.py finds it
            cast("list[Any]", warnings.filters)[:] = [entry for entry in theirs if entry != ours[0]]
    finally:
        messages += [
            str(warning.message) for warning in issued if any(f"/{name}/" in warning.filename for name in LIBRARIES)
        ]
        for logger in loggers:
            logger.removeHandler(handler)


def mentions(text: str, names: Iterable[str]) -> bool:
    """Whether a message names any of these tensors; `blocks.{0...11}.gamma` names each of the blocks."""
    plain = NUMBERS.sub("#", text)
    return any(NUMBERS.sub("#", name) in plain for name in names)


def tidy(text: str, folder: str) -> str:
    """Remove colour and the path of the temporary folder from a message."""
    return COLOUR.sub("", text).replace(folder, "CHECKPOINT")
