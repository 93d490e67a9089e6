"""The gateway process: the gRPC server over the log, the catalog and the tasks' stores of one node.

It serves at once, also while the log does not answer: then health says NOT_SERVING, every call LOG_UNAVAILABLE, and the log is tried
again. Stopping drains: new calls are refused, subscriptions end with their position, calls in flight get a moment to finish.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import grpc
from google.protobuf.internal import api_implementation
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from penstock_client.gen.penstock.internal.v1 import node_service_pb2_grpc
from penstock_client.gen.penstock.v1 import (
    append_service_pb2_grpc,
    catalog_service_pb2_grpc,
    cluster_service_pb2_grpc,
    lookup_service_pb2_grpc,
    processor_service_pb2_grpc,
    registry_service_pb2_grpc,
    sql_service_pb2_grpc,
    subscription_service_pb2_grpc,
    topology_service_pb2_grpc,
)

from penstock.api import (
    append_service,
    catalog_service,
    cluster_service,
    lookup_service,
    node_service,
    processor_service,
    registry_service,
    sql_service,
    subscription_service,
    telemetry,
    topology_service,
)
from penstock.api.calls import serve
from penstock.api.guard import Guard
from penstock.api.host import VERSION, Host, assemble
from penstock.api.peers import Peers
from penstock.api.rpc.server import Server
from penstock.catalog.registry import open_registry
from penstock.catalog.schemas import open_schemas
from penstock.clock import SystemClock
from penstock.config import ServeConfig
from penstock.errors import LogError
from penstock.log.open import open_log
from penstock.runtime.board import NodeBoard
from penstock.runtime.board_port import Notices
from penstock.runtime.layout import Layout
from penstock.serving.cluster.cluster import open_nodes
from penstock.serving.cluster.presence import Presence
from penstock.serving.cluster.published import NodeEntry
from penstock.serving.gateway import Gateway
from penstock.serving.local_notices import LocalNotices

log = logging.getLogger("penstock.gateway")

MAX_MESSAGE = 8 << 20
OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_concurrent_streams", 100_000),
    # C-core rejects at random, as CANCELLED, what it queues beyond about a thousand requests: a wave of reconnects is more.
    ("grpc.server.max_pending_requests", 100_000),
    ("grpc.server.max_pending_requests_hard_limit", 200_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.so_reuseport", 0),
)
RETRY = (0.5, 10.0)
PATIENCE = 3.0
"""Seconds that a start waits for the log before the node counts as ready all the same."""
DRAIN_SECONDS = 1.0
GRACE_SECONDS = 3.0
HEALTH_SECONDS = 1.0
GUARD_SECONDS = 1.0
SERVICES = ("AppendService", "CatalogService", "ClusterService", "LookupService", "ProcessorService", "RegistryService", "SqlService", "SubscriptionService", "TopologyService")


@dataclass(frozen=True, slots=True)
class Drain:
    """How a node drains before it stops. ask: have the supervisor begin, with whether other nodes can take what is here. told: set when it is
    this process's turn. done: it has drained."""

    ask: Callable[[bool], None]
    told: asyncio.Event
    done: Callable[[], None] = lambda: None


class Health(Protocol):
    """The health servicer of grpc_health, whose types do not know its asyncio form."""

    async def set(self, service: str, status: int) -> None: ...


