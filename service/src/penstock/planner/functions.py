"""Declarations of functions that programs compute, from the request's message."""

from __future__ import annotations

import re

from penstock_client.gen.penstock.v1 import catalog_service_pb2

from penstock.errors import RequestError
from penstock.expr.remote import RemoteFunction
from penstock.planner.convert import millis, to_type
from penstock.planner.logical.remote import DEFAULT_ROWS, DEFAULT_TIMEOUT_MS, ROWS, TIMEOUT_MS

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
ARGUMENTS, CACHE_ROWS = 100, 1_000_000


def remote_function(message: catalog_service_pb2.RemoteFunction) -> RemoteFunction:
    """Raises RequestError INVALID_ARGUMENT, INVALID_SCHEMA."""
    timeout = millis(message.timeout) if message.HasField("timeout") else DEFAULT_TIMEOUT_MS
    wrong = {
        "name": "" if NAME.fullmatch(message.name) else f"function name {message.name!r} is not {NAME.pattern}",
        "arguments": "" if 1 <= len(message.arguments) <= ARGUMENTS else f"{len(message.arguments)} arguments; 1 to {ARGUMENTS}",
        "timeout": "" if TIMEOUT_MS[0] <= timeout <= TIMEOUT_MS[1] else f"timeout is {timeout} ms; {TIMEOUT_MS[0]} ms to 1 h",
        "cache_rows": f"cache_rows is {message.cache_rows}; at most {CACHE_ROWS}" if message.cache_rows > CACHE_ROWS else
                      "results of a function that is not deterministic cannot be kept" if message.cache_rows and not message.deterministic else "",
        "bundle_rows": f"bundle_rows is {message.bundle_rows}; at most {ROWS}" if message.bundle_rows > ROWS else "",
    }
    for field, why in wrong.items():
        if why:
            raise RequestError("INVALID_ARGUMENT", f"{message.name}: {why}", {"field": f"function.{field}"})
    return RemoteFunction(
        message.name.upper(), tuple(map(to_type, message.arguments)), to_type(message.result), message.version or 1, message.deterministic,
        message.called_on_null, timeout, message.max_attempts, message.cache_rows, message.bundle_rows or DEFAULT_ROWS, message.description)
