"""Sentences below the result: rules to mend, results that need a word, and how far GPU and CPU differ."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from ..config.expectation import Rule
from ..config.text import number
from ..contract import lane_name
from ..contract.matching import within
from ..contract.routes import OWN
from ..results.judging import Judged
from ..results.pair_diff import figures_of, fingerprint_of
from ..results.store import Recorded
from ..results.verdicts import Judgement

GPU: Final = "cuda-"
CPU: Final = ("cpu-{}", "cpu-float32")
"""The lane that a GPU's is compared with: the one of the same dtype, or else float32."""

NAMED: Final = 3  # cases

Fingerprint = Mapping[str, Any]


def on_rules(
    rules: Sequence[Rule], judged: Sequence[Judged], today: date, *, torches: Collection[str], whole: bool
) -> Iterator[str]:
    """A sentence for each rule past its date, and one for all idle rules.

    A rule of timm's models is idle if no case matches it, `whole` says that the whole matrix was judged, and its torch
    is one of `torches`, those of the pairs.
    """
    for rule in rules:
        if rule.until and rule.until < today:
            yield f"{rule.id} was due for review by {rule.until}: {rule.because}"
    busy = {rule.id for case in judged for rule in case.rules}
    tested = [rule for rule in rules if any(within(rule.torch, torch) for torch in torches)]
    tested = [rule for rule in tested if set(rule.routes) != {OWN}]
    idle = [f"{rule.id} ({rule.because})" for rule in tested if rule.id not in busy]
    if whole and idle:
        yield f"No case of these pairs matches {'; '.join(idle)}."


def on_results(judged: Sequence[Judged], machines: Collection[Judgement]) -> Iterator[str]:
    """The remarks about merged results, and about the files of each machine."""
    yield from on_unbuilt(machines)
    yield from on_other_versions(lane for machine in machines for lane in machine.recorded)
    yield from on_older_results(judged)
    yield from on_second_tries(judged)
    yield from on_gpus(judged)
    yield from on_companions(judged)
    yield from on_copied_results(judged)


def on_unbuilt(machines: Iterable[Judgement]) -> Iterator[str]:
    """A sentence for each release of timm that lists models which it cannot build: no case tests them."""
    for timm, models in {timm: models for machine in machines for timm, models in machine.unbuilt.items()}.items():
        first, raised = min(models.items())
        yield f"timm {timm} lists {number(len(models), 'model')} that it cannot build. {first} raises {raised}"


def on_gpus(judged: Sequence[Judged]) -> Iterator[str]:
    """A sentence for each GPU lane that shares cases with a CPU lane: how far native timm's outputs differ.

    Both libraries run on these numbers, so a difference is neither's bug.
    """
    if not any(case.lane.startswith(GPU) for case in judged):
        return
    prints = _fingerprints(judged)
    for lane, on_gpu in prints.items():
        nearest = [name.format(lane.removeprefix(GPU)) for name in CPU] if lane.startswith(GPU) else []
        other = next((name for name in nearest if name in prints), None)
        if other and (shared := on_gpu.keys() & prints[other].keys()):
            distances = {key: _distance(prints[other][key], on_gpu[key]) for key in shared}
            (pair, case), worst = max(distances.items(), key=lambda item: (item[1], item[0]))
            yield (
                f"On {lane} native timm's outputs differ from those on {other} by up to {worst:.1e} of their largest "
                f"value, in {number(len(distances), 'case')}; most in {pair} {case}."
            )


def on_companions(judged: Sequence[Judged]) -> Iterator[str]:
    """A sentence if cases have another outcome with companions installed than without, which a companion causes."""
    there = [case for case in judged if lane_name.has_companions(case.lane) and case.outcome]
    plain = {(case.pair, case.lane, case.case): case.outcome for case in judged} if there else {}
    differ = [
        case
        for case in there
        if plain.get((case.pair, lane_name.plain(case.lane), case.case)) not in {None, case.outcome}
    ]
    if differ:
        yield (
            f"{number(len(differ), 'case')} with another outcome where companions are installed: {_named(differ)}. A"
            " rule that names the lane explains it."
        )


def on_copied_results(judged: Sequence[Judged]) -> Iterator[str]:
    """A sentence if any case has the result of a model that is identical once slim."""
    if count := sum(case.same_as is not None for case in judged):
        yield (
            f"{number(count, 'case')} not run, but recorded with the result of a model that is identical once slim. To"
            " run one, name its model with --model, and give --rerun."
        )


def on_second_tries(judged: Sequence[Judged]) -> Iterator[str]:
    """A sentence for the cases that passed after their process had died, and one for those that had two results."""
    tried = [(case, (case.record or {}).get("detail") or {}) for case in judged if case.same_as is None]
    died = [case for case, detail in tried if detail.get("died")]
    if passed := [case for case in died if not case.broken]:
        yield f"{number(len(passed), 'case')} passed at the second try, after the process had died: {_named(passed)}."
    if failed := [case for case in died if case.broken]:
        yield f"{number(len(failed), 'case')} failed after the process had died at the first try: {_named(failed)}."
    if differ := [case for case, detail in tried if detail.get("nondeterministic")]:
        yield f"{number(len(differ), 'case')} had another result at the second try: {_named(differ)}."


def on_older_results(judged: Sequence[Judged]) -> Iterator[str]:
    """A sentence if the last run could not run some cases, so that an older result of them counts."""
    older = [case for case in judged if case.could_not_run]
    if older:
        days = sorted({str((case.header or {}).get("started", ""))[:10] or "an unknown day" for case in older})
        of = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        yield (
            f"{number(len(older), 'case')} could not be run in the last run, and the older result counts, "
            f"which is of {of}: {_named(older)}."
        )


def on_other_versions(recorded: Iterable[Recorded]) -> Iterator[str]:
    """A sentence for each version of a package with which cases ran though their pair has another."""
    for lane in recorded:
        counts = Counter((line.package, line.imported, line.wanted) for line in lane.foreign)
        for (package, imported, wanted), count in counts.items():
            yield (
                f"{number(count, 'case')} of {lane.pair} {lane.lane} ran with {package} {imported} instead of {wanted},"
                " which is no record of this pair."
            )


def _named(cases: Sequence[Judged]) -> str:
    names = [f"{case.pair} {case.lane} {case.case.id}" for case in cases]
    more = f", and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _fingerprints(judged: Sequence[Judged]) -> dict[str, dict[tuple[str, str], Fingerprint]]:
    """By lane, then by pair and case id."""
    prints: dict[str, dict[tuple[str, str], Fingerprint]] = {}
    for case in judged:
        if fingerprint := fingerprint_of(case):
            prints.setdefault(case.lane, {})[case.pair, case.case.id] = fingerprint
    return prints


def _distance(cpu: Fingerprint, gpu: Fingerprint) -> float:
    """The largest difference of figures that both have, as a share of the largest value; 1 if a shape differs."""
    worst = 0.0
    for name in cpu.keys() & gpu.keys():
        if cpu[name]["shape"] != gpu[name]["shape"]:
            return 1.0
        if cpu[name]["absmax"]:
            figures = zip(figures_of(cpu[name]), figures_of(gpu[name]), strict=True)
            differences = [abs(a - b) for a, b in figures if a is not None and b is not None]
            worst = max(worst, max(differences, default=0.0) / cpu[name]["absmax"])
    return worst
