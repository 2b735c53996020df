"""What was tried in somebody's own environment, and what the rules say of it, in words.

By behaviour: what is told to be broken was seen to fail here, whatever the rules say of the releases.
"""

import contextlib
import functools
import importlib.metadata
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import IO, Any, Final

import torch
import transformers
import yaml

from ..cell.compare.reasons import DAMAGED
from ..cell.models.installed import Release
from ..contract.case import GREEN, SKIPPED, Case
from ..contract.catalog import Entry
from ..contract.matching import applies_to, covers_releases
from ..contract.package import ROOT
from ..contract.plan import Tolerance
from ..contract.record import CaseLine
from ..contract.routes import OWN

MATRIX: Final = ROOT / "matrix.yaml"
LANE: Final = "cpu-float32"
PACKAGES: Final = ("transformers", "timm", "torch", "torchvision")
RESTRICTIONS: Final = dict.fromkeys(
    ("models", "where", "transformers", "timm", "torch", "lanes", "variants", "sizes", "url", "script")
)


@dataclass(frozen=True)
class CaseResult:
    """A case that was tried here."""

    case: Case
    entry: Entry
    line: CaseLine
    folder: bool = False
    """Whether the checkpoint is somebody's own."""

    @property
    def broken(self) -> bool:
        """Whether the model did not come back."""
        return self.line.outcome not in GREEN | SKIPPED


def report(seen: Iterator[CaseResult], out: IO[str], *, also_known: bool = True) -> int:
    """Print each case as it is tried, then what is broken by cause; 1 where anything is or nothing passes, else 0."""
    release = Release.installed()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    out.write(f"{versions}, Python {platform.python_version()}\n")
    found = []
    for one in seen:
        found.append(one)
        if one.line.outcome not in SKIPPED:
            out.write(f"{'✘' if one.broken else '✔'} {one.case.id}: {one.line.outcome}\n")
            out.flush()
    for line in told(found, rules(), release, also_known=also_known):
        out.write(f"{line}\n")
    return int(any(one.broken for one in found) or not any(one.line.outcome in GREEN for one in found))


@functools.cache
def _described() -> Mapping[str, Any]:
    """What matrix.yaml says, read once."""
    described: Mapping[str, Any] = yaml.safe_load(MATRIX.read_text())
    return described


def tolerance(dtype: torch.dtype = torch.float32) -> Tolerance:
    """That of a precision."""
    return Tolerance(**_described()["tolerances"][str(dtype).removeprefix("torch.")])


def rules() -> list[Any]:
    """The expectations of matrix.yaml."""
    return [SimpleNamespace(**{**RESTRICTIONS, **rule}) for rule in _described().get("expectations") or ()]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What libraries say on the way, and C with them, is in no answer."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere), warnings.catch_warnings():  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
        warnings.simplefilter("ignore")
        loud = transformers.logging.get_verbosity()
        transformers.logging.set_verbosity_error()
        try:
            yield
        finally:
            transformers.logging.set_verbosity(loud)
            os.dup2(terminal, 2)
            os.close(terminal)


def told(
    seen: Sequence[CaseResult], rules: Sequence[Any], release: Release, *, also_known: bool = True
) -> Iterator[str]:
    """What is broken by cause, and then the rules of this pair that nothing here has shown."""
    broken = [one for one in seen if one.broken]
    green = sum(one.line.outcome in GREEN for one in seen)
    yield f"\n{green} passed, {len(broken)} broken, {len(seen) - green - len(broken)} unsupported by this pair"
    shown: dict[int, list[CaseResult]] = {}
    unknown = []
    for one in broken:
        fitting = [rule for rule in rules if rule.outcome == one.line.outcome and _speaks(rule, one)]
        if one.case.route == OWN:  # of which other releases' rules say nothing
            fitting = [rule for rule in fitting if _is_of(rule, release)]
        fitting.sort(key=lambda rule: not _is_of(rule, release))  # one that names this pair, before others
        if fitting:
            shown.setdefault(rules.index(fitting[0]), []).append(one)
        else:
            unknown.append(one)
    yield from _damage(broken)
    for one in unknown:
        if not _is_damaged_alone(one):
            yield f"\n✘ {one.case.id} is {one.line.outcome}, and no rule knows it: {one.line.reason}"
    for index, cases in shown.items():
        rule = rules[index]
        routes = ", ".join(dict.fromkeys(one.case.route for one in cases))
        yield f"\n✘ {routes}: {cases[0].line.reason}"
        yield f"  because {rule.because}" if _is_of(rule, release) else f"  as where {rule.because}"
        yield f"  {rule.advice}"
        yield f"  {rule.url or rule.script}"
    rest = [rule for index, rule in enumerate(rules) if _is_of(rule, release) and index not in shown]
    rest = [rule for rule in rest if not _refuted(rule, seen)]
    if rest and also_known:
        yield "\nAlso known of this pair, and not seen here:"
        for rule in rest:
            yield f"· {', '.join(rule.routes)}, of {_whom(rule)}: {rule.because}"
            yield f"  {rule.advice}"


def _damage(broken: Sequence[CaseResult]) -> Iterator[str]:
    """What is wrong with files themselves, whatever else the pair makes of them."""
    for one in broken:
        if damage := [error["message"] for error in _errors(one) if error["type"] == DAMAGED]:
            yield f"\n✘ {one.case.model}: the files themselves are damaged, whoever loads them"
            yield from (f"  {what}" for what in damage)


def _is_damaged_alone(one: CaseResult) -> bool:
    errors = _errors(one)
    return one.line.outcome == "error" and bool(errors) and all(error["type"] == DAMAGED for error in errors)


def _errors(one: CaseResult) -> Sequence[Mapping[str, Any]]:
    detail = one.line.detail
    found: Sequence[Mapping[str, Any]] = detail.get("errors") or [detail["error"]] if "error" in detail else ()
    return found


def _whom(rule: Any) -> str:
    """The models and lanes that a rule speaks of."""
    asked = [f"{trait}: {wanted}" for trait, wanted in (rule.where or {}).items()]
    models = ", ".join(rule.models or asked)
    return f"{models} on {', '.join(rule.lanes)}" if rule.lanes else models


def _refuted(rule: Any, seen: Sequence[CaseResult]) -> bool:
    """Whether what the rule speaks of was tried here, and passed."""
    tried = [one for one in seen if _speaks(rule, one)]
    return bool(tried) and all(one.line.outcome in GREEN for one in tried)


def _speaks(rule: Any, one: CaseResult) -> bool:
    return applies_to(rule, one.case, LANE, one.entry, folder=one.folder)


def _is_of(rule: Any, release: Release) -> bool:
    return covers_releases(rule, str(release.transformers), str(release.timm), str(release.torch))
