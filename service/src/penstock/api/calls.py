"""What surrounds every call: draining, admission (authorize.py), refusals as statuses, the audit, counts and times by method.

A servicer's methods are wrapped once, when the server is built (`serve`); inside they return messages or raise the error tree, and know their
caller (security/principal.py).
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import grpc

from penstock.api import audit
from penstock.api.authorize import Admission, Watch
from penstock.api.needs import PACKAGE, Rule, rule_of
from penstock.api.rpc.call import Call
from penstock.api.status import abort, internal, refuse, request_error
from penstock.errors import RequestError
from penstock.security.principal import Principal, act_for

UNARY_LIMIT = 120.0
"""Seconds that a unary call without a deadline may take."""


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

    admission: Admission = Admission()
    draining: bool = False
    stats: dict[str, MethodStats] = field(default_factory=dict)

    def of(self, method: str) -> MethodStats:
        """Totals of a method."""
        return self.stats.setdefault(method, MethodStats())


def serve(calls: Calls, service: str, servicer: object, methods: Mapping[str, str], package: str = PACKAGE, *, always: bool = False) -> None:
    """Replace the servicer's methods by guarded ones. always: also while the node drains. methods: `unary`, `brief` (unary, and all
    its waits have limits of their own) or `stream` (of responses) by name. A servicer's `<Name>Now`, where it has one, answers a request of
    that method without waiting, or says with None that the method itself must be called."""
    for name, kind in methods.items():
        inner = getattr(servicer, name)
        method = f"{package}{service}/{name}"
        guarded = _guard_stream(calls, method, inner) if kind == "stream" else _guard_unary(calls, method, inner, kind == "unary", always)
        now = getattr(servicer, f"{name}Now", None)
        if now is not None:
            guarded.prompt = _guard_prompt(calls, method, now)  # type: ignore[attr-defined,union-attr]
        setattr(servicer, name, guarded)


def _guard_prompt(calls: Calls, method: str, inner: Callable[[Any], Any]) -> Callable[[Any, Call], Any]:
    stats, rule = calls.of(method), rule_of(method)

    def guarded(request: Any, context: Call) -> Any:
        if calls.draining:
            return None  # the method itself says so
        start = time.monotonic()
        try:
            if calls.admission.gate is not None:
                calls.admission.admit(context, method, rule, request)
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
                 limited: bool, always: bool) -> Callable[..., Awaitable[Any]]:
    stats, rule = calls.of(method), rule_of(method)

    @functools.wraps(inner)
    async def guarded(request: Any, context: grpc.aio.ServicerContext) -> Any:
        start = time.monotonic()
        stats.calls += 1
        who: Principal | None = None
        outcome = "CANCELLED"
        try:
            if not always:
                _refuse_draining(calls)
            if calls.admission.gate is not None:
                who = calls.admission.identify(context)
                act_for(who)
                who.require(rule.needs(request), method)
            if limited and context.time_remaining() is None:
                async with asyncio.timeout(UNARY_LIMIT):
                    response = await inner(request, context)
            else:
                response = await inner(request, context)
            outcome = audit.OK
            return response
        except TimeoutError:
            stats.failed += 1
            outcome = "DEADLINE_EXCEEDED"
            refusal = RequestError(outcome, f"the call took longer than {UNARY_LIMIT:.0f} s", {"method": method})
            await abort(context, refusal)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as e:
            stats.failed += 1
            refusal = request_error(e) or internal(e, method)
            outcome = refusal.reason
            await abort(context, refusal)
        finally:
            stats.seconds += time.monotonic() - start
            if rule.changes and not rule.only_checks(request):
                _audit(method, rule, request, outcome, context, who)

    return guarded


def _guard_stream(calls: Calls, method: str, inner: Callable[[Any, grpc.aio.ServicerContext], AsyncGenerator[Any, None]]) -> Callable[..., AsyncIterator[Any]]:
    stats, rule = calls.of(method), rule_of(method)

    @functools.wraps(inner)
    async def guarded(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        stats.calls += 1
        stats.open += 1
        try:
            _refuse_draining(calls)
            if calls.admission.gate is not None:
                act_for(calls.admission.admit(context, method, rule, request))
            watch = Watch(calls.admission, context, method, rule.needs(request))
            async with aclosing(inner(request, context)) as responses:
                async for response in responses:
                    watch.look()
                    yield response
        except (asyncio.CancelledError, GeneratorExit, grpc.aio.AbortError):
            raise
        except Exception as e:
            stats.failed += 1
            await abort(context, request_error(e) or internal(e, method))
        finally:
            stats.open -= 1

    return guarded


def _refuse_draining(calls: Calls) -> None:
    if calls.draining:
        raise RequestError("DRAINING", "this node is stopping", retry_after=1.0)


def _audit(method: str, rule: Rule, request: Any, outcome: str, context: grpc.aio.ServicerContext, who: Principal | None) -> None:
    target = next(iter(rule.needs(request))).name
    audit.changed(method.removeprefix(PACKAGE), [target], outcome, context.peer(), who)
