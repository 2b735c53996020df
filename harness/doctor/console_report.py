"""Prints the results of cases in the user's environment, with the rules that explain them.

Results count, not versions: what is reported as broken failed here, whatever releases a rule names.
"""

import contextlib
import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import transformers

from ..cell.guards import importing
from ..cell.models.installed import Release
from ..contract.case import SKIPPED
from .case_result import CaseResult
from .explaining import Cause, Explained, State, explained, state
from .messages import Console
from .shipped_matrix import names_pair, rules

ALL_KNOWN: Final = "Exit code 0: all of it is known of this pair; for {} of {} a remedy works."


def print_report(results: Iterable[CaseResult], console: Console, *, routes: Sequence[str] | None = None) -> int:
    """Print each result as it comes, then the failures by cause; the exit code.

    That is 1 if any case is broken, if this machine could not run one, or if none was run; else 0. With `routes`, the
    routes on which a pair is tested or () for all, what is known of the pair is no exit code 1, and its rest is told.
    """
    release = Release.installed()
    of_pair = [rule for rule in rules() if names_pair(rule, release)]
    console.out.write(f"{importing.found()}\n")
    printed, states = [], []
    for result in results:
        printed.append(result)
        states.append(str(state(result, of_pair) if result.broken else result.line.outcome))
        console.report({"cases": [_as_data(result, states[-1])]})
        if result.not_run:
            console.out.write(f"· {result.case.id}: not run: {result.line.reason}\n")
        elif result.line.outcome not in SKIPPED:
            console.out.write(f"{'✘' if result.broken else '✔'} {result.case.id}: {result.line.outcome}\n")
    found = explained(printed, rules(), release, routes or ())
    for line in _lines(found, also_known=routes is not None):
        console.out.write(f"{line}\n")
    console.report(_causes_as_data(found, also_known=routes is not None))
    ran = any(result.green or result.broken for result in printed)
    is_tried = ran and not any(result.not_run for result in printed)
    is_known = routes is not None and State.REGRESSED not in states and not any(result.damage for result in printed)
    if found.broken and is_tried and is_known:
        console.out.write(f"\n{ALL_KNOWN.format(states.count(State.REMEDIED), len(found.broken))}\n")
    return int(not is_tried or bool(found.broken and not is_known))


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
    yield from _lines(explained(results, rules, release), also_known=also_known)


def _lines(found: Explained, *, also_known: bool) -> Iterator[str]:
    counts = _counts(found)
    counted = "\n{passed} passed, {broken} broken, {unsupported} unsupported by this pair".format_map(counts)
    yield f"{counted}, {counts['not_run']} not run by this machine" if counts["not_run"] else counted
    for result in found.broken:
        if messages := result.damage:
            yield f"\n✘ {result.case.model}: the checkpoint's files are damaged, whatever loads them"
            yield from (f"  {message}" for message in messages)
    for result in found.unexplained:
        yield f"\n✘ {result.case.id} is {result.line.outcome}, and no rule explains it: {result.line.reason}"
    for cause in found.causes:
        yield from _cause(cause)
    if found.not_seen and also_known:
        yield "\nAlso known of this pair, but not seen here:"
        for rule in found.not_seen:
            yield f"· {', '.join(rule.routes)}, of {_scope(rule)}: {rule.because}"
            yield f"  {rule.advice}"


def _cause(cause: Cause) -> Iterator[str]:
    rule = cause.rule
    routes = ", ".join(dict.fromkeys(result.case.route for result in cause.results))
    yield f"\n✘ {routes}: {cause.results[0].line.reason}"
    yield f"  {'because' if cause.of_this_pair else 'as in other releases, where'} {rule.because}"
    yield f"  {rule.advice}"
    if cause.holds is not None:
        yield f"  the remedy {rule.remedy} was tried here, and {'it works' if cause.holds else 'does not suffice'}"
    yield f"  {rule.url or rule.script}"


def _counts(found: Explained) -> Mapping[str, int]:
    counts = Counter(
        "passed" if result.green else "broken" if result.broken else "not_run" if result.not_run else "unsupported"
        for result in found.results
    )
    return {name: counts[name] for name in ("passed", "broken", "unsupported", "not_run")}


def _as_data(result: CaseResult, state: str) -> Mapping[str, Any]:
    case = result.case
    fields = {"case": case.id, "route": case.route, "model": case.model, "variant": case.variant}
    told = {"outcome": str(result.line.outcome), "state": state, "reason": result.line.reason}
    return {**fields, **told, "damage": list(result.damage)}


def _causes_as_data(found: Explained, *, also_known: bool) -> Mapping[str, Any]:
    causes = [
        {
            **_rule_as_data(cause.rule),
            "of_this_pair": cause.of_this_pair,
            "remedy_works": cause.holds,
            "cases": [result.case.id for result in cause.results],
        }
        for cause in found.causes
    ]
    unexplained = [result.case.id for result in found.unexplained]
    known = {"also_known": list(map(_rule_as_data, found.not_seen))} if also_known else {}
    return {"counts": _counts(found), "causes": causes, "unexplained": unexplained, **known}


def _rule_as_data(rule: Any) -> Mapping[str, Any]:
    told = {"because": rule.because, "advice": rule.advice, "remedy": rule.remedy, "source": rule.url or rule.script}
    return {"rule": rule.id, "routes": list(rule.routes), **told}


def _scope(rule: Any) -> str:
    """The models or traits, and the lanes, that a rule names."""
    traits = [f"{trait}: {wanted}" for trait, wanted in (rule.where or {}).items()]
    models = ", ".join(rule.models or traits)
    return f"{models} on {', '.join(rule.lanes)}" if rule.lanes else models
