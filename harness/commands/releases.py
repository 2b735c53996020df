"""What PyPI has that the matrix has not: newer releases, and the pair that they make, once they have cooled down."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from packaging.version import Version
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from ..config import matrix, option_parser
from ..config.errors import BadInput
from ..config.matrix import Matrix
from ..config.option_parser import Parser, days
from ..config.options import Options
from ..config.pair import AXES, Pair
from ..config.text import number
from ..environments import packaged, pypi
from ..environments.environment import Environment
from ..environments.lock import FOLDER
from ..environments.pypi import Index, Release
from ..execution.pair_run import PairRun

PAIRS: Final = "pairs"


@dataclass(frozen=True)
class ReleasesArguments:
    """What `nox -s releases` is given. `cool_down` is in days."""

    options: Options
    write: bool = False
    cool_down: int = 7
    out: Path | None = None


def _parser() -> Parser:
    about = "What PyPI has of transformers and timm that the matrix has not, and adding it."
    parser = Parser("releases", about, "--write --cool-down 3")
    parser.add_argument("--write", action="store_true", help="add the newest pair, with its catalog and lock")
    cool = "how long a release must have been there to be added (default 7)"
    parser.add_argument("--cool-down", type=days, metavar="DAYS", help=cool)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the lock goes (default harness/locks)")
    return parser


@dataclass(frozen=True)
class ReleasesCommand:
    """What is new of each of the two packages, oldest first, and how many older releases no pair names."""

    arguments: ReleasesArguments
    described: Matrix
    today: date
    newer: Mapping[str, Sequence[Release]]
    between: Mapping[str, int]

    @classmethod
    def of(cls, argv: Sequence[str], today: date | None = None, index: Index | None = None) -> "ReleasesCommand":
        """Read the command line and the matrix, and ask PyPI. Raises BadInput."""
        fields = _parser().read(argv)
        arguments = ReleasesArguments(option_parser.shared(fields), **fields)
        described = matrix.load(arguments.options.matrix)
        newer, between = {}, {}
        for package in AXES:
            known = {Version(version) for version in _known(described, package)}
            try:
                releases = pypi.since(package, min(known), described.defaults.python, index)
            except OSError as error:
                raise BadInput(f"PyPI cannot be asked for {package}: {error}; try again later") from error
            newer[package] = [release for release in releases if Version(release.version) > max(known)]
            versions = [Version(release.version) for release in releases]
            inside = [version for version in versions if min(known) < version < max(known)]
            between[package] = sum(version not in known for version in inside)
        return cls(arguments, described, today or pypi.today(), newer, between)

    @property
    def options(self) -> Options:
        """Where matrix and records are."""
        return self.arguments.options

    def is_cool(self, release: Release) -> bool:
        """Whether it has been there for long enough, so that a bad one would have been withdrawn."""
        return release.day is not None and self.today - release.day >= timedelta(days=self.arguments.cool_down)

    @property
    def pair(self) -> Pair | None:
        """The newest of both that have cooled down; None where the matrix has that pair, or nothing newer."""
        cool = {
            package: [release.version for release in releases if self.is_cool(release)]
            for package, releases in self.newer.items()
        }
        if not any(cool.values()):
            return None
        chosen = {package: [*_known(self.described, package), *cool[package]][-1] for package in AXES}
        return Pair(**{**self.described.defaults.model_dump(), **chosen}, defaults=self.described.defaults)

    def lines(self) -> Iterator[str]:
        """In words."""
        for package, releases in self.newer.items():
            newest = _known(self.described, package)[-1]
            count, of = number(len(releases), "release"), self.options.matrix
            yield f"{package}: {count} newer than {newest}, the newest of {of}"
            days = number(self.arguments.cool_down, "day")
            for release in releases:
                cooling = "" if self.is_cool(release) else f"; cooling down for {days}"
                yield f"  {release.version} ({release.day or 'no date'}{cooling})"
            if self.between[package] > 0:
                yield f"  in no pair: {number(self.between[package], 'release')} between the oldest and the newest"
        if self.pair is None:
            yield "No pair to add."
        elif not self.arguments.write:
            yield f"To add, with its catalog and lock: {self.pair.id}; nox -s releases -- --write does it."

    def write(self, pair: Pair, environment: Environment, say: Callable[[str], None]) -> None:
        """Make lock and catalog, and then add the pair to the file, so that it never names what is not there.

        Raises BadInput, and InstallationError where one of the two cannot be made.
        """
        draft = self.options.matrix.with_suffix(".unfinished")
        try:
            draft.write_text(added(self.options.matrix, pair, self.today), encoding="utf-8")
            pair_run = PairRun.of(matrix.load(draft), pair, self.options)
            pair_run.make_locks(environment, self.arguments.out or FOLDER, say)
            if not packaged.has(pair_run.pair.timm):
                with pair_run.environment.installed(environment, say) as python:
                    packaged.make(pair_run.environment, python)
            draft.replace(self.options.matrix)
        finally:
            draft.unlink(missing_ok=True)
        say(f"{self.options.matrix}: {pair.id} added")


def _last_line(node: Node) -> int:
    """Of what is written; a block itself ends only where the next thing begins, after comments and blank lines."""
    if isinstance(node, MappingNode) and not node.flow_style:
        return max(_last_line(value) for _, value in node.value)
    line: int = node.end_mark.line
    return line


def _known(described: Matrix, package: str) -> list[str]:
    """The releases that pairs name, oldest first."""
    released = [pair for pair in described.pairs if all(source.package != package for source in pair.sources)]
    return sorted({getattr(pair, package) for pair in released}, key=Version)


def added(path: Path, pair: Pair, day: date) -> str:
    """The text of a matrix with one pair more, after the last; all else as it is. Raises BadInput."""
    text = path.read_text(encoding="utf-8")
    node = YAML(typ="safe", pure=True).compose(text)
    pairs = next(
        (value for key, value in node.value if key.value == PAIRS) if isinstance(node, MappingNode) else iter(()), None
    )
    if not isinstance(pairs, SequenceNode) or pairs.flow_style or not pairs.value:
        raise BadInput(f"{path}: {PAIRS}: write them one a line, each after a dash, so that one can be added")
    last = pairs.value[-1]
    lines = f"{text.rstrip()}\n".splitlines(keepends=True)
    at = _last_line(last) + 1
    indent = " " * pairs.start_mark.column
    note = f"added by nox -s releases on {day}"
    row = f'{indent}- {{transformers: "{pair.transformers}", timm: "{pair.timm}", note: "{note}"}}\n'
    return "".join([*lines[:at], row, *lines[at:]])
