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
from penstock.serving.append import BATCH_LIMIT, Ack

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
        self._streams: dict[str, object] = {}

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
        producer_id, me = "", object()
        opened = False
        try:
            async for request in requests:
                match request.WhichOneof("message"):
                    case "open" if not opened:
                        opened, producer_id = True, request.open.producer_id
                        last = await self._host.gateway.log.last_sequence(producer_id) if producer_id else 0
                        self._streams[producer_id] = me
                        yield pb.AppendStreamResponse(opened=pb.AppendOpened(last_sequence=last, max_in_flight=MAX_IN_FLIGHT))
                    case "batch" if opened:
                        if producer_id and self._streams.get(producer_id) is not me:
                            raise RequestError("PRODUCER_FENCED", f"a newer stream of producer {producer_id} was opened",
                                               {"producer_id": producer_id})
                        yield pb.AppendStreamResponse(ack=await self._append(request.batch, producer_id))
                    case _:
                        raise RequestError("INVALID_ARGUMENT", "open comes first, once, then batches", {"field": "message"})
        finally:
            if producer_id and self._streams.get(producer_id) is me:
                del self._streams[producer_id]

    async def _append(self, batch: pb.AppendBatch, producer_id: str) -> pb.AppendAck:
        size = batch.ByteSize()
        if size > BATCH_LIMIT:
            raise RequestError("REQUEST_TOO_LARGE", f"the batch has {size} bytes, at most {BATCH_LIMIT} in one",
                               {"size": str(size), "limit": str(BATCH_LIMIT)})
        return _message(await self._host.open.appender.append(batch, producer_id))


def _message(ack: Ack) -> pb.AppendAck:
    return pb.AppendAck(
        sequence=ack.sequence, position=position(ack.token) if ack.token else None, appended=ack.appended, duplicate=ack.duplicate,
        row_errors=[pb.RowError(row=row, error=status_of(e)) for row, e in ack.errors[:ROW_ERRORS]],
    )
