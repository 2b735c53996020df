"""Keeps cases off the network, since a record could not repeat a download.

An audit hook, so that nothing is replaced in the libraries that are measured; it stays as long as the process.
Standard library only.
"""

import ipaddress
import sys
from typing import Any, Final

ADDRESS_LAST: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getnameinfo"})
HOST_FIRST: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
LOCAL: Final = frozenset({"localhost", "", None})

_REFUSED: Final[list[str]] = []


class Offline(Exception):
    """A case tried to reach another machine."""


def enforce() -> None:
    """Raise Offline, from now on, when this process connects to another machine or asks for its address."""
    sys.addaudithook(_look)


def refused() -> list[str]:
    """Describe the attempts refused since the last call, including those whose exception a library suppressed."""
    attempts = list(dict.fromkeys(_REFUSED))
    _REFUSED.clear()
    return attempts


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if (event in ADDRESS_LAST or event in HOST_FIRST) and (host := _host(event, arguments)) is not None:
        _REFUSED.append(f"no network while cases run: {event} to {host}")
        raise Offline(_REFUSED[-1])


def _host(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The other machine that an event addresses; None for this machine, a Unix socket, or one already connected."""
    if event in HOST_FIRST:
        host = arguments[0]
    elif not isinstance(arguments[-1], tuple):
        return None  # the path of a Unix socket, or no address: the socket is connected already
    else:
        host = arguments[-1][0]
    text = host.decode(errors="replace") if isinstance(host, bytes) else host
    return None if text in LOCAL or _is_loopback(text) else str(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
