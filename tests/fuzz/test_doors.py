"""Whatever comes in is taken, or refused in a sentence; some inputs a door. `--fuzz MINUTES` sends very many more."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import attempt as attempts
from tests.fuzz import changes
from tests.fuzz.attempt import Door, attempt
from tests.fuzz.doors import DOORS
from tests.fuzz.sessions import COMMANDS
from tests.fuzz.surroundings import offline

pytestmark = pytest.mark.slow  # thousands of inputs

OFTEN = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(autouse=True)
def _offline() -> Iterator[None]:
    with offline():
        yield


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_every_input_is_taken_or_refused_in_a_sentence(door: Door) -> None:
    @OFTEN
    @given(door.inputs)
    def enter(value: object) -> None:
        ended = attempt(door, value)
        assert ended.failure is None, ended.said

    enter()


@pytest.mark.parametrize(("session", "which"), [(name, at) for name in COMMANDS for at in range(len(COMMANDS[name]))])
def test_what_is_changed_is_taken_as_it_is(session: str, which: int) -> None:
    ended = attempt(_door("command lines"), (session, which, []))
    assert ended.failure is None, ended.said
    assert ended.code != 2, ended.said


@pytest.mark.parametrize("session", sorted(COMMANDS.keys() - {"listed"}))
@pytest.mark.parametrize(
    ("word", "code"),
    [("--help", 0), ("--no-such", 2), *((word, None) for word in ("x" * 300, "\udcff", "\x1b[2J", "fifo", "loop"))],
)
def test_an_odd_word_ends_in_every_session_with_the_code_that_it_should(
    session: str, word: str, code: int | None
) -> None:
    ended = attempt(_door("command lines"), (session, 0, [("insert", 0, word)]))
    assert ended.failure is None, ended.said
    assert ended.code == code or code is None


@pytest.mark.parametrize(
    ("enter", "failure"),
    [
        (lambda _: int("no"), "traceback"),
        (lambda _: 7, "wrong code"),
        (lambda _: 2, "no message that is read"),
        (lambda _: print("\x1b[2J"), "escape"),  # noqa: T201 - what a fault would do
        (lambda _: __import__("time").sleep(5), "hang"),
    ],
    ids=["traceback", "code", "silence", "escape", "hang"],
)
def test_what_must_not_happen_is_seen(enter: object, failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "HANGS_AFTER", 1)
    assert callable(enter)
    assert attempt(Door("a door", st.none(), enter), None).failure == failure


def test_a_change_is_what_it_says() -> None:
    assert changes.words(["a", "b"], [("replace", 0, "x"), ("insert", 1, "y"), ("delete", 2, "")]) == ["x", "y"]
    assert changes.value({"a": [1]}, [("replace", 2, None), ("name", 1, "b")]) == {"b": [None]}


def _door(name: str) -> Door:
    return next(door for door in DOORS if door.name == name)
