"""Running the cases of one pair that have no current record: its environment, its catalog, its plans."""

import contextlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..config.errors import CannotImport, HarnessError, InstallationError, NoCompanion
from ..config.lane import Lane
from ..config.matrix import Matrix
from ..config.options import Options
from ..config.pair import Pair
from ..contract import record, tempdirs
from ..contract.case import Case, Outcome
from ..contract.catalog import Catalog
from ..contract.library_env import ONLINE
from ..contract.plan import Plan
from ..environments.environment import Environment, Say
from ..environments.pair_environment import VARIABLES, PairEnvironment, PairPython
from ..environments.verification import in_words
from ..planning import capacity, device
from ..planning import plan as planning
from ..planning.capacity import Needs
from ..results import store, verdicts
from ..results.pair_records import PairRecords
from . import placeholders, pytest_command

Pending = tuple[Lane, list[Case], dict[str, str]]
"""A lane, its pending cases, and by case id why some cannot run on this machine."""


@dataclass(frozen=True)
class PairRun:
    """Running and recording the selected lanes of one pair."""

    records: PairRecords
    elsewhere: bool = False
    """Whether other machines run the cases; then devices and memory of this machine do not matter."""
    following: tuple["PairRun", ...] = ()
    """The pairs that run after this one, of which the next environments are made meanwhile."""
    handover: Mapping[str, str] = field(default_factory=dict)
    """Folder that `keeps` saved checkpoints for another pair, or from which this pair `takes` them."""

    @classmethod
    def of(cls, matrix: Matrix, pair: Pair, options: Options) -> "PairRun":
        """The run of a pair on this machine."""
        return cls(PairRecords(matrix, pair, options))

    @property
    def matrix(self) -> Matrix:
        """The matrix."""
        return self.records.matrix

    @property
    def pair(self) -> Pair:
        """The pair."""
        return self.records.pair

    @property
    def options(self) -> Options:
        """The options."""
        return self.records.options

    @property
    def environment(self) -> PairEnvironment:
        """How the pair is installed."""
        return self.records.environment

    def prepare(self, environment: Environment, say: Say) -> Catalog:
        """The pair's catalog. If none is packaged or in the results folder, install the pair and generate one.

        Raises InstallationError after recording it, and BadInput for a release that does not exist, recording nothing.
        """
        if catalog := self.records.catalog():
            return catalog
        try:
            only = self.options.models if self.options.named_alone else ()
            with self.environment.installed(environment, say) as python:
                return self.environment.make_catalog(python, self.records.catalog_folder, only)
        except InstallationError as error:
            empty, cases = Catalog(self.pair.timm, 0, (), ()), planning.stand_ins(self.matrix, self.options)
            for lane in self.records.lanes:
                plan = replace(self.plan(lane, empty, cases), catalog=None)
                placeholders.note_failure(self.records.path(lane), plan, error.step, str(error))
            raise

    def make_locks(self, environment: Environment, folder: Path, say: Say) -> None:
        """Write the locks of the pair's environments, without companions and with them. Raises as `make_lock` does."""
        self.environment.make_lock(environment, folder, say)
        try:
            self.records.with_companions.make_lock(environment, folder, say)
        except NoCompanion as error:
            say(f"{self.pair.id}: no lock with companions: {error}")

    def run(self, catalog: Catalog, environment: Environment, say: Say) -> None:
        """Run the planned cases without a current record; every outcome is a record, not an exception.

        Raises InstallationError after recording it, and BadInput for a release that does not exist, recording nothing.
        """
        tempdirs.sweep(Path(tempfile.gettempdir()))  # before free disk is measured
        pending = self._pending(catalog)
        if not pending:
            say(f"{self.pair.id}: all cases are recorded; --rerun runs them again")
        # Before any lane is recorded: for a release that does not exist not even a lane without a device gets a file.
        with contextlib.ExitStack() as held:
            pythons = {
                companions: _installed(pair_environment, environment, say, held)
                for companions, pair_environment in sorted(self._environments(pending).items())
            }
            if pythons:
                environment.make_ahead(_needed(self.following))
            for lane, cases, why in pending:
                if why:
                    plan = self.plan(lane, catalog, [case for case in cases if case.id in why])
                    placeholders.note_not_run(self.records.path(lane), plan, why)
                if len(why) < len(cases):
                    plan = self.plan(lane, catalog, [case for case in cases if case.id not in why])
                    self._run_lane(pythons[lane.companions], lane, plan)
            for python in pythons.values():
                if isinstance(python, InstallationError):
                    raise python

    def needs(self, lane: Lane, catalog: Catalog) -> Needs:
        """The needs of a lane's full-size cases."""
        return Needs(catalog, lane, self.pair, self.options.from_hub)

    def needed_environments(self) -> list[PairEnvironment]:
        """Those in which `run` would run cases; the one that makes the catalog if the pair has none."""
        catalog = self.records.catalog()
        return [self.environment] if catalog is None else list(self._environments(self._pending(catalog)).values())

    def _environments(self, pending: Iterable[Pending]) -> dict[bool, PairEnvironment]:
        """The environments of the lanes in which cases can run, by whether they have companions."""
        lanes = (lane for lane, cases, why in pending if len(why) < len(cases))
        return {lane.companions: self.records.environment_of(lane) for lane in lanes}

    def _pending(self, catalog: Catalog) -> list[Pending]:
        """Each lane with pending cases."""
        found = ((lane, self.pending(lane, catalog)) for lane in self.records.lanes)
        return [(lane, cases, self._cannot_run(lane, catalog, cases)) for lane, cases in found if cases]

    def _cannot_run(self, lane: Lane, catalog: Catalog, cases: Sequence[Case]) -> dict[str, str]:
        """Case id -> reason why it cannot run on this machine; empty if other machines run the cases."""
        if self.elsewhere:
            return {}
        if missing := device.missing(lane.device):
            return {case.id: missing for case in cases}
        unfit = self.needs(lane, catalog).unfit(cases, self.matrix.limits)
        return {case.id: why for case, why in unfit.items()}

    def pending(self, lane: Lane, catalog: Catalog) -> list[Case]:
        """The planned cases without a current record, or not-run the last time although this machine can run them.

        Also those that a rule with a remedy explains, and that were not run with it.
        """
        planned, recorded = self.records.planned(lane, catalog), self.records.recorded(lane, catalog)
        if self.options.rerun or not self.records.lasting:
            return planned
        records, older = recorded.records, recorded.standing.not_run
        not_run = [
            case for case in planned if case.id in older or records.get(case.id, {}).get("outcome") == Outcome.NOT_RUN
        ]
        done = (
            records.keys()
            - verdicts.unmended(self.records, lane, catalog)
            - ({case.id for case in not_run} - self._cannot_run(lane, catalog, not_run).keys())
        )
        return [case for case in planned if case.id not in done]

    def plan(self, lane: Lane, catalog: Catalog, cases: Sequence[Case]) -> Plan:
        """The plan of these cases."""
        needs = self.needs(lane, catalog).by_model(cases)
        return planning.plan_of(
            self.matrix,
            self.pair,
            lane,
            catalog,
            options=self.options,
            cases=cases,
            resolved_from=self.records.resolved_from(lane),
            handover={name: str(Path(folder) / lane.name) for name, folder in self.handover.items()},
            needs=needs,
            room=capacity.shared().figures,
            gpus=device.gpu_slots(lane.device, alone=bool(needs)),
        )

    def _run_lane(self, python: PairPython | InstallationError | NoCompanion, lane: Lane, plan: Plan) -> None:
        """Run the plan with the Python, or record the error. Cases left without a line are recorded as failed."""
        records = self.records.path(lane)
        if isinstance(python, InstallationError):
            placeholders.note_failure(records, plan, python.step, str(python))
            return
        if isinstance(python, NoCompanion):
            reasons = {case.id: str(python) for case in plan.cases}
            placeholders.note_not_run(records, plan, reasons, Outcome.UNSUPPORTED)
            return
        before = len(record.read(records)) if records.is_file() else 0
        with tempdirs.folder() as folder:
            path = folder / "plan.json"
            path.write_text(plan.dumps())
            # Exit code 1 means that cases failed; the file says which of them have a record.
            variables = {**self._variables, tempdirs.VARIABLE: str(folder)}
            python.run(*pytest_command.words(self.records, lane, plan, path, folder), env=variables, success=(0, 1))
        if problems := python.problems():
            # What ran may have been something else: this withdraws it.
            why = f"the environment was changed during the run: {in_words(problems)}"
            placeholders.note_failure(records, plan, store.RUN, why)
            return
        runs = record.read(records) if records.is_file() else []
        missing = set(runs[-1].missing if len(runs) > before else (case.id for case in plan.cases))
        if unrun := tuple(case for case in plan.cases if case.id in missing):
            problem = python.import_problem() if len(unrun) == len(plan.cases) else None  # else a case has run
            ended = (store.RUN, "pytest ended before this case; see above")
            step, why = (CannotImport.step, problem) if problem else ended
            # This withdraws older records of cases that were to be run again.
            placeholders.note_failure(records, replace(plan, cases=unrun), step, why)

    @property
    def _variables(self) -> Mapping[str, str]:
        return {**VARIABLES, **(ONLINE if self.options.from_hub else {})}


def _needed(later: Iterable[PairRun]) -> Sequence[PairEnvironment]:
    """The environments of the first of these pairs that needs any; what is wrong with that pair is said in its turn."""
    with contextlib.suppress(HarnessError, OSError):
        return next((needed for pair_run in later if (needed := pair_run.needed_environments())), ())
    return ()


def _installed(
    pair_environment: PairEnvironment, environment: Environment, say: Say, held: contextlib.ExitStack
) -> PairPython | InstallationError | NoCompanion:
    """The Python of the installed pair, held until the stack is closed; the error if it could not be installed."""
    try:
        return held.enter_context(pair_environment.installed(environment, say))
    except (InstallationError, NoCompanion) as error:
        return error
