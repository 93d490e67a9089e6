"""The nodes of a service as one channel: calls go to one of them, and to the next when that one is gone. The same for both clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import grpc

from penstock_client._error import PenstockError

Connect = Callable[[str], Any]
"""The channel to an address. Raises ValueError where it may not be used."""

ELSEWHERE = ("DRAINING", "LOG_UNAVAILABLE")
"""Reasons for which another node may do better, besides not being reached."""
SILENT = "DEADLINE_EXCEEDED"
"""The reason of a call about a place that got no answer: a node that cannot be reached may say nothing at all."""
MOST_PLACES = 100_000
FIRST_CALL = 1.0
"""Seconds in which a node that was never reached has to answer what a nearer one would have passed on."""
SHUNNED = 60.0
"""Seconds without calls about places to a node that did not answer one."""


def addresses_of(address: str | Sequence[str]) -> list[str]:
    """Addresses by comma, or as a list."""
    given = address.split(",") if isinstance(address, str) else list(address)
    found = [a.strip() for a in given if a.strip()]
    if not found:
        raise ValueError("an address is HOST:PORT, several are separated by commas")
    return found


def _away(error: PenstockError) -> bool:
    return error.code is grpc.StatusCode.UNAVAILABLE and (not error.reason or error.reason in ELSEWHERE)


class Nodes:
    """A channel to whichever node is `current`; calls about a place go to its owner, once an answer has named it. Used from any thread."""

    def __init__(self, addresses: Sequence[str], connect: Connect) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._addresses = list(addresses)
        self._channels: dict[str, Any] = {addresses[0]: connect(addresses[0])}
        self._current = addresses[0]
        self._owners: dict[Hashable, str] = {}
        self._reached: set[str] = set()
        self._shunned: dict[str, float] = {}

    @property
    def current(self) -> str:
        """The address that calls go to now."""
        return self._current

    def leave(self, address: str, error: PenstockError) -> None:
        """A call to this address has failed: later ones go to the next, if that may do better and nobody has moved on already."""
        with self._lock:
            if _away(error) and address == self._current and len(self._addresses) > 1:
                place = self._addresses.index(address)
                self._current = self._addresses[(place + 1) % len(self._addresses)]

    def go(self, address: str) -> None:
        """The service names a node that can go on."""
        with self._lock:
            if not address or address == self._current:
                return
            try:
                self._open(address)
            except ValueError:
                return  # not by this client's means
            if address not in self._addresses:
                self._addresses.append(address)
            self._current = address

    def toward(self, place: Hashable, timeout: float) -> tuple[str, Any, float]:
        """The address for a call, its channel and timeout in seconds: the owner's of the place where it is known and has answered of late, else
        the current one, from where the call is passed on."""
        with self._lock:
            owner = self._owners.get(place) if place is not None else None
            if owner is None or owner == self._current:
                return self._current, self, timeout
            return owner, self._open(owner), timeout if owner in self._reached else min(timeout, FIRST_CALL)

    def answered(self, place: Hashable, address: str, owner: str) -> None:
        """A call about a place was answered by this address, which names the owner where that is another."""
        if address != self._current:
            self._reached.add(address)
        if not owner or self._shunned and self._shunned.get(owner, 0.0) > time.monotonic():
            return
        with self._lock:
            try:
                self._open(owner)
            except ValueError:
                return  # not by this client's means
            if len(self._owners) >= MOST_PLACES:
                self._owners.clear()
            self._owners[place] = owner

    def missed(self, place: Hashable, address: str, error: PenstockError) -> bool:
        """Whether a call about a place went to its owner, and in vain though another node may answer: the next goes to the current node."""
        if place is None or address == self._current or not (_away(error) or error.reason == SILENT):
            return False
        with self._lock:
            self._shunned[address] = time.monotonic() + SHUNNED
            self._reached.discard(address)
            self._owners = {place: owner for place, owner in self._owners.items() if owner != address}
        return True

    def channel(self) -> tuple[str, Any]:
        """The current address and its channel."""
        with self._lock:
            return self._current, self._open(self._current)

    def channels(self) -> list[Any]:
        """All that were opened."""
        with self._lock:
            return list(self._channels.values())

    def _open(self, address: str) -> Any:
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = self._connect(address)
        return channel

    # as a channel of grpc or grpc.aio

    def unary_unary(self, *args: Any, **options: Any) -> Caller:
        return Caller(self, "unary_unary", args, options)

    def unary_stream(self, *args: Any, **options: Any) -> Caller:
        return Caller(self, "unary_stream", args, options)

    def stream_unary(self, *args: Any, **options: Any) -> Caller:
        return Caller(self, "stream_unary", args, options)

    def stream_stream(self, *args: Any, **options: Any) -> Caller:
        return Caller(self, "stream_stream", args, options)


class Caller:
    """A method, called on the node that is current then."""

    def __init__(self, nodes: Nodes, kind: str, args: Sequence[Any], options: dict[str, Any]) -> None:
        self._nodes, self._kind, self._args, self._options = nodes, kind, args, options
        self._made: dict[str, Any] = {}

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._now()(*args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._now(), name)

    def _now(self) -> Any:
        address, channel = self._nodes.channel()
        found = self._made.get(address)
        if found is None:
            found = self._made[address] = getattr(channel, self._kind)(*self._args, **self._options)
        return found
