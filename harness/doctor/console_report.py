"""Prints the results of cases in the user's environment, with the rules that explain them.

Results count, not versions: what is reported as broken failed here, whatever releases a rule names.
"""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import transformers

from ..cell.compare.reasons import DAMAGED
from ..cell.guards import importing
from ..cell.models.installed import Release
from ..contract.case import GREEN, SKIPPED, Case, Outcome
from ..contract.catalog import Entry
from ..contract.finding import ScenarioLine, scenarios_of
from ..contract.matching import applies_to, explains
from ..contract.record import CaseLine
from ..contract.routes import OWN
from .messages import Out
from .shipped_matrix import names_pair, rules

LANE: Final = "cpu-float32"


@dataclass(frozen=True)
class CaseResult:
    """The result of a case that ran here."""

    case: Case
    entry: Entry
    line: CaseLine
    folder: bool = False
    """Whether the checkpoint is a user's folder, as timm writes it for the hub."""

    @property
    def broken(self) -> bool:
        """Whether the case failed."""
        return self.line.outcome not in GREEN | SKIPPED

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the case; without a child process it is the user's."""
        errors = [self.line.detail.get("error"), *self.line.detail.get("errors", ())]
        return any(error["type"] == KeyboardInterrupt.__name__ for error in errors if error)


