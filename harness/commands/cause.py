"""nox -s cause, without nox: scripts of tests/causes, run in the environment of one pair."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..atlas import proof
from ..atlas.proof import BROKEN
from ..config import matrix
from ..config.errors import BadInput
from ..config.expectation import Rule
from ..config.matrix import Matrix
from ..config.option_parser import Parser
from ..config.options import Options
from ..contract import tempdirs
from ..environments.environment import Environment, Say
from ..environments.pair_environment import VARIABLES
from ..execution.pair_run import PairRun
from ..report import reproduction
from . import issue_report, shown_case
from .run import MatrixCommand
from .shown_case import ShownCase

ABOUT: Final = "Run scripts of tests/causes with a pair alone: each says what is broken, or sound."
EXAMPLE: Final = "transformers==5.23.0 timm==1.0.31 --remedy tests/causes/hub_classes_twice.py"
REMEDY: Final = "--remedy"
ISSUE: Final = "--issue"
RUNNER: Final = "tests.causes.run"


@dataclass(frozen=True)
class CauseCommand:
    """The pair, the scripts, and whether each applies its remedy."""

    pair_run: PairRun
    scripts: tuple[str, ...]
    remedy: bool
    issue: Rule | None = None
    """The rule to write a report of, if that is asked for."""
    shown: ShownCase | None = None
    """A case that shows the rule, if no script does."""

    @classmethod
    def of(cls, argv: Sequence[str]) -> "CauseCommand":
        """Read the command line. Raises BadInput."""
        given = _parser().read(argv)
        words = given.get("words", ())
        pins = [word for word in words if _is_requirement(word)]
        scripts = tuple(word for word in words if word not in pins)
        remedy = given.get("remedy", False)
        if remedy and not scripts and "issue" not in given:
            raise BadInput(f"{REMEDY}: no script is named; name one of tests/causes")
        file = ["--matrix", str(given["matrix"])] if "matrix" in given else []
        if "issue" in given:
            if scripts or remedy:
                raise BadInput(f"{ISSUE} names a rule, which has its script; leave {' '.join(scripts) or REMEDY} out")
            return cls._of_issue(given["issue"], matrix.load(given.get("matrix", Options.matrix)), pins, file)
        if not words:
            raise BadInput(f"name a pair, and scripts: {EXAMPLE}")
        return cls(_pair_run(pins, file), scripts, remedy)

    @classmethod
    def _of_issue(cls, name: str, described: Matrix, pins: Sequence[str], file: Sequence[str]) -> "CauseCommand":
        rule = issue_report.rule_of(name, described.expectations)
        named = _pair_run(pins, file) if pins else None
        if named:
            issue_report.refuse_beyond(rule, named.pair)
        if script := issue_report.find_script(rule):
            pair_run = named or _pair_run(issue_report.broken_on(script), file)
            issue_report.refuse_beyond(rule, pair_run.pair)
            return cls(pair_run, (script,), remedy=False, issue=rule)
        shown = shown_case.of_rule(rule, described, named.pair if named else None)
        pair_run = named or _pair_run(reproduction.pins(shown.pair), file)
        return cls(pair_run, (), remedy=False, issue=rule, shown=shown)

    def report(self, environment: Environment, say: Say) -> Iterator[str]:
        """The report of the rule, with what its script says in the pair's environment. Raises BadInput if it is sound.

        Without a script nothing is run. Raises as `Environment.create` does.
        """
        assert self.issue is not None  # noqa: S101  it is asked for
        if self.shown:
            yield from issue_report.lines_of_case(self.issue, self.shown, proof.read())
            return
        [script] = self.scripts
        told = said(self.pair_run, script, lambda _: environment, say)
        if not told.startswith(BROKEN):
            raise BadInput(f"{script} on {self.pair_run.pair.id} says {told or 'nothing'}: there is nothing to report")
        versions = self.pair_run.pair.versions
        yield from issue_report.lines(self.issue, script, told.removeprefix(BROKEN), versions, proof.read())

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the pair's Python is given to run the scripts."""
        return ("-m", RUNNER, *((REMEDY,) if self.remedy else ()), *self.scripts)


def _pair_run(pins: Sequence[str], file: Sequence[str]) -> PairRun:
    return MatrixCommand.of([*pins, *file], "pair").pair_runs[0]


def _parser() -> Parser:
    parser = Parser("cause", ABOUT, EXAMPLE)
    words = "the pair's releases, and scripts; without a script the pair is installed"
    parser.add_argument("words", nargs="*", metavar="PACKAGE==VERSION|SCRIPT", help=words)
    remedy = (
        "apply each script's remedy, the function that its REMEDY names, with which it must be "
        "sound; a script whose remedy is no function ends with 2"
    )
    parser.add_argument(REMEDY, action="store_true", help=remedy)
    issue = (
        "write a report for the upstream tracker instead, from a rule of matrix.yaml and what its script says, or else "
        "from what was measured"
    )
    parser.add_argument(ISSUE, metavar="RULE", help=issue)
    return parser


def said(pair_run: PairRun, script: str, environment: Callable[[PairRun], Environment], say: Say) -> str:
    """What a script says in a pair's environment; empty if nothing. Raises as `Environment.create` does."""
    with tempdirs.folder() as folder, pair_run.environment.installed(environment(pair_run), say) as python:
        into = folder / "said.txt"
        python.run("-W", "ignore", "-m", RUNNER, script, env=VARIABLES, into=into, success=(0, 2))
        lines = into.read_text(encoding="utf-8").splitlines()
    return next((line.removeprefix(f"{script}: ") for line in lines if line.startswith(f"{script}: ")), "")


def _is_requirement(word: str) -> bool:
    return "==" in word or "@" in word
