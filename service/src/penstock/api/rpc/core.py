"""gRPC's C core: a server, its completion queue, the thread that takes from it, and the way from there into the event loop.

The only importer of grpc._cython: what grpc/_server.py uses of it, which has not changed in years, pinned by the lock file.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]

log = logging.getLogger("penstock.rpc")

Completed = Callable[[Any], None]
"""Called in the core's thread with the event; must be brief and must not touch what belongs to the loop."""
Work = Callable[[], None]

SLICE = 64
"""Pieces of work in one turn of the loop: with a lookup's 60 us some 4 ms."""


class Core:
    """A server of the core and what completes of its calls."""

    def __init__(self, options: Sequence[tuple[str, int]], loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._queue = cygrpc.CompletionQueue()
        self._server = cygrpc.Server(tuple(options), False)
        self._server.register_completion_queue(self._queue)
        self._work: deque[Work] = deque()
        self._woken = False
        self._stopping = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._take, name="rpc-core", daemon=True)

    def listen(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        """The bound port. Raises RuntimeError."""
        inner = None if credentials is None else credentials._credentials  # type: ignore[attr-defined]
        args = (address.encode(),) if inner is None else (address.encode(), inner)
        return int(self._server.add_http2_port(*args))

    def start(self) -> None:
        """Begin to take calls, once ports are bound."""
        self._server.start()
        self._thread.start()

    def expect(self, arrived: Completed) -> None:
        """Take one more call; nothing happens when the server stops."""
        with self._lock:
            if not self._stopping:
                self._server.request_call(self._queue, self._queue, arrived)

    def post(self, work: Work) -> None:
        """Have the loop do this, in the order of posting. One wake serves all that gathers until the loop comes."""
        self._work.append(work)
        if not self._woken:
            self._woken = True
            self.loop.call_soon_threadsafe(self._turn)

    def shut(self, done: Completed) -> None:
        """Take no more calls; done when the last one has ended."""
        with self._lock:
            self._stopping = True
            self._server.shutdown(self._queue, done)

    def cancel_all(self) -> None:
        """End every call with UNAVAILABLE."""
        self._server.cancel_all_calls()

    def close(self) -> None:
        """Free everything, after `shut` is done."""
        self._server.destroy()
        self._queue.shutdown()
        self._thread.join(5.0)

    def _turn(self) -> None:
        self._woken = False
        work = self._work
        for _ in range(min(SLICE, len(work))):
            try:
                work.popleft()()
            except Exception:
                log.exception("a call could not be handled")
        if work and not self._woken:
            self._woken = True
            self.loop.call_soon(self._turn)

    def _take(self) -> None:
        while True:
            event = self._queue.poll()
            if event.completion_type == cygrpc.CompletionType.queue_shutdown:
                return
            try:
                event.tag(event)
            except Exception:
                log.exception("a completion could not be handled")
            event = None  # it holds its call, which must be freed now, not at the next completion


def close_operation() -> Any:
    """Learn how the call ends."""
    return cygrpc.ReceiveCloseOnServerOperation(0)


def receive_operation() -> Any:
    """Take a message."""
    return cygrpc.ReceiveMessageOperation(0)


def headers_operation(metadata: Sequence[tuple[str, str | bytes]] | None) -> Any:
    """Send the first metadata, once, before or with the first message or the status."""
    return cygrpc.SendInitialMetadataOperation(metadata, 0)


def message_operation(data: bytes) -> Any:
    """Send a message."""
    return cygrpc.SendMessageOperation(data, 0)


def status_operation(trailing: Sequence[tuple[str, str | bytes]] | None, code: int, details: str) -> Any:
    """End the call."""
    return cygrpc.SendStatusFromServerOperation(trailing, code, details.encode(), 0)


def identities(call: Any) -> tuple[list[bytes] | None, bytes | None, dict[str, Sequence[bytes]]]:
    """Of the caller's certificate: identities, the key they stand under, everything."""
    context = {k.decode(): v for k, v in (cygrpc.auth_context(call) or {}).items()}
    return cygrpc.peer_identities(call), cygrpc.peer_identity_key(call), context
