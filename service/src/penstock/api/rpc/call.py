"""One call: what a handler sees of it (grpc.aio's ServicerContext), how it begins, its messages, its end.

    core's thread    arrived -> _received (a unary request) | _closed (the end, or the client is gone) | _wrote | _read
    loop             _begin -> prompt answer, or a task -> reply | write... -> end

A call whose client is gone, whose deadline has passed or whose server stops is cancelled: its task gets CancelledError.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, Protocol

import grpc

from penstock.api.rpc.core import (
    Core,
    close_operation,
    headers_operation,
    identities,
    message_operation,
    receive_operation,
    status_operation,
)

log = logging.getLogger("penstock.rpc")

Metadata = Sequence[tuple[str, str | bytes]]
Prompt = Callable[[Any, "Call"], Any]
"""The answer to a request, or None when it must be waited for; raises AbortError after it has ended the call."""

OK = 0
FOR_EVER = 1e15
"""Seconds since 1970 above which a deadline is none."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method as the generated code describes it. behavior: coroutine function, or asynchronous generator of responses."""

    takes_stream: bool
    gives_stream: bool
    behavior: Callable[[Any, Any], Any]
    prompt: Prompt | None
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]

    @classmethod
    def of(cls, handler: grpc.RpcMethodHandler[Any, Any]) -> Method:
        """From generated code."""
        h: Any = handler
        behavior = h.stream_stream or h.unary_stream or h.stream_unary or h.unary_unary
        return cls(h.request_streaming, h.response_streaming, behavior, getattr(behavior, "prompt", None), h.request_deserializer,
                   h.response_serializer)


class Owner(Protocol):
    """The server, as a call sees it."""

    core: Core

    def ended(self, call: Call) -> None: ...


