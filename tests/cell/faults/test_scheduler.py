"""Whichever workers die, no case is lost or repeated for ever, and no worker waits for ever."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.cell.runtime.scheduler import ModelScheduling

CASES = [f"t.py::t[{route}/{model}]" for model in "abcdef" for route in ("wrapper", "tower")]


def model_of(case: str) -> str:
    return case.rpartition("/")[2]


class Worker:
    """Runs its cases except the last, which it holds back until it has more or is shut down."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.given: list[int] = []
        self.shutting_down = False
        self.gone = False  # unnoticed so far

    def send_runtest_some(self, indices: list[int]) -> None:
        if self.gone:
            raise BrokenPipeError
        self.given += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def at(self) -> int | None:
        """The case that it is running."""
        return self.given[0] if len(self.given) > 1 or (self.given and self.shutting_down) else None


def start(schedule: Any, name: str) -> Worker:
    """A worker that has started and not yet reported its cases."""
    worker = Worker(name)
    schedule.add_node(worker)
    return worker


def ready(schedule: Any, worker: Worker) -> None:
    schedule.add_node_collection(worker, CASES)
    if schedule.collection_is_completed:
        schedule.schedule()


@pytest.fixture
def idle() -> set[str]:
    """The workers that die between two cases."""
    return set()


@pytest.fixture
def schedule(idle: set[str]) -> Any:
    option = SimpleNamespace(loadscopereorder=False)
    config = SimpleNamespace(option=option, getvalue=lambda _: ["popen", "popen"])
    tried: set[str] = set()

    def retry(case: str) -> bool:
        first = case not in tried
        tried.add(case)
        return first

    return ModelScheduling(config, None, died_at=lambda worker, _: worker not in idle, retry=retry, model_of=model_of)


def work(schedule: Any, workers: list[Worker], deadly: set[str]) -> tuple[list[str], list[str]]:
    """Run until no worker has work: the cases done, and the cases at which a worker died.

    The successor of a dead worker is ready only after all others have made a step.
    """
    done: list[str] = []
    killed: list[str] = []
    starting: list[Worker] = []
    for step in range(10 * len(CASES)):
        for worker in starting:
            ready(schedule, worker)
        workers, starting = workers + starting, []
        if not any(worker.at is not None for worker in workers):
            break
        for worker in list(workers):
            if worker.at is None:
                continue
            if CASES[worker.at] in deadly:
                workers.remove(worker)
                killed.append(schedule.remove_node(worker))
                starting.append(start(schedule, f"successor {step} of {worker.gateway.id}"))
            else:
                index = worker.given.pop(0)
                done.append(CASES[index])
                schedule.mark_test_complete(worker, index)
    return done, killed


@pytest.mark.parametrize(
    "deadly",
    [set(), {CASES[0]}, {CASES[0], CASES[2]}, set(CASES[::2]), {CASES[-1]}, {CASES[-1], CASES[-3]}, set(CASES)],
    ids=["none", "the first", "both first", "one a model", "the last", "both last", "all"],
)
def test_every_case_is_done_once_or_kills_twice(schedule: Any, deadly: set[str]) -> None:
    workers = [start(schedule, "gw0"), start(schedule, "gw1")]
    for worker in workers:
        ready(schedule, worker)
    done, killed = work(schedule, workers, deadly)
    assert sorted(done) == sorted(set(CASES) - deadly)
    assert sorted(killed) == sorted([*deadly, *deadly])


def test_the_cases_of_a_model_go_to_one_worker(schedule: Any) -> None:
    workers = [start(schedule, "gw0"), start(schedule, "gw1")]
    for worker in workers:
        ready(schedule, worker)
    first, second = ({model_of(CASES[index]) for index in worker.given} for worker in workers)
    assert first
    assert second
    assert not first & second


def test_a_worker_that_dies_before_it_is_ready_costs_nothing(schedule: Any) -> None:
    first, second = start(schedule, "gw0"), start(schedule, "gw1")
    ready(schedule, first)
    assert schedule.remove_node(first) is None
    successor = start(schedule, "gw2")
    ready(schedule, second)  # two have been ready by now, and one of them is gone
    ready(schedule, successor)
    done, killed = work(schedule, [second, successor], set())
    assert (sorted(done), killed) == (sorted(CASES), [])


def test_a_worker_that_was_shut_down_before_it_was_ready_gets_nothing(schedule: Any) -> None:
    workers = [start(schedule, "gw0"), start(schedule, "gw1")]
    stranger = Worker("gw2")  # pytest-xdist shut it down instead of adding it
    ready(schedule, stranger)
    for worker in workers:
        ready(schedule, worker)
    done, _ = work(schedule, workers, set())
    assert (sorted(done), stranger.given) == (sorted(CASES), [])


def test_what_could_not_be_sent_to_a_worker_that_is_gone_goes_to_another(schedule: Any) -> None:
    first, second = start(schedule, "gw0"), start(schedule, "gw1")
    first.gone = True
    for worker in (first, second):
        ready(schedule, worker)
    assert schedule.remove_node(first) is None
    successor = start(schedule, "gw2")
    ready(schedule, successor)
    done, killed = work(schedule, [second, successor], set())
    assert (sorted(done), killed) == (sorted(CASES), [])


def test_a_worker_that_dies_between_two_cases_blames_none_and_all_are_done(schedule: Any, idle: set[str]) -> None:
    workers = [start(schedule, "gw0"), start(schedule, "gw1")]
    for worker in workers:
        ready(schedule, worker)
    idle.add("gw0")
    assert schedule.remove_node(workers[0]) is None
    successor = start(schedule, "gw2")
    ready(schedule, successor)
    done, killed = work(schedule, [workers[1], successor], set())
    assert (sorted(done), killed) == (sorted(CASES), [])
