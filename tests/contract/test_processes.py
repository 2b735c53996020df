"""What a process has started is found while it lives, and nothing is raised where it goes meanwhile."""

import os
import signal
import subprocess
import sys
import threading

from harness.contract.processes import children, descendants

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
input()
child.communicate()
"""


def test_children_and_what_they_started_are_found() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603 - the test's own words
        assert parent.stdout is not None
        grandchild = int(parent.stdout.readline())
        assert parent.pid in children(os.getpid())
        assert children(parent.pid) == [grandchild]
        assert {parent.pid, grandchild} <= set(descendants(os.getpid()))
        parent.communicate("\n")


def test_a_process_that_goes_while_it_is_looked_at_has_none() -> None:
    def reap() -> None:
        for _ in range(200):
            subprocess.run(["/bin/true"], check=True)

    before = set(children(os.getpid()))  # of other tests in this process
    reaping = threading.Thread(target=reap)
    reaping.start()
    while reaping.is_alive():
        for child in children(os.getpid()):
            assert child in before or children(child) == []
    assert children(2**22 + 1) == []


def _die_with(parent: int) -> "subprocess.Popen[str]":
    """A child that asks to die with that process, and says so before and after."""
    program = (
        "import sys; from harness.contract.processes import die_with\n"
        "die_with(int(sys.argv[1])); print('alive', flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(parent)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - as above


def test_a_process_whose_parent_is_gone_already_is_killed_at_once() -> None:
    with _die_with(2**22 + 1) as orphan:
        assert orphan.communicate()[0] == ""
        assert orphan.returncode == -signal.SIGKILL


def test_a_process_whose_parent_lives_goes_on() -> None:
    with _die_with(os.getpid()) as child:
        assert child.communicate("\n")[0] == "alive\n"
        assert child.returncode == 0
