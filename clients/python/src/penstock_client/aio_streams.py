"""Asynchronous subscriptions and scans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import grpc

from penstock_client.errors import from_rpc
from penstock_client.events import CaughtUp, Event, Progress, Reconnecting
from penstock_client.gen.penstock.v1 import lookup_service_pb2
from penstock_client.lookups import SCAN, ScanState
from penstock_client.nodes import Nodes
from penstock_client.retry import Retry
from penstock_client.row import Batch, Row
from penstock_client.subscribing import SubscriptionState


class _Stream:
    """A server stream that close() ends at once, wherever its reader waits."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()
        self._running: Any = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End it at once."""
        self._closed.set()
        if self._running is not None:
            self._running.cancel()

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not past close()."""
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return

    def _ended_by_us(self) -> bool:
        """Whether a CancelledError of a call is that of close(): the reading task itself is then not being cancelled."""
        task = asyncio.current_task()
        return self._closed.is_set() and not (task is not None and task.cancelling())


class AsyncSubscription(_Stream):
    """An asynchronous iterator of rows that goes on over broken connections. `batches()` and `events()` are the same stream in other units;
    take one of them. It ends when until or limit is reached, the relation is deleted, or close() is called."""

    def __init__(self, channel: Nodes, state: SubscriptionState) -> None:
        super().__init__()
        self._nodes = channel
        self._call = channel.unary_stream(
            state.wanted.method,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=state.wanted.response.FromString,
        )
        self._state = state
        self._rows: AsyncIterator[Row] | None = None
        self.position = ""
        """Token that resumes after the last batch that was handed over whole."""

    def __aiter__(self) -> AsyncIterator[Row]:
        return self

    async def __anext__(self) -> Row:
        if self._rows is None:
            self._rows = self._each_row()
        return await anext(self._rows)

    async def _each_row(self) -> AsyncIterator[Row]:
        async for event in self._events():
            if not isinstance(event, Batch):
                self.position = event.position if isinstance(event, Progress | CaughtUp) else self.position
                continue
            last = len(event) - 1
            for place, row in enumerate(event):
                if place == last:
                    # Before the last row is handed over: who stores the position with that row's effect resumes behind it.
                    self.position = event.position or self.position
                yield row

    async def batches(self) -> AsyncIterator[Batch]:
        """Batches as they come; batch.position resumes after it."""
        async for event in self.events():
            if isinstance(event, Batch):
                yield event

    async def events(self) -> AsyncIterator[Event]:
        """Everything that happens, reconnects included."""
        async for event in self._events():
            self.position = getattr(event, "position", "") or self.position
            yield event

    async def _events(self) -> AsyncIterator[Event]:
        state = self._state
        while not (state.done or self._closed.is_set()):
            reconnecting = None
            address = self._nodes.current
            self._running = self._call(state.request())
            try:
                async for response in self._running:
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
            except asyncio.CancelledError:
                if self._ended_by_us():
                    return
                raise
            finally:
                self._running.cancel()
            if state.done:
                return
            if reconnecting is None:
                reconnecting = state.closed_early()
            yield reconnecting
            await self._pause(reconnecting.delay)


class AsyncScan(_Stream):
    """An asynchronous iterator of rows, once; `batches()` gives them as they come. It goes on over broken connections."""

    def __init__(self, channel: Nodes, state: ScanState, retry: Retry) -> None:
        super().__init__()
        self._nodes = channel
        self._call = channel.unary_stream(
            SCAN,
            request_serializer=lookup_service_pb2.ScanRequest.SerializeToString,
            response_deserializer=lookup_service_pb2.ScanResponse.FromString,
        )
        self._state = state
        self._retry = retry

    @property
    def cursor(self) -> str:
        """Goes on after what was read, in another scan of the same relation and conditions."""
        return self._state.cursor

    @property
    def position(self) -> str:
        """After the end: subscribe after it for the changes since. Empty before."""
        return self._state.position

    async def __aiter__(self) -> AsyncIterator[Row]:
        async for batch in self.batches():
            for row in batch:
                yield row

    async def batches(self) -> AsyncIterator[Batch]:
        """Rows as they come."""
        state, attempt = self._state, 1
        while not self._closed.is_set():
            address = self._nodes.current
            self._running = self._call(state.request())
            try:
                async for response in self._running:
                    attempt = 1
                    batch = state.take(response)
                    if batch is not None:
                        yield batch
                    if state.done:
                        return
                return
            except grpc.RpcError as broken:
                if self._closed.is_set():
                    return
                error = from_rpc(broken)
                self._nodes.leave(address, error)
                wait = self._retry.again(attempt, error)
                if wait is None:
                    raise error from None
                attempt += 1
            except asyncio.CancelledError:
                if self._ended_by_us():
                    return
                raise
            finally:
                self._running.cancel()
            await self._pause(wait)
