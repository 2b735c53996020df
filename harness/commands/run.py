"""What the nox sessions do, without nox: read the command line, run a pair, sum up.

A session hands in its arguments and its environment; everything that is wrong with them is one error with exit code 2.
"""

import argparse
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from rich.console import Console

from ..atlas import making, words
from ..config import matrix, option_parser, options
from ..config.errors import BadInput, HarnessError, InstallationError
from ..config.options import Options
from ..config.pair import Pair, long_id
from ..contract.catalog import Catalog
from ..contract.surroundings import is_file, is_folder
from ..environments import lock
from ..environments.environment import Environment
from ..execution import run_lock
from ..execution.pair_run import PairRun
from ..planning import device, option_checks, plan
from ..report import remarks, reproduction, terminal
from ..report.formats import files
from ..report.summary import Summary
from ..results import history, store, verdicts
from ..results.judging import Judged
from ..results.merging import merge
from . import run_arguments
from .run_arguments import SESSIONS, RunArguments


@dataclass
class MatrixCommand:
    """One command's pairs, and what turned out on the way to be wrong with any of them, by the pair's id."""

    described: matrix.Matrix
    pair_runs: tuple[PairRun, ...]
    arguments: RunArguments
    named: Pair | None = None
    problems: dict[str, HarnessError] = field(default_factory=dict)
    failed: bool = False

    @property
    def options(self) -> Options:
        """What is selected, and how it is run."""
        return self.arguments.options

    @classmethod
    def of(cls, argv: Sequence[str], session: str, here: Path = Path()) -> "MatrixCommand":
        """Read the command line and the matrix. Raises HarnessError with all that is wrong with them."""
        arguments = run_arguments.parse(argv, session)
        options = option_parser.typed_in(here, arguments.options)
        arguments = replace(arguments, options=options)
        described = _read(options.matrix)
        named = named_pair(options.requirements, described, session)
        pairs = [named] if named else plan.pairs(described, options)
        matrix_command = cls(described, tuple(PairRun.of(described, pair, options) for pair in pairs), arguments, named)
        needs = SESSIONS[session]
        if needs.needs_locks:
            lock.refuse_bad([pair_run.pair for pair_run in matrix_command.pair_runs])
        matrix_command.check()
        if needs.runs:
            if arguments.on is None:
                device.refuse_missing(options.lanes)
            store.refuse_unwritable(options.results)
        if needs.reads:
            _refuse_missing([options.results, *arguments.beside])
        if (needs.runs or needs.reads) and arguments.out:
            files.refuse_unwritable(arguments.out)
        return matrix_command

    def pair_run_of(self, pair: str) -> PairRun | None:
        """The selected lanes of a pair by its id; None where it is not selected."""
        return next((pair_run for pair_run in self.pair_runs if pair_run.pair.id == pair), None)

    @property
    def current(self) -> PairRun:
        """The lanes of the matrix's current pair."""
        return next(pair_run for pair_run in self.pair_runs if pair_run.pair.id == pair_run.matrix.current)

    def claim(self) -> None:
        """Keep other runs out of the results folder from here on. Raises BadInput where one is there."""
        run_lock.take(self.options.results)

    def prepare(self, pair_run: PairRun, environment: Environment, say: Callable[[str], None]) -> None:
        """Have a pair's catalog, without which nobody knows its cases. What goes wrong is kept for the end."""
        with self._keeping_problems(pair_run, say):
            self._catalog(pair_run, environment, say)

    def run(
        self, pair_run: PairRun, environment: Environment, say: Callable[[str], None], following: Sequence[PairRun] = ()
    ) -> None:
        """Run one pair, which others follow. What goes wrong is kept for the end, so that the next pair runs."""
        with self._keeping_problems(pair_run, say):
            pair_run = replace(pair_run, following=tuple(following))
            pair_run.run(self._catalog(pair_run, environment, say), environment, say)

    def _catalog(self, pair_run: PairRun, environment: Environment, say: Callable[[str], None]) -> Catalog:
        if recorded := pair_run.records.catalog():
            return recorded
        catalog = pair_run.prepare(environment, say)
        self.check()  # again: a catalog made just now may show that a glob matches nothing
        return catalog

    @contextmanager
    def _keeping_problems(self, pair_run: PairRun, say: Callable[[str], None]) -> Iterator[None]:
        try:
            yield
        except InstallationError as error:
            say(f"{pair_run.pair.id}: {error}")
        except HarnessError as error:
            self.problems[pair_run.pair.id] = error
        except Exception:
            self.failed = True
            raise

    def sum_up(self, console: Console) -> int:
        """Print the summary, write the files that are asked for, and return the exit code.

        Raises what was wrong with some pairs, after the others'.
        """
        summary = self.summary()
        if summary.pairs:
            terminal.show(console, summary)
            if self.arguments.out:
                files.write(self.arguments.out, summary)
        if self.problems:
            raise _all_of(list(self.problems.values()))
        return summary.exit_code

    def summary(self) -> Summary:
        """What is recorded of the pairs with which nothing was wrong, in every folder named, judged."""
        sound = [pair_run for pair_run in self.pair_runs if pair_run.pair.id not in self.problems]
        machines = {
            folder: verdicts.of([pair_run.records.reading(folder) for pair_run in sound])
            for folder in (self.options.results, *self.arguments.beside)
        }
        judged, disagreements = merge({folder: judgement.cases for folder, judgement in machines.items()})
        whole = self.options.selection == Options().selection and self.options.user_model is None
        torches = {pair_run.pair.torch for pair_run in sound}
        on_rules = remarks.on_rules(self.described.expectations, judged, date.today(), torches=torches, whole=whole)
        return Summary(
            judged=judged,
            command=self._command,
            pairs=[pair_run.pair for pair_run in sound],
            made=datetime.now().astimezone(),
            families={model: family for machine in machines.values() for model, family in machine.families.items()},
            parameters={model: count for machine in machines.values() for model, count in machine.parameters.items()},
            stand_ins={model: other for machine in machines.values() for model, other in machine.stand_ins.items()},
            answers=[words.sentence(answer) for answer in making.answers((run.pair for run in sound), judged)],
            past=history.of({folder: judgement.recorded for folder, judgement in machines.items()}),
            disagreements=disagreements,
            remarks=[*on_rules, *remarks.on_results(judged, machines.values())],
            problems=list(self.problems.values()),
            failed=self.failed,
            selection={
                **self.options.selection,
                **({"own": user_model} if (user_model := self.options.user_model) else {}),
            },
            part=options.in_words(replace(self.options, requirements=())),
        )

    @property
    def _command(self) -> Callable[[Judged], str]:
        """What gives the command that runs a case again."""
        matrix = self.options.matrix
        return reproduction.of_pair(self.named, matrix) if self.named else reproduction.of_matrix(matrix)

    def check(self) -> None:
        """Everything that can be known before anything is installed or written. Raises HarnessError."""
        catalogs = [catalog for pair_run in self.pair_runs if (catalog := pair_run.records.catalog())]
        known = catalogs if len(catalogs) == len(self.pair_runs) else []
        option_checks.check(self.options, self.described, known, self.arguments.problems)
        if len(catalogs) == len(self.pair_runs):
            selected = plan.lanes(self.described, self.options)
            if not any(
                pair_run.records.planned(lane, catalog)
                for pair_run, catalog in zip(self.pair_runs, catalogs, strict=True)
                for lane in selected
            ):
                raise plan.nothing_selected(self.options)