def print_report(results: Iterable[CaseResult], out: Out, *, also_known: bool = True) -> int:
    """Print each result as it comes, then the failures by cause; the exit code.

    That is 1 if any case is broken, if this machine could not run one, or if none passed; else 0.
    """
    release = Release.installed()
    out.write(f"{importing.found()}\n")
    printed = []
    for result in results:
        printed.append(result)
        if result.line.outcome == Outcome.NOT_RUN:
            out.write(f"· {result.case.id}: not run: {result.line.reason}\n")
        elif result.line.outcome not in SKIPPED:
            out.write(f"{'✘' if result.broken else '✔'} {result.case.id}: {result.line.outcome}\n")
    for line in explain(printed, rules(), release, also_known=also_known):
        out.write(f"{line}\n")
    passed = any(result.line.outcome in GREEN for result in printed)
    not_run = any(result.line.outcome == Outcome.NOT_RUN for result in printed)
    return int(any(result.broken for result in printed) or not_run or not passed)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings and stderr of the libraries, of Python and of C; cases still hear what transformers logs."""
    sys.stderr.flush()
    log = logging.getLogger("transformers")
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere), warnings.catch_warnings():  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
        warnings.simplefilter("ignore")
        level = transformers.logging.get_verbosity()  # the first to ask makes the handlers
        handlers = list(log.handlers)
        log.handlers.clear()  # one of them may hold a stderr that is nobody's file descriptor, as a notebook's is
        log.setLevel(logging.WARNING)
        try:
            yield
        finally:
            log.handlers[:] = handlers
            log.setLevel(level)
            os.dup2(terminal, 2)
            os.close(terminal)


def explain(
    results: Sequence[CaseResult], rules: Sequence[Any], release: Release, *, also_known: bool = True
) -> Iterator[str]:
    """Lines that group the broken cases by the rule that explains them, then other rules that name this pair."""
    broken = [result for result in results if result.broken]
    green = sum(result.line.outcome in GREEN for result in results)
    not_run = sum(result.line.outcome == Outcome.NOT_RUN for result in results)
    unsupported = len(results) - green - len(broken) - not_run
    counted = f"\n{green} passed, {len(broken)} broken, {unsupported} unsupported by this pair"
    yield f"{counted}, {not_run} not run by this machine" if not_run else counted
    explained: dict[int, list[CaseResult]] = {}
    unexplained = []
    for result in broken:
        fitting = _fitting(rules, result)
        if result.case.route == OWN:  # rules of other releases say nothing of a user model
            fitting = [rule for rule in fitting if names_pair(rule, release)]
        fitting.sort(key=lambda rule: not names_pair(rule, release))  # rules that name this pair first
        if fitting:
            explained.setdefault(rules.index(fitting[0]), []).append(result)
        else:
            unexplained.append(result)
    yield from _damage(broken)
    for result in unexplained:
        if not _is_only_damaged(result):
            yield f"\n✘ {result.case.id} is {result.line.outcome}, and no rule explains it: {result.line.reason}"
    for index, group in explained.items():
        rule = rules[index]
        routes = ", ".join(dict.fromkeys(result.case.route for result in group))
        yield f"\n✘ {routes}: {group[0].line.reason}"
        because = "because" if names_pair(rule, release) else "as in other releases, where"
        yield f"  {because} {rule.because}"
        yield f"  {rule.advice}"
        yield from _remedy(rule, group)
        yield f"  {rule.url or rule.script}"
    rest = [rule for index, rule in enumerate(rules) if names_pair(rule, release) and index not in explained]
    rest = [rule for rule in rest if not _is_refuted(rule, results)]
    if rest and also_known:
        yield "\nAlso known of this pair, but not seen here:"
        for rule in rest:
            yield f"· {', '.join(rule.routes)}, of {_scope(rule)}: {rule.because}"
            yield f"  {rule.advice}"


def _fitting(rules: Iterable[Any], result: CaseResult) -> list[Any]:
    """The rules that explain a finding of a case; none if some finding is explained by none of them."""
    applicable = [rule for rule in rules if _applies(rule, result)]
    findings = [(scenario.name, finding) for scenario in _scenarios(result) for finding in scenario.findings]
    explaining = [[rule for rule in applicable if explains(rule, *finding)] for finding in findings]
    return list({id(rule): rule for some in explaining for rule in some}.values()) if all(explaining) else []


def _scenarios(result: CaseResult) -> Sequence[ScenarioLine]:
    return scenarios_of(result.line.fields)


def _remedy(rule: Any, results: Iterable[CaseResult]) -> Iterator[str]:
    """Whether the remedy of a rule was run here, and mended all scenarios of the cases."""
    tried = [
        scenario.remedied[rule.id]
        for result in results
        for scenario in _scenarios(result)
        if rule.id in scenario.remedied
    ]
    if tried:
        held = not any(result.findings for result in tried)
        yield f"  the remedy {rule.remedy} was tried here, and {'it works' if held else 'does not suffice'}"


def _damage(broken: Sequence[CaseResult]) -> Iterator[str]:
    """The damage in checkpoint files, which no release can repair."""
    for result in broken:
        if messages := [error["message"] for error in _errors(result) if error["type"] == DAMAGED]:
            yield f"\n✘ {result.case.model}: the checkpoint's files are damaged, whatever loads them"
            yield from (f"  {message}" for message in messages)


def _is_only_damaged(result: CaseResult) -> bool:
    errors = _errors(result)
    return result.line.outcome == "error" and bool(errors) and all(error["type"] == DAMAGED for error in errors)


def _errors(result: CaseResult) -> Sequence[Mapping[str, Any]]:
    detail = result.line.detail
    errors: Sequence[Mapping[str, Any]] = detail.get("errors") or [detail["error"]] if "error" in detail else ()
    return errors


def _scope(rule: Any) -> str:
    """The models or traits, and the lanes, that a rule names."""
    traits = [f"{trait}: {wanted}" for trait, wanted in (rule.where or {}).items()]
    models = ", ".join(rule.models or traits)
    return f"{models} on {', '.join(rule.lanes)}" if rule.lanes else models


def _is_refuted(rule: Any, results: Sequence[CaseResult]) -> bool:
    """Whether cases to which the rule applies ran here, and all passed."""
    outcomes = [result.line.outcome for result in results if _applies(rule, result)]
    return bool(outcomes) and all(outcome in GREEN for outcome in outcomes)


def _applies(rule: Any, result: CaseResult) -> bool:
    return applies_to(rule, result.case, LANE, result.entry, folder=result.folder)
