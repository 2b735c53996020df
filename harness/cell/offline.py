"""No case reaches the network: what a library would fetch, a record could not repeat.

An audit hook, so that nothing is replaced in the libraries that are measured; it stays as long as the process.
Standard library only.
"""

import ipaddress
import sys
from typing import Any, Final

EVENTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"})
LOCAL: Final = frozenset({"localhost", "", None})


class Offline(Exception):
    """A case tried to reach another machine."""


def enforce() -> None:
    """From here on, connecting to another machine or asking for its address raises Offline."""
    sys.addaudithook(_look)


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event in EVENTS and (host := _host(event, arguments)) is not None:
        raise Offline(f"no network while cases run: {event} to {host}")


def _host(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The other machine that is asked for; None where it is this one, or a socket that is a file."""
    address = arguments[0] if event in {"socket.getaddrinfo", "socket.gethostbyname"} else arguments[-1]
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(address, bytes | str) and event in {"socket.connect", "socket.sendto"}:
        return None  # a path
    text = host.decode(errors="replace") if isinstance(host, bytes) else host
    return None if text in LOCAL or _is_loopback(text) else str(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
