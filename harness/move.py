"""nox -s upgrade, without nox: what breaks, and what is mended, for somebody who moves from one pair to another."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from packaging.version import Version

from harness import judgement, matrix, plan, results, scratch, selection
from harness.catalog import Catalog
from harness.change import HARM, Key, Kind, attributed, compare, key_of, unknown
from harness.errors import BadInput
from harness.installation import InstallationError
from harness.lanes import Environment, Lanes
from harness.pair import Pair, pin
from harness.record import DEFAULT_VARIANT
from harness.selection import Options
from harness.upgrade import AXES, Answer
from harness.verdict import Judged
from harness.vocabulary import unknown as unknown_name

Say = Callable[[str], None]
SAVING: Final = ("backbone", "detector", "tower", "tower-wrapper", "vlm", "roundtrip", "scratch")
"""The routes on which transformers saves a model that holds one of timm's."""
ID: Final = re.compile(r"transformers(?P<transformers>[^-]+)-timm(?P<timm>[^-]+)")


@dataclass(frozen=True)
class Move:
    """From one pair to another, and the cases that matter."""

    described: matrix.Matrix
    options: Options
    old: Pair
    new: Pair

    @classmethod
    def of(cls, argv: Sequence[str]) -> "Move":
        """Read the command line. Raises BadInput with what is wrong with it."""
        options = selection.parse(argv, session="upgrade")
        described = matrix.load(options.matrix)
        if described.uses and not options.routes and not options.models:
            used = {"routes": described.uses.routes, "models": described.uses.models}
            options = Options(**{**vars(options), **used})
        old = _pair(options.start or described.current, described)
        new = _target(options.requirements, old, described)
        if old.id == new.id:
            raise BadInput(f"{old.id} is where it starts; name another release, or another start with --from")
        if old.python != new.python:
            raise BadInput(f"{old.id} runs on Python {old.python} and {new.id} on {new.python}; move one at a time")
        move = cls(described, options, old, new)
        catalogs = [move.at(pair).catalog() for pair in (old, new)]
        known = [catalog for catalog in catalogs if catalog]
        selection.check(options, described, known if len(known) == len(catalogs) else [])
        results.refuse_links(part for pair in (old, new) for part in move.at(pair).files)
        results.refuse_unwritable(options.results)
        return move

    def at(self, pair: Pair, only: frozenset[Key] | None = None) -> Lanes:
        """The cases with a pair; some of them alone, by lane and id."""
        return Lanes(self.described, pair, self.options, partial=True, only=only)

    @property
    def mixed(self) -> dict[str, Pair]:
        """The old pair with one package moved, by that package; none where only one is to be moved."""
        moving = [name for name in AXES if getattr(self.old, name) != getattr(self.new, name)]
        if len(moving) < len(AXES):
            return {}
        return {name: self.old.moved(**{name: getattr(self.new, name)}) for name in AXES}

    def answer(self, environment: Environment, say: Say) -> Answer:
        """Run what is not recorded of both pairs, and of the mixed ones what changed.

        Raises InstallationError where one of the two cannot be made, and BadInput as selecting and installing do.
        """
        old, new = (self._tried(self.at(pair), environment, say) for pair in (self.old, self.new))
        if not old and not new:
            plan.refuse_empty(0, self.options)
        changes = compare(old, new)
        due = frozenset(change.key for change in changes if change.kind in {*HARM, Kind.FIXED, Kind.OTHERWISE})
        mixed: dict[str, dict[Key, Judged]] = {}
        if due:
            for package, pair in self.mixed.items():
                say(f"{pair.id}: {package} alone, for {len(due)} case{'s' if len(due) > 1 else ''} that changed")
                try:
                    tried = self._tried(self.at(pair, due), environment, say)
                except (InstallationError, BadInput) as error:
                    say(f"{pair.id}: {error}")
                    tried = []
                mixed[package] = {key_of(one): one for one in tried}
        alone = next((name for name in AXES if getattr(self.old, name) != getattr(self.new, name)), "torch")
        by = {change.key: attributed(change, mixed) if mixed else alone for change in changes if change.key in due}
        tolerances = self.described.tolerances
        return Answer(
            self.old,
            self.new,
            tolerances,
            old,
            new,
            changes,
            by,
            self._known(old),
            self._carried(old, environment, say),
        )

    def _tried(self, lanes: Lanes, environment: Environment, say: Say) -> list[Judged]:
        lanes.run(lanes.prepare(environment, say), environment, say)
        return judgement.judged([lanes])

    def _carried(self, old: Sequence[Judged], environment: Environment, say: Say) -> list[Judged]:
        """What the new pair makes of checkpoints that the old one saved: quick models, the first lane."""
        routes = tuple(name for name in self.options.routes or self.described.routes if name in SAVING)
        if not routes:
            return []
        options = replace(
            self.options,
            routes=routes,
            quick=True,
            lanes=(self.described.lanes[0].name,),
            variants=(DEFAULT_VARIANT,),
            results=self.options.results / "carried" / self.old.id,
        )
        alike = self._cut_alike()
        saved = frozenset(key_of(one) for one in old if _was_saved(one) and one.case.model in alike)
        saving = Lanes(self.described, self.old, options, partial=True, only=saved)
        loading = replace(saving, pair=self.new, saved_by=saving)
        catalog = loading.prepare(environment, say)
        if any(loading.pending(lane, catalog) for lane in plan.lanes(self.described, options)):
            with scratch.folder("carried") as folder:
                say(f"{self.old.id}: saving checkpoints, for {self.new.id} to load")
                keeping = replace(options, results=folder / "records", rerun=False)
                keeper = replace(saving, options=keeping, carry={"keeps": str(folder / "kept")})
                keeper.run(keeper.prepare(environment, say), environment, say)
                replace(loading, carry={"takes": str(folder / "kept")}).run(catalog, environment, say)
        return judgement.judged([loading])

    def _cut_alike(self) -> set[str]:
        """The models that both releases of timm have, and whose slim form is the same."""
        old, new = (
            {entry.model: entry.slim for entry in catalog} for catalog in map(self._catalog, (self.old, self.new))
        )
        return {
            model
            for model, slim in old.items()
            if model in new and (slim.args, slim.input_size) == (new[model].args, new[model].input_size)
        }

    def _catalog(self, pair: Pair) -> Catalog:
        found = self.at(pair).catalog()
        return found or Catalog(pair.timm, 0, (), ())

    def _known(self, old: Sequence[Judged]) -> dict[Pair, bool]:
        """Whether a pair of the matrix breaks nothing that works now, of those between both ends that are recorded."""
        found = {}
        for pair in self.described.pairs:
            if pair.id == self.old.id or not _is_between(self.old, pair, self.new):
                continue
            there = judgement.judged([self.at(pair)])
            if there and not unknown(there):
                found[pair] = not any(change.kind in HARM for change in compare(old, there))
        return found


