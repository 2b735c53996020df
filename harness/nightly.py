"""What a night does around the runs themselves: the plan for its machines, and their records in one folder."""

import shlex
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from harness import catalog, matrix, record, results, selection, shards
from harness.errors import BadInput
from harness.matrix import Matrix
from harness.news import News
from harness.pair import AXES, Pair
from harness.selection import Options
from harness.source import WHEEL

LANES: Final = "*.jsonl"
SITE: Final = "site"
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
    also = [Pair.parse_requirements(shlex.split(pins), described.defaults) for pins in given.also]
    if given.newest:
        also += _newest(News.of(["--matrix", str(given.matrix), "--cool-down", "0"]))
    also += _developed(given.development, described) if given.development else []
    pairs = {pair.id: pair for pair in (*described.pairs, *also)}
    durations = shards.Durations(given.results, pairs.values(), [lane.name for lane in described.lanes])
    known = [(pair, catalog.read(catalog.PACKAGED, pair.timm)) for pair in pairs.values()]
    divided = shards.divide(described, known, options, given.shards, durations)
    besides = [pair for pair in pairs.values() if pair not in described.pairs]
    reports = [_report([], options, SITE), *(_report(_pins(pair), options, f"{SITE}/{pair.id}") for pair in besides)]
    return shards.document(divided, reports, f"python -m harness plan --shards {given.shards}")


def _report(pins: Sequence[str], options: Options, out: str) -> str:
    named = [] if options.matrix == Options.matrix else ["--matrix", str(options.matrix)]
    return shlex.join(["nox", "-s", "report", "--", *pins, *named, *selection.given(options), "--out", out])


def _pins(pair: Pair) -> list[str]:
    return [pair.pin(name) for name in AXES]


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
    """Append every run that the folders hold to the records of another; one that is there already is left out.

    Raises BadInput for a folder that holds none, and for a file that is none of ours; nothing is written then.
    """
    found: dict[Path, list[str]] = {}
    for folder in folders:
        files = sorted(folder.rglob(LANES))
        if not files:
            raise BadInput(f"{folder}: no records in it")
        for path in files:
            results.refuse_links([path])
            try:
                record.read(path)
            except (OSError, ValueError) as error:
                raise BadInput(f"{error}; move that file away") from error
            found.setdefault(path.relative_to(folder), []).extend(_runs(path))
    results.refuse_unwritable(into, "--into")
    results.refuse_links([into / relative for relative in found])
    added = 0
    for relative, runs in found.items():
        path = into / relative
        there = set(_runs(path)) if path.is_file() else set()
        new = [run for run in dict.fromkeys(runs) if run not in there]
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.is_file() and not path.read_bytes().endswith(b"\n")
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" * torn + "".join(new))
        added += len(new)
    for folder in folders:
        _add_catalogs(folder / CATALOGS, into / CATALOGS)
    out.write(f"{into}: {added} runs added from {len(folders)} folders\n")
    return 0


def _runs(path: Path) -> list[str]:
    """The text of each run in a lane's file, what was torn included."""
    runs: list[list[str]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        whole = line if line.endswith("\n") else f"{line}\n"
        if line.startswith('{"kind":"run"') or not runs:
            runs.append([])
        runs[-1].append(whole)
    return ["".join(lines) for lines in runs]


def _add_catalogs(there: Path, into: Path) -> None:
    """Catalogs that were made on the spot, without which records of such a pair cannot be judged."""
    for path in sorted(there.rglob("*.ndjson")) if there.is_dir() else ():
        target = into / path.relative_to(there)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent) as draft:
                shutil.copyfile(path, Path(draft) / path.name)
                (Path(draft) / path.name).replace(target)
