"""SubscriptionService: rows pushed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
from penstock_client.gen.penstock.v1 import sql_service_pb2, subscription_service_pb2_grpc
from penstock_client.gen.penstock.v1 import subscription_service_pb2 as pb

from penstock.api.convert import millis, seconds
from penstock.api.host import Host
from penstock.errors import RequestError
from penstock.serving.subscription import Start, Subscribe

METHODS = {"Subscribe": "stream"}
MAX_BATCH_ROWS = 65_536


class SubscriptionServicer(subscription_service_pb2_grpc.SubscriptionServiceServicer):
    """See the proto file for what it does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def Subscribe(self, request: pb.SubscribeRequest, context: grpc.aio.ServicerContext) -> AsyncIterator[pb.SubscribeResponse]:
        async for event in self._host.open.hub.events(_read(request)):
            yield pb.SubscribeResponse(event=event)


def _read(request: pb.SubscribeRequest) -> Subscribe:
    """The request with its defaults filled in. Raises INVALID_ARGUMENT."""
    rows = request.max_batch_rows or 500
    if rows > MAX_BATCH_ROWS:
        raise _refused("max_batch_rows", f"{rows}; it is 1 to {MAX_BATCH_ROWS}")
    linger = seconds(request.max_linger) if request.HasField("max_linger") else 0.005
    if not 0 <= linger <= 1:
        raise _refused("max_linger", f"{linger} s; it is 0 to 1 s")
    return Subscribe(request.relation, tuple(request.columns), request.where, request.parameters, _start(request), _until(request),
                     request.limit, tuple(request.partitions), rows, linger, progress_seconds(request))


def progress_seconds(request: pb.SubscribeRequest | sql_service_pb2.QueryRequest) -> float:
    """The longest silence. Raises INVALID_ARGUMENT."""
    progress = seconds(request.progress_interval) if request.HasField("progress_interval") else 10.0
    if not 0.1 <= progress <= 3600:
        raise _refused("progress_interval", f"{progress} s; it is 100 ms to 1 h")
    return progress


def _start(request: pb.SubscribeRequest) -> Start:
    if not request.HasField("start"):
        return Start()
    start = request.start
    match start.WhichOneof("position"):
        case None:
            return Start()
        case "after":
            return Start("after", token=start.after.value)
        case "at_time":
            return Start("at_time", time_ms=millis(start.at_time))
        case kind:
            return Start(kind)


def _until(request: pb.SubscribeRequest) -> str | None:
    if not request.HasField("until"):
        return None
    match request.until.WhichOneof("until"):
        case None:
            return None
        case "current_end":
            return ""
        case _:
            return request.until.position.value or None


def _refused(field: str, why: str) -> RequestError:
    return RequestError("INVALID_ARGUMENT", f"{field} is {why}", {"field": field})