def named_pair(requirements: Sequence[str], described: matrix.Matrix, session: str) -> Pair | None:
    """The pair that the command line names. A catalog is timm's alone; the current transformers comes along with it."""
    if not requirements:
        return None
    current = described.current_pair
    alone = session == "catalog" and not any(pin.startswith("transformers") for pin in requirements)
    besides = [f"transformers=={current.transformers}"] if alone else []
    return Pair.parse_requirements([*besides, *requirements], described.defaults)


def listed(argv: Sequence[str]) -> list[Pair]:
    """The pairs that nox shall have a session for: the matrix's, fewer where the command line names some of them.

    Read before nox has parsed anything, so that each pair is a session of its own. Raises BadInput for a bad matrix.
    """
    named = _named(argv)
    pairs = _read(named.matrix).pairs
    return [pair for pair in pairs if pair.id in named.pair] or list(pairs)


def _read(path: Path) -> matrix.Matrix:
    """Read once a command, which asks for it three times. Raises BadInput for a bad one."""
    seen = path.stat() if is_file(path) else None
    return _read_once(path, Path.cwd(), seen and (seen.st_mtime_ns, seen.st_size, seen.st_ino))


@functools.cache
def _read_once(path: Path, _here: Path, _state: tuple[int, int, int] | None) -> matrix.Matrix:
    return matrix.load(path)


def _named(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    # An option without its value is refused where the session reads its own options, with the remedy.
    parser.add_argument("--matrix", type=Path, nargs="?", const=Options.matrix, default=Options.matrix)
    parser.add_argument("--pair", nargs="?", action="append", type=long_id, default=[])
    named, _ = parser.parse_known_args(argv[argv.index("--") + 1 :] if "--" in argv else [])
    return named


def _refuse_missing(folders: Sequence[Path]) -> None:
    problems = [
        f"--results {folder}: there is no such folder; nox -s matrix makes one"
        for folder in folders
        if not is_folder(folder)
    ]
    if problems:
        raise BadInput.from_problems(problems)


def _all_of(problems: Sequence[HarnessError]) -> HarnessError:
    """One error that says each of them once; the first exit code of the contract's order, 2 before 3."""
    kind = type(min(problems, key=lambda error: error.exit_code))
    return kind("\n".join(dict.fromkeys(map(str, problems))))
