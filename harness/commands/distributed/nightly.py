"""What a night does around the runs themselves: the plan for its machines, and their records in one folder."""

import shlex
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from ...config import matrix
from ...config.errors import BadInput
from ...config.matrix import Matrix
from ...config.options import Options, as_words
from ...config.pair import AXES, Pair
from ...config.source import WHEEL
from ...config.text import number
from ...contract import catalog, record
from ...execution import run_lock
from ...report import reproduction
from ...results import store
from ...results.pair_records import find_catalog
from ..releases import ReleasesCommand
from . import import_results, shards

SITE: Final = "site"


def plan(given: Namespace) -> dict[str, Any]:
    """The shards of the matrix, and of the pairs named besides, as JSON. Raises BadInput."""
    options = Options(matrix=given.matrix, quick=given.quick, lanes=tuple(given.lanes))
    described = matrix.load(given.matrix)
    unknown = [name for name in given.lanes if name not in {lane.name for lane in described.lanes}]
    missing = [folder for folder in given.results if not folder.is_dir()]
    if unknown or missing:
        raise BadInput.from_problems(
            [f"--lane {name}: {given.matrix} has no such lane" for name in unknown]
            + [f"--results {folder}: there is no such folder" for folder in missing]
        )
    also = [Pair.parse_requirements(_words(pins), described.defaults) for pins in given.also]
    if given.newest:
        also += _newest(ReleasesCommand.of(["--matrix", str(given.matrix), "--cool-down", "0"]))
    also += _developed(given.development, described) if given.development else []
    pairs = {pair.id: pair for pair in (*described.pairs, *also)}
    durations = shards.Durations(given.results, pairs.values(), [lane.name for lane in described.lanes])
    folders = [catalog.PACKAGED, *(folder / import_results.CATALOGS for folder in given.results)]
    known = [(pair, find_catalog(folders, pair.timm, described.models.controls)) for pair in pairs.values()]
    divided = shards.divide(described, known, options, given.shards, durations)
    besides = [pair for pair in pairs.values() if pair not in described.pairs]
    named = [([], SITE), *((reproduction.pins(pair), f"{SITE}/{pair.id}") for pair in besides)]
    reports = [_report(pins, options, out) for pins, out in named]
    return shards.document(divided, reports, f"python -m harness plan --shards {given.shards}")


def _report(pins: Sequence[str], options: Options, out: str) -> str:
    return shlex.join([*reproduction.session("report", pins, options.matrix), *as_words(options), "--out", out])


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BadInput(f"--also {text}: {error}") from None


def _newest(news: ReleasesCommand) -> Iterator[Pair]:
    """The newest release of each package with the current one of the other, and of both together."""
    current = news.described.current_pair
    newest = {package: found[-1].version for package, found in news.newer.items() if found}
    yield from (current.with_versions(**{package: version}) for package, version in newest.items())
    if len(newest) == len(AXES):
        yield current.with_versions(**newest)


def _developed(folder: Path, described: Matrix) -> list[Pair]:
    """Each wheel in a folder with the current release of the other package, and both together. Raises BadInput."""
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


def collect(folders: Sequence[Path], into: Path, out: IO[str]) -> int:
    """Append every run that the folders hold to the records of another, the oldest first.

    One that is there already is left out, and so is one older than the newest there: it would count for the last.
    Raises BadInput for a folder that holds none, and for a file that is none of ours; nothing is written then.
    """
    found: dict[Path, list[record.Text]] = {}
    for folder in folders:
        for path in import_results.files(folder):
            found.setdefault(path.relative_to(folder), []).extend(record.texts(path))
    store.refuse_unwritable(into, "--into")
    for relative in found:
        store.refuse_links([into, (into / relative).parent, into / relative])
    run_lock.take(into)
    added, older = 0, 0
    for relative, runs in found.items():
        there = record.texts(into / relative)
        newest = max((run.started for run in there), default="")
        new = sorted(set(runs) - set(there), key=lambda run: (run.started, runs.index(run)))
        kept = [run for run in new if run.started >= newest]
        with record.Log(into / relative) as log:
            log.copy(kept)
        added, older = added + len(kept), older + len(new) - len(kept)
    for folder in folders:
        import_results.add_catalogs(folder, into)
    left = f"; {number(older, 'run')} older than what is there left out" if older else ""
    out.write(f"{into}: {number(added, 'run')} added from {number(len(folders), 'folder')}{left}\n")
    return 0
