"""Channel settings and stubs, the same for both clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

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
from penstock_client.security import Tls, Token, authorization, channel_credentials
from penstock_client.trace import trace_context

DEFAULT_ADDRESS = "127.0.0.1:7550"

OPTIONS: tuple[tuple[str, int], ...] = (
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


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Pings that find dead connections, also of idle subscriptions: one after `every` seconds without traffic, answered within `timeout`. Servers refuse
    more than one in 10 s."""

    every: float = 30.0
    timeout: float = 10.0

    def arguments(self) -> list[tuple[str, int]]:
        """For a channel."""
        return [("grpc.keepalive_time_ms", round(1000 * self.every)), ("grpc.keepalive_timeout_ms", round(1000 * self.timeout))]


@dataclass(frozen=True, slots=True)
class Connecting:
    """How channels are made, for clients and workers; what each means is said at Client."""

    tls: Tls | bool | None = None
    token: Token | None = None
    credentials: grpc.ChannelCredentials | None = None
    keepalive: Keepalive | None = None
    options: Sequence[tuple[str, Any]] = ()

    def channel(self, address: str, library: Any) -> Any:
        """A channel of grpc, or of grpc.aio. Raises OSError, ValueError."""
        secured = channel_credentials(address, self.credentials, self.tls, self.token)
        arguments: list[tuple[str, Any]] = [*OPTIONS, *(self.keepalive or Keepalive()).arguments()]
        if isinstance(self.tls, Tls) and self.tls.server_name:
            arguments.append(("grpc.ssl_target_name_override", self.tls.server_name))
        arguments += self.options
        made = library.insecure_channel(address, arguments) if secured is None else library.secure_channel(address, secured, arguments)
        token = authorization(self.token)
        return Headed(made, lambda: [*token(), *trace_context()])


class Headed:
    """A channel whose calls carry more metadata, asked for at each."""

    def __init__(self, channel: Any, headers: Callable[[], list[tuple[str, str]]]) -> None:
        self._channel = channel
        self._headers = headers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def unary_unary(self, *args: Any, **options: Any) -> HeadedCall:
        return HeadedCall(self._channel.unary_unary(*args, **options), self._headers)

    def unary_stream(self, *args: Any, **options: Any) -> HeadedCall:
        return HeadedCall(self._channel.unary_stream(*args, **options), self._headers)

    def stream_unary(self, *args: Any, **options: Any) -> HeadedCall:
        return HeadedCall(self._channel.stream_unary(*args, **options), self._headers)

    def stream_stream(self, *args: Any, **options: Any) -> HeadedCall:
        return HeadedCall(self._channel.stream_stream(*args, **options), self._headers)


class HeadedCall:
    """A method of such a channel; `future` and `with_call` of grpc's too."""

    def __init__(self, call: Any, headers: Callable[[], list[tuple[str, str]]]) -> None:
        self._call = call
        self._headers = headers

    def __call__(self, *args: Any, metadata: Sequence[tuple[str, str]] | None = None, **options: Any) -> Any:
        return self._call(*args, metadata=(*(metadata or ()), *self._headers()), **options)

    def __getattr__(self, name: str) -> HeadedCall:
        return HeadedCall(getattr(self._call, name), self._headers)


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
