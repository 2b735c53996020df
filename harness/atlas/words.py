"""An answer in words."""

import math
import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ..config.pin_files.reading import PACKAGES
from ..config.pins import pair_id
from ..config.text import capitalised, number
from ..contract.case import DEFAULT_VARIANT
from ..contract.lane_name import COMPANIONS
from ..contract.routes import ROUTES
from .answer import ANY, Answer, Part, Releases, State
from .moving import Change, Kind, Move
from .rules import KnownCause, known

MARKS: Final = {
    State.WORKS: "✔",
    State.REMEDY: "◑",
    State.BROKEN: "✘",
    State.UNSUPPORTED: "\N{EN DASH}",
    State.UNKNOWN: "?",
}
KINDS: Final = {
    Kind.BREAKS: "✘",
    Kind.GONE: "✘",
    Kind.NEEDS: "◑",
    Kind.UNKNOWN: "?",
    Kind.OTHERWISE: "✘",
    Kind.LEFT: "\N{EN DASH}",
    Kind.MENDED: "↑",
    Kind.NEW: "↑",
    Kind.WORKS_THERE: "✔",
}
"""The kinds that are told, in this order; what is as before is only counted."""
COMMAND: Final = "To know: "
NEAREST: Final = "Nearest pairs on record that are as good for this as any"
MOST: Final = 4  # models named in a line
MANY: Final = 12  # routes, or models, that a command still names
ORDER: Final = (State.BROKEN, State.REMEDY, State.UNKNOWN, State.WORKS, State.UNSUPPORTED)


def lines_of(found: Answer | Move) -> Iterator[str]:
    """Either kind of answer, in words."""
    return lines_of_move(found) if isinstance(found, Move) else lines(found)


def lines(answer: Answer) -> Iterator[str]:
    """The answer: a sentence; what is broken, by cause; what a remedy mends; what is not known; what works; and how."""
    by_state: dict[State, list[Part]] = defaultdict(list)
    for part in answer.parts:
        by_state[part.state].append(part)
    yield sentence(answer)
    for state in ORDER:
        if parts := by_state.get(state):
            yield ""
            yield f"{MARKS[state]} {state}: {_counted(parts)}"
            yield from _reasons(parts)
    if mended := [part for part in answer.parts if part.state is State.BROKEN and part.mended]:
        yield ""
        yield f"{MARKS[State.REMEDY]} beside that, with a remedy:"
        yield from _causes(mended, lambda part: part.mended)
    yield from _changed(answer.parts)
    yield from _known_how(answer)


def lines_of_move(move: Move) -> Iterator[str]:
    """A sentence; what changes for worse, by cause; what is not known; what changes besides; and how it is known."""
    yield verdict(move)
    for kind, mark in KINDS.items():
        if changes := move.of(kind):
            yield ""
            yield f"{mark} {kind}: {_counted([change.new for change in changes])}"
            yield from _why(kind, changes)
    if move.numbers:
        yield ""
        yield "timm itself computes otherwise at the other end:"
        for rule in dict.fromkeys(rule for rules in move.numbers.values() for rule in rules):
            cause = known().get(rule)
            models = [model for model, rules in move.numbers.items() if rule in rules]
            yield f"  {', '.join(models)}: {cause.because if cause else rule}"
    yield ""
    yield from _bases([change.old for change in move.changes], [change.new for change in move.changes])
    if move.nearest:
        yield f"Nearest pairs on record for which nothing changes for worse: {pairs(move.nearest)}."
    if move.start != move.end:
        yield from _unmeasured(move)


def _unmeasured(move: Move) -> Iterator[str]:
    """What was not measured of a move, and the command that measures it."""
    unknown = move.of(Kind.UNKNOWN)
    cases = [f"{number(len(unknown), 'case')} of these"] if unknown else []
    which = ["which package brings a change"] if all(map(operator.ne, move.start, move.end)) else []
    what = [*cases, "whether the end loads checkpoints that the start saved", *which]
    yield f"Not measured: {'; '.join(what)}."
    start, chosen = f"--from {pair_id(move.start)}", _options(unknown or move.changes, MANY)
    lanes = _lanes(move.lane, [change.new for change in unknown or move.changes])
    yield f"{COMMAND}nox -s upgrade -- {_pins(move.end)} {start}{lanes}{chosen} --measure"


def _why(kind: Kind, changes: Sequence[Change]) -> Iterator[str]:
    """The causes that the move brings or, of what is mended, takes away; or why it is not known which end is how."""
    if kind is Kind.UNKNOWN:
        yield from _because([change.new if change.new.because else change.old for change in changes])
        return
    causes = {id(change.new): change.causes for change in changes}
    yield from _causes([change.new for change in changes], lambda part: causes[id(part)])
    if kind in {Kind.BREAKS, Kind.GONE, Kind.LEFT, Kind.OTHERWISE}:
        yield from _because([change.new for change in changes])


def verdict(move: Move) -> str:
    """Whether the pin can be moved, in a sentence."""
    counts = Counter(change.kind for change in move.changes)
    said = ", ".join(f"{kind}: {counts[kind]}" for kind in Kind if counts[kind])
    word = "Yes" if move.exit_code == 0 else "Not known" if move.exit_code != 1 else "No"
    if word == "No" and not counts[Kind.BREAKS] + counts[Kind.GONE]:
        word = "With remedies"
    if word == "Yes" and any(change.new.state is State.BROKEN for change in move.changes):
        word = "No worse"
    found = f"{said}, of {number(len(move.changes), 'case')}" if said else "nothing was measured that could tell"
    return f"{word}: from {pairs([move.start])} to {pairs([move.end])} in {move.lane}: {found}."


