"""What a night does around the runs themselves: the plan for its machines, and their records in one folder."""

import shlex
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final

from ...config import matrix, option_parser
from ...config.errors import BadInput, CannotRecord
from ...config.matrix import Matrix
from ...config.options import Options, as_words
from ...config.pair import AXES, Pair
from ...config.source import WHEEL
from ...config.text import number
from ...contract import package, record
from ...contract.finding import printable
from ...contract.surroundings import is_folder
from ...execution import run_lock
from ...report import reproduction
from ...report.formats.command import done
from ...results import run_text, store, succession
from ...results.pair_records import find_catalog
from ...results.run_text import RunText
from ..releases import ReleasesCommand
from . import import_results, shards

SITE: Final = "site"


def plan(given: Namespace) -> dict[str, Any]:
    """The shards of the matrix, and of the pairs named besides, as JSON. Raises BadInput."""
    file = _of_the_checkout(given.matrix)
    options = option_parser.shared({"matrix": file, "quick": given.quick, "lanes": tuple(given.lanes)})
    described = matrix.load(given.matrix)
    unknown = [name for name in given.lanes if name not in {lane.name for lane in described.lanes}]
    missing = [folder for folder in given.results if not is_folder(folder)]
    if unknown or missing:
        raise BadInput.from_problems(
            [f"--lane {name}: {given.matrix} has no such lane" for name in unknown]
            + [f"--results {folder}: there is no such folder" for folder in missing]
        )
    also = [Pair.parse_requirements(_words(pins), described.defaults) for pins in given.also]
    if given.newest:
        also += _newest(ReleasesCommand.of(["--matrix", str(given.matrix), "--cool-down", "0"]))
    also += _developed(_from_here(given.development), described) if given.development else []
    pairs = {pair.id: pair for pair in (*described.pairs, *also)}
    durations = shards.Durations(given.results, pairs.values(), [lane.name for lane in described.lanes])
    folders = [folder / import_results.CATALOGS for folder in given.results]
    known = [(pair, find_catalog(folders, pair.timm, described.models.controls)) for pair in pairs.values()]
    divided = shards.divide(described, known, options, given.shards, durations)
    besides = [pair for pair in pairs.values() if pair not in described.pairs]
    named = [([], SITE), *((reproduction.pins(pair), f"{SITE}/{pair.id}") for pair in besides)]
    reports = [_report(pins, options, out) for pins, out in named]
    return shards.document(divided, reports, shlex.join(_typed(given, options)))


def _typed(given: Namespace, options: Options) -> list[str]:
    """The command that makes this plan again."""
    folder = {"--development": [_from_here(given.development)] if given.development else []}
    matrix_file = {"--matrix": [options.matrix] if options.matrix != reproduction.DEFAULT_MATRIX else []}
    several = {"--results": map(_from_here, given.results), "--lane": given.lanes, "--also": given.also}
    values = {"--shards": [given.shards], **several, **matrix_file, **folder}
    flags = [flag for flag, is_given in (("--quick", given.quick), ("--newest", given.newest)) if is_given]
    named = [word for flag, some in values.items() for value in some for word in (flag, str(value))]
    return [*given.typed.split(), "plan", *named, *flags]


def _of_the_checkout(file: Path) -> Path:
    """The matrix file as a checkout has it: that of an installed package is the checkout's own."""
    return reproduction.DEFAULT_MATRIX if file == package.FOLDER / reproduction.DEFAULT_MATRIX else _from_here(file)


