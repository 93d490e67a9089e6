"""Channel settings and stubs, the same for both clients."""

from __future__ import annotations

from typing import Any

from penstock_client.gen.penstock.v1 import (
    append_service_pb2_grpc,
    catalog_service_pb2_grpc,
    cluster_service_pb2_grpc,
    lookup_service_pb2_grpc,
    registry_service_pb2_grpc,
    sql_service_pb2_grpc,
    subscription_service_pb2_grpc,
    topology_service_pb2_grpc,
)

DEFAULT_ADDRESS = "127.0.0.1:7550"

OPTIONS: tuple[tuple[str, int], ...] = (
    # Pings find dead connections of idle subscriptions; servers refuse more than one in 10 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
    # A service that restarts is found again at once, not after grpc's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Repeats are this client's own: grpc's would not see RetryInfo, nor resume.
    ("grpc.enable_retries", 0),
)


class Raw:
    """The generated stubs on the client's channel, for what the client does not offer."""

    def __init__(self, channel: Any) -> None:
        self.topology = topology_service_pb2_grpc.TopologyServiceStub(channel)  # type: ignore[no-untyped-call]
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)  # type: ignore[no-untyped-call]
        self.append = append_service_pb2_grpc.AppendServiceStub(channel)  # type: ignore[no-untyped-call]
        self.subscription = subscription_service_pb2_grpc.SubscriptionServiceStub(channel)  # type: ignore[no-untyped-call]
        self.lookup = lookup_service_pb2_grpc.LookupServiceStub(channel)  # type: ignore[no-untyped-call]
        self.sql = sql_service_pb2_grpc.SqlServiceStub(channel)  # type: ignore[no-untyped-call]
        self.registry = registry_service_pb2_grpc.RegistryServiceStub(channel)  # type: ignore[no-untyped-call]
        self.cluster = cluster_service_pb2_grpc.ClusterServiceStub(channel)  # type: ignore[no-untyped-call]
