"""Start, stop, pause, resume, reset, delete; and reading what was just written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from penstock import metrics as declared
from penstock_client import Topology
from penstock_client.declare import Binding
from real import RealNode, metric, refused, wait_for


def spending(name: str = "spending", where: str = "N > 0") -> Topology:
    t = Topology(name)
    t.stream("sales").filter(where).group_by("SHOP").aggregate(("COUNT(*)", "C"), ("SUM(N)", "S"), name="shops").to(f"{name}_shops")
    return t


@pytest.fixture(scope="module")
def node(shared: RealNode) -> Iterator[RealNode]:
    shared.client.create_stream("sales", "K STRING KEY, SHOP STRING, N BIGINT", Binding(partitions=2))
    yield shared


def shops(node: RealNode, relation: str, **fresh: object) -> dict[str, tuple[int, int]]:
    return {r.SHOP: (r.C, r.S) for r in node.client.scan(relation, **fresh)}  # type: ignore[arg-type]


def test_read_your_writes_through_a_repartition_and_two_topologies(node: RealNode) -> None:
    client = node.client
    client.register_topology(spending(), wait=20)
    t = Topology("ranking")
    t.table("spending_shops", name="in").select(double="S * 2").to("doubled")
    t.stream("sales", name="all").group_by("K").count("C", name="by_k").to("by_k")
    info = client.register_topology(t, wait=20)
    assert info.state == "RUNNING"
    for n in range(1, 51):
        position = client.append("sales", {"K": f"c{n % 7}", "SHOP": "s1", "N": n}).position
        first = client.get("spending_shops", "s1", at_least=position, max_wait=10)
        second = client.get("ranking.in", "s1", at_least=position, max_wait=10)
        assert first is not None and (first.C, first.S) == (n, n * (n + 1) // 2)
        assert second is not None and (second.C, second.S) == (n, n * (n + 1) // 2)


def test_a_paused_topology_does_not_reach_a_position(node: RealNode) -> None:
    client = node.client
    paused = node.cli("pause", "spending")
    assert paused.returncode == 0, paused.stderr
    wait_for(lambda: {s for s, _ in node.task_states("spending").values()} == {"PAUSED"}, 10, lambda: node.task_states("spending"))
    before = shops(node, "spending_shops")
    position = client.append("sales", {"K": "c1", "SHOP": "s1", "N": 1000}).position
    began = time.monotonic()
    late = refused("POSITION_NOT_REACHED", lambda: client.get("spending_shops", "s1", at_least=position, max_wait=0.5))
    assert late.code is grpc.StatusCode.DEADLINE_EXCEEDED and 0.4 < time.monotonic() - began < 3
    assert shops(node, "spending_shops") == before and client.topology("spending").state == "PAUSED"
    assert node.cli("resume", "spending").returncode == 0
    row = client.get("spending_shops", "s1", at_least=position, max_wait=10)
    assert row is not None and (row.C, row.S) == (51, 2275)
    refused("TOPOLOGY_NOT_PAUSED", lambda: client.reset_topology("spending"))


def test_a_relation_that_is_read_stays(node: RealNode) -> None:
    client = node.client
    error = refused("RELATION_IN_USE", lambda: client.delete_topology("spending"))
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION and error.metadata["readers"] == "ranking", error.metadata
    error = refused("RELATION_IN_USE", lambda: client.drop_relation("sales"))
    assert set(error.metadata["readers"].replace(" ", "").split(",")) == {"ranking", "spending"}
    shown = node.cli("drop", "sales")
    assert shown.returncode == 1 and "ranking" in shown.stderr and "spending" in shown.stderr
    assert {"sales", "spending_shops"} <= {r.name for r in client.relations()}


def test_after_a_reset_everything_is_computed_anew(node: RealNode) -> None:
    client = node.client
    position = client.append("sales", [{"K": f"x{n}", "SHOP": f"r{n % 3}", "N": n + 1} for n in range(30)]).position
    before = shops(node, "spending_shops", at_least=position)
    assert before["r0"] == (10, 145)
    client.pause_topology("spending")
    reset = node.cli("reset", "spending")
    assert reset.returncode == 0, reset.stderr
    if client.topology("spending").state == "PAUSED":
        assert node.cli("resume", "spending").returncode == 0
    wait_for(lambda: client.topology("spending").state == "RUNNING", 15, lambda: client.topology("spending"))
    assert shops(node, "spending_shops", at_least=position, max_wait=15) == before


def test_nothing_of_a_deleted_topology_comes_back(node: RealNode) -> None:
    client = node.client
    client.register_topology(spending("gone"), wait=20)
    last = client.append("sales", {"K": "z", "SHOP": "old", "N": 5}).position
    assert shops(node, "gone_shops", at_least=last)["old"] == (1, 5)
    deleted = node.cli("delete", "gone")
    assert deleted.returncode == 0, deleted.stderr
    refused("UNKNOWN_TOPOLOGY", lambda: client.topology("gone"))
    refused("UNKNOWN_RELATION", lambda: client.get("gone_shops", "old"))
    wait_for(lambda: not any("-gone-" in t.name for t in client.topics(include_internal=True)), 10, "its internal topics to go")
    wait_for(lambda: not list((node.data / "state").glob("gone-*")), 10, "its stores to go")
    client.register_topology(spending("gone", where="SHOP = 'new'"), wait=20)
    last = client.append("sales", {"K": "z", "SHOP": "new", "N": 7}).position
    assert shops(node, "gone_shops", at_least=last, max_wait=10) == {"new": (1, 7)}
    client.delete_topology("gone", delete_topics=True)


def test_metrics_of_gateway_and_worker(node: RealNode, metrics_port: int) -> None:
    client = node.client
    with client.subscribe("spending_shops") as rows:
        next(iter(rows))
        texts = []
        for port in (metrics_port, metrics_port + 1):
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                assert answer.headers["Content-Type"].startswith("text/plain")
                texts.append(answer.read().decode())
        gateway, worker = texts
        assert metric(gateway, "penstock_subscriptions") >= 1
    assert metric(gateway, "penstock_task_lag", topology="spending") == 0
    assert metric(gateway, "penstock_tasks", topology="spending", state="RUNNING") == 4
    assert metric(gateway, "penstock_lookups") > 0 and metric(gateway, "penstock_append_rows") > 0
    assert metric(gateway, "penstock_calls") > 0 and metric(gateway, "penstock_push_rows") > 0
    for name in ("records_in", "records_out", "commits"):
        assert metric(worker, f"penstock_{name}") > 0, name
    assert metric(worker, "penstock_commit_seconds") > 0 and metric(worker, "penstock_commit_last_seconds") > 0
    for name in ("dead_letters", "records_late", "restore_records", "expression_errors", "topology_resets"):
        assert metric(worker, f"penstock_{name}") >= 0, name
    known = {m.name.replace(".", "_") for m in declared.ALL}
    exported = {line.split()[2] for text in texts for line in text.splitlines() if line.startswith("# TYPE penstock")}
    assert all(any(name.startswith(k) for k in known) for name in exported), exported - known


def test_health_and_reflection(node: RealNode) -> None:
    with grpc.insecure_channel(node.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "penstock.v1.LookupService"):
            assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status == health_pb2.HealthCheckResponse.SERVING
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=5)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        (answer,) = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]), timeout=5)
        names = {s.name for s in answer.list_services_response.service}
        assert {"penstock.v1.AppendService", "penstock.v1.TopologyService", "grpc.health.v1.Health"} <= names


def test_a_stop_in_order_leaves_every_store_usable(tmp_path: Path) -> None:
    with RealNode(tmp_path, workers=2) as node:
        node.client.create_stream("sales", "K STRING KEY, SHOP STRING, N BIGINT", Binding(partitions=2))
        node.client.register_topology(spending(), wait=20)
        position = node.client.append("sales", [{"K": f"c{n}", "SHOP": f"s{n % 4}", "N": n + 1} for n in range(100)]).position
        before = shops(node, "spending_shops", at_least=position)
        subscription = node.client.subscribe("spending_shops")
        next(iter(subscription))
        assert node.stop() == 0
        assert "killing it" not in node.log and "Traceback" not in node.log
        mark = len(node.log)
        node.start()
        wait_for(lambda: node.client.topology("spending").state == "RUNNING", 20, "RUNNING")
        opened = [line for line in node.log[mark:].splitlines() if "penstock.task: task " in line]
        assert len(opened) == 2 and all(": USE (" in line for line in opened), opened
        assert shops(node, "spending_shops", at_least=position) == before
        assert node.stop() == 0