def _from_here(path: Path) -> Path:
    """The path without the folder in which the command is typed: another machine has another."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _report(pins: Sequence[str], options: Options, out: str) -> str:
    return shlex.join([*reproduction.session("report", pins, options.matrix), *as_words(options), "--out", out])


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BadInput(f"--also {text}: {error}; close what is quoted") from None


def _newest(news: ReleasesCommand) -> Iterator[Pair]:
    """The newest release of each package with the current one of the other, and of both together."""
    current = news.described.current_pair
    newest = {package: found[-1].version for package, found in news.newer.items() if found}
    yield from (current.with_versions(**{package: version}) for package, version in newest.items())
    if len(newest) == len(AXES):
        yield current.with_versions(**newest)


def _developed(folder: Path, described: Matrix) -> list[Pair]:
    """Each wheel in a folder with the current release of the other package, and both together. Raises BadInput."""
    if not is_folder(folder):
        raise BadInput(f"--development {folder}: there is no such folder")
    wheels = {package: sorted(folder.glob(f"{package}-*{WHEEL}")) for package in AXES}
    if wrong := [package for package, found in wheels.items() if len(found) > 1]:
        raise BadInput(f"--development {folder}: several wheels of {', '.join(wrong)}; keep one")
    pins = {package: f"{package}@{found[0]}" for package, found in wheels.items() if found}
    if not pins:
        raise BadInput(f"--development {folder}: no wheel of {' or '.join(AXES)} in it")
    current = described.current_pair
    usual = {package: current.pin(package) for package in AXES}
    chosen = [{package: pin} for package, pin in pins.items()] + ([pins] if len(pins) == len(AXES) else [])
    return [Pair.parse_requirements([*{**usual, **one}.values()], described.defaults) for one in chosen]


def collect(folders: Sequence[Path], into: Path, out: IO[str], *, as_json: bool = False) -> int:
    """Append every run that the folders hold to the records of another, each once, with the time of it in its header.

    What counts of them then is decided when they are read, see `results/succession.py`: nothing is left out here.
    Raises BadInput for a folder that holds none, for a file that is none of ours, and for runs that began in the
    future; nothing is written then.
    """
    sources = [(folder, import_results.files(folder)) for folder in folders]
    found = {path: run_text.read(path) for folder, paths in sources for path in paths}
    _refuse_future(found)
    for folder in folders:
        import_results.refuse_bad_catalogs(folder, into)
    lanes: dict[Path, list[list[RunText]]] = {}
    for folder, paths in sources:
        for path in paths:
            lanes.setdefault(path.relative_to(folder), []).append(found[path])
    targets = [into / lane for lane in lanes]
    store.refuse_strange(targets, [into, *(part for path in targets for part in import_results.above(path, into))])
    store.refuse_unwritable(into, "--into")
    run_lock.take(into)
    now = record.now()
    added = {lane: _add(into / lane, _in_order(copies), now) for lane, copies in lanes.items()}
    for folder in folders:
        import_results.add_catalogs(folder, into)
    if as_json:
        files = [{"file": lane.as_posix(), "runs": count} for lane, count in added.items()]
        asked = {"folders": list(map(str, folders)), "into": str(into)}
        out.write(done("collect", **asked, runs=sum(added.values()), files=files))
        return 0
    runs = number(sum(added.values()), "run")
    out.write(printable(f"{into}: {runs} added from {number(len(folders), 'folder')}") + "\n")
    return 0


def _refuse_future(found: Mapping[Path, Sequence[RunText]]) -> None:
    """Raises BadInput for runs whose clock is ahead: by it they would pass for the last ones."""
    latest = datetime.now(UTC) + succession.SKEW
    problems = [
        f"{path}: a run of {(run.header.get('pair') or {}).get('id')} {path.stem} began on "
        f"{run.header.get('machine') or 'a machine without a name'} at {run.header['started']}, "
        "which is in the future; set the clock of that machine or this one, move the file away, and run its cases again"
        for path, runs in found.items()
        for run in runs
        if (began := succession.moment(run.header.get("started"))) and began > latest
    ]
    if problems:
        raise BadInput.from_problems(problems)


def _in_order(copies: Sequence[Sequence[RunText]]) -> list[RunText]:
    """The runs of several files of a lane by when they began; those of one file stay in its order."""
    dated = []
    for runs in copies:
        latest = ""
        for run in runs:
            latest = max(latest, str(run.header.get("started", "")))
            dated.append((latest, run))
    return [run for _, run in sorted(dated, key=itemgetter(0))]


def _add(path: Path, runs: Sequence[RunText], now: str) -> int:
    """Append the runs that the file lacks, and return how many. A run is collected when a folder first gets it.

    A run that the file holds up to some line is appended whole, and one that was collected earlier than the file says
    is appended once more.
    """
    there, added = run_text.read(path), 0
    with _log(path) as log:
        for run in runs:
            collected = run.header.get(run_text.COLLECTED)
            stamps = [whole.header.get(run_text.COLLECTED) for whole in there if run.is_part_of(whole)]
            if any(stamp is None or collected is None or stamp <= collected for stamp in stamps):
                continue
            stamped = run.with_fields(collected=collected or now) if run.header else run
            log.copy([stamped.text])
            there.append(stamped)
            added += 1
    return added


def _log(path: Path) -> record.Log:
    try:
        return record.Log(path)
    except OSError as error:
        raise CannotRecord.of(path, error) from error
