"""A node on a real Kafka that is not there yet, goes away, comes back, and refuses a record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import grpc
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from broker import Broker, available, without_kafka
from grpc_health.v1 import health_pb2, health_pb2_grpc
from penstock_client import Topology
from penstock_client.declare import Binding
from real import RealNode, refused, wait_for

pytestmark = pytest.mark.kafka

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealNode, Broker]]:
    """A node whose broker is started by the first test."""
    if reason := available():
        without_kafka(reason)
    directory = tmp_path_factory.mktemp("late")
    broker = Broker(directory / "broker")
    (directory / "kafka.properties").write_text("session.timeout.ms=3000\n")
    node = RealNode(directory, "--kafka", broker.bootstrap, "--kafka-config", str(directory / "kafka.properties"))
    try:
        with node:
            yield node, broker
    finally:
        if any(n.process is not None for n in broker.nodes):
            broker.kill()


def health(node: RealNode) -> int:
    with grpc.insecure_channel(node.address) as channel:
        return int(health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5).status)


def counting() -> Topology:
    t = Topology("counter", updates="EVERY")
    t.stream("events").select("N").to("events_out")
    t.stream("events", name="again").group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(N)", "S"), name="c").to("events_counted")
    return t


def test_kafka_is_not_there_yet(late: tuple[RealNode, Broker]) -> None:
    node, broker = late
    assert node.said[0].startswith("ready on ")
    assert health(node) == NOT_SERVING
    error = refused("LOG_UNAVAILABLE", node.client.relations)
    assert error.code is grpc.StatusCode.UNAVAILABLE and error.retry_after
    assert "does not answer" in node.log or "cannot be opened" in node.log
    shown = node.cli("list", timeout=40)
    assert shown.returncode != 0 and "Traceback" not in shown.stderr and len(shown.stderr.splitlines()) == 1, shown.stderr
    broker.start()
    wait_for(lambda: health(node) == SERVING, 30, "SERVING")
    node.client.create_stream("events", "K STRING KEY, N BIGINT", Binding(partitions=2))
    assert node.client.register_topology(counting(), wait=40).state == "RUNNING"
    position = node.client.append("events", [{"K": f"k{n % 5}", "N": n} for n in range(100)]).position
    rows = {r.K: r.C for r in node.client.scan("events_counted", at_least=position, max_wait=20)}
    assert rows == {f"k{n}": 20 for n in range(5)}


def test_kafka_goes_away_and_comes_back(late: tuple[RealNode, Broker]) -> None:
    node, broker = late
    appender = node.client.appender("events", producer_id="through")
    for start in range(100, 200, 10):
        appender.append([{"K": f"k{n % 5}", "N": n} for n in range(start, start + 10)])
    broker.kill()
    wait_for(lambda: health(node) == NOT_SERVING, 30, "NOT_SERVING")
    error = refused("LOG_UNAVAILABLE", lambda: node.client.append("events", {"K": "k0", "N": 1}))
    assert error.code is grpc.StatusCode.UNAVAILABLE
    assert {r.K for r in node.client.scan("events_counted")} == {f"k{n}" for n in range(5)}, "what is stored can still be read"
    for start in range(200, 300, 25):  # fewer batches than may be on their way: more would wait here
        appender.append([{"K": f"k{n % 5}", "N": n} for n in range(start, start + 25)])
    broker.restart()
    wait_for(lambda: health(node) == SERVING, 30, "SERVING")
    position = appender.flush(40)
    rows = {r.K: (r.C, r.S) for r in node.client.scan("events_counted", at_least=position, max_wait=40)}
    extra = rows["k0"][0] - 60  # the refused append may have been written, as its error says
    assert extra in (0, 1)
    assert rows == {f"k{k}": (60 + (k == 0) * extra, sum(range(k, 300, 5)) + (k == 0) * extra) for k in range(5)}
    numbers = [r.N for r in node.client.subscribe("events_out", start="earliest", until="end")]
    assert sorted(numbers) == sorted([*range(300), *[1] * extra])


def test_a_record_over_the_brokers_limit(late: tuple[RealNode, Broker]) -> None:
    """The broker takes smaller records on this topic than the service would send."""
    node, broker = late
    narrow_topic(broker, "narrow")
    client = node.client
    client.create_stream("narrow_in", "K STRING KEY, N BIGINT", Binding(partitions=1))
    t = Topology("swell")
    source = t.stream("narrow_in")
    source.select("N", text="LPAD(K, CAST(N AS INT), 'xyz')").to("narrow_out", binding=Binding(topic="narrow"))
    source.group_by("K").count("C", name="c").to("narrow_counted")
    client.register_topology(t, wait=40)
    position = client.append("narrow_in", [{"K": "a", "N": 200_000 if n == 7 else n} for n in range(20)]).position
    letters = node.dead_letters("swell", 1, 30)
    assert len(letters) == 1 and letters[0].RECORD_KEY == b"a", letters
    row = client.get("narrow_counted", "a", at_least=position, max_wait=20)
    assert row is not None and row.C >= 19
    assert [r.N for r in client.subscribe("narrow_out", start="earliest", until="end")] == [n for n in range(20) if n != 7]


def narrow_topic(broker: Broker, name: str) -> None:
    """A topic whose batches have at most 50 kB."""
    async def make() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"max.message.bytes": "50000"})])
        finally:
            await admin.close()

    asyncio.run(make())
