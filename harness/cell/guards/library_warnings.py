"""What transformers and timm say while they work: their warnings, logged or issued."""

import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

LIBRARIES: Final = ("transformers", "timm")
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
NUMBERS: Final = re.compile(r"\{[^}]*\}|\d+")


class _Collector(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.into = into

    def emit(self, record: logging.LogRecord) -> None:
        self.into.append(record.getMessage())


@contextmanager
def listening(into: list[str]) -> Iterator[None]:
    """Collect what the two libraries say at the level of a warning, as a user would see it."""
    handler = _Collector(into)
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as issued:
            warnings.simplefilter("always")
            yield
    finally:
        into += [str(one.message) for one in issued if any(f"/{name}/" in one.filename for name in LIBRARIES)]
        for logger in loggers:
            logger.removeHandler(handler)


def mentions(text: str, names: Iterable[str]) -> bool:
    """Whether a message names one of these tensors; `blocks.{0...11}.gamma` stands for all of them."""
    plain = NUMBERS.sub("#", text)
    return any(NUMBERS.sub("#", name) in plain for name in names)


def tidied(text: str, folder: str) -> str:
    """A message without colour and without the temporary folder's path."""
    return COLOUR.sub("", text).replace(folder, "CHECKPOINT")