class PortTaken(OSError):
    """The address cannot be bound; one line for the operator."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EADDRINUSE, message)

    def __str__(self) -> str:
        return str(self.strerror)


async def run_gateway(config: ServeConfig, stop: asyncio.Event, ready: Callable[[str], None], notices: Notices | None = None,
                      drain: Drain | None = None) -> None:
    """Serve until stop is set. ready is called with the address once the port is bound and the log is open, or does not open at once.

    notices: the node's; without them this process waits for its own news only. drain: without it a node that is told to drain stops at once.
    Raises PortTaken."""
    if api_implementation.Type() != "upb":
        log.warning("protobuf runs on its %s implementation: rows are encoded some 20 times slower than with upb", api_implementation.Type())
    drain = drain or Drain(lambda others: stop.set(), stop)
    host = Host(config, drain=drain.ask)
    guard = Guard(config)
    host.calls.admission = guard.admission
    server, health_servicer = _server(host)
    host.address = _bind(server, config.address, "--listen", guard.client_credentials)
    if config.peer_address is not None:
        host.peer_address = _bind(server, config.peer_address, "--peer-listen", guard.peer_credentials)
    unwatch = telemetry.watch(host)
    await host.programs.listen(Layout(config.data).run)
    server.start()
    own = notices if notices is not None else LocalNotices()
    opened = asyncio.Event()
    opening = asyncio.create_task(_keep_open(host, own, health_servicer, opened, guard), name="open-log")
    guarding = asyncio.create_task(_keep_guard(guard), name="guard")
    try:
        await _first(opened.wait(), stop.wait(), asyncio.sleep(PATIENCE))
        ready(host.address)
        await _first(drain.told.wait(), stop.wait())
        await _drain(host, health_servicer)
        drain.done()
        await stop.wait()
    finally:
        await _drain(host, health_servicer)
        if host.presence is not None:
            await host.presence.leave()
        await server.stop(GRACE_SECONDS)
        for task in (opening, guarding):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await _close(host)
        unwatch()


def _server(host: Host) -> tuple[Server, Health]:
    server = Server(OPTIONS)
    for service, module, servicer, add in (
        ("AppendService", append_service, append_service.AppendServicer(host), append_service_pb2_grpc.add_AppendServiceServicer_to_server),
        ("CatalogService", catalog_service, catalog_service.CatalogServicer(host),
         catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server),
        ("ClusterService", cluster_service, cluster_service.ClusterServicer(host),
         cluster_service_pb2_grpc.add_ClusterServiceServicer_to_server),
        ("LookupService", lookup_service, lookup_service.LookupServicer(host), lookup_service_pb2_grpc.add_LookupServiceServicer_to_server),
        ("ProcessorService", processor_service, processor_service.ProcessorServicer(host),
         processor_service_pb2_grpc.add_ProcessorServiceServicer_to_server),
        ("RegistryService", registry_service, registry_service.RegistryServicer(host),
         registry_service_pb2_grpc.add_RegistryServiceServicer_to_server),
        ("SqlService", sql_service, sql_service.SqlServicer(host), sql_service_pb2_grpc.add_SqlServiceServicer_to_server),
        ("SubscriptionService", subscription_service, subscription_service.SubscriptionServicer(host),
         subscription_service_pb2_grpc.add_SubscriptionServiceServicer_to_server),
        ("TopologyService", topology_service, topology_service.TopologyServicer(host),
         topology_service_pb2_grpc.add_TopologyServiceServicer_to_server),
    ):
        serve(host.calls, service, servicer, module.METHODS)  # type: ignore[attr-defined]
        add(servicer, server)
    nodes = node_service.NodeServicer(host)
    serve(host.calls, "NodeService", nodes, node_service.METHODS, "/penstock.internal.v1.", always=True)
    node_service_pb2_grpc.add_NodeServiceServicer_to_server(nodes, server)  # type: ignore[no-untyped-call]
    health_servicer: Health = health.aio.HealthServicer()  # type: ignore[attr-defined]
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    names = [f"penstock.v1.{s}" for s in SERVICES]
    reflected = reflection.aio.ReflectionServicer([*names, health.SERVICE_NAME, reflection.SERVICE_NAME])  # type: ignore[attr-defined]
    serve(host.calls, "ServerReflection", reflected, {"ServerReflectionInfo": "stream"}, "/grpc.reflection.v1alpha.")
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflected, server)
    return server, health_servicer


def _bind(server: Server, place: tuple[str, int], option: str, credentials: grpc.ServerCredentials | None) -> str:
    """The address that is bound; port 0 becomes the real one."""
    name, port = place
    shown = f"[{name}]" if ":" in name else name
    if port and _taken(name, port):
        raise PortTaken(f"{shown}:{port} is taken by another process: choose another with {option}, or stop that one")
    try:
        address = f"{shown}:{port}"
        bound = server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
    except RuntimeError as e:
        raise PortTaken(f"cannot listen on {shown}:{port}: {e}") from e
    if not bound:
        raise PortTaken(f"cannot listen on {shown}:{port}")
    return f"{shown}:{bound}"


def _taken(name: str, port: int) -> bool:
    """Whether somebody listens there: the library's own error does not say."""
    with socket.socket(socket.AF_INET6 if ":" in name else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((name, port))
        except OSError:
            return True
    return False


async def _keep_guard(guard: Guard) -> None:
    while True:
        await asyncio.sleep(GUARD_SECONDS)
        guard.refresh()


async def _keep_open(host: Host, notices: Notices, health_servicer: Health, opened: asyncio.Event, guard: Guard) -> None:
    """Open the log, as often as it takes; then keep the health of the service."""
    wait = RETRY[0]
    await _say(health_servicer, False)
    while host.parts is None:
        try:
            gateway = await _open(host.config, notices)
        except (LogError, OSError) as e:
            host.why = str(e)
            log.warning("the log cannot be opened, trying again in %.1f s: %s", wait, e)
            opened.set()
            await asyncio.sleep(wait)
            wait = min(RETRY[1], wait * 2)
            continue
        host.parts = assemble(gateway, host.config)
        if gateway.nodes is not None:
            entry = NodeEntry(gateway.node, host.started_ms, host.advertised, host.config.rack, VERSION, peer_address=host.for_peers)
            host.presence = Presence(gateway.cluster, gateway.nodes, gateway.board, notices, entry, host.parts.queries.transients.adopt)
            host.presence.start()
        host.parts.queries.transients.adopt()
        await host.rest.start(host.config, gateway.schemas.own, guard)
    opened.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(host.parts.gateway.watch.run(), name="topics")
        group.create_task(_keep_health(host, host.parts.gateway, health_servicer), name="health")


async def _keep_health(host: Host, gateway: Gateway, health_servicer: Health) -> None:
    healthy: bool | None = None
    while True:
        now = not gateway.log.healthy()
        if now is not healthy and not host.calls.draining:
            if healthy is not None:
                log.warning("the log %s", "answers again" if now else f"does not answer: {gateway.log.healthy()}")
            healthy = now
            await _say(health_servicer, now)
        gateway.stores.keep({(t.name, t.incarnation, t.plan.edition) for t in gateway.registry.state.topologies.values()})
        await asyncio.sleep(HEALTH_SECONDS)


async def _open(config: ServeConfig, notices: Notices) -> Gateway:
    """Log, registry and boards. Raises LogError, OSError."""
    layout = Layout(config.data)
    opened = await open_log(config, "gateway", notices)
    try:
        registry = await open_registry(opened, config.service_id, notices)
    except BaseException:
        await opened.close()
        raise
    try:
        schemas = await open_schemas(config, opened)
    except BaseException:
        await registry.close()
        await opened.close()
        raise
    try:
        nodes = await open_nodes(opened, config.service_id, SystemClock()) if config.kafka else None
    except BaseException:
        await schemas.close()
        await registry.close()
        await opened.close()
        raise
    return Gateway(config.service_id, config.node_id or "node", opened, registry, NodeBoard(layout.boards()), notices, layout, SystemClock(),
                   config.store_bytes, schemas, nodes, Peers(config))


async def _say(servicer: Health, serving: bool) -> None:
    """Readiness, under the names of the service, and that this process lives, as `liveness`: it answers, so it does."""
    await servicer.set("liveness", health_pb2.HealthCheckResponse.SERVING)
    status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
    for name in ("", "readiness", *(f"penstock.v1.{s}" for s in SERVICES)):
        await servicer.set(name, status)


async def _drain(host: Host, health_servicer: Health) -> None:
    """Take no more calls of clients and end their streams. Other nodes are answered on: they follow the tasks that leave."""
    if host.calls.draining:
        return
    host.calls.draining = True
    host.programs.drain()
    await _say(health_servicer, False)
    if host.presence is not None:
        await host.presence.drain()
    if host.parts is not None:
        hub = host.parts.hub
        hub.drain()
        end = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while hub.count and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)


async def _close(host: Host) -> None:
    await host.programs.close()
    if host.parts is None:
        return
    gateway = host.parts.gateway
    await host.parts.queries.transients.close()
    await host.parts.hub.close()
    await host.rest.stop()
    await gateway.peers.close()
    await gateway.cluster.close()
    await gateway.schemas.close()
    await gateway.registry.close()  # type: ignore[attr-defined]
    gateway.close()
    gateway.board.close()  # type: ignore[attr-defined]
    await gateway.log.close()


async def _first(*waits: object) -> None:
    tasks = [asyncio.ensure_future(w) for w in waits]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
