"""The lines of what did not run: its device is missing, or room for it; its environment failed, or pytest ended early.

Such a lane has a file too, so that nobody takes silence, or an older record, for a result.
"""

import platform
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..contract.record import HEADER, SCHEMA, Log

Document = Mapping[str, Any]


def note_not_run(path: Path, document: Document, why: Mapping[str, str], outcome: str = "not-run") -> None:
    """Every case of the plan says that it was not run, and why; or what it is made up to have come to."""
    nothing = dict.fromkeys(("max_abs", "max_rel", "noise", "fingerprint", "seconds", "peak_rss_mb"))
    with Log(path) as log:
        _begin(log, document)
        for case in document["cases"]:
            log.write("case", **case, outcome=outcome, reason=why[case["case"]], detail={"silent": False}, **nothing)
        _end(log, Counter({outcome: len(document["cases"])}))


def note_failure(path: Path, document: Document, what: str, why: str) -> None:
    """A run of the plan without a case, whose end says what failed."""
    with Log(path) as log:
        _begin(log, document)
        _end(log, Counter(), failed=what, reason=why)


def _begin(log: Log, document: Document) -> None:
    log.write(
        "run",
        schema=SCHEMA,
        **{name: document[name] for name in HEADER},
        cases=[case["case"] for case in document["cases"]],
        started=_now(),
        packages={},
        platform=platform.platform(),
        device=None,
    )


def _end(log: Log, counts: Counter[str], failed: str | None = None, **reason: str) -> None:
    log.write("end", cases=counts.total(), counts=dict(counts), ended=_now(), failed=failed, **reason)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
