"""The causes that the atlas names, as matrix.yaml has them, in a file that is read without its libraries.

python -m harness.atlas.rules > harness/atlas/rules.ndjson
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..config.pin_files.reading import PACKAGES
from ..contract import package
from ..contract.case import Case
from ..contract.catalog import Entry
from ..contract.matching import applies_to, covers_releases
from ..contract.package import FOLDER, ROOT
from ..contract.routes import rules_of
from . import files

FILE: Final = FOLDER / "atlas" / "rules.ndjson"


@dataclass(frozen=True)
class KnownCause:
    """A rule of matrix.yaml: its cause, what to do, the releases that have it, and where it is told."""

    id: str
    because: str
    advice: str
    remedy: str
    transformers: str | None
    timm: str | None
    torch: str | None
    url: str | None
    script: str | None
    routes: Sequence[str]
    scenarios: Sequence[str] | None
    models: Sequence[str] | None
    where: Mapping[str, Any] | None
    lanes: Sequence[str] | None
    variants: Sequence[str] | None
    sizes: Sequence[str] | None

    @property
    def releases(self) -> str:
        """The releases that have it, in words."""
        ranges = ((name, getattr(self, name)) for name in RELEASES)
        return ", ".join(f"{name} {of}" for name, of in ranges if of) or "every release"


RELEASES: Final = (*PACKAGES, "torch")
FIELDS: Final = tuple(field.name for field in fields(KnownCause))


def dumps(rules: Iterable[Any]) -> str:
    """The text of the file for the expectations of a matrix."""
    dumped = (rule.model_dump(mode="json") for rule in rules)
    told = ({name: rule[name] for name in FIELDS} for rule in dumped)
    return "".join(f"{json.dumps(cause, ensure_ascii=False)}\n" for cause in told)


@cache
def known(path: Path = FILE) -> Mapping[str, KnownCause]:
    """The causes by id. Raises BadInput for a file that was cut or edited."""
    try:
        causes = [KnownCause(**cause) for cause in files.objects(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        again = f"python -m {package.module('atlas.rules')} > {path}"
        raise files.refusal(path, error, f"restore it, or make it again: {again}") from error
    return {cause.id: cause for cause in causes}


def about(case: Case, lane: str, entry: Entry) -> frozenset[str]:
    """The ids of the causes that a case may have by what matrix.yaml says, whatever the releases."""
    return frozenset(cause.id for cause in _on(case.route) if applies_to(cause, case, lane, entry))


@cache
def _on(route: str) -> Sequence[KnownCause]:
    """The causes that a case of a route may have."""
    return [cause for cause in known().values() if any(name in cause.routes for name in rules_of(route))]


@cache
def covering(transformers: str, timm: str, torch: str) -> frozenset[str]:
    """The ids of the causes whose ranges have these releases."""
    return frozenset(cause.id for cause in known().values() if covers_releases(cause, transformers, timm, torch))


if __name__ == "__main__":
    from ..config import matrix

    sys.stdout.write(dumps(matrix.load(ROOT / "matrix.yaml").expectations))
