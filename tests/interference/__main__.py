"""Disturbs runs of a small matrix, one interference each: `nox -s tests -- --interference N`.

After a disturbed run nothing may be greener than it is undisturbed; after one more undisturbed run in the same results
folder all must be as if nothing had happened, and nothing may be left behind.
"""

import argparse
import collections
import contextlib
import getpass
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.config.errors import HarnessError
from harness.contract.processes import adopt_orphans, descendants
from tests.interference import judging
from tests.interference.blows import INTERFERENCES, Interference, impossible, nothing, small_folder
from tests.interference.judging import State
from tests.interference.small import OTHER, PAIR, Disturbance, Place, write_matrix

HANGS_AFTER: Final = 900.0  # seconds; a limit of matrix.yaml ends a case before
LEFT_AFTER: Final = 20.0
CACHES: Final = frozenset({f"{name}{getpass.getuser()}" for name in ("torchinductor_", "pytest-of-")})  # not ours
LATEST: Final = 0.95  # of an undisturbed run's time


@dataclass
class Outcome:
    """What became of one disturbed run."""

    name: str
    moment: float
    hit: bool = False
    failures: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """Disturbs runs, and holds them against an undisturbed one.

    `seconds` is the time of the last undisturbed run: a machine is not always as fast as at the start.
    """

    base: Path
    matrix: Path
    seed: int
    names: Sequence[str]
    undisturbed: State
    other: State | None
    seconds: float

    def disturb(self, index: int) -> Outcome:
        """Disturb the index-th run. All chance is in the seed and the index."""
        chance = random.Random(f"{self.seed}-{index}")  # noqa: S311 - no secret
        in_turn = random.Random(f"{self.seed}-{index // len(self.names)}")  # noqa: S311 - as above
        name = in_turn.sample(self.names, len(self.names))[index % len(self.names)]
        interference = INTERFERENCES[name]
        folder = self.base / f"{index:04}"
        place = Place(folder, self.matrix, folder / "nox" if interference.installs else None)
        disturbance = interference.disturbance(chance)
        at_once = interference.installs or (interference.blow is nothing and not interference.beside)
        outcome = Outcome(name, 0.0 if at_once else chance.uniform(0.3, LATEST * self.seconds))
        small = small_folder(place.temporary) if interference.small_tmpdir else contextlib.nullcontext()
        with small:
            code = self._disturbed(place, interference, disturbance, chance, outcome)
            outcome.failures += self._left_running()
            outcome.failures += self._greener(place, code)
            (place.temporary / "full").unlink(missing_ok=True)
            again = ("--rerun",) if chance.random() < 0.5 else ()
            started = time.monotonic()
            code = self._wait(place.start("again", *again), outcome)
            if again and not interference.installs:
                self.seconds = time.monotonic() - started
            outcome.failures += self._lost(place, code)
            outcome.failures += self._left_running()
            left = {path.name for path in place.temporary.iterdir()} - CACHES
            outcome.failures += [f"left in TMPDIR: {name}" for name in sorted(left)]
        if outcome.failures:
            shutil.rmtree(folder / "nox", ignore_errors=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
        return outcome

    def _disturbed(
        self,
        place: Place,
        interference: Interference,
        disturbance: Disturbance,
        chance: random.Random,
        outcome: Outcome,
    ) -> int:
        """Run and disturb; the exit code."""
        process = place.start("disturbed", disturbance=disturbance)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=outcome.moment)
        if not interference.beside:
            outcome.hit = interference.blow(process.pid, chance, place)
            return self._wait(process, outcome)
        beside = Place(place.folder / "beside", self.matrix, pair=OTHER)
        (place.folder / "beside").mkdir()
        second = beside.start("beside")
        outcome.hit = process.poll() is None
        code = self._wait(process, outcome)
        other = self._wait(second, outcome)
        with _as_failure(outcome.failures):
            assert self.other is not None
            outcome.failures += [f"other pair: {line}" for line in judging.lost(self.other, beside.state(other))]
        outcome.failures += judging.lost(self.undisturbed, place.state(code))  # neither disturbs the other
        return code

    def _wait(self, process: "subprocess.Popen[bytes]", outcome: Outcome) -> int:
        try:
            return process.wait(timeout=HANGS_AFTER)
        except subprocess.TimeoutExpired:
            outcome.failures.append(f"nox had not ended after {HANGS_AFTER:.0f} s")
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()

    def _greener(self, place: Place, code: int) -> list[str]:
        failures: list[str] = []
        with _as_failure(failures):
            failures += judging.greener(self.undisturbed, place.state(code))
        return failures

    def _lost(self, place: Place, code: int) -> list[str]:
        failures: list[str] = []
        with _as_failure(failures):
            failures += judging.lost(self.undisturbed, place.state(code))
        return failures

    def _left_running(self) -> list[str]:
        """The processes that outlive nox; they are killed."""
        deadline = time.monotonic() + LEFT_AFTER
        while (left := _running()) and time.monotonic() < deadline:
            time.sleep(0.2)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return [f"left running: {words}" for words in left.values()]


