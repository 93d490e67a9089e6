"""A synchronous stream of appends."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from penstock_client import appends, model
from penstock_client.appending import METHOD, AppendState
from penstock_client.errors import ClosedError, PenstockError, UnreachableError, from_rpc
from penstock_client.gen.penstock.v1 import append_service_pb2
from penstock_client.nodes import Nodes
from penstock_client.retry import Retry

_Messages = queue.SimpleQueue[append_service_pb2.AppendStreamRequest | None]


class Appender:
    """Writes batches in order, many on their way at once; one thread of its own reads the acknowledgements and reconnects.

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
        self._changed = threading.Condition()
        self._messages: _Messages = queue.SimpleQueue()
        self._running: Any = None
        self._closed = threading.Event()
        self._error: PenstockError | None = None
        self._thread = threading.Thread(target=self._work, name=f"append-{relation}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                self.flush()
        finally:
            self.close()

    @property
    def producer_id(self) -> str:
        """Under which sequences count."""
        return self._state.producer_id

    @property
    def last_sequence(self) -> int:
        """Sequence of the newest batch that was handed in; before the first, what the service has of this producer_id."""
        self._await(lambda: self._state.started, None)
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

    def append(self, rows: appends.Rows, timeout: float | None = None) -> None:
        """Hand in one batch. Waits while too many are on their way; TimeoutError after timeout seconds."""
        listed = appends.as_list(rows)
        self._send(appends.as_json(listed) if self._schema is None else appends.typed(self._schema, listed), timeout)

    def append_json(self, rows: Sequence[str], timeout: float | None = None) -> None:
        """Hand in one batch of JSON objects as text, cast by the service as INSERT VALUES does."""
        self._send(append_service_pb2.JsonRows(rows=rows), timeout)

    def _send(self, content: append_service_pb2.TypedRows | append_service_pb2.JsonRows, timeout: float | None) -> None:
        message = appends.batch(self._relation, content, 0, self._state.skip_invalid)
        with self._changed:
            self._await(lambda: self._state.room, timeout)
            self._messages.put(self._state.add(message))

    def flush(self, timeout: float | None = None) -> str:
        """Wait until every batch is durable; the position. TimeoutError after timeout seconds."""
        self._await(lambda: not self._state.waiting, timeout)
        return self.position

    def close(self) -> None:
        """End it at once; batches without an acknowledgement may or may not have been written."""
        self._closed.set()
        running = self._running
        if running is not None:
            running.cancel()
        with self._changed:
            self._changed.notify_all()

    def _await(self, condition: Callable[[], bool], timeout: float | None) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._error or self._closed.is_set() or condition(), timeout):
                raise TimeoutError("the service has not acknowledged in time")
            if self._error is not None:
                raise self._error
            if self._closed.is_set():
                raise ClosedError("the appender is closed")

    def _work(self) -> None:
        """The thread: connect, acknowledge, connect again."""
        while not self._closed.is_set():
            with self._changed:
                messages: _Messages = queue.SimpleQueue()
                messages.put(self._state.open())
                self._messages = messages
            address = self._nodes.current
            try:
                self._running = self._call(_until_none(messages))
                for response in self._running:
                    self._take(response, messages)
                wait = self._failed(address, UnreachableError("the connection ended", code=grpc.StatusCode.UNAVAILABLE))
            except grpc.RpcError as broken:
                wait = self._failed(address, from_rpc(broken))
            except PenstockError as refused:
                wait = self._stop(refused)
            except ValueError as broken:
                # grpc says so of a channel that was closed.
                wait = self._stop(ClosedError(str(broken)))
            finally:
                messages.put(None)
                if self._running is not None:
                    self._running.cancel()
            if wait is None:
                return
            self._closed.wait(wait)

    def _take(self, response: append_service_pb2.AppendStreamResponse, messages: _Messages) -> None:
        with self._changed:
            for message in self._state.take(response):
                messages.put(message)
            self._changed.notify_all()

    def _failed(self, address: str, error: PenstockError) -> float | None:
        """Seconds until the next connection, None at the end."""
        self._nodes.leave(address, error)
        if self._closed.is_set():
            return None
        with self._changed:
            try:
                return self._state.failed(error)
            except PenstockError as final:
                return self._stop(final)

    def _stop(self, error: PenstockError) -> float | None:
        """End with this error; None, which is no time to wait."""
        with self._changed:
            self._error = error
            self._changed.notify_all()
        return None


def _until_none(messages: _Messages) -> Iterator[append_service_pb2.AppendStreamRequest]:
    while (message := messages.get()) is not None:
        yield message
