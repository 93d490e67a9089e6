"""What surrounds every call: the open gateway, authorisation, refusals as statuses, counts and times by method.

A servicer's methods are wrapped once, when the server is built (`serve`); inside they return messages or raise the error tree.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from penstock.api.rpc.call import Call
from penstock.api.status import abort, internal, refuse, request_error
from penstock.errors import RequestError

Authorize = Callable[[Mapping[str, str], str, str], Awaitable[None]]
"""(call metadata, full method, relation or topology, empty when the method has none); raises RequestError PERMISSION_DENIED or
CREDENTIALS_*."""

RESOURCES = ("relation", "name", "topology")
UNARY_LIMIT = 120.0
"""Seconds that a unary call without a deadline may take."""


async def allow_all(metadata: Mapping[str, str], method: str, resource: str) -> None:
    """The authorisation of a listener on loopback: whoever reaches it may do everything."""


@dataclass
class MethodStats:
    """Totals of one method since start."""

    calls: int = 0
    failed: int = 0
    seconds: float = 0.0
    open: int = 0


@dataclass
class Calls:
    """Shared by every method of a server."""

    authorize: Authorize = allow_all
    draining: bool = False
    stats: dict[str, MethodStats] = field(default_factory=dict)

    def of(self, method: str) -> MethodStats:
        """Totals of a method."""
        return self.stats.setdefault(method, MethodStats())


def serve(calls: Calls, service: str, servicer: object, methods: Mapping[str, str]) -> None:
    """Replace the servicer's methods by guarded ones. methods: `unary`, `brief` (unary, and all
    its waits have limits of their own) or `stream` (of responses) by name. A servicer's `<Name>Now`, where it has one, answers a request of
    that method without waiting, or says with None that the method itself must be called."""
    for name, kind in methods.items():
        inner = getattr(servicer, name)
        method = f"/penstock.v1.{service}/{name}"
        guarded = _guard_stream(calls, method, inner) if kind == "stream" else _guard_unary(calls, method, inner, kind == "unary")
        now = getattr(servicer, f"{name}Now", None)
        if now is not None:
            guarded.prompt = _guard_prompt(calls, method, now)  # type: ignore[attr-defined,union-attr]
        setattr(servicer, name, guarded)


def _guard_prompt(calls: Calls, method: str, inner: Callable[[Any], Any]) -> Callable[[Any, Call], Any]:
    stats = calls.of(method)

    def guarded(request: Any, context: Call) -> Any:
        if calls.draining or calls.authorize is not allow_all:
            return None  # what may have to be waited for
        start = time.monotonic()
        try:
            response = inner(request)
        except Exception as e:
            stats.calls += 1
            stats.failed += 1
            refuse(context, request_error(e) or internal(e, method))
        if response is not None:
            stats.calls += 1
            stats.seconds += time.monotonic() - start
        return response

    return guarded


def _guard_unary(calls: Calls, method: str, inner: Callable[[Any, grpc.aio.ServicerContext], Awaitable[Any]],
                 limited: bool) -> Callable[..., Awaitable[Any]]:
    stats = calls.of(method)

    @functools.wraps(inner)
    async def guarded(request: Any, context: grpc.aio.ServicerContext) -> Any:
        start = time.monotonic()
        stats.calls += 1
        try:
            if calls.draining or calls.authorize is not allow_all:
                await _admit(calls, method, request, context)
            if limited and context.time_remaining() is None:
                async with asyncio.timeout(UNARY_LIMIT):
                    return await inner(request, context)
            return await inner(request, context)
        except TimeoutError:
            stats.failed += 1
            refusal = RequestError("DEADLINE_EXCEEDED", f"the call took longer than {UNARY_LIMIT:.0f} s", {"method": method})
            await abort(context, refusal)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as e:
            stats.failed += 1
            await abort(context, request_error(e) or internal(e, method))
        finally:
            stats.seconds += time.monotonic() - start

    return guarded


def _guard_stream(calls: Calls, method: str, inner: Callable[[Any, grpc.aio.ServicerContext], AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    stats = calls.of(method)

    @functools.wraps(inner)
    async def guarded(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        stats.calls += 1
        stats.open += 1
        try:
            await _admit(calls, method, request, context)
            async for response in inner(request, context):
                yield response
        except (asyncio.CancelledError, GeneratorExit, grpc.aio.AbortError):
            raise
        except Exception as e:
            stats.failed += 1
            await abort(context, request_error(e) or internal(e, method))
        finally:
            stats.open -= 1

    return guarded


async def _admit(calls: Calls, method: str, request: Any, context: grpc.aio.ServicerContext) -> None:
    if calls.draining:
        raise RequestError("DRAINING", "this node is stopping", retry_after=1.0)
    if calls.authorize is not allow_all:
        metadata = {k: v if isinstance(v, str) else v.decode("latin-1") for k, v in context.invocation_metadata() or ()}
        await calls.authorize(metadata, method, _resource(request))


def _resource(request: Any) -> str:
    for name in RESOURCES:
        value = getattr(request, name, None)
        if value is not None:
            return value if isinstance(value, str) else str(getattr(value, "name", ""))
    return ""
