"""AppendService: rows in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
from penstock_client.gen.penstock.v1 import append_service_pb2 as pb
from penstock_client.gen.penstock.v1 import append_service_pb2_grpc

from penstock.api.convert import position
from penstock.api.host import Host
from penstock.api.status import status_of
from penstock.errors import LogUnavailable, RequestError
from penstock.security.principal import Access, Need, caller
from penstock.serving.append import BATCH_LIMIT, Ack
from penstock.serving.append_stream import acknowledgements
from penstock.serving.positions import Position, decode, encode

METHODS = {"Append": "unary", "AppendStream": "stream"}
MAX_IN_FLIGHT = 16
ROW_ERRORS = 1000
"""Row errors named in one answer."""
PATIENCE, MARGIN = 10.0, 0.3
"""Seconds to wait for a log that does not answer, and what is left of the caller's deadline for saying so."""


class AppendServicer(append_service_pb2_grpc.AppendServiceServicer):
    """See the proto file for what each method does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def Append(self, request: pb.AppendRequest, context: grpc.aio.ServicerContext) -> pb.AppendResponse:
        left = context.time_remaining()
        ack = asyncio.ensure_future(self._append(request.batch, request.producer_id))
        try:
            await asyncio.wait({ack}, timeout=PATIENCE if left is None else min(PATIENCE, max(0.0, left - MARGIN)))
            if not ack.done() and (why := self._host.gateway.log.healthy()):
                raise LogUnavailable(f"{why}; whether the batch was written is not known")
            return pb.AppendResponse(ack=await ack)
        finally:
            ack.cancel()

    async def AppendStream(self, requests: AsyncIterator[pb.AppendStreamRequest],
                           context: grpc.aio.ServicerContext) -> AsyncIterator[pb.AppendStreamResponse]:
        first = await anext(requests, None)
        if first is None:
            return
        if first.WhichOneof("message") != "open":
            raise _out_of_order()
        log, producer_id = self._host.gateway.log, first.open.producer_id
        before = first.open.position.value
        included = decode(before, log.log_id, "open.position") if before else Position(log.log_id)
        last, epoch = await log.open_producer(producer_id, first.open.epoch) if producer_id else (0, 0)
        yield pb.AppendStreamResponse(opened=pb.AppendOpened(last_sequence=last, max_in_flight=MAX_IN_FLIGHT, epoch=epoch))
        async for ack, token in acknowledgements(self._host.open.appender, _batches(requests), producer_id, epoch, MAX_IN_FLIGHT, included):
            yield pb.AppendStreamResponse(ack=_message(ack, token))

    async def _append(self, batch: pb.AppendBatch, producer_id: str) -> pb.AppendAck:
        _check_size(batch)
        ack = await self._host.open.appender.append(batch, producer_id)
        return _message(ack, "" if ack.position is None else encode(ack.position))


async def _batches(requests: AsyncIterator[pb.AppendStreamRequest]) -> AsyncIterator[pb.AppendBatch]:
    """The batches behind the open. Raises INVALID_ARGUMENT, REQUEST_TOO_LARGE, PERMISSION_DENIED."""
    async for request in requests:
        if request.WhichOneof("message") != "batch":
            raise _out_of_order()
        _check_size(request.batch)
        caller().require([Need(Access.WRITE, request.batch.relation)], "AppendService/AppendStream")
        yield request.batch


def _out_of_order() -> RequestError:
    return RequestError("INVALID_ARGUMENT", "open comes first, once, then batches", {"field": "message"})


def _check_size(batch: pb.AppendBatch) -> None:
    size = batch.ByteSize()
    if size > BATCH_LIMIT:
        raise RequestError("REQUEST_TOO_LARGE", f"the batch has {size} bytes, at most {BATCH_LIMIT} in one",
                           {"size": str(size), "limit": str(BATCH_LIMIT)})


def _message(ack: Ack, token: str) -> pb.AppendAck:
    return pb.AppendAck(
        sequence=ack.sequence, position=position(token) if token else None, appended=ack.appended, duplicate=ack.duplicate,
        row_errors=[pb.RowError(row=row, error=status_of(e)) for row, e in ack.errors[:ROW_ERRORS]],
    )
