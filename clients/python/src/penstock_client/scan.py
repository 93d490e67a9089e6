"""A synchronous scan."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import grpc

from penstock_client.errors import from_rpc
from penstock_client.gen.penstock.v1 import lookup_service_pb2
from penstock_client.lookups import SCAN, ScanState
from penstock_client.nodes import Nodes
from penstock_client.retry import Retry
from penstock_client.row import Batch, Row


class Scan:
    """An iterator of rows, once; `batches()` gives them as they come. It goes on over broken connections."""

    def __init__(self, channel: Nodes, state: ScanState, retry: Retry) -> None:
        self._nodes = channel
        self._call = channel.unary_stream(
            SCAN,
            request_serializer=lookup_service_pb2.ScanRequest.SerializeToString,
            response_deserializer=lookup_service_pb2.ScanResponse.FromString,
        )
        self._state = state
        self._retry = retry
        self._closed = threading.Event()
        self._running: Any = None

    @property
    def cursor(self) -> str:
        """Goes on after what was read, in another scan of the same relation and conditions."""
        return self._state.cursor

    @property
    def position(self) -> str:
        """After the end: subscribe after it for the changes since. Empty before."""
        return self._state.position

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
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[Batch]:
        """Rows as they come."""
        state, attempt = self._state, 1
        while not self._closed.is_set():
            address = self._nodes.current
            self._running = self._call(state.request())
            try:
                for response in self._running:
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
            finally:
                self._running.cancel()
            self._closed.wait(wait)
