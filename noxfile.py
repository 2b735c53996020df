# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "grimp>=3.5",
#     "jinja2>=3.1",
#     "nox[uv]>=2026.2",
#     "packaging>=24",
#     "pydantic>=2.9",
#     "pypi-simple>=1.7",
#     "rich>=13.9",
#     "ruamel.yaml>=0.18",
# ]
# ///
"""The sessions, thin: each makes an environment and hands it to the package."""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from harness.commands.answers import ask  # noqa: E402
from harness.commands.atlas import AtlasCommand  # noqa: E402
from harness.commands.bench.bench import BROKEN, Bench, named  # noqa: E402
from harness.commands.bench.figure import HEAD  # noqa: E402
from harness.commands.bisect import BisectCommand  # noqa: E402
from harness.commands.cause import CauseCommand  # noqa: E402
from harness.commands.clean import CleanCommand  # noqa: E402
from harness.commands.compare import CompareCommand, sentence  # noqa: E402
from harness.commands.distributed import worker_resources  # noqa: E402
from harness.commands.markdown import as_markdown  # noqa: E402
from harness.commands.releases import ReleasesCommand  # noqa: E402
from harness.commands.run import MatrixCommand, listed  # noqa: E402
from harness.commands.upgrade import UpgradeCommand  # noqa: E402
from harness.config.errors import BadInput, ExitCode, HarnessError  # noqa: E402
from harness.contract import library_env, surroundings  # noqa: E402
from harness.contract.library_env import KEPT_BYTECODE  # noqa: E402
from harness.environments import installer_output, packaged, uv  # noqa: E402
from harness.environments.lock import FOLDER  # noqa: E402
from harness.environments.pair_environment import VARIABLES, PairEnvironment  # noqa: E402
from harness.execution import run_lock  # noqa: E402
from harness.execution.pair_run import PairRun  # noqa: E402
from harness.report import bisection  # noqa: E402
from harness.report import upgrade as upgrades  # noqa: E402
from harness.report.terminal import console, tell  # noqa: E402
from harness.site import script  # noqa: E402

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True  # a pair whose Python is missing has not passed
nox.options.sessions = ["matrix"]

MANY = 4  # processes of tests
UV: str = nox.virtualenv.UV
NO_TESTS = 5  # pytest's exit code where none is selected
IN_A_PAIR = ("tests/cell/faults", "tests/doctor")  # tests that need torch, timm and transformers
WITH_COMPANIONS = ("tests/companions",)  # and accelerate and peft
FUZZ = "--fuzz"
FAST = "--fast"
TESTS = """\
any of pytest's, and
  --fast                 leave out what is slow, and what runs beside accelerate and peft
  --all-faults           every fault on every road, and 25 killed installations
  --interference N       instead: disturb N runs; --seed S and --from I choose which
  --fuzz MINUTES         instead: send inputs as they should not be through every door; --seed S sends others"""
COMMANDS = ("tests/pairs", "tests/matrix", "tests/plain")  # run whole commands, or are run by them

MATRIX_COMMANDS: dict[str, MatrixCommand] = {}


