"""A stand-in for a rule of matrix.yaml, for tests of what rules explain."""

import re
from dataclasses import dataclass
from typing import Any

from harness.contract.plan import Pattern


@dataclass(frozen=True, kw_only=True)
class Known:
    """A rule that applies to every case; what it finds is a pattern of findings."""

    id: str
    finds: tuple[Pattern, ...]
    because: str
    scenarios: tuple[str, ...] | None = None
    remedy: str = "move"
    url: str | None = "https://example.org/issues/1"
    script: str | None = None
    advice: str = "take transformers 4.49 or later"

    @property
    def outcome(self) -> str:
        """The kinds of findings that it explains."""
        return " or ".join(dict.fromkeys(pattern.kind for pattern in self.finds))


def known(kind: str, because: str = "known", *, what: str | None = None, how: str | None = None, **more: Any) -> Known:
    """A rule for findings of a kind, of any name unless `what` or `how` say which; its id is made of its cause."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{kind} {because}".lower()).strip("-")
    return Known(**{"id": slug, "finds": (Pattern(kind, what=what, how=how),), "because": because, **more})
