"""Who may do what with the schema registry over REST: the API's principals, by `Authorization: Bearer TOKEN`, or Basic with the token as the
password, which is what clients of other registries can send.

A subject is covered by the rights over its topic: `orders-value` by those over `orders`. Schemas by id are for every principal: who has a
record's bytes needs them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from penstock.api import audit
from penstock.errors import RequestError
from penstock.schemas.subjects import Refused
from penstock.security.gate import Gate
from penstock.security.principal import EVERYTHING, Access, Need, act_for

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_ENDS = ("-key", "-value")


def admission(gate: Gate) -> Any:
    """The middleware (an aiohttp Middleware) that admits requests."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            principal = gate.of_token(_authorization(request))
            act_for(principal)
            principal.require([need_of(request)])
        except RequestError as error:
            if error.reason == "PERMISSION_DENIED":
                raise Refused(40301, error.message) from error
            raise Refused(40101, error.message) from error
        return await handler(request)

    return admit


@web.middleware
async def audited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware that has the audit know of changes; around `admission`."""
    if not _changes(request):
        return await handler(request)
    outcome = "FAILED"
    try:
        response = await handler(request)
        outcome = audit.OK
        return response
    except Refused as error:
        outcome = str(error.code)
        raise
    finally:
        audit.changed(f"schemas {request.method}", [request.path], outcome, request.remote or "")


def need_of(request: web.Request) -> Need:
    """What a request takes."""
    subject = request.match_info.get("subject", "")
    if not _changes(request):
        return Need(Access.DESCRIBE, covered_by(subject)) if subject else Need(Access.KNOWN)
    registers = request.method == "POST"
    return Need(Access.WRITE if registers else Access.ADMIN, covered_by(subject) if subject else EVERYTHING)


def covered_by(subject: str) -> str:
    """The name whose rights a subject goes by."""
    return next((subject.removesuffix(end) for end in _ENDS if subject.endswith(end)), subject)


def _changes(request: web.Request) -> bool:
    """Looking a schema up and asking whether it is compatible are POSTs that change nothing."""
    return request.method in ("PUT", "DELETE") or request.method == "POST" and request.path.startswith("/subjects") \
        and request.path.rstrip("/").endswith("/versions")


def _authorization(request: web.Request) -> str:
    text = request.headers.get("Authorization", "")
    if not text:
        raise RequestError("CREDENTIALS_MISSING", "the request has no Authorization: send Bearer TOKEN, or Basic with the token as password")
    scheme, _, rest = text.partition(" ")
    if scheme.lower() != "basic":
        return text
    try:
        _, _, token = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise RequestError("CREDENTIALS_INVALID", "the Basic authorization cannot be read") from None
    return f"Bearer {token}"