class Environment:
    """A nox session as the package sees it: an installer, and a way to run the Pythons of what it installed."""

    def __init__(self, session: nox.Session, seconds: int | None) -> None:
        self.session = session
        self.seconds = seconds
        self.root = pairs_folder(session)
        self.has_uv = uses_uv(session)

    def resolve(
        self, requirements: Sequence[str], resolved: Path, *, until: datetime | None, python: str, everywhere: bool
    ) -> Path:
        """Write down all that the requirements come to. pip resolves when it installs, and knows no dates."""
        wanted = resolved.with_name("requirements.txt")
        wanted.write_text("\n".join(requirements))
        if not self.has_uv:
            resolved.write_text(f"{wanted.read_text()}\n# as of {date.today()}\n")
            return resolved
        words = uv.resolving(requirements, wanted, resolved, until=until, python=python, everywhere=everywhere)
        self._do(requirements, UV, *words)
        return resolved

    def has_cached(self, requirement: str, python: str) -> bool:
        """Whether nothing has to be fetched for it, as far as uv says; pip does not."""
        return self.has_uv and uv.has_cached(UV, requirement, python)

    def create(self, folder: Path, requirements: Sequence[str], *, resolved: Path, python: str, locked: bool) -> None:
        """Make a virtual environment and install quietly; what the installer said is read only where it failed."""
        hashes = ["--require-hashes"] if locked else []
        with installer_output.within(self.seconds):
            if self.has_uv:
                for words in uv.making(folder, resolved, python=python, locked=locked):
                    self._do(requirements, UV, *words)
            else:
                self._do(requirements, sys.executable, "-m", "virtualenv", "--python", python, str(folder))
                pip = (str(folder / "bin" / "python"), "-m", "pip", "install")
                self._do(requirements, *pip, *hashes, "-r", str(resolved))

    def _do(self, requirements: Sequence[str], *command: str) -> None:
        with tempfile.TemporaryFile("w+") as output:
            try:
                self.session.run(
                    *uv.DYING,
                    str(os.getpid()),
                    *command,
                    external=True,
                    silent=False,
                    log=False,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            except CommandFailed as error:
                output.seek(0)
                raise installer_output.failure(", ".join(requirements[:2]), output.read()) from error

    def make_ahead(self, wanted: Sequence[PairEnvironment]) -> None:
        """Make them in a process, which cannot have the session; so pip's are made in turn."""
        if self.has_uv:
            uv.UvEnvironments(self.root.absolute(), UV, self.seconds, ROOT).make_ahead(wanted)

    def python(
        self,
        interpreter: Path,
        *arguments: str,
        env: Mapping[str, str],
        into: Path | None = None,
        success: Sequence[int] = (0,),
    ) -> bool:
        """Run a Python; whether it ended with one of the exit codes that mean success."""
        out = into.open("w") if into else None
        try:
            # stderr: by default nox sends it where stdout goes, and progress would end up in the file.
            self.session.run(
                str(interpreter),
                *arguments,
                env=dict(library_env.of_case(os.environ, env)),
                include_outer_env=False,
                external=True,
                stdout=out,
                stderr=None,
                log=False,
                success_codes=list(success),
            )
        except CommandFailed:
            return False
        finally:
            if out:
                out.close()
        return True


def pairs_folder(session: nox.Session) -> Path:
    """The folder of the environments of pairs, beside those that nox makes."""
    return session.cache_dir.parent / "pairs"


def uses_uv(session: nox.Session) -> bool:
    """Whether uv installs: it is there, and no option of nox asks for another backend."""
    return nox.virtualenv.HAS_UV and session.venv_backend in {"none", "uv"}


def matrix_command(session: nox.Session, name: str) -> MatrixCommand:
    """The command's pairs, read once. What is wrong with the command line ends nox here, before anything runs."""
    if name not in MATRIX_COMMANDS:
        MATRIX_COMMANDS[name] = MatrixCommand.of(session.posargs, name, Path(session.invoked_from))
    return MATRIX_COMMANDS[name]


def environment_of(session: nox.Session, pair_run: PairRun) -> Environment:
    """The session as the place where a pair runs."""
    return Environment(session, pair_run.matrix.limits.install_seconds)


def only_with_uv(session: nox.Session, pair_run: PairRun) -> Environment:
    """The same for a session that asks what a pair was on a date, which pip cannot know."""
    if not uses_uv(session):
        raise BadInput(f"nox -s {session.name} needs uv, which resolves as of a date; install it")
    return environment_of(session, pair_run)


def refuse(error: HarnessError) -> NoReturn:
    """One clear error and its exit code; nox ends at once."""
    sys.stderr.write(f"{error}\n")
    sys.exit(error.exit_code)


def with_exit_codes(work: Callable[..., None]) -> Callable[..., None]:
    """A session's work, in which an error that a user can mend becomes a message and nox's exit code."""

    @functools.wraps(work)
    def session(*arguments: Any, **options: Any) -> None:
        try:
            work(*arguments, **options)
        except HarnessError as error:
            refuse(error)

    return session


def show_help(session: nox.Session, options: str) -> None:
    """Print what a session without a parser of its own does and takes, and end nox, if `--help` asks for it."""
    if {"-h", "--help"} & set(session.posargs):
        about = globals()[session.name].func.__doc__
        sys.stdout.write(f"usage: nox -s {session.name} -- [options]\n\n{about}\n\noptions: {options}\n")
        sys.exit(ExitCode.AS_EXPECTED)


def exit_if_bad_input(error: CommandFailed) -> None:
    """End nox with the code of a command that said itself what is wrong with its input."""
    if str(error).endswith(f"code {ExitCode.BAD_INPUT}"):
        sys.exit(ExitCode.BAD_INPUT)


def run(session: nox.Session, name: str, pair: str | None) -> None:
    """Run one pair of the command, and queue the summary."""
    command = matrix_command(session, name)
    pair_run = command.pair_run_of(pair) if pair else command.pair_runs[0]
    if pair_run is None:
        session.skip(f"{pair} is not selected")
    command.claim()
    if command.arguments.on:
        command.prepare(pair_run, environment_of(session, pair_run), session.log)
        session.notify("cluster", posargs=[name, *session.posargs])
        return
    session.notify("verdict", posargs=[name])
    waiting = queued(session)
    following = [later for later in command.pair_runs if f"{name}({later.pair.id})" in waiting]
    command.run(pair_run, environment_of(session, pair_run), session.log, following)


def queued(session: nox.Session) -> set[str]:
    """The names of the sessions that nox runs after this one."""
    sessions = session._runner.manifest.list_all_sessions()  # noqa: SLF001  nox tells it nowhere else
    return {runner.friendly_name for runner, is_queued in sessions if is_queued}


def sum_up(command: MatrixCommand) -> NoReturn:
    """Print the summary; its exit code becomes nox's, which ends at once."""
    sys.exit(command.sum_up(console()))


surroundings.escape_unencodable()
try:
    PAIRS = [nox.param(pair.id, id=pair.id) for pair in listed(sys.argv)]
except HarnessError as error:
    refuse(error)


@nox.session(venv_backend="none")
@nox.parametrize("pair", PAIRS)
@with_exit_codes
def matrix(session: nox.Session, pair: str) -> None:
    """Run every pair of matrix.yaml in every lane this machine has; `-- --help` lists the options."""
    run(session, "matrix", pair)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def pair(session: nox.Session) -> None:
    """Run a pair that matrix.yaml does not name: `-- transformers==5.22.0 timm==1.0.31`, then the same options."""
    run(session, "pair", None)


@nox.session(default=False)
@with_exit_codes
def cluster(session: nox.Session) -> None:
    """Hand a run to a Dask scheduler; queued by matrix and pair with --on."""
    show_help(session, "none: nox -s matrix -- --on HOST:PORT queues it")
    name, *_ = session.posargs or [""]
    if name not in MATRIX_COMMANDS:
        raise BadInput("matrix and pair queue this session: nox -s matrix -- --on HOST:PORT")
    session.install("--group", "cluster")
    session.notify("verdict", posargs=[name])
    try:
        start = "import sys; from harness.commands.distributed.dask import main; sys.exit(main(sys.argv[1:]))"
        session.run("python", "-c", start, *session.posargs, env=VARIABLES, log=False, stderr=None)
    except CommandFailed as error:
        exit_if_bad_input(error)
        MATRIX_COMMANDS[name].failed = True
        raise


@nox.session(default=False)
@with_exit_codes
def worker(session: nox.Session) -> None:
    """Run what `--on` hands out, one cell at a time: `-- HOST:PORT`, then options of `dask worker`."""
    show_help(session, "HOST:PORT, the scheduler's address, then options of dask worker")
    session.install("--group", "cluster")
    offered = ("--resources", worker_resources.words())
    session.run("dask", "worker", "--nthreads", "1", *offered, *session.posargs, env=VARIABLES)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def report(session: nox.Session) -> None:
    """Judge and draw again what is recorded, by the rules of today."""
    sum_up(matrix_command(session, "report"))


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def verdict(session: nox.Session) -> None:
    """Sum up a run; queued by matrix and pair, for only the last session can set nox's exit code."""
    show_help(session, "none: matrix and pair queue it")
    ran = [MATRIX_COMMANDS[name] for name in session.posargs if name in MATRIX_COMMANDS]
    if not ran:
        raise BadInput("matrix and pair queue this session; nox -s report draws what is recorded")
    sum_up(ran[0])


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def catalog(session: nox.Session) -> None:
    """Make the packaged catalog of a released timm, and its fingerprints if the matrix names it: `-- timm==1.0.31`."""
    pair_run = matrix_command(session, "catalog").pair_runs[0]
    with pair_run.environment.installed(environment_of(session, pair_run), session.log) as python:
        packaged.make(pair_run.environment, python)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def bisect(session: nox.Session) -> None:
    """Find the release that broke or mended cases: `-- --good timm==1.0.24 --bad timm==1.0.31 --route hub`."""
    question = BisectCommand.of(session.posargs)
    run_lock.take(question.options.results)
    answered = question.answer(only_with_uv(session, question.pair_run), session.log)
    tell(console(), bisection.lines(answered))
    sys.exit(answered.exit_code)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def upgrade(session: nox.Session) -> None:
    """Say what would break if the current pin moved: `-- transformers==5.23.0 timm==1.0.31`; `--measure` runs it."""
    move = UpgradeCommand.of(session.posargs, Path(session.invoked_from))
    if move.known:
        sys.exit(ask.tell_all(move.known.answers(), sys.stdout))
    run_lock.take(move.options.results)
    answer = move.answer(only_with_uv(session, move.at(move.old)), session.log)
    tell(console(), upgrades.lines(answer))
    sys.exit(answer.exit_code)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def compare(session: nox.Session) -> None:
    """Say what a release candidate breaks: `-- --base timm==1.0.31 --head dist/timm-1.0.32-py3-none-any.whl`."""
    command = CompareCommand.of(session.posargs, Path(session.invoked_from))
    move = command.upgrade(built_wheel(session, command.checkout) if command.checkout else None)
    run_lock.take(move.options.results)
    answer = move.answer(only_with_uv(session, move.at(move.old)), session.log)
    lines = [sentence(answer, command.package), "", *upgrades.lines(answer)]
    tell(console(), as_markdown(lines) if command.markdown else lines)
    sys.exit(answer.exit_code)


def built_wheel(session: nox.Session, checkout: Path) -> Path:
    """The wheel of a checkout, in a temporary folder of the session. Raises BadInput if it cannot be built."""
    into = Path(session.create_tmp()) / "wheel"
    shutil.rmtree(into, ignore_errors=True)
    try:
        session.run(UV, "build", "--wheel", "--out-dir", str(into), str(checkout), external=True, silent=True)
    except CommandFailed as error:
        raise BadInput(f"--head {checkout}: no wheel can be built of it; see above") from error
    [wheel] = into.glob("*.whl")
    return wheel


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def lock(session: nox.Session) -> None:
    """Resolve the pairs of matrix.yaml as of its date, with hashes, into harness/locks; `-- --pair ID` for one."""
    command = matrix_command(session, "lock")
    for pair_run in command.pair_runs:
        pair_run.make_locks(only_with_uv(session, pair_run), command.arguments.out or FOLDER, session.log)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def releases(session: nox.Session) -> None:
    """Say what PyPI has that matrix.yaml has not; `-- --write` adds the newest pair, with its catalog and lock."""
    command = ReleasesCommand.of(session.posargs)
    tell(console(), command.lines())
    if command.arguments.write and command.pair:
        pair_run = PairRun.of(command.described, command.pair, command.options)
        command.write(command.pair, only_with_uv(session, pair_run), session.log)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def atlas(session: nox.Session) -> None:
    """Measure the pairs that the atlas lacks, in order of need: `-- --minutes 120`; `-- --list` lists them."""
    command = AtlasCommand.of(session.posargs)
    if command.list:
        tell(console(), command.lines())
        return
    run_lock.take(command.options.results)
    command.measure(lambda pair_run: only_with_uv(session, pair_run), session.log)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def web(session: nox.Session) -> None:
    """Build the script of the site's front page again, with npm, after a change of its sources."""
    show_help(session, "it takes no options")

    def run(command: Sequence[str], folder: Path) -> None:
        with session.chdir(folder):
            session.run(*command, external=True)

    script.build(run)


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def bench(session: nox.Session) -> None:
    """Measure how fast it is, against what it must reach; `-- a c` for some of it, `-- --help` for what there is."""
    names = named(session.posargs)
    described = MatrixCommand.of([], "matrix")
    current, broken = described.current, described.pair_run_of(BROKEN)
    if broken is None:
        raise BadInput(f"matrix.yaml has no pair {BROKEN}, by which the bench sees whether the same is found")
    with current.environment.installed(only_with_uv(session, current), session.log) as python:
        measured = Bench(current, broken, python, UV, session.log)
        sys.stdout.write("\n".join(HEAD) + "\n")  # whole lines, however wide: they are for a page
        for figure in measured.figures(names):
            sys.stdout.write(figure.line + "\n")
            sys.stdout.flush()


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def cause(session: nox.Session) -> None:
    """Run scripts of tests/causes with a pair alone: `-- transformers==5.23.0 timm==1.0.31 tests/causes/NAME.py`."""
    command = CauseCommand.of(session.posargs)
    if command.issue:
        report = command.report(environment_of(session, command.pair_run), session.log)
        sys.stdout.write("".join(f"{line}\n" for line in report))
        return
    environment = command.pair_run.environment
    with environment.installed(environment_of(session, command.pair_run), session.log) as python:
        interpreter = str(python.folder.interpreter)
        if not command.scripts:
            session.log(f"no script is named; the pair is installed: {interpreter}")
            return
        try:
            session.run(interpreter, "-W", "ignore", *command.arguments, env=VARIABLES, external=True)
        except CommandFailed as error:
            exit_if_bad_input(error)
            raise


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def clean(session: nox.Session) -> None:
    """Remove the environments of pairs in which nothing runs; they are made again when they are needed."""
    for line in CleanCommand.of(session.posargs).remove(pairs_folder(session)):
        session.log(line)


@nox.session(default=False)
@with_exit_codes
def tests(session: nox.Session) -> None:
    """Run the project's own tests, those of harness/cell last; `-- --fast` is a first look."""
    show_help(session, TESTS)
    session.install("--group", "tests")
    if "--interference" in session.posargs:
        session.run("python", "-m", "tests.interference", *session.posargs, env=KEPT_BYTECODE)
        return
    session.notify("faults")
    if is_fuzz(session):
        try:
            session.run("python", "-m", "tests.fuzz", *session.posargs, env=KEPT_BYTECODE)
        except CommandFailed as error:
            exit_if_bad_input(error)
            raise
        return
    pytest = ("python", "-m", "pytest", "--durations=10", *session.posargs)
    apart = ("-n", str(min(os.cpu_count() or 1, MANY)), "--dist", "loadfile")
    elsewhere = [f"--ignore={folder}" for folder in (*IN_A_PAIR, *WITH_COMPANIONS, *COMMANDS)]
    # Whole commands by themselves.
    parts = (("tests", *elsewhere, *apart), ("tests/pairs", *apart))
    good = success_codes(session)
    in_turn(functools.partial(session.run, *pytest, *part, env=KEPT_BYTECODE, success_codes=good) for part in parts)


def is_fuzz(session: nox.Session) -> bool:
    """Whether inputs are to be sent instead of tests to be run."""
    return any(word.partition("=")[0] == FUZZ for word in session.posargs)


def success_codes(session: nox.Session) -> list[int]:
    """Pytest's exit codes that mean success: of tests that are named one part may have none."""
    return [0, NO_TESTS] if "-k" in session.posargs else [0]


def in_turn(commands: Iterable[Callable[[], object]]) -> None:
    """Run each command, also where one before it failed. Raises the first failure at the end."""
    failed = []
    for command in commands:
        try:
            command()
        except CommandFailed as error:
            failed.append(error)
    if failed:
        raise failed[0]


@nox.session(venv_backend="none", default=False)
@with_exit_codes
def faults(session: nox.Session) -> None:
    """Prove in the environments of the current pair that harness/cell catches what it is there for; part of `tests`."""
    show_help(session, "those of nox -s tests, which queues it")
    current = MatrixCommand.of([], "matrix").current
    cores = os.cpu_count() or 1
    workers = ("-n", str(min(cores, MANY)))
    threads = {"OMP_NUM_THREADS": str(max(1, cores // MANY))}  # more threads than cores wait for each other
    env, good = {**VARIABLES, **threads}, success_codes(session)

    if is_fuzz(session):  # checkpoint folders, which need the libraries
        with current.environment.installed(environment_of(session, current), session.log) as python:
            words = (str(python.folder.interpreter), "-W", "ignore", "-m", "tests.doctor.fuzz")
            session.run(*words, *session.posargs, env=env, external=True)
        return

    def prove(environment: PairEnvironment, folders: Sequence[str]) -> None:
        with environment.installed(environment_of(session, current), session.log) as python:
            words = (str(python.folder.interpreter), "-m", "pytest", "--durations=10", *folders, *workers)
            session.run(*words, *session.posargs, env=env, external=True, success_codes=good)

    parts = {WITH_COMPANIONS: current.records.with_companions, IN_A_PAIR: current.environment}
    if FAST in session.posargs:
        del parts[WITH_COMPANIONS]
    in_turn(functools.partial(prove, environment, folders) for folders, environment in parts.items())


@nox.session(default=False)
@with_exit_codes
def lint(session: nox.Session) -> None:
    """Check style, types and the wall around harness/cell."""
    show_help(session, "it takes no options")
    if session.posargs and {"tests", "faults"}.isdisjoint(sys.argv):  # they share their options with other sessions
        raise BadInput(f"{' '.join(session.posargs)}: nox -s lint takes no options; leave them out")
    session.install("--group", "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("lint-imports")
    session.run("zizmor", "--offline", "--quiet", ".github")
