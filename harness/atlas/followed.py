"""Cases that are followed along the releases of a package: between which two the atlas says that they change."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config.errors import BadInput, InstallationError
from ..config.pair import Pair
from ..environments.environment import Say
from ..environments.pypi import Release
from ..results.bisection import Answer, Symptom, search
from .answer import Part, State
from .asking import asked_for, opened
from .measured import Atlas

Key = tuple[str, str]
"""A route and a model."""


@dataclass(frozen=True)
class Question:
    """Which release of the `axis` changed cases of a lane; all else is as in `still`.

    `folder` has the atlas; None if it is not to be asked. `alike`: only a failure as at the bad end is bad.
    """

    folder: Path | None
    lane: str
    axis: str
    still: Pair
    good: str
    bad: str
    models: Sequence[str] = ()
    routes: Sequence[str] = ()
    alike: bool = False

    def near(
        self, line: Sequence[Release], older: Answer, symptom_of: Callable[[Sequence[Release]], Symptom], say: Say
    ) -> tuple[Sequence[Release], Mapping[str, str], Symptom]:
        """The releases between which the change lies by the atlas, what it said, and the symptom of these two.

        All releases, where it says nothing, or where the two are otherwise. `symptom_of` runs both ends, and raises
        BadInput or InstallationError where they do not differ as they should.
        """
        atlas = self._atlas()
        followed = self._followed(atlas) if atlas else None
        symptom = None if followed else symptom_of(line)
        if atlas and symptom:
            followed = Followed.of_symptom(self, atlas, symptom)
        near, taken = narrowed(line, older, followed) if followed else (line, {})
        for version, said in taken.items():
            say(f"{self.axis} {version}: {said.answer} by the atlas, measured on {said.day}")
        if taken:
            with contextlib.suppress(BadInput, InstallationError):
                words = {version: f"{said.answer} ({said.day})" for version, said in taken.items()}
                return near, words, symptom_of(near)
            say("run here, these releases are otherwise than the atlas says, so it is not asked further")
        return line, {}, symptom or symptom_of(line)

    def pair(self, version: str) -> Pair:
        """The pair with a release of the axis."""
        return self.still.with_versions(**{self.axis: version})

    def _atlas(self) -> Atlas | None:
        with contextlib.suppress(BadInput):  # nothing was measured in the lane
            return opened(self.folder, self.lane) if self.folder else None
        return None

    def _followed(self, atlas: Atlas) -> "Followed | None":
        """The cases that work at the good end by the atlas, and fail at the bad one; None if none does."""
        with contextlib.suppress(BadInput):  # a model of which no catalog knows
            return Followed.of_ends(self, atlas)
        return None


@dataclass(frozen=True)
class Taken:
    """What the atlas says of the cases with a release, and the day on which that was measured."""

    answer: Answer
    day: str


@dataclass(frozen=True)
class Followed:
    """The cases that a question is about, each with what causes its failure at the bad end."""

    question: Question
    atlas: Atlas
    cases: Mapping[Key, frozenset[str]]

    @classmethod
    def of_ends(cls, question: Question, atlas: Atlas) -> "Followed | None":
        """The cases that were measured to work at the good end and to fail at the bad one; None if none was."""
        none, cases = cls(question, atlas, {}), {}
        pair = question.pair(question.bad)
        asked = asked_for(atlas, (pair.transformers, pair.timm), question.models, question.routes)
        for key in ((route, model) for route, models in asked.items() for model in models):
            good, bad = (none.part(version, *key) for version in (question.good, question.bad))
            if good and bad and good.state is State.WORKS and _fails(bad):
                cases[key] = _causes(bad)
        return cls(question, atlas, cases) if cases else None

    @classmethod
    def of_symptom(cls, question: Question, atlas: Atlas, symptom: Symptom) -> "Followed":
        """The cases of a symptom that was found by running both ends."""
        cases = {
            (case.case.route, case.case.model): frozenset(rule.id for rule in case.explained.found)
            for case in symptom.cases.values()
        }
        return cls(question, atlas, cases)

    def at(self, version: str) -> Taken | None:
        """What was measured with a release; None if that leaves open whether it is good or bad."""
        pair = self.question.pair(version)
        lane = self.atlas.lanes.get((pair.transformers, pair.timm))
        parts = {key: self.part(version, *key) for key in self.cases}
        bad = [key for key, part in parts.items() if part and _fails(part)]
        alike = not self.question.alike or any(_causes(parts[key]) & self.cases[key] for key in bad)
        if lane and bad and alike:
            return Taken(Answer.BAD, lane.day)
        if lane and parts and all(part and part.state is State.WORKS for part in parts.values()):
            return Taken(Answer.GOOD, lane.day)
        return None

    def part(self, version: str, route: str, model: str) -> Part | None:
        """What was measured of a case with a release, on what the pair runs on; None if nothing was.

        Nor does it tell where timm computes otherwise than before: that breaks nothing, and fails a case.
        """
        pair = self.question.pair(version)
        releases = pair.transformers, pair.timm
        entry = self.atlas.pairs.get(releases)
        if entry is None or any(entry.versions.get(name, at) != at for name, at in pair.versions.items()):
            return None
        part = self.atlas.measured(releases, route, model)
        return None if part is None or part.changed else part


def narrowed(
    line: Sequence[Release], older: Answer, followed: Followed
) -> tuple[Sequence[Release], Mapping[str, Taken]]:
    """The releases from the last that is as the older end to the first that is as the newer, and what said so.

    The whole line, and nothing, if the atlas says nothing of a release between, or something else of an end.
    """
    newer = Answer.BAD if older is Answer.GOOD else Answer.GOOD
    known = {release: taken for release in line if (taken := followed.at(release.version))}
    ends = {line[0]: older, line[-1]: newer}
    if any(known[end].answer is not answer for end, answer in ends.items() if end in known):
        return line, {}
    used = {end.version: known[end] for end in ends if end in known}

    def ask(release: Release) -> Answer:
        used[release.version] = known[release]
        return known[release].answer

    between = [release for release in line[1:-1] if release in known]
    change = search([line[0], *between, line[-1]], older, ask)
    near = line[line.index(change.last) : line.index(change.first) + 1]
    return near, used if near != line else {}


def _fails(part: Part) -> bool:
    return part.state in {State.BROKEN, State.REMEDY}


def _causes(part: Part | None) -> frozenset[str]:
    return frozenset({*part.rules, *part.mended} or {part.because}) if part else frozenset()
