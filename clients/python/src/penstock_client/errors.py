"""The error tree.

PenstockError             reason, message, code, metadata, retry_after, expression, row_errors
 +- one class for each ErrorReason (UnknownRelationError, PositionExpiredError, InvalidExpressionError, ...), generated from errors.proto
 +- UnreachableError      no answer from the service: not started, network, or it went away
 +- ClosedError           this client, subscription or appender was closed

Client-side mistakes (a column that the schema does not have, a value of a wrong type) are ValueError and TypeError, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from penstock_client._error import ExpressionPlace, PenstockError, RowError
from penstock_client.gen.errors import *  # noqa: F403
from penstock_client.gen.errors import BY_REASON, DeadlineExceededError, RequestTooLargeError
from penstock_client.gen.penstock.v1 import append_service_pb2, errors_pb2

DOMAIN = "penstock.v1"
_PREFIX = "ERROR_REASON_"
_DETAILS = "grpc-status-details-bin"


class UnreachableError(PenstockError):
    """The service did not answer: it is not there, or the connection broke."""


class ClosedError(PenstockError):
    """This client, subscription or appender was closed."""


__all__ = [  # noqa: PLE0604 - the rest are names too
    "BY_REASON", "ClosedError", "ExpressionPlace", "PenstockError", "RowError", "UnreachableError", "from_rpc", "from_status", "row_errors",
    *(cls.__name__ for cls in BY_REASON.values()),
]  # fmt: skip


def from_rpc(error: grpc.RpcError) -> PenstockError:
    """The typed error of a failed call, synchronous or asynchronous."""
    code, details = error.code(), error.details() or ""
    status = _status(error)
    if status is not None:
        typed = from_status(status)
        if typed is not None:
            return typed
    if code is grpc.StatusCode.UNAVAILABLE:
        return UnreachableError(details, code=code)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceededError(details, code=code)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        # The transport refuses such a message before the service sees it.
        return RequestTooLargeError(details, code=code)
    return PenstockError(f"{code.name}: {details}", code=code)


def from_status(status: status_pb2.Status) -> PenstockError | None:
    """The typed error of a status with an ErrorInfo of this API; None without one."""
    info, retry, place = None, None, None
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            delay = error_details_pb2.RetryInfo()
            detail.Unpack(delay)
            retry = delay.retry_delay.ToTimedelta().total_seconds()
        elif detail.Is(errors_pb2.ExpressionError.DESCRIPTOR):
            wrong = errors_pb2.ExpressionError()
            detail.Unpack(wrong)
            place = ExpressionPlace(wrong.field, wrong.node, wrong.start, wrong.end, wrong.message)
    if info is None or info.domain != DOMAIN:
        return None
    reason = info.reason.removeprefix(_PREFIX)
    # A newer service may know reasons that this client does not: those are the root class with the reason's name.
    return BY_REASON.get(reason, PenstockError)(
        status.message,
        reason=reason,
        code=_CODES.get(status.code, grpc.StatusCode.UNKNOWN),
        metadata=info.metadata,
        retry_after=retry,
        expression=place,
    )


def row_errors(messages: Iterable[append_service_pb2.RowError]) -> tuple[RowError, ...]:
    """The refused rows of an acknowledgement."""
    out = []
    for message in messages:
        error = from_status(message.error)
        reason, metadata = (error.reason, error.metadata) if error is not None else ("", {})
        out.append(RowError(message.row, reason, message.error.message, metadata))
    return tuple(out)


_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def _status(error: grpc.RpcError) -> status_pb2.Status | None:
    trailing: Any = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == _DETAILS:
            status = status_pb2.Status()
            status.ParseFromString(value if isinstance(value, bytes) else value.encode("latin-1"))
            return status
    return None
