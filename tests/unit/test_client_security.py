"""How a client shows who it is: the token goes with calls of every kind, and never in plain text over a network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from certificates import Authority
from opentelemetry import trace
from penstock_client import AsyncClient, Client, Keepalive, Retry, Tls, TokenFile, UnreachableError
from penstock_client.channel import Connecting
from penstock_client.gen.penstock.v1 import (
    append_service_pb2,
    append_service_pb2_grpc,
    cluster_service_pb2,
    cluster_service_pb2_grpc,
    subscription_service_pb2,
    subscription_service_pb2_grpc,
)


class _Noting(append_service_pb2_grpc.AppendServiceServicer, cluster_service_pb2_grpc.ClusterServiceServicer,
              subscription_service_pb2_grpc.SubscriptionServiceServicer):
    """Notes the authorization of calls."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.traces: list[str] = []

    def _note(self, context: grpc.ServicerContext) -> None:
        self.seen += [str(value) for key, value in context.invocation_metadata() if key == "authorization"]
        self.traces += [str(value) for key, value in context.invocation_metadata() if key == "traceparent"]

    def DescribeCluster(self, request: object, context: grpc.ServicerContext) -> cluster_service_pb2.DescribeClusterResponse:
        self._note(context)
        return cluster_service_pb2.DescribeClusterResponse(service_id="s")

    def Subscribe(self, request: object, context: grpc.ServicerContext) -> Iterator[subscription_service_pb2.SubscribeResponse]:
        self._note(context)
        yield from ()

    def AppendStream(self, requests: Iterator[object], context: grpc.ServicerContext) -> Iterator[append_service_pb2.AppendStreamResponse]:
        self._note(context)
        yield from ()


@pytest.fixture
def noting() -> Iterator[tuple[_Noting, str]]:
    servicer, server = _Noting(), grpc.server(futures.ThreadPoolExecutor(2))
    append_service_pb2_grpc.add_AppendServiceServicer_to_server(servicer, server)
    cluster_service_pb2_grpc.add_ClusterServiceServicer_to_server(servicer, server)
    subscription_service_pb2_grpc.add_SubscriptionServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(0)


def test_the_token_goes_with_calls_of_every_kind(noting: tuple[_Noting, str], tmp_path: Path) -> None:
    servicer, address = noting
    file = tmp_path / "token"
    file.write_text("pst.ann.1\n")
    with Client(address, token=TokenFile(file)) as client:
        client.cluster()
        list(client.raw.subscription.Subscribe(subscription_service_pb2.SubscribeRequest()))
        file.with_suffix(".new").write_text("pst.ann.2\n")
        os.replace(file.with_suffix(".new"), file)
        list(client.raw.append.AppendStream(iter([append_service_pb2.AppendStreamRequest()])))
    assert servicer.seen == ["Bearer pst.ann.1", "Bearer pst.ann.1", "Bearer pst.ann.2"]


async def test_the_asynchronous_client_sends_it_too(noting: tuple[_Noting, str]) -> None:
    servicer, address = noting
    async with AsyncClient(address, token="pst.ann.1") as client:
        await client.cluster()
        assert [r async for r in client.raw.subscription.Subscribe(subscription_service_pb2.SubscribeRequest())] == []
    assert servicer.seen == ["Bearer pst.ann.1"] * 2


def test_the_trace_context_goes_with_calls_where_the_application_traces(noting: tuple[_Noting, str]) -> None:
    servicer, address = noting
    parent = trace.NonRecordingSpan(trace.SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, False, trace.TraceFlags(1)))
    with Client(address) as client:
        client.cluster()
        with trace.use_span(parent):
            client.cluster()
            list(client.raw.subscription.Subscribe(subscription_service_pb2.SubscribeRequest()))
            client.raw.cluster.DescribeCluster.future(cluster_service_pb2.DescribeClusterRequest()).result(5)
    assert servicer.traces == ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] * 3


def test_the_service_may_have_another_name_than_its_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("inner.example", address="127.0.0.2")
    server = grpc.server(futures.ThreadPoolExecutor(2))
    cluster_service_pb2_grpc.add_ClusterServiceServicer_to_server(_Noting(), server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(own.key.read_bytes(), own.cert.read_bytes())]))
    server.start()
    try:
        with Client(f"127.0.0.1:{port}", tls=Tls(authority.path, server_name="inner.example"), retry=Retry(1)) as client:
            assert client.cluster().service_id == "s"
        with Client(f"127.0.0.1:{port}", tls=Tls(authority.path), retry=Retry(1), timeout=5) as client, pytest.raises(UnreachableError):
            client.cluster()
    finally:
        server.stop(0)


def test_keepalive_is_a_setting_and_options_of_grpc_come_last() -> None:
    given: list[dict[str, int]] = []
    library = SimpleNamespace(insecure_channel=lambda _, arguments: given.append(dict(arguments)))
    Connecting().channel("127.0.0.1:1", library)
    Connecting(keepalive=Keepalive(12, 3)).channel("127.0.0.1:1", library)
    Connecting(keepalive=Keepalive(12, 3), options=[("grpc.keepalive_time_ms", 5)]).channel("127.0.0.1:1", library)
    assert [(g["grpc.keepalive_time_ms"], g["grpc.keepalive_timeout_ms"]) for g in given] == [(30_000, 10_000), (12_000, 3_000), (5, 3_000)]


def test_what_cannot_be_safe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="in plain text"):
        Client("stream.example:7550", token="pst.ann.1")
    with pytest.raises(ValueError, match="both cert and key"):
        Client("stream.example:7550", tls=Tls(cert=tmp_path / "c.pem"))
    (tmp_path / "two").write_text("token: pst.ann.1")
    with pytest.raises(ValueError, match="nothing else"):
        TokenFile(tmp_path / "two")
