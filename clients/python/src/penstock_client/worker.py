"""A program that serves RemoteProcessors and functions: one connection to each node of the service, handlers called in a few threads."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import grpc

from penstock_client import functions as calls
from penstock_client import processing
from penstock_client.channel import DEFAULT_ADDRESS, Connecting, Keepalive
from penstock_client.errors import PenstockError, from_rpc
from penstock_client.functions import Function, served
from penstock_client.gen.penstock.v1 import processor_service_pb2 as pb
from penstock_client.processing import Bundle, Handler, Node
from penstock_client.retry import Retry, transient
from penstock_client.security import Tls, Token

log = logging.getLogger("penstock.worker")

METHOD = "/penstock.v1.ProcessorService/Process"
_Requests = queue.SimpleQueue[pb.ProcessRequest | None]


class Worker:
    """Serves handlers by the name of their processor, and functions by their name, `NAME/2` for another version than 1, until it is closed; a connection
    that is lost is made again.

    addresses: `host:port` of one node or of each. max_in_flight: bundles that a connection may have at once. threads: handlers that run at
    once, over all connections. build: the program's version, for people. tls, token, keepalive, options: as Client's.
    """

    def __init__(
        self, addresses: str | Sequence[str] = DEFAULT_ADDRESS, handlers: Mapping[str, Handler] | None = None, *,
        functions: Mapping[str, Function] | None = None, max_in_flight: int = 4, threads: int = 4,
        build: str = "", tls: Tls | bool | None = None, token: Token | None = None, keepalive: Keepalive | None = None, options: Sequence[tuple[str, Any]] = (),
        on_dropped: Callable[[pb.BundleDropped], None] | None = None,
    ) -> None:  # fmt: skip
        self._addresses = [addresses] if isinstance(addresses, str) else list(addresses)
        self._handlers = dict(handlers or {})
        self._functions = {served(name): function for name, function in (functions or {}).items()}
        if not self._handlers and not self._functions:
            raise ValueError("a worker needs a handler: Worker(address, {'processor': handler}), or functions={'NAME': function}")
        self._hello = pb.WorkerHello(
            processors=sorted(self._handlers), functions=[pb.ServedFunction(name=n, version=v) for n, v in sorted(self._functions)],
            max_in_flight=max_in_flight, build=build, timers=True,
        )  # fmt: skip
        self._connecting = Connecting(tls, token, None, keepalive, options)
        self._on_dropped = on_dropped
        self._closed = threading.Event()
        self._submitting = threading.Lock()
        self._calls: set[Any] = set()
        self._pool = ThreadPoolExecutor(threads, "penstock-handler")
        self._threads: list[threading.Thread] = []
        self._error: PenstockError | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Serve in the background."""
        for address in self._addresses:
            thread = threading.Thread(target=self._serve, args=(address,), name=f"penstock-worker-{address}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def run(self) -> None:
        """Serve until close() is called, by a signal handler say. Raises PenstockError when the service refuses."""
        self.start()
        try:
            while not self._closed.wait(0.5):
                if self._error is not None:
                    raise self._error
        finally:
            self.close()

    def close(self) -> None:
        """End every connection; bundles that are not answered go to other programs."""
        with self._submitting:
            self._closed.set()
        for call in list(self._calls):
            call.cancel()
        for thread in self._threads:
            thread.join(5.0)
        self._pool.shutdown(wait=True)

    def _serve(self, address: str) -> None:
        channel = self._connecting.channel(address, grpc)
        process = channel.stream_stream(METHOD, request_serializer=pb.ProcessRequest.SerializeToString, response_deserializer=pb.ProcessResponse.FromString)
        retry, attempt = Retry(), 0
        try:
            while not self._closed.is_set():
                requests: _Requests = queue.SimpleQueue()
                requests.put(pb.ProcessRequest(hello=self._hello))
                call = process(_until_none(requests), wait_for_ready=True)
                self._calls.add(call)
                nodes: dict[int, Node] = {}
                accepted = False
                try:
                    for response in call:
                        attempt, accepted = 0, True
                        self._take(response, nodes, requests)
                    error = None
                except grpc.RpcError as e:
                    error = from_rpc(e)
                finally:
                    self._calls.discard(call)
                    requests.put(None)
                if error is not None and not transient(error, accepted) and not self._closed.is_set():
                    self._error = error
                    return
                attempt += 1
                self._closed.wait(retry.first if error is None else retry.wait(attempt, error))
        finally:
            channel.close()

    def _take(self, response: pb.ProcessResponse, nodes: dict[int, Node], requests: _Requests) -> None:
        match response.WhichOneof("message"):
            case "node":
                nodes[response.node.id] = processing.node_of(response.node)
            case "bundle":
                with self._submitting:
                    if not self._closed.is_set():
                        self._pool.submit(self._answer, nodes[response.bundle.node], response.bundle, requests)
            case "dropped":
                level = logging.WARNING if response.dropped.reason == pb.DROP_REASON_INVALID else logging.INFO
                log.log(level, "an answer was dropped: %s", response.dropped.message)
                if self._on_dropped is not None:
                    self._on_dropped(response.dropped)

    def _answer(self, node: Node, message: pb.Bundle, requests: _Requests) -> None:
        if node.function is None:
            requests.put(answer(self._handlers[node.processor], node, message))
        else:
            requests.put(calls.answer(self._functions[node.function], node, message))


def answer(handler: Handler, node: Node, message: pb.Bundle) -> pb.ProcessRequest:
    """What a handler makes of a bundle."""
    bundle = processing.bundle_of(node, message)
    failed = processing.process(handler, bundle)
    if failed is None:
        try:
            return pb.ProcessRequest(result=bundle.result(message.lease, message.bundle))
        except (TypeError, ValueError, KeyError) as e:
            failed = processing.Failed((), f"what the handler sent does not fit: {e}")
    log.warning("%s.%s: %s", node.topology, node.node, failed.reason)
    return pb.ProcessRequest(failure=pb.BundleFailure(lease=message.lease, bundle=message.bundle, poison_rows=failed.rows, poison_timers=failed.timers, message=failed.reason))


def _until_none(requests: _Requests) -> Iterator[pb.ProcessRequest]:
    while (request := requests.get()) is not None:
        yield request


__all__ = ["Bundle", "Worker", "answer"]