@contextlib.contextmanager
def _as_failure(failures: list[str]) -> Iterator[None]:
    try:
        yield
    except HarnessError as error:
        failures.append(f"the records cannot be read: {error}")


def _running() -> Mapping[int, str]:
    """Command lines of our descendants; those that have ended are waited for."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    found = {}
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    return found


def _prepare(base: Path, matrix: Path, pair: Sequence[str] = PAIR) -> tuple[State, float]:
    """The undisturbed state, and its seconds once everything is installed."""
    name = "undisturbed" if pair is PAIR else "other"
    seconds = 0.0
    for turn in ("first", "second"):
        place = Place(base / name / turn, matrix, pair=pair)
        (base / name / turn).mkdir(parents=True)
        started = time.monotonic()
        code = place.start("run").wait()
        seconds = time.monotonic() - started
        state = place.state(code)
        if pair is OTHER:
            break
    return state, seconds


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(argv: Sequence[str]) -> int:
    """Disturb runs and say what came of it; 1 if anything was greener, lost or left behind."""
    parser = argparse.ArgumentParser(prog="nox -s tests --", description=__doc__)
    parser.add_argument("--interference", type=int, required=True, metavar="N", help="how many runs are disturbed")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all chance")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="I", help="begin with the I-th run")
    arguments = parser.parse_args(argv)
    adopt_orphans()  # what a run leaves behind becomes a child of ours
    base = Path(tempfile.mkdtemp(prefix="interference-"))
    matrix = write_matrix(base / "matrix.yaml")
    _say(f"seed {arguments.seed}; folders and logs of failed runs stay in {base}")
    missing = impossible(base)
    for name, why in missing.items():
        _say(f"not run: {name}: {why}")
    undisturbed, seconds = _prepare(base, matrix)
    other, _ = _prepare(base, matrix, OTHER)
    counts = collections.Counter(verdict for verdict, _ in undisturbed.cells.values())
    _say(f"undisturbed: {dict(counts)}, exit code {undisturbed.code}, {seconds:.0f} s")
    names = [name for name in INTERFERENCES if name not in missing]
    trial = Trial(base, matrix, arguments.seed, names, undisturbed, other, seconds)
    outcomes = _disturb_all(trial, range(arguments.first, arguments.first + arguments.interference))
    _say(figure(outcomes))
    failed = any(outcome.failures for outcome in outcomes)
    if not failed:
        shutil.rmtree(base, ignore_errors=True)
    return int(failed)


def _disturb_all(trial: Trial, indices: Sequence[int]) -> list[Outcome]:
    outcomes, started = [], time.monotonic()
    for done, index in enumerate(indices, 1):
        began = time.monotonic()
        outcome = trial.disturb(index)
        outcomes.append(outcome)
        left = (time.monotonic() - started) / done * (len(indices) - done) / 60
        became = "FAILED" if outcome.failures else "ok" if outcome.hit else "ok, hit nothing"
        took = f"{time.monotonic() - began:.0f} s, about {left:.0f} min left"
        _say(f"{done:>4}/{len(indices)} {outcome.name}, after {outcome.moment:.1f} s: {became} ({took})")
        for failure in outcome.failures:
            _say(f"       {failure}")
        if outcome.failures:
            _say(f"       nox -s tests -- --interference 1 --seed {trial.seed} --from {index}")
    return outcomes


def figure(outcomes: Sequence[Outcome]) -> str:
    """The last line: runs, and failures by interference."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.name, []).append(outcome)
    parts = []
    for name, group in groups.items():
        failed = sum(bool(outcome.failures) for outcome in group)
        parts.append(f"{name} {len(group)}" + (f" ({failed} failed)" if failed else ""))
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    hits = sum(outcome.hit for outcome in outcomes)
    return f"{len(outcomes)} runs, {hits} hit, {failed} failed: {'; '.join(parts)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
