"""Ports for the servers of tests: from below those that the system gives to outgoing connections, so that nobody gets one by accident while
its server is not there yet, or is being started again."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST = 10_000
_random = random.Random()  # not the shared generator: tests that seed it would all begin with the same ports


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 in a row that nobody listens on now. OSError when there are none."""
    begin = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    last = (begin if begin > _FIRST + 5_000 else 32_768) - count
    start = _random.randrange(_FIRST, last)
    for first in chain(range(start, last), range(_FIRST, start)):
        ports = list(range(first, first + count))
        if all_free(ports):
            return ports
    raise OSError(f"no {count} free ports in a row from {_FIRST} to {last}")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def all_free(ports: list[int]) -> bool:
    """Whether nobody listens on any of them."""
    with ExitStack() as held:
        for port in ports:
            s = held.enter_context(socket.socket())
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a connection that has ended is no hindrance
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
