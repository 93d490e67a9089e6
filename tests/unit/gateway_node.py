"""A gateway and a worker in this process, over the embedded log in a temporary directory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from penstock.api.server import run_gateway
from penstock.config import ServeConfig
from penstock.log.embedded import open_embedded
from penstock.log.port import Log
from penstock.runtime.layout import Layout
from penstock.runtime.worker import Line, run_worker
from penstock.serving.local_notices import LocalNotices
from penstock_client.gen.penstock.v1 import (
    append_service_pb2,
    append_service_pb2_grpc,
    catalog_service_pb2_grpc,
    cluster_service_pb2_grpc,
    lookup_service_pb2_grpc,
    subscription_service_pb2_grpc,
    topology_service_pb2_grpc,
)


class Node:
    """Stubs of a running node."""

    def __init__(self, channel: grpc.aio.Channel, stop: asyncio.Event, log: Log, config: ServeConfig, address: str) -> None:
        self.channel = channel
        self.stop = stop
        self.log = log
        self.config = config
        self.address = address
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        self.topologies = topology_service_pb2_grpc.TopologyServiceStub(channel)
        self.appends = append_service_pb2_grpc.AppendServiceStub(channel)
        self.lookups = lookup_service_pb2_grpc.LookupServiceStub(channel)
        self.subscriptions = subscription_service_pb2_grpc.SubscriptionServiceStub(channel)
        self.cluster = cluster_service_pb2_grpc.ClusterServiceStub(channel)

    async def append(self, relation: str, *rows: str, **more: object) -> append_service_pb2.AppendAck:
        """Append JSON rows."""
        producer = str(more.pop("producer_id", ""))
        batch = append_service_pb2.AppendBatch(relation=relation, json=append_service_pb2.JsonRows(rows=rows), **more)
        return (await self.appends.Append(append_service_pb2.AppendRequest(producer_id=producer, batch=batch))).ack


@asynccontextmanager
async def running(path: Path, **settings: Any) -> AsyncIterator[Node]:
    """A node with these settings of ServeConfig, stopped in order at the end."""
    config = ServeConfig(listen="127.0.0.1:0", data_dir=str(path), workers=1, service_id="t", default_partitions=2, **settings)
    notices, stop, stop_worker = LocalNotices(), asyncio.Event(), asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    gateway = asyncio.create_task(run_gateway(config, stop, address.set_result, notices))
    await asyncio.wait([gateway, address], return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
    log = await open_embedded(Layout(path).log, process="w0", notices=notices)
    worker = asyncio.create_task(run_worker(config, "w0", Line(stop_worker), log, notices))
    channel = grpc.aio.insecure_channel(await address)
    try:
        yield Node(channel, stop, log, config, await address)
    finally:
        stop_worker.set()
        await worker
        stop.set()
        await gateway
        await channel.close()
        await log.close()
