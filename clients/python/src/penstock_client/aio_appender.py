"""An asynchronous stream of appends."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from penstock_client import appends, model
from penstock_client.appending import METHOD, AppendState
from penstock_client.errors import ClosedError, PenstockError, UnreachableError, from_rpc
from penstock_client.gen.penstock.v1 import append_service_pb2
from penstock_client.nodes import Nodes
from penstock_client.retry import Retry

_Messages = asyncio.Queue[append_service_pb2.AppendStreamRequest | None]


class AsyncAppender:
    """Writes batches in order, many on their way at once; a task of its own reads the acknowledgements and reconnects.

    append() waits only when max_in_flight batches wait for theirs. A refused batch ends the appender: the next call raises why.
    """

    def __init__(
        self, channel: Nodes, relation: str, schema: model.Relation | None, producer_id: str, skip_invalid: bool, retry: Retry
    ) -> None:
        self._nodes = channel
        self._call = channel.stream_stream(
            METHOD,
            request_serializer=append_service_pb2.AppendStreamRequest.SerializeToString,
            response_deserializer=append_service_pb2.AppendStreamResponse.FromString,
        )
        self._relation = relation
        self._schema = schema
        self._state = AppendState(producer_id or str(uuid.uuid4()), retry, skip_invalid)
        self._changed = asyncio.Condition()
        self._messages: _Messages = asyncio.Queue()
        self._error: PenstockError | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect; last_sequence is known after it."""
        self._task = asyncio.create_task(self._work())
        await self._await(lambda: self._state.started, None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                await self.flush()
        finally:
            await self.close()

    @property
    def producer_id(self) -> str:
        """Under which sequences count."""
        return self._state.producer_id

    @property
    def last_sequence(self) -> int:
        """Sequence of the newest batch that was handed in; before the first, what the service has of this producer_id."""
        return self._state.sequence

    @property
    def position(self) -> str:
        """Token that includes every acknowledged batch; empty before the first."""
        last = self._state.last
        return last.position if last is not None else ""

    @property
    def appended(self) -> int:
        """Rows acknowledged so far."""
        return self._state.appended

    async def append(self, rows: appends.Rows, timeout: float | None = None) -> None:
        """Hand in one batch. Waits while too many are on their way; TimeoutError after timeout seconds."""
        listed = appends.as_list(rows)
        await self._send(appends.as_json(listed) if self._schema is None else appends.typed(self._schema, listed), timeout)

    async def append_json(self, rows: Sequence[str], timeout: float | None = None) -> None:
        """Hand in one batch of JSON objects as text, cast by the service as INSERT VALUES does."""
        await self._send(append_service_pb2.JsonRows(rows=rows), timeout)

    async def _send(self, content: append_service_pb2.TypedRows | append_service_pb2.JsonRows, timeout: float | None) -> None:
        message = appends.batch(self._relation, content, 0, self._state.skip_invalid)
        await self._await(lambda: self._state.room, timeout)
        # Nothing runs between the condition and this, so that the order of sequences is that of the queue.
        self._messages.put_nowait(self._state.add(message))

    async def flush(self, timeout: float | None = None) -> str:
        """Wait until every batch is durable; the position. TimeoutError after timeout seconds."""
        await self._await(lambda: not self._state.waiting, timeout)
        return self.position

    async def close(self) -> None:
        """End it at once; batches without an acknowledgement may or may not have been written."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._stop(self._error or ClosedError("the appender is closed"))

    async def _await(self, condition: Callable[[], bool], timeout: float | None) -> None:
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: self._error is not None or condition())
        if self._error is not None:
            raise self._error

    async def _work(self) -> None:
        """The task: connect, acknowledge, connect again."""
        while True:
            self._messages = asyncio.Queue()
            self._messages.put_nowait(self._state.open())
            address = self._nodes.current
            call: Any = self._call(_until_none(self._messages))
            try:
                async for response in call:
                    for message in self._state.take(response):
                        self._messages.put_nowait(message)
                    async with self._changed:
                        self._changed.notify_all()
                broken: PenstockError = UnreachableError("the connection ended", code=grpc.StatusCode.UNAVAILABLE)
            except grpc.RpcError as error:
                broken = from_rpc(error)
            except PenstockError as refused:
                return await self._stop(refused)
            finally:
                self._messages.put_nowait(None)
                call.cancel()
            self._nodes.leave(address, broken)
            try:
                wait = self._state.failed(broken)
            except PenstockError as final:
                return await self._stop(final)
            await asyncio.sleep(wait)

    async def _stop(self, error: PenstockError) -> None:
        async with self._changed:
            self._error = error
            self._changed.notify_all()


async def _until_none(messages: _Messages) -> AsyncIterator[append_service_pb2.AppendStreamRequest]:
    while (message := await messages.get()) is not None:
        yield message