class Call(grpc.aio.ServicerContext[Any, Any]):
    """See the module docstring."""

    def __init__(self, owner: Owner, event: Any, method: Method | None) -> None:
        self._owner = owner
        self._core = owner.core
        self._call = event.call
        self._details = event.call_details
        self._metadata: Metadata = event.invocation_metadata
        self._method = method
        self._request = b""
        self._task: asyncio.Task[None] | None = None
        self._sending: asyncio.Future[bool] | None = None
        self._begun = False  # the first metadata is sent
        self._finished = False  # the status is sent
        self._gone = False  # the client does not listen any more
        self._headers: Metadata | None = None
        self._trailing: Metadata | None = None
        self._code, self._message = OK, ""
        self._callbacks: list[Callable[[Any], None]] = []

    # the core's thread

    def arrived(self) -> None:
        """Begin, once the server knows of the call."""
        self._call.start_server_batch((close_operation(),), self._closed)
        if self._method is None:
            self._core.post(self._unknown)
        elif self._method.takes_stream:
            self._core.post(self._begin_stream)
        else:
            self._call.start_server_batch((receive_operation(),), self._received)

    def _received(self, event: Any) -> None:
        self._request = event.batch_operations[0].message()
        self._core.post(self._begin)

    def _closed(self, event: Any) -> None:
        if not self._finished and event.batch_operations[0].cancelled():
            self._gone = True
            self._core.post(self._cancel)

    def _wrote(self, sending: asyncio.Future[bool], event: Any) -> None:
        self._core.post(partial(_settle, sending, bool(event.success)))

    def _read(self, reading: asyncio.Future[bytes | None], event: Any) -> None:
        self._core.post(partial(_settle, reading, event.batch_operations[0].message()))

    def _nothing(self, event: Any) -> None:
        """The status is out."""

    # the loop: beginning

    def _begin(self) -> None:
        method = self._method
        assert method is not None
        if self._gone:
            self._finish(())
            return
        if self._request is None:
            self.end(grpc.StatusCode.UNIMPLEMENTED, "the call needs exactly one request")
            return
        try:
            request = method.decode(self._request)
        except Exception:
            self.end(grpc.StatusCode.INTERNAL, "the request cannot be decoded")
            return
        if method.prompt is not None:
            try:
                response = method.prompt(request, self)
            except grpc.aio.AbortError:
                return
            if response is not None:
                self._reply(response)
                return
        self._start(self._answer(method, request))

    def _begin_stream(self) -> None:
        assert self._method is not None
        if self._gone:
            self._finish(())
        else:
            self._start(self._answer(self._method, self))

    def _unknown(self) -> None:
        self.end(grpc.StatusCode.UNIMPLEMENTED, f"there is no method {self._details.method.decode()}")

    def _start(self, work: Any) -> None:
        self._task = self._core.loop.create_task(work)
        self._task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.end(grpc.StatusCode.UNAVAILABLE, "the service gave the call up")  # unless it has ended, as it should

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _answer(self, method: Method, request: Any) -> None:
        try:
            produced = method.behavior(request, self)
            if not method.gives_stream:
                self._reply(await produced)
                return
            if hasattr(produced, "__aiter__"):
                async with aclosing(produced):
                    async for response in produced:
                        await self.write(response)
            else:
                await produced  # a handler that writes by itself
            await self._sent()
            self._finish(())
        except grpc.aio.AbortError:
            return
        except Exception:
            log.exception("a call of %s failed", self._details.method.decode())
            await self._sent()
            self.end(grpc.StatusCode.UNKNOWN, "the service failed; its log has more")

    # the loop: messages

    async def write(self, message: Any) -> None:
        """Send a message, once the one before has gone to the transport, which waits for a slow reader. Raises CancelledError when the
        client is gone."""
        await self._sent()
        assert self._method is not None
        sending = self._sending = self._core.loop.create_future()
        self._call.start_server_batch((*self._first(), message_operation(self._method.encode(message))), partial(self._wrote, sending))

    async def _sent(self) -> None:
        if self._sending is not None and not await self._sending:
            raise asyncio.CancelledError("the client is gone")
        self._sending = None

    def __aiter__(self) -> Call:
        return self

    async def __anext__(self) -> Any:
        """The next request of a stream; the end when the client has said its last."""
        reading: asyncio.Future[bytes | None] = self._core.loop.create_future()
        self._call.start_server_batch((receive_operation(),), partial(self._read, reading))
        data = await reading
        if data is None:
            raise StopAsyncIteration
        assert self._method is not None
        return self._method.decode(data)

    async def read(self) -> Any:
        """As iterating; EOF at the end."""
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            return grpc.aio.EOF  # type: ignore[attr-defined]

    # the loop: the end

    def end(self, code: grpc.StatusCode, details: str = "", trailing: Metadata | None = None) -> None:
        """Send the status; nothing happens when one was sent."""
        self._code, self._message = code.value[0], details
        self._trailing = trailing if trailing is not None else self._trailing
        self._finish(())

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        """End the call and leave the handler."""
        await self._sent()
        self.end(code, details, trailing_metadata or None)
        raise grpc.aio.AbortError

    async def abort_with_status(self, status: Any) -> NoReturn:
        """As abort, of a status object of grpc_status."""
        await self.abort(status.code, status.details, status.trailing_metadata)

    def _reply(self, response: Any) -> None:
        assert self._method is not None
        self._finish((message_operation(self._method.encode(response)),))

    def _finish(self, message: tuple[Any, ...]) -> None:
        if self._finished:
            return
        self._finished = True
        if not self._gone:
            status = status_operation(self._trailing, self._code, self._message)
            self._call.start_server_batch((*self._first(), *message, status), self._nothing)
        self._owner.ended(self)
        for callback in self._callbacks:
            callback(self)
        self._callbacks.clear()

    def _first(self) -> tuple[Any, ...]:
        if self._begun:
            return ()
        self._begun = True
        return (headers_operation(self._headers),)

    # what else a handler may ask or say

    def cancelled(self) -> bool:
        """Whether the client is gone."""
        return self._gone

    def done(self) -> bool:
        """Whether the status was sent, or nobody would get it."""
        return self._finished or self._gone

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Called with the call when it is over."""
        self._callbacks.append(callback)

    def time_remaining(self) -> float | None:  # type: ignore[override]
        """Seconds; None without a deadline."""
        deadline = float(self._details.deadline)
        return None if deadline > FOR_EVER else max(0.0, deadline - time.time())

    def invocation_metadata(self) -> Any:
        """Pairs (key, text or bytes)."""
        return self._metadata

    def peer(self) -> str:
        """The client's address."""
        return str(self._call.peer().decode())

    def peer_identities(self) -> Iterable[bytes] | None:
        return identities(self._call)[0]

    def peer_identity_key(self) -> str | None:
        key = identities(self._call)[1]
        return None if key is None else key.decode()

    def auth_context(self) -> dict[str, Sequence[bytes]]:  # type: ignore[override]
        return identities(self._call)[2]

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        """With the first message or the status."""
        if self._begun:
            raise RuntimeError("the first metadata is sent")
        self._headers = tuple(initial_metadata)

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._trailing = tuple(trailing_metadata)

    def trailing_metadata(self) -> Any:
        return self._trailing

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code.value[0]

    def code(self) -> int:  # type: ignore[override]
        return self._code

    def set_details(self, details: str) -> None:
        self._message = details

    def details(self) -> str:
        return self._message

    def set_compression(self, compression: grpc.Compression) -> None:
        raise NotImplementedError("answers are not compressed")

    def disable_next_message_compression(self) -> None:
        """They are not."""

    def wait(self) -> Awaitable[Any]:
        """Until the handler is through."""
        return asyncio.gather(*([self._task] if self._task is not None else []), return_exceptions=True)


def _settle(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)