def sentence(answer: Answer) -> str:
    """The answer in one sentence."""
    pair = f"{pairs([(answer.transformers, answer.timm)])} in {answer.lane}"
    counts = Counter(part.state for part in answer.parts)
    if not answer.parts:
        return f"{pair}: nothing was measured that could tell."
    said = [f"{state}: {counts[state]}" for state in ORDER if counts[state]]
    return f"{pair}: {', '.join(said)}, of {number(len(answer.parts), 'case')}."


def _counted(parts: Sequence[Part]) -> str:
    """The routes, with the number of their models where they have several."""
    by_route: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        by_route[part.route].append(part)
    return ", ".join(
        route if len(some) == 1 and not ROUTES[route].has_timm else f"{route} ({_models(some)})"
        for route, some in by_route.items()
    )


def _models(parts: Sequence[Part]) -> str:
    names = [part.model if part.measured in {"", part.model} else f"{part.model}, as {part.measured}" for part in parts]
    return "; ".join(names) if len(names) <= MOST else f"{len(names)} models"


def _reasons(parts: Sequence[Part]) -> Iterator[str]:
    """Each cause once, with the routes and models that have it; then what no rule explains."""
    yield from _causes(parts, lambda part: part.rules if part.state is State.BROKEN else part.mended)
    yield from _because(parts)


def _because(parts: Sequence[Part]) -> Iterator[str]:
    """What no rule explains, each once, with the routes and models that have it."""
    because = {part.because.replace(part.model, "MODEL"): part for part in parts if part.because}
    for why, first in because.items():
        some = [part for part in parts if part.because.replace(part.model, "MODEL") == why]
        yield f"  {first.because if len(some) == 1 else why}"
        yield f"    {_counted(some)}"


def _causes(parts: Sequence[Part], of: Callable[[Part], Sequence[str]]) -> Iterator[str]:
    """The causes of some parts, the commonest first."""
    for rule, _ in Counter(rule for part in parts for rule in of(part)).most_common():
        yield from _cause(known().get(rule), rule, [part for part in parts if rule in of(part)])


def _cause(cause: KnownCause | None, rule: str, parts: Sequence[Part]) -> Iterator[str]:
    if cause is None:
        yield f"  {rule}, a cause that matrix.yaml no longer has"
    else:
        yield f"  {cause.because} ({cause.releases})"
        yield f"    {cause.advice}"
        yield f"    {cause.url or cause.script}"
    yield f"    {_counted(parts)}"


def _changed(parts: Sequence[Part]) -> Iterator[str]:
    changed = [part for part in parts if part.changed]
    if changed:
        yield ""
        yield "timm itself computes otherwise than older releases:"
        for rule in dict.fromkeys(rule for part in changed for rule in part.changed):
            some = [part for part in changed if rule in part.changed]
            cause = known().get(rule)
            yield f"  {_models(some)}: {cause.because if cause else rule}"


def _known_how(answer: Answer) -> Iterator[str]:
    """When it was measured, or between what; the nearest good pairs; and the command that measures the rest."""
    yield ""
    yield from _bases(answer.parts)
    yield from _stand_ins(answer.parts)
    if answer.state in {State.BROKEN, State.UNKNOWN} and answer.nearest:
        yield f"{NEAREST}: {pairs(answer.nearest)}."
    if unknown := [part for part in answer.parts if part.state is State.UNKNOWN]:
        pins = _pins((answer.transformers, answer.timm))
        options = _options(unknown, math.inf if answer.is_measured else MANY)  # quick tells nothing more of a measured
        yield f"{COMMAND}nox -s pair -- {pins}{_lanes(answer.lane, unknown)}{options}"


def _bases(*ends: Iterable[Part]) -> Iterator[str]:
    """How it is known, each once; with a start and an end that differ in that, of which of them."""
    bases = [dict.fromkeys(part.basis for part in parts if part.basis) for parts in ends]
    if len({frozenset(some) for some in bases}) == 1:
        yield from (f"{capitalised(basis)}." for basis in bases[0])
    else:
        yield from (f"The {end}: {basis}." for end, some in zip(("start", "end"), bases, strict=True) for basis in some)


def _stand_ins(parts: Iterable[Part]) -> Iterator[str]:
    """Which models were run for others that are asked about."""
    models = {part.model: part.measured for part in parts if part.measured not in {"", part.model}}
    if len(models) == 1:
        yield from (f"{measured} was run for {model}: it is of its kind." for model, measured in models.items())
    elif models:
        yield f"For {len(models)} of the models another of their kind was run."


def pairs(several: Iterable[Releases]) -> str:
    """Pairs in words."""
    return "; ".join(f"transformers {first} with timm {second}" for first, second in several)


def _pins(releases: Releases) -> str:
    return " ".join(f"{name}=={release}" for name, release in zip(PACKAGES, releases, strict=True))


def _lanes(lane: str, parts: Iterable[Part]) -> str:
    """The lanes in which some parts are measured, as options: what needs a companion has a lane of its own."""
    own = f"{lane.partition('-')[0]}-float32{COMPANIONS}"
    lanes = dict.fromkeys(own if ROUTES[part.route].companion else lane for part in parts)
    return "".join(f" --lane {name}" for name in lanes)


def _options(found: Sequence[Part] | Sequence[Change], most: float) -> str:
    """The routes and models of some parts, as options; a quick run in place of more than `most` of them."""
    parts = [one.new if isinstance(one, Change) else one for one in found]
    routes, models = (list(dict.fromkeys(getattr(part, name) for part in parts)) for name in ("route", "model"))
    named = "".join(f" --route {route}" for route in routes if len(routes) <= most)
    quick = f" --quick --variant {DEFAULT_VARIANT}" if len(models) > most else ""
    return named + (quick or "".join(f" --model {model}" for model in models if model != ANY))
