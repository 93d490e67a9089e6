"""RegistryService: backup and restore of what is registered."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
from penstock_client.gen.penstock.v1 import registry_service_pb2 as pb
from penstock_client.gen.penstock.v1 import registry_service_pb2_grpc

from penstock.api.convert import position, timestamp
from penstock.api.host import Host
from penstock.catalog import backup, restore
from penstock.errors import RequestError

METHODS = {"BackupRegistry": "stream", "RestoreRegistry": "unary"}
CHUNK = 256 << 10
LARGEST = 256 << 20


class RegistryServicer(registry_service_pb2_grpc.RegistryServiceServicer):
    """See the proto file for what each method does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def BackupRegistry(self, request: pb.BackupRegistryRequest, context: grpc.aio.ServicerContext) -> AsyncIterator[pb.BackupRegistryResponse]:
        gateway = self._host.gateway
        own = gateway.schemas.own
        if own is not None:
            await own.refresh()
        state = await gateway.registry.refresh()
        data = backup.write(backup.backup_of(gateway.service_id, state, None if own is None else own.subjects, gateway.clock.now_ms()))
        for begin in range(0, len(data), CHUNK):
            yield pb.BackupRegistryResponse(chunk=data[begin:begin + CHUNK])

    async def RestoreRegistry(self, requests: AsyncIterator[pb.RestoreRegistryRequest], context: grpc.aio.ServicerContext) -> pb.RestoreRegistryResponse:
        first = await anext(requests, None)
        if first is None or first.WhichOneof("message") != "options":
            raise _out_of_order()
        gateway, options, data = self._host.gateway, first.options, bytearray()
        async for request in requests:
            if request.WhichOneof("message") != "chunk":
                raise _out_of_order()
            data += request.chunk
            if len(data) > LARGEST:
                raise RequestError("REQUEST_TOO_LARGE", f"the backup has more than {LARGEST} bytes", {"limit": str(LARGEST)})
        read = backup.read(bytes(data))
        done = await restore.restore(gateway.log, gateway.registry, gateway.schemas.own, gateway.service_id, read, options.replace, options.validate_only)
        return pb.RestoreRegistryResponse(
            backup_time=timestamp(read.created_ms), topologies=done.topologies, relations=done.relations, types=done.types, functions=done.functions,
            schemas=done.schemas, forgotten=done.forgotten, missing_topics=done.missing,
            position=None if options.validate_only else position(gateway.catalog_token()))


def _out_of_order() -> RequestError:
    return RequestError("INVALID_ARGUMENT", "options come first, once, then the file in chunks", {"field": "message"})
