"""nox -s bisect, without nox: which release of transformers or timm broke some cases, or mended them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.version import Version

from ..atlas.entries import pair_files
from ..atlas.followed import Question
from ..config import matrix, option_parser
from ..config.errors import BadInput, CannotImport, InstallationError
from ..config.option_parser import MANY, PART, Parser
from ..config.options import LATEST, Options
from ..config.pair import AXES, Pair, pin
from ..config.text import number
from ..contract.case import DEFAULT_VARIANT, GREEN, Size
from ..environments import pypi
from ..environments.environment import Environment, Say
from ..environments.pypi import Release
from ..execution.pair_run import PairRun
from ..planning import plan
from ..results import store
from ..results.bisection import Answer, Bisection, Symptom, search
from ..results.judging import Judged
from ..results.pair_diff import key_of
from .ensure_recorded import check, tried
from .run_arguments import ALL
from .upgrade_known import MEASURE


def _parser() -> Parser:
    parser = Parser("bisect", ALL, f"--good transformers==4.57.6 --bad transformers==5.23.0 {PART}")
    pin: dict[str, Any] = {"metavar": "PACKAGE==VERSION"}
    parser.add_argument("--good", help="a release of transformers or timm where the cases pass", **pin)
    parser.add_argument("--bad", help="an older or a later one where some of them fail", **pin)
    still = "what stands still (default: as in the current pair); repeatable"
    parser.add_argument("--with", dest="still", help=still, **pin, **MANY)
    alike = "a release is bad only where a case fails as at the bad end; another failure says nothing"
    parser.add_argument("--alike", action="store_true", help=alike)
    measure = "run every release that is asked about, also those of which the atlas says how they are"
    parser.add_argument(MEASURE, action="store_true", help=measure)
    option_parser.add_selection(parser, Size.SLIM)
    option_parser.add_running(parser)
    option_parser.add_results(parser)
    return parser


@dataclass(frozen=True)
class BisectCommand:
    """Two ends along one package, what stands still, and the cases."""

    described: matrix.Matrix
    options: Options
    axis: str
    good: str
    bad: str
    still: Pair
    alike: bool = False
    atlas: Path | None = pair_files.PACKAGED
    """The folder of the atlas that is asked first; None to run every release."""

    @classmethod
    def of(cls, argv: Sequence[str]) -> "BisectCommand":
        """Read the command line. Raises BadInput with all that is wrong with it."""
        arguments = _parser().read(argv)
        sized = "sizes" in arguments
        options = option_parser.shared(arguments, Size.SLIM)
        described = matrix.load(options.matrix)
        problems: list[str] = []
        ends = {name: _end(name, arguments.get(name), problems) for name in ("good", "bad")}
        (axis, good), (other, bad) = ends["good"], ends["bad"]
        if axis and other and axis != other:
            problems.append(f"--good names {axis} and --bad {other}; name two releases of one package")
        elif good and bad and Version(good) == Version(bad):
            problems.append(f"--good and --bad both name {axis}=={good}; name two releases")
        still = _still(arguments.get("still", ()), axis, problems)
        if not options.routes and not options.models:
            problems.append("which cases? Name them with --route and --model")
        if problems:
            raise BadInput.from_problems(problems)
        # One lane and one variant, unless more are asked for; and all models that are named, quick or not.
        lanes, variants = options.lanes or (described.lanes[0].name,), options.variants or (DEFAULT_VARIANT,)
        options = replace(options, lanes=lanes, variants=variants, anyway=not options.quick)
        current = described.current_pair
        still_pair, alike = current.with_versions(**still), arguments.get("alike", False)
        known = "measure" not in arguments and not sized and _may_ask(options)
        question = cls(described, options, axis, good, bad, still_pair, alike, pair_files.PACKAGED if known else None)
        check([question.at(good), question.at(bad)])
        return question

    @property
    def pair_run(self) -> PairRun:
        """That of the bad end, which has the matrix and its limits."""
        return self.at(self.bad)

    def at(self, version: str) -> PairRun:
        """The cases with one release of the axis."""
        return PairRun.of(self.described, self.still.with_versions(**{self.axis: version}), self.options)

    @cached_property
    def line(self) -> list[Release]:
        """The releases from end to end, oldest first. Raises BadInput for an end that cannot be."""
        try:
            return pypi.between(self.axis, (self.good, self.bad), self.still.python)
        except OSError as error:
            raise BadInput(f"PyPI could not be asked which releases of {self.axis} there are: {error}") from error

    def answer(self, environment: Environment, say: Say) -> Bisection:
        """Run both ends, and then what halves the releases between them; not what the atlas says already.

        The two releases next to the change are always run. Raises BadInput where the ends do not differ as they should,
        and InstallationError where one cannot be made.
        """
        line, older = self.line, Answer.GOOD if Version(self.good) < Version(self.bad) else Answer.BAD
        say(f"{len(line)} releases of {self.axis}, {line[0].version} to {line[-1].version}, with {self._rest}")
        judged: dict[str, list[Judged]] = {}

        def run(release: Release) -> list[Judged]:
            if release.version not in judged:
                judged[release.version] = tried(self.at(release.version), environment, say)
            return judged[release.version]

        def symptom_of(line: Sequence[Release]) -> Symptom:  # as PyPI spells them: 5.0 is 5.0.0
            good, bad = (line[0], line[-1]) if older is Answer.GOOD else (line[-1], line[0])
            return self._symptom(run(good), run(bad), say)

        near, taken, symptom = self._question.near(line, older, symptom_of, say)

        def ask(release: Release) -> Answer:
            try:
                found = run(release)
                if not self.alike and (why := _unimportable(self.at(release.version))):
                    raise CannotImport(why)  # noqa: TRY301  as where it has to be imported for a catalog
            except CannotImport as error:
                found = judged[release.version] = symptom.broken_by(error)
            except (InstallationError, BadInput) as error:
                say(f"{self.axis} {release.version}: {Answer.UNTESTABLE}: {error}")
                return Answer.UNTESTABLE
            answer = symptom.answer(found)
            say(f"{self.axis} {release.version}: {answer}, {_summary(found)}")
            return answer

        def tell(left: int, steps: int) -> None:
            say(f"{number(left, 'release')} left, about {number(steps, 'step')}")

        change = search(near, older, ask, tell)
        pairs = {version: self.at(version).pair for version in judged}
        return Bisection(self.axis, change, older, judged, pairs, symptom, taken)

    @property
    def _question(self) -> Question:
        options = self.options
        ends, named = (self.good, self.bad), (options.models, options.routes)
        return Question(self.atlas, options.lanes[0], self.axis, self.still, *ends, *named, alike=self.alike)

    @property
    def _rest(self) -> str:
        names = [name for name in (*AXES, "torch") if name != self.axis]
        return ", ".join(f"{name} {getattr(self.still, name)}" for name in names)

    def _symptom(self, good: Sequence[Judged], bad: Sequence[Judged], say: Say) -> Symptom:
        """What passes at the good end and fails at the bad one; what does not is left aside.

        Raises BadInput where there is nothing of the kind.
        """
        if not good and not bad:
            raise plan.nothing_selected(self.options)
        named = {"good": f"--good {self.axis}=={self.good}", "bad": f"--bad {self.axis}=={self.bad}"}
        symptom = Symptom.of(bad, alike=self.alike).among([case for case in good if case.outcome in GREEN])
        if symptom.cases:
            if aside := len({key_of(case) for case in (*good, *bad)} - symptom.cases.keys()):
                count = number(len(symptom.cases), "case")
                say(f"{count} to ask about; left aside: {aside}, broken or green at both ends")
            return symptom
        if Symptom.of(good).among([case for case in bad if case.outcome in GREEN]).cases:
            raise BadInput(
                f"{named['good']}: {_summary(good)}, and {named['bad']}: {_summary(bad)}; they are the wrong way round"
            )
        if not any(case.outcome in GREEN for case in good):
            raise BadInput(f"{named['good']}: {_summary(good)}; name a release where these cases pass")
        raise BadInput(f"{named['bad']}: {_summary(bad)}; name a release where a case fails that passes at the other")


def _may_ask(options: Options) -> bool:
    """Whether the atlas can have what is asked about: one lane, as it is stored by default, with what is locked."""
    usual = options.variants == (DEFAULT_VARIANT,) and options.resolve != LATEST
    return usual and len(options.lanes) == 1 and not options.rerun


def _unimportable(pair_run: PairRun) -> str | None:
    """Why the pair of the last run, which is installed, cannot be imported."""
    records = pair_run.records
    for lane in records.lanes:
        runs = store.load(records.options.results, records.pair.id, lane.name, None).runs
        end = runs[-1].end if runs else None
        if end and end.get("failed") == CannotImport.step:
            return str(end.get("reason"))
    return None


def _end(name: str, text: str | None, problems: list[str]) -> tuple[str, str]:
    """The package and version of an end."""
    if text is None:
        problems.append(f"--{name} is not named; add a release, as in --{name} transformers==4.57.6")
        return "", ""
    package, version, wrong = pin(text)
    if not wrong and package not in AXES:
        wrong = f"bisect goes along {' or '.join(AXES)}"
    if wrong:
        problems.append(f"--{name} {text}: {wrong}")
        return "", ""
    return package, version


def _still(pins: Sequence[str], axis: str, problems: list[str]) -> dict[str, str]:
    """The versions that stand still, as far as they are named."""
    versions: dict[str, str] = {}
    for text in pins:
        package, version, wrong = pin(text)
        if not wrong and package == axis:
            wrong = f"{axis} is what moves; its releases are those of --good and --bad"
        if wrong:
            problems.append(f"--with {text}: {wrong}")
        versions[package] = version
    return versions


def _summary(judged: Sequence[Judged]) -> str:
    """What stands out: a case that does not pass, or how many do."""
    worst = sorted(judged, key=lambda case: (case.outcome in GREEN, not case.broken))
    if not worst:
        return "no such case"
    if worst[0].outcome in GREEN:
        return f"{len(judged)} passed" if len(judged) > 1 else "passed"
    others = sum(case.outcome not in GREEN for case in judged) - 1
    more = f", and {others} more" if others else ""
    return f"{worst[0].case.id} is {worst[0].outcome or 'without a record'} ({worst[0].reason}){more}"
