"""`--fast` and `--all-faults`, for every folder of tests; and the small matrix, where its libraries are."""

import importlib.util
import signal

import pytest

# A pair's environment, in which tests/cell/faults and tests/doctor run, has none of the project's own libraries.
pytest_plugins = ["tests.small_matrix", "tests.browser"] if importlib.util.find_spec("pypi_simple") else []


SLOW = frozenset({"opens", "frame"})
"""Fixtures that take seconds."""


def pytest_configure() -> None:
    """Have processes that tests start hear Ctrl-C: a shell that starts pytest in the background has them ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out what is slow, and say how many tests that is")
    parser.addoption("--all-faults", action="store_true", help="try every fault on every road too, and kill 25 times")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    fast, all_faults = config.getoption("--fast"), config.getoption("--all-faults")
    gone = [
        item
        for item in items
        if (fast and _is_slow(item)) or (not all_faults and item.get_closest_marker("all_faults"))
    ]
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=gone)  # pytest's last line counts them


def _is_slow(item: pytest.Item) -> bool:
    """Whether a test is marked slow, or needs a browser or the site of the whole atlas."""
    return bool(item.get_closest_marker("slow")) or not SLOW.isdisjoint(getattr(item, "fixturenames", ()))
