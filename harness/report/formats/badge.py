"""A badge for a README: a label, and the result in a few words."""

import json
from typing import Final

from ...config.text import number
from .. import marks
from ..marks import Mark
from ..summary import Summary
from .template import render

LABEL: Final = "transformers \N{MULTIPLICATION SIGN} timm"
COLOURS: Final = {marks.REGRESSED: "#b3261e", marks.FIXED: "#8e24aa", marks.INCOMPLETE: "#8a6100"}
GOOD, NOTHING = "#2e7d32", "#555555"
LETTER: Final = 6.6  # approximate width in pixels; textLength fits the text to the computed width
PADDING: Final = 10


def svg(summary: Summary) -> str:
    """The image, with its text as its title."""
    message, colour = _message(summary)
    widths = [round(LETTER * len(text)) + PADDING for text in (LABEL, message)]
    return render("badge.svg", label=LABEL, message=message, colour=colour, widths=widths, padding=PADDING)


def endpoint(summary: Summary) -> str:
    """The same badge for a service that draws badges: JSON in the format of an endpoint of shields.io."""
    message, colour = _message(summary)
    return json.dumps({"schemaVersion": 1, "label": LABEL, "message": message, "color": colour}) + "\n"


def _message(summary: Summary) -> tuple[str, str]:
    """The result in a few words, and its colour."""
    worst = _worst(summary)
    tried = {case.pair for case in summary.judged if marks.mark_of(case) not in marks.UNTRIED}
    message = f"{number(len(tried), 'pair')} as expected" if tried and not worst else summary.headline
    return message, COLOURS[worst] if worst else GOOD if tried else NOTHING


def _worst(summary: Summary) -> Mark | None:
    if summary.problems:
        return marks.INCOMPLETE
    if summary.broken_user_model:
        return marks.REGRESSED
    return next((mark for mark in marks.count(summary.judged) if mark in marks.ATTENTION), None)