def _was_saved(one: Judged) -> bool:
    """Whether a pair came as far as to save its checkpoint."""
    error = ((one.record or {}).get("detail") or {}).get("error") or {}
    ended = one.outcome in {"unsupported", "not-run", "crashed", "timeout", "out-of-memory", None}
    return not ended and not (one.outcome == "error" and error.get("phase") in {"native", "save", "load"})


def _pair(text: str, described: matrix.Matrix) -> Pair:
    """A pair by its id, also one that the matrix does not name."""
    for pair in described.pairs:
        if pair.id == text:
            return pair
    named = ID.fullmatch(text)
    if named is None:
        raise BadInput(f"--from: {unknown_name('pair', text, [pair.id for pair in described.pairs])}")
    pins = [f"{name}=={version}" for name, version in named.groupdict().items()]
    return Pair.parse_requirements(pins, described.defaults)


def _target(requirements: Sequence[str], old: Pair, described: matrix.Matrix) -> Pair:
    """Where to: what the command line names, and all else as it is."""
    named = {pin(text)[0] for text in requirements}
    rest = [f"{name}=={version}" for name, version in old.versions.items() if name not in named]
    return Pair.parse_requirements([*requirements, *rest], described.defaults)


def _is_between(old: Pair, pair: Pair, new: Pair) -> bool:
    def within(name: str) -> bool:
        ends = sorted(Version(getattr(one, name)) for one in (old, new))
        return ends[0] <= Version(getattr(pair, name)) <= ends[1]

    return all(map(within, AXES))
