"""Errors on their way to the caller: the error tree as google.rpc.Status, by one table.

Every refusal has an ErrorInfo (reason with its full enum name, domain penstock.v1), RetryInfo where a retry helps, an ExpressionError
where an expression is wrong. What nobody foresaw is INTERNAL with an id that stands in the log beside the traceback.
"""

from __future__ import annotations

import logging
import uuid
from typing import NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from penstock_client.gen.penstock.v1 import errors_pb2

from penstock.api.rpc.call import Call
from penstock.errors import (
    ExpressionError,
    Fenced,
    LogUnavailable,
    OffsetOutOfRange,
    RecordTooLarge,
    RegistryError,
    RequestError,
    StateError,
    StoreFull,
    UnknownTopic,
)

log = logging.getLogger("penstock.api")

DOMAIN = "penstock.v1"
PREFIX = "ERROR_REASON_"

CODES: dict[str, int] = {
    "UNKNOWN_RELATION": code_pb2.NOT_FOUND,
    "UNKNOWN_TOPOLOGY": code_pb2.NOT_FOUND,
    "UNKNOWN_TOPIC": code_pb2.NOT_FOUND,
    "UNKNOWN_SCHEMA": code_pb2.NOT_FOUND,
    "QUERY_GONE": code_pb2.NOT_FOUND,
    "UNKNOWN_SERVICE_NODE": code_pb2.NOT_FOUND,
    "NODE_UNAVAILABLE": code_pb2.UNAVAILABLE,
    "ASSERTION_FAILED": code_pb2.FAILED_PRECONDITION,
    "TOO_MANY_QUERIES": code_pb2.RESOURCE_EXHAUSTED,
    "POSITION_NOT_REACHED": code_pb2.DEADLINE_EXCEEDED,
    "DEADLINE_EXCEEDED": code_pb2.DEADLINE_EXCEEDED,
    "POSITION_EXPIRED": code_pb2.OUT_OF_RANGE,
    "MISSING_TOPIC": code_pb2.FAILED_PRECONDITION,
    "CO_PARTITIONING": code_pb2.FAILED_PRECONDITION,
    "RELATION_IN_USE": code_pb2.FAILED_PRECONDITION,
    "RELATION_READ_ONLY": code_pb2.FAILED_PRECONDITION,
    "RELATION_REPLACED": code_pb2.FAILED_PRECONDITION,
    "NOT_A_TABLE": code_pb2.FAILED_PRECONDITION,
    "SEQUENCE_GAP": code_pb2.FAILED_PRECONDITION,
    "FOREIGN_TOKEN": code_pb2.FAILED_PRECONDITION,
    "TOPOLOGY_NOT_PAUSED": code_pb2.FAILED_PRECONDITION,
    "UPDATE_NEEDS_LEAVE": code_pb2.FAILED_PRECONDITION,
    "INCOMPATIBLE_SCHEMA": code_pb2.FAILED_PRECONDITION,
    "PLUGIN_FAILED": code_pb2.FAILED_PRECONDITION,
    "REGISTRY_NOT_EMPTY": code_pb2.FAILED_PRECONDITION,
    "NAME_TAKEN": code_pb2.ALREADY_EXISTS,
    "ETAG_MISMATCH": code_pb2.ABORTED,
    "PRODUCER_FENCED": code_pb2.ABORTED,
    "UNSUPPORTED": code_pb2.UNIMPLEMENTED,
    "REQUEST_TOO_LARGE": code_pb2.RESOURCE_EXHAUSTED,
    "STATE_FULL": code_pb2.RESOURCE_EXHAUSTED,
    "NOT_SERVING": code_pb2.UNAVAILABLE,
    "LOG_UNAVAILABLE": code_pb2.UNAVAILABLE,
    "DRAINING": code_pb2.UNAVAILABLE,
    "SCHEMA_REGISTRY_UNAVAILABLE": code_pb2.UNAVAILABLE,
    "CREDENTIALS_MISSING": code_pb2.UNAUTHENTICATED,
    "CREDENTIALS_INVALID": code_pb2.UNAUTHENTICATED,
    "PERMISSION_DENIED": code_pb2.PERMISSION_DENIED,
    "INTERNAL": code_pb2.INTERNAL,
}
"""Status codes by reason; every other reason is INVALID_ARGUMENT."""

