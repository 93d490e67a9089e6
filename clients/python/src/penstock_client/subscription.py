"""A synchronous subscription."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import grpc

from penstock_client.errors import from_rpc
from penstock_client.events import CaughtUp, Event, Progress, Reconnecting
from penstock_client.nodes import Nodes
from penstock_client.row import Batch, Row
from penstock_client.subscribing import SubscriptionState


class Subscription:
    """An iterator of rows that goes on over broken connections. `batches()` and `events()` are the same stream in other units; take one of
    them. It ends when until or limit is reached, the relation is deleted, or close() is called (from any thread)."""

    def __init__(self, channel: Nodes, state: SubscriptionState) -> None:
        self._nodes = channel
        self._call = channel.unary_stream(
            state.wanted.method,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=state.wanted.response.FromString,
        )
        self._state = state
        self._closed = threading.Event()
        self._running: Any = None
        self._rows: Iterator[Row] | None = None
        self.position = ""
        """Token that resumes after the last batch that was handed over whole."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it at once."""
        self._closed.set()
        if self._running is not None:
            self._running.cancel()

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        if self._rows is None:
            self._rows = self._each_row()
        return next(self._rows)

    def _each_row(self) -> Iterator[Row]:
        for event in self._events():
            if not isinstance(event, Batch):
                self.position = event.position if isinstance(event, Progress | CaughtUp) else self.position
                continue
            last = len(event) - 1
            for place, row in enumerate(event):
                if place == last:
                    # Before the last row is handed over: who stores the position with that row's effect resumes behind it.
                    self.position = event.position or self.position
                yield row

    def batches(self) -> Iterator[Batch]:
        """Batches as they come; batch.position resumes after it."""
        return (event for event in self.events() if isinstance(event, Batch))

    def events(self) -> Iterator[Event]:
        """Everything that happens, reconnects included."""
        for event in self._events():
            self.position = getattr(event, "position", "") or self.position
            yield event

    def _events(self) -> Iterator[Event]:
        state = self._state
        while not (state.done or self._closed.is_set()):
            reconnecting = None
            address = self._nodes.current
            self._running = self._call(state.request())
            try:
                for response in self._running:
                    event = state.take(response.event)
                    if isinstance(event, Reconnecting):
                        self._nodes.go(response.event.end.address)
                        reconnecting = event
                        break
                    if event is not None:
                        yield event
                    if self._closed.is_set():
                        return
            except grpc.RpcError as broken:
                if self._closed.is_set():
                    return
                error = from_rpc(broken)
                self._nodes.leave(address, error)
                reconnecting = state.failed(error)
            finally:
                self._running.cancel()
            if state.done:
                return
            if reconnecting is None:
                reconnecting = state.closed_early()
            yield reconnecting
            self._closed.wait(reconnecting.delay)
