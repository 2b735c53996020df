"""No case reaches the network: what a library would fetch, a record could not repeat.

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
    """From here on, connecting to another machine or asking for its address raises Offline."""
    sys.addaudithook(_look)


def refused() -> list[str]:
    """What was refused since this was asked last, also where a library said nothing of it."""
    found = list(dict.fromkeys(_REFUSED))
    _REFUSED.clear()
    return found


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if (event in ADDRESS_LAST or event in HOST_FIRST) and (host := _host(event, arguments)) is not None:
        _REFUSED.append(f"no network while cases run: {event} to {host}")
        raise Offline(_REFUSED[-1])


def _host(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The other machine that is asked for; None where it is this one, or a socket that is a file or has its peer."""
    if event in HOST_FIRST:
        host = arguments[0]
    elif not isinstance(arguments[-1], tuple):
        return None  # a path, or none: the socket was connected before
    else:
        host = arguments[-1][0]
    text = host.decode(errors="replace") if isinstance(host, bytes) else host
    return None if text in LOCAL or _is_loopback(text) else str(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
