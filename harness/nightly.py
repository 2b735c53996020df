"""What a night does around the runs themselves: the plan for its machines, and their records in one folder."""

import json
import shlex
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from harness import catalog, claim, matrix, record, results, selection, shards
from harness.catalog import Catalog
from harness.errors import BadInput
from harness.matrix import Matrix
from harness.news import News
from harness.pair import AXES, Pair
from harness.report import reproduction
from harness.selection import Options
from harness.source import WHEEL
from harness.words import number

LANES: Final = "*.jsonl"
SITE: Final = "site"
CARRIED: Final = "carried"
CATALOGS: Final = "catalogs"


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
        also += _newest(News.of(["--matrix", str(given.matrix), "--cool-down", "0"]))
    also += _developed(given.development, described) if given.development else []
    pairs = {pair.id: pair for pair in (*described.pairs, *also)}
    durations = shards.Durations(given.results, pairs.values(), [lane.name for lane in described.lanes])
    folders = [catalog.PACKAGED, *(folder / CATALOGS for folder in given.results)]
    known = [(pair, _catalog(pair, folders)) for pair in pairs.values()]
    divided = shards.divide(described, known, options, given.shards, durations)
    besides = [pair for pair in pairs.values() if pair not in described.pairs]
    named = [([], SITE), *((reproduction.pins(pair), f"{SITE}/{pair.id}") for pair in besides)]
    reports = [_report(pins, options, out) for pins, out in named]
    return shards.document(divided, reports, f"python -m harness plan --shards {given.shards}")


def _report(pins: Sequence[str], options: Options, out: str) -> str:
    named = [] if options.matrix == Options.matrix else ["--matrix", str(options.matrix)]
    return shlex.join(["nox", "-s", "report", "--", *pins, *named, *selection.given(options), "--out", out])


def _catalog(pair: Pair, folders: Sequence[Path]) -> Catalog | None:
    """That of the pair's timm, packaged or made on the way; None where nobody knows its models."""
    return next(filter(None, (catalog.read(folder, pair.timm) for folder in folders)), None)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BadInput(f"--also {text}: {error}") from None


def _newest(news: News) -> Iterator[Pair]:
    """The newest release of each package with the current one of the other, and of both together."""
    current = next(pair for pair in news.described.pairs if pair.id == news.described.current)
    newest = {package: found[-1].version for package, found in news.newer.items() if found}
    yield from (current.moved(**{package: version}) for package, version in newest.items())
    if len(newest) == len(AXES):
        yield current.moved(**newest)


def _developed(folder: Path, described: Matrix) -> list[Pair]:
    """Each wheel in a folder with the current release of the other package, and both together. Raises BadInput."""
    wheels = {package: sorted(folder.glob(f"{package}-*{WHEEL}")) for package in AXES}
    if wrong := [package for package, found in wheels.items() if len(found) > 1]:
        raise BadInput(f"--development {folder}: several wheels of {', '.join(wrong)}; keep one")
    pins = {package: f"{package}@{found[0]}" for package, found in wheels.items() if found}
    if not pins:
        raise BadInput(f"--development {folder}: no wheel of {' or '.join(AXES)} in it")
    current = next(pair for pair in described.pairs if pair.id == described.current)
    usual = {package: current.pin(package) for package in AXES}
    chosen = [{package: pin} for package, pin in pins.items()] + ([pins] if len(pins) == len(AXES) else [])
    return [Pair.parse_requirements([*{**usual, **one}.values()], described.defaults) for one in chosen]


def collect(folders: Sequence[Path], into: Path, out: IO[str]) -> int:
    """Append every run that the folders hold to the records of another, the oldest first.

    One that is there already is left out, and so is one older than the newest there: it would count for the last.
    Raises BadInput for a folder that holds none, and for a file that is none of ours; nothing is written then.
    """
    found: dict[Path, list[_Run]] = {}
    for folder in folders:
        for path in _files(folder):
            found.setdefault(path.relative_to(folder), []).extend(_runs(path))
    results.refuse_unwritable(into, "--into")
    for relative in found:
        results.refuse_links([into, (into / relative).parent, into / relative])
    claim.take(into)
    added, older = 0, 0
    for relative, runs in found.items():
        path = into / relative
        there = _runs(path) if path.is_file() else []
        known, newest = {run.text for run in there}, max((run.started for run in there), default="")
        new = sorted({run.text: run for run in runs if run.text not in known}.values(), key=lambda run: run.started)
        kept = [run for run in new if run.started >= newest]
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.is_file() and not path.read_bytes().endswith(b"\n")
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" * torn + "".join(run.text for run in kept))
        added, older = added + len(kept), older + len(new) - len(kept)
    for folder in folders:
        _add_catalogs(folder / CATALOGS, into / CATALOGS)
    left = f"; {number(older, 'run')} older than what is there left out" if older else ""
    out.write(f"{into}: {number(added, 'run')} added from {number(len(folders), 'folder')}{left}\n")
    return 0


@dataclass(frozen=True)
class _Run:
    """The text of a run in a lane's file, what was torn included, and when it began."""

    text: str
    started: str


def _files(folder: Path) -> list[Path]:
    """The lanes' files of a results folder. Raises BadInput where it is none, or one of them is none of ours."""
    files = sorted(folder.rglob(LANES))
    if not files and not (folder / CATALOGS).is_dir():
        raise BadInput(f"{folder}: no records in it")
    for path in files:
        results.refuse_links([path])
        *above, _ = path.relative_to(folder).parts
        if len(above) != 1 and above[:1] != [CARRIED]:
            raise BadInput(f"{path}: is not where a results folder has its records; name the folder itself")
        try:
            record.read(path)
        except (OSError, ValueError) as error:
            raise BadInput(f"{error}; move that file away") from error
    return files


def _runs(path: Path) -> list[_Run]:
    runs: list[tuple[list[str], str]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        header = _header(line)
        if header is not None or not runs:
            runs.append(([], str((header or {}).get("started", ""))))
        runs[-1][0].append(line if line.endswith("\n") else f"{line}\n")
    return [_Run("".join(lines), started) for lines, started in runs]


def _header(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("kind") == "run" else None


def _add_catalogs(there: Path, into: Path) -> None:
    """Catalogs that were made on the spot, without which records of such a pair cannot be judged; the newest counts."""
    for path in sorted(there.rglob("*.ndjson")) if there.is_dir() else ():
        target = into / path.relative_to(there)
        results.refuse_links([path, into, target])
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as draft:
            shutil.copyfile(path, Path(draft) / path.name)
            (Path(draft) / path.name).replace(target)
