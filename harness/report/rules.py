"""What is to be done about the rules themselves: idle ones, those whose date is past, those that disagree."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date

from ..config.expectation import Rule
from ..config.text import number
from ..contract.matching import within
from ..results.verdict import Judged


def remarks(
    rules: Sequence[Rule], judged: Sequence[Judged], today: date, *, torches: Collection[str], whole: bool
) -> Iterator[str]:
    """A sentence each. Only where the whole matrix was judged is a rule without a case idle.

    One of a torch that is none of the pairs' `torches` is there for who tries another.
    """
    names = {id(rule): f"expectations[{index}]" for index, rule in enumerate(rules)}
    for rule in rules:
        if rule.until and rule.until < today:
            yield f"{names[id(rule)]} was to be looked at again by {rule.until}: {rule.because}"
    disputed: dict[tuple[int, ...], list[Judged]] = {}
    for one in judged:
        if len(one.explanations) > 1:
            disputed.setdefault(tuple(map(id, one.explanations)), []).append(one)
    for cases in disputed.values():
        both = " and ".join(f"{names[id(rule)]} ({rule.because})" for rule in cases[0].explanations)
        told = f"{number(len(cases), 'case')}, as {cases[0].pair} {cases[0].case.id}"
        yield f"{both} explain the same: {told}. Narrow one of them."
    busy = {id(rule) for one in judged for rule in one.rules}
    here = [rule for rule in rules if any(within(rule.torch, torch) for torch in torches)]
    idle = [f"{names[id(rule)]} ({rule.because})" for rule in here if id(rule) not in busy]
    if whole and idle:
        yield f"Of these pairs no case is spoken of by {'; '.join(idle)}."