DEFAULT_RETRY = {"LOG_UNAVAILABLE": 1.0, "SCHEMA_REGISTRY_UNAVAILABLE": 1.0, "NOT_SERVING": 0.2, "DRAINING": 1.0, "NODE_UNAVAILABLE": 1.0}
_REASONS = frozenset(errors_pb2.ErrorReason.keys())
_BY_CODE = {c.value[0]: c for c in grpc.StatusCode}


def request_error(error: Exception) -> RequestError | None:
    """The refusal that an error of the tree means to a caller; None for what was not foreseen."""
    match error:
        case RequestError():
            return error
        case RegistryError():
            return RequestError("SCHEMA_REGISTRY_UNAVAILABLE", str(error), retry_after=1.0)
        case LogUnavailable():
            return RequestError("LOG_UNAVAILABLE", f"the log does not answer: {error}", retry_after=1.0)
        case UnknownTopic():
            return RequestError("UNKNOWN_TOPIC", str(error), {"topic": error.topic})
        case RecordTooLarge():
            return RequestError("ROW_TOO_LARGE", str(error))
        case OffsetOutOfRange():
            return RequestError("POSITION_EXPIRED", str(error))
        case Fenced():
            return RequestError("PRODUCER_FENCED", str(error))
        case StoreFull():
            return RequestError("STATE_FULL", str(error))
        case StateError():
            return RequestError("NOT_SERVING", str(error), retry_after=0.2)
        case _:
            return None


def status_of(error: RequestError) -> status_pb2.Status:
    """The refusal as a status with its details."""
    reason = error.reason if PREFIX + error.reason in _REASONS else "INVALID_ARGUMENT"
    place = {"node": error.node} if isinstance(error, ExpressionError) else {}
    metadata = {k: v[:1024] for k, v in {**error.metadata, **place}.items() if v}
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=PREFIX + reason, domain=DOMAIN, metadata=metadata)]
    retry = error.retry_after if error.retry_after is not None else DEFAULT_RETRY.get(reason)
    if retry is not None:
        nanos = round(retry * 1e9)
        details.append(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)))
    if isinstance(error, ExpressionError):
        details.append(errors_pb2.ExpressionError(
            field=error.field, node=error.node, start=max(0, error.start), end=max(0, error.end), message=error.message))
    code = CODES.get(reason, code_pb2.INVALID_ARGUMENT)
    if reason == "UNKNOWN_FUNCTION" and not isinstance(error, ExpressionError):
        code = code_pb2.NOT_FOUND  # asked for by name, not called in an expression
    status = status_pb2.Status(code=code, message=error.message[:4096])
    status.details.extend(_packed(d) for d in details)
    return status


def internal(error: BaseException, method: str) -> RequestError:
    """What the caller of a fault gets; the log has the rest under the same id."""
    fault = uuid.uuid4().hex[:12]
    log.error("internal error %s in %s", fault, method, exc_info=error)
    return RequestError("INTERNAL", f"internal error {fault}; the service's log has more", {"id": fault})


async def abort(context: grpc.aio.ServicerContext, error: RequestError) -> None:
    """End the call with this refusal."""
    await context.abort(*_ending(error))


def refuse(context: Call, error: RequestError) -> NoReturn:
    """The same where nothing can be waited for."""
    context.end(*_ending(error))
    raise grpc.aio.AbortError


def _ending(error: RequestError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes]]]:
    status = status_of(error)
    return _BY_CODE[status.code], status.message, (("grpc-status-details-bin", status.SerializeToString()),)


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
