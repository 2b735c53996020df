"""No case reaches another machine. An audit hook cannot be removed, so each attempt has its own process."""

import subprocess
import sys

import pytest

ATTEMPT = """
import socket
from harness.cell.guards import offline
offline.enforce()
try:
    {action}
except offline.Offline as error:
    print(error)
except OSError as error:
    print("tried:", type(error).__name__)
else:
    print("done")
"""


def output_of(action: str) -> str:
    command = [sys.executable, "-c", ATTEMPT.format(action=action)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()  # noqa: S603 - the test's own words


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("socket.create_connection(('192.0.2.1', 80), timeout=5)", "socket.getaddrinfo to 192.0.2.1"),
        ("socket.socket().connect(('192.0.2.1', 80))", "socket.connect to 192.0.2.1"),
        ("socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))", "socket.connect to 2001:db8::1"),
        ("socket.socket().connect_ex(('192.0.2.1', 80))", "socket.connect to 192.0.2.1"),
        ("socket.getaddrinfo('huggingface.co', 443)", "socket.getaddrinfo to huggingface.co"),
        ("socket.gethostbyname('huggingface.co')", "socket.gethostbyname to huggingface.co"),
        (
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
            "socket.sendto to 192.0.2.1",
        ),
        ("socket.gethostbyaddr('192.0.2.1')", "socket.gethostbyaddr to 192.0.2.1"),
        ("socket.getnameinfo(('192.0.2.1', 53), 0)", "socket.getnameinfo to 192.0.2.1"),
        (
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
            "socket.sendmsg to 192.0.2.1",
        ),
    ],
    ids=[
        *("by name", "IPv4", "IPv6", "without an exception", "address lookup", "old address lookup", "a datagram"),
        *("name lookup", "service lookup", "a message"),
    ],
)
def test_another_machine_is_out_of_reach(action: str, message: str) -> None:
    assert output_of(action) == f"no network while cases run: {message}"


@pytest.mark.parametrize(
    "action",
    [
        "socket.create_connection(('127.0.0.1', 9), timeout=5)",
        "socket.socket(socket.AF_UNIX).connect('/nowhere')",
        "socket.socket(socket.AF_UNIX).connect(b'/nowhere')",
        "socket.getaddrinfo('localhost', 9)",
        "socket.getaddrinfo(None, 9)",
        "socket.socketpair()",
    ],
    ids=["loopback", "a path", "a path in bytes", "by name", "no name", "a socket pair"],
)
def test_this_machine_is_reachable(action: str) -> None:
    assert output_of(action).startswith(("tried:", "done"))


def test_a_refused_attempt_is_reported_once_even_if_the_exception_is_suppressed() -> None:
    action = (
        "exec('for _ in 1, 2:\\n try: socket.gethostbyname(\\'huggingface.co\\')\\n except Exception: pass'); "
        "print(offline.refused(), offline.refused())"
    )
    assert (
        output_of(action).splitlines()[0] == "['no network while cases run: socket.gethostbyname to huggingface.co'] []"
    )
