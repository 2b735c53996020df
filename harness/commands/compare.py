"""nox -s compare, without nox: what a release candidate breaks, mends and computes otherwise, for its maintainers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..config import matrix
from ..config.errors import BadInput
from ..config.option_parser import Parser
from ..config.pair import AXES, pin
from ..config.source import WHEEL
from ..config.text import number
from ..contract.case import DEFAULT_VARIANT
from ..results.pair_diff import HARM, Kind
from ..results.upgrade_result import UpgradeResult
from .upgrade import UpgradeCommand, upgrade_options
from .upgrade_known import MEASURE

ABOUT: Final = """\
What a wheel or a checkout breaks, mends and computes otherwise, against a release of the same package; also with the
options of nox -s upgrade. Without --model it is a quick run. The other package is that of the current pair."""
EXAMPLE: Final = "--base timm==1.0.31 --head dist/timm-1.0.32-py3-none-any.whl"
USUAL: Final = (("lanes", ("--lane", "cpu-float32")), ("variants", ("--variant", DEFAULT_VARIANT)))
"""What is added where an option is not given."""


@dataclass(frozen=True)
class CompareCommand:
    """The release to compare with, what is compared, and options of `nox -s upgrade`, as typed in the folder `here`."""

    base: str
    head: str
    options: tuple[str, ...]
    here: Path
    markdown: bool = False

    @classmethod
    def of(cls, argv: Sequence[str], here: Path) -> "CompareCommand":
        """Read the command line. Raises BadInput."""
        known, rest = _parser().parse_known_args(list(argv))
        given = vars(known)
        if missing := [f"--{name}" for name in ("base", "head") if name not in given]:
            raise BadInput(f"{' and '.join(missing)} missing; as in {EXAMPLE}")
        base, head = given["base"], given["head"]
        name, _, problem = pin(base)
        if problem or name not in AXES:
            raise BadInput(f"--base {base}: {problem or f'name a release of {AXES[0]} or {AXES[1]}'}")
        path = here / head
        if not head or not (path.is_dir() or (head.endswith(WHEEL) and path.is_file()) or head.startswith(f"{name}==")):
            raise BadInput(f"--head {head}: it is no wheel, no folder and no release of {name}; as in {EXAMPLE}")
        named = ["--matrix", str(given["matrix"])] if "matrix" in given else []
        options = upgrade_options([base, *rest])
        if list(options["requirements"]) != [base] or "start" in options:
            raise BadInput(f"{' '.join(rest)}: what moves is the head alone, from the base; leave the rest out")
        usual = [word for name, words in USUAL if name not in options for word in words]
        quick = [] if {"models", "quick", "own"} & options.keys() else ["--quick"]
        return cls(base, head, (*rest, *named, *usual, *quick), here, given.get("markdown", False))

    @property
    def package(self) -> str:
        """The name of the package that is compared."""
        return pin(self.base)[0]

    @property
    def checkout(self) -> Path | None:
        """The folder of which a wheel is to be built first; None if the head is a wheel or a release."""
        folder = self.here / self.head
        return folder if folder.is_dir() else None

    def upgrade(self, wheel: Path | None = None) -> UpgradeCommand:
        """The same as an upgrade to the head, or to the wheel that was built of it. Raises BadInput."""
        file = Path(self.options[self.options.index("--matrix") + 1]) if "--matrix" in self.options else None
        described = matrix.load(file or Path("matrix.yaml"))
        start = described.current_pair.with_versions(**{self.package: pin(self.base)[1]})
        released = wheel is None and not self.head.endswith(WHEEL)
        to = self.head if released else f"{self.package}@{wheel or self.here / self.head}"
        return UpgradeCommand.of([to, "--from", start.id, *self.options, MEASURE], self.here)


def sentence(answer: UpgradeResult, package: str) -> str:
    """What the end breaks, mends and computes otherwise, in one sentence."""
    counts = {kind: sum(change.kind is kind for change in answer.changes) for kind in Kind}
    harm, [*others] = sum(counts[kind] for kind in HARM), answer.other_numbers[0]
    told = [f"breaks {number(harm, 'case')}" if harm else "breaks nothing that was tried"]
    told += [f"mends {number(counts[Kind.FIXED], 'case')}"] if counts[Kind.FIXED] else []
    told += [f"computes otherwise for {number(len(others), 'model')}"] if others else []
    told += [f"has {number(len(answer.unknown), 'case')} without a result"] if answer.unknown else []
    head, base = (getattr(pair, package) for pair in (answer.end, answer.start))
    other = next(name for name in AXES if name != package)
    listed = ", ".join(told[:-1]) + (" and " if told[1:] else "") + told[-1]
    return f"{package} {head} against {base}, with {other} {getattr(answer.end, other)}: it {listed}."


def _parser() -> Parser:
    parser = Parser("compare", ABOUT, EXAMPLE)
    parser.add_argument("--base", metavar="PIN", help="the release to compare with, as timm==1.0.31")
    head = "a wheel; a folder with a checkout, of which a wheel is built; or another release"
    parser.add_argument("--head", metavar="WHEEL|FOLDER", help=head)
    parser.add_argument("--markdown", action="store_true", help="the answer in Markdown")
    return parser
