"""A node over gRPC: catalog, registration, appends, read your writes, lookups, scans, pushes, refusals."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from penstock.api import server
from penstock.api.host import Parts, assemble
from penstock.api.server import run_gateway
from penstock.config import ServeConfig
from penstock.log.port import TopicPartition
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.serving import positions, tail
from penstock.serving.gateway import TaskStates
from penstock.serving.positions import decode
from penstock.serving.subscription import Start, Subscribe
from penstock_client import declare
from penstock_client.builder import Topology, tumbling
from penstock_client.gen.penstock.v1 import (
    append_service_pb2 as append,
)
from penstock_client.gen.penstock.v1 import (
    catalog_service_pb2 as catalog,
)
from penstock_client.gen.penstock.v1 import (
    cluster_service_pb2 as cluster,
)
from penstock_client.gen.penstock.v1 import (
    cluster_service_pb2_grpc,
    errors_pb2,
    lookup_service_pb2_grpc,
    position_pb2,
    row_pb2,
    topology_pb2,
    types_pb2,
)
from penstock_client.gen.penstock.v1 import (
    lookup_service_pb2 as lookup,
)
from penstock_client.gen.penstock.v1 import (
    subscription_service_pb2 as sub,
)
from penstock_client.gen.penstock.v1 import (
    topology_service_pb2 as topologies,
)
from penstock_client.row import schema_of
from penstock_client.rows import decode_batch

sys.path.insert(0, str(Path(__file__).parent))

from gateway_node import Node, running  # noqa: E402

MINUTE = 60_000


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as n:
        yield n


async def shop(node: Node) -> None:
    """Purchases, counted by customer, summed by department through a repartition, and in windows."""
    relation = declare.relation("purchases", "STREAM", "CUSTOMER STRING KEY, PRICE DOUBLE, DEPT STRING", declare.Binding(partitions=2))
    await node.catalog.CreateRelation(catalog.CreateRelationRequest(relation=relation))
    t = Topology("shop")
    purchases = t.stream("purchases")
    purchases.group_by("CUSTOMER", name="by_customer").aggregate(N="COUNT(*)", SPENT="SUM(PRICE)", name="counts").to("customers")
    purchases.group_by("DEPT", name="by_dept").aggregate(TOTAL="SUM(PRICE)", name="totals").to("depts")
    purchases.group_by("CUSTOMER", name="by_minute").window(tumbling(minutes=1, grace=600, retention=3600)).aggregate(
        N="COUNT(*)", name="minutes").to("customer_minutes")
    purchases.filter("PRICE > 100", name="big").to("expensive")
    answer = await node.topologies.RegisterTopology(
        topologies.RegisterTopologyRequest(topology=t.message(), wait=duration_pb2.Duration(seconds=20)))
    assert answer.topology.state == topologies.TOPOLOGY_STATE_RUNNING, answer.topology.state_reason


def row(customer: str, price: float, dept: str = "toys", **more: object) -> str:
    return json.dumps({"customer": customer, "price": price, "dept": dept, **more})


def at_least(*tokens: str, wait: float = 10.0) -> position_pb2.Consistency:
    return position_pb2.Consistency(at_least=position_pb2.AtLeast(
        positions=[position_pb2.PositionToken(value=t) for t in tokens], max_wait=duration_pb2.Duration(nanos=round(wait % 1 * 1e9), seconds=int(wait))))


def rows_of(schema: row_pb2.RowSchema, batch: row_pb2.RowBatch) -> list[dict[str, object]]:
    columns = schema_of(schema).columns
    data = decode_batch([c.type for c in columns], batch, native=False)
    return [dict(zip([c.name for c in columns], values, strict=True)) for values in zip(*data, strict=True)]


def text(value: str) -> types_pb2.Value:
    return types_pb2.Value(text=value)


async def get(node: Node, relation: str, key: str, *tokens: str) -> list[dict[str, object]]:
    found = await node.lookups.Get(lookup.GetRequest(relation=relation, key=[text(key)], consistency=at_least(*tokens) if tokens else None))
    return rows_of(found.schema, found.rows)


def reason(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status is not None and status.details[0].Unpack(info) and info.domain == "penstock.v1"
    return info.reason.removeprefix("ERROR_REASON_")


async def test_read_your_writes_through_a_repartition(node: Node) -> None:
    await shop(node)
    for n in range(1, 6):
        ack = await node.append("purchases", *(row(f"c{i}", float(i), f"d{i % 3}") for i in range(30)))
        assert ack.appended == 30 and not ack.row_errors
        token = ack.position.value
        (found,) = await get(node, "CUSTOMERS", "c7", token)
        assert (found["N"], found["SPENT"]) == (n, 7.0 * n)
        (found,) = await get(node, "depts", "d1", token)
        assert found["TOTAL"] == n * sum(i for i in range(30) if i % 3 == 1)
    assert await get(node, "customers", "nobody", token) == []
    (found,) = await get(node, "shop.counts", "c7")
    assert found["N"] == 5


async def test_a_position_that_is_not_reached(node: Node) -> None:
    await shop(node)
    await node.topologies.PauseTopology(topologies.PauseTopologyRequest(name="shop"))
    await _state(node, topologies.TOPOLOGY_STATE_PAUSED)
    ack = await node.append("purchases", row("a", 1.0))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await node.lookups.Get(lookup.GetRequest(relation="customers", key=[text("a")], consistency=at_least(ack.position.value, wait=0.2)))
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED and reason(refused.value) == "POSITION_NOT_REACHED"
    await node.topologies.ResumeTopology(topologies.ResumeTopologyRequest(name="shop"))
    assert len(await get(node, "customers", "a", ack.position.value)) == 1


async def _state(node: Node, wanted: int) -> None:
    async with asyncio.timeout(20):
        while (await node.topologies.GetTopology(topologies.GetTopologyRequest(name="shop"))).topology.state != wanted:
            await asyncio.sleep(0.02)


async def test_lookups_of_windows_batches_and_scans(node: Node) -> None:
    await shop(node)
    base = 1_700_000_040_000
    ack = await node.append("purchases", *(row(f"c{i:02}", 1.0, ROWTIME=base + m * MINUTE) for i in range(20) for m in range(3)))
    token = ack.position.value
    found = await node.lookups.Get(lookup.GetRequest(relation="customer_minutes", key=[text("c03")], consistency=at_least(token)))
    rows = rows_of(found.schema, found.rows)
    assert [r["WINDOWSTART"] for r in rows] == [base - base % MINUTE + m * MINUTE for m in range(3)] and {r["N"] for r in rows} == {1}
    second = lookup.WindowRange()
    second.start_from.FromMilliseconds(rows[1]["WINDOWSTART"])  # type: ignore[arg-type]
    second.start_to.FromMilliseconds(rows[1]["WINDOWSTART"])  # type: ignore[arg-type]
    found = await node.lookups.Get(lookup.GetRequest(relation="customer_minutes", key=[text("c03")], windows=second, columns=["n"]))
    assert rows_of(found.schema, found.rows) == [{"CUSTOMER": "c03", "WINDOWSTART": rows[1]["WINDOWSTART"], "WINDOWEND": rows[1]["WINDOWEND"], "N": 1}]

    keys = row_pb2.RowBatch(row_count=3, columns=[row_pb2.ColumnData(strings=row_pb2.StringArray(values=["c05", "zz", "c01"]))])
    many = await node.lookups.BatchGet(lookup.BatchGetRequest(relation="customers", keys=keys, consistency=at_least(token)))
    assert [r["CUSTOMER"] for r in rows_of(many.schema, many.rows)] == ["c05", "c01"] and list(many.key_indexes) == [0, 2]
    again = await node.lookups.BatchGet(lookup.BatchGetRequest(relation="customers", keys=keys, known_schema_id=many.schema.id))
    assert not again.HasField("schema")

    assert len((await scan(node, lookup.ScanRequest(relation="customers")))[0]) == 20
    bounds = lookup.KeyRange(from_key=[text("c03")], to_key=[text("c06")])
    rows, _ = await scan(node, lookup.ScanRequest(relation="customers", range=bounds))
    assert sorted(str(r["CUSTOMER"]) for r in rows) == ["c03", "c04", "c05", "c06"]
    rows, _ = await scan(node, lookup.ScanRequest(relation="customer_minutes", range=bounds, windows=second))
    assert sorted(str(r["CUSTOMER"]) for r in rows) == ["c03", "c04", "c05", "c06"]
    rows, _ = await scan(node, lookup.ScanRequest(relation="customers", where="customer LIKE '%7' AND n = :n", parameters={"n": types_pb2.Value(integer=3)}))
    assert sorted(str(r["CUSTOMER"]) for r in rows) == ["c07", "c17"]
    seen: list[dict[str, object]] = []
    cursor = ""
    while True:
        rows, cursor = await scan(node, lookup.ScanRequest(relation="customers", limit=7, cursor=cursor))
        seen += rows
        if not cursor:
            break
    assert sorted(str(r["CUSTOMER"]) for r in seen) == [f"c{i:02}" for i in range(20)]


async def scan(node: Node, request: lookup.ScanRequest) -> tuple[list[dict[str, object]], str]:
    rows: list[dict[str, object]] = []
    schema, cursor = None, ""
    async for page in node.lookups.Scan(request):
        schema = page.schema if page.HasField("schema") else schema
        assert schema is not None
        rows += rows_of(schema, page.rows)
        cursor = page.cursor
    return rows, cursor


async def test_appends_name_each_bad_row(node: Node) -> None:
    await shop(node)
    bad = [row("a", 1.0), '{"customer": "b", "price": "much"}', "no json", '{"nothing": 1}', row("c", 2.0)]
    ack = await node.append("purchases", *bad)
    assert [e.row for e in ack.row_errors] == [1, 2, 3] and ack.appended == 0 and not ack.position.value
    ack = await node.append("purchases", *bad, on_invalid=append.ON_INVALID_SKIP_ROWS)
    assert [e.row for e in ack.row_errors] == [1, 2, 3] and ack.appended == 2
    assert len(await get(node, "customers", "a", ack.position.value)) == 1
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await node.append("customers", "{}")
    assert reason(refused.value) == "RELATION_READ_ONLY"


async def test_sequences_are_written_once(node: Node) -> None:
    await shop(node)
    first = await node.append("purchases", row("a", 1.0), producer_id="p", sequence=1)
    repeat = await node.append("purchases", row("a", 1.0), producer_id="p", sequence=1)
    assert not first.duplicate and repeat.duplicate and repeat.appended == 0
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await node.append("purchases", row("a", 1.0), producer_id="p", sequence=3)
    assert reason(refused.value) == "SEQUENCE_GAP"
    (found,) = await get(node, "customers", "a", repeat.position.value)
    assert found["N"] == 1


async def test_typed_raw_and_streamed_appends(node: Node) -> None:
    await shop(node)
    records = append.RawRecords(records=[append.RawRecord(key=b"r", value=b'{"PRICE": 3.5, "DEPT": "x"}'), append.RawRecord(key=b"r", value=b"{")])
    ack = (await node.appends.Append(append.AppendRequest(batch=append.AppendBatch(relation="purchases", records=records)))).ack
    assert [e.row for e in ack.row_errors] == [1]
    columns = [row_pb2.ColumnData(strings=row_pb2.StringArray(values=["t", "t"])), row_pb2.ColumnData(doubles=row_pb2.DoubleArray(values=[1.5, 0.0]), validity=b"\1")]
    typed = append.TypedRows(columns=["customer", "PRICE"], batch=row_pb2.RowBatch(row_count=2, columns=columns))

    async def requests() -> AsyncIterator[append.AppendStreamRequest]:
        yield append.AppendStreamRequest(open=append.AppendOpen(producer_id="q"))
        for n in (1, 2):
            yield append.AppendStreamRequest(batch=append.AppendBatch(relation="purchases", rows=typed, sequence=n))

    answers = [a async for a in node.appends.AppendStream(requests())]
    assert answers[0].opened.last_sequence == 0 and [a.ack.sequence for a in answers[1:]] == [1, 2]
    (found,) = await get(node, "customers", "t", answers[-1].ack.position.value)
    assert (found["N"], found["SPENT"]) == (4, 3.0)


async def collect(node: Node, request: sub.SubscribeRequest, enough: int = 0) -> list[sub.Event]:
    """Events until the end, or until so many rows came."""
    events: list[sub.Event] = []
    call = node.subscriptions.Subscribe(request)
    async with asyncio.timeout(30):
        async for response in call:
            events.append(response.event)
            if enough and sum(e.rows.batch.row_count for e in events) >= enough:
                call.cancel()
                break
    return events


def pushed(events: Sequence[sub.Event]) -> list[dict[str, object]]:
    schema = events[0].schema
    out = []
    for e in events:
        if e.HasField("rows"):
            rows = rows_of(schema, e.rows.batch)
            kinds = list(e.rows.batch.kinds) or [row_pb2.ROW_KIND_UPSERT] * len(rows)
            out += [{**r, "_deleted": k == row_pb2.ROW_KIND_DELETE} for r, k in zip(rows, kinds, strict=True)]
    return out


END = sub.Until(current_end=True)
EARLIEST = topology_pb2.StartPosition(earliest=True)


async def test_push_of_a_stream(node: Node) -> None:
    await shop(node)
    first = await node.append("purchases", *(row(f"c{i}", float(i)) for i in range(1200)))
    events = await collect(node, sub.SubscribeRequest(relation="purchases", start=EARLIEST, until=END))
    assert [e.WhichOneof("event") for e in events][0] == "schema" and events[-1].end.reason == sub.END_REASON_COMPLETED
    assert sorted(float(str(r["PRICE"])) for r in pushed(events)) == [float(i) for i in range(1200)]
    assert max(e.rows.batch.row_count for e in events) == 500
    events = await collect(node, sub.SubscribeRequest(relation="purchases", start=EARLIEST, until=END, where="price >= 1190", columns=["price", "ROWOFFSET"]))
    assert sorted(float(str(r["PRICE"])) for r in pushed(events)) == [float(i) for i in range(1190, 1200)]
    some = [e for e in await collect(node, sub.SubscribeRequest(relation="purchases", start=EARLIEST, max_batch_rows=100), 700) if e.HasField("rows")]
    rest = await collect(node, sub.SubscribeRequest(
        relation="purchases", start=topology_pb2.StartPosition(after=some[-1].rows.position), until=END))
    assert sum(e.rows.batch.row_count for e in some) + len(pushed(rest)) == 1200, "a resumption neither loses nor repeats"
    rest = await collect(node, sub.SubscribeRequest(relation="purchases", start=topology_pb2.StartPosition(after=first.position), until=END))
    assert pushed(rest) == []
    events = await collect(node, sub.SubscribeRequest(relation="purchases", start=EARLIEST, limit=7))
    assert len(pushed(events)) == 7 and events[-1].end.reason == sub.END_REASON_COMPLETED


async def test_live_push_of_a_stream_and_progress(node: Node) -> None:
    await shop(node)
    call = node.subscriptions.Subscribe(sub.SubscribeRequest(relation="expensive", progress_interval=duration_pb2.Duration(nanos=100_000_000)))
    kinds = []
    async with asyncio.timeout(20):
        async for response in call:
            kinds.append(response.event.WhichOneof("event"))
            if kinds[-1] == "caught_up":
                await node.append("purchases", row("a", 5.0), row("b", 500.0))
            if kinds.count("rows") and kinds[-1] == "progress":
                break
    call.cancel()
    assert kinds[:2] == ["schema", "caught_up"] and kinds.count("rows") == 1


async def test_push_of_a_table_is_the_table(node: Node) -> None:
    """Snapshot, then changes while rows are being written: at the end the client holds what a scan gives."""
    await shop(node)
    await node.append("purchases", *(row(f"c{i % 400}", 1.0) for i in range(800)))
    held: dict[object, dict[str, object]] = {}
    call = node.subscriptions.Subscribe(sub.SubscribeRequest(relation="customers"))
    writer = asyncio.create_task(_write(node))
    schema, token, kinds = None, "", []
    async with asyncio.timeout(40):
        async for response in call:
            event = response.event
            kinds.append(event.WhichOneof("event"))
            if event.HasField("schema"):
                schema = event.schema
            if event.HasField("rows"):
                assert schema is not None
                for r in rows_of(schema, event.rows.batch):
                    held[r["CUSTOMER"]] = r
                token = event.rows.position.value or token
            if writer.done() and sum(int(str(r["N"])) for r in held.values()) == 800 + 20 * 50:
                break
    call.cancel()
    assert "caught_up" in kinds
    rows, _ = await scan(node, lookup.ScanRequest(relation="customers"))
    assert {r["CUSTOMER"]: r for r in rows} == held
    ack = await node.append("purchases", row("late", 1.0))
    await get(node, "customers", "late", ack.position.value)
    rest = await collect(node, sub.SubscribeRequest(
        relation="customers", start=topology_pb2.StartPosition(after=position_pb2.PositionToken(value=token)), until=END))
    assert [r["CUSTOMER"] for r in pushed(rest)] == ["late"], "a table's subscription resumes with the changes since"


async def _write(node: Node) -> None:
    for n in range(20):
        await node.append("purchases", *(row(f"c{(n * 50 + i) % 500}", 1.0) for i in range(50)))


async def test_filtered_table_deletes_what_stops_matching(node: Node) -> None:
    await shop(node)
    call = node.subscriptions.Subscribe(sub.SubscribeRequest(relation="customers", where="n < 2"))
    states: list[tuple[object, bool]] = []
    schema = None
    async with asyncio.timeout(20):
        async for response in call:
            event = response.event
            schema = event.schema if event.HasField("schema") else schema
            if event.HasField("caught_up") or (event.HasField("rows") and len(states) == 0):
                await node.append("purchases", row("x", 1.0))
            if event.HasField("rows"):
                kinds = list(event.rows.batch.kinds) or [row_pb2.ROW_KIND_UPSERT]
                states += [(r["CUSTOMER"], k == row_pb2.ROW_KIND_DELETE) for r, k in zip(rows_of(schema, event.rows.batch), kinds, strict=True)]
            if len(states) == 2:
                break
    call.cancel()
    assert states == [("x", False), ("x", True)]


async def test_dead_letters_are_a_stream(node: Node) -> None:
    await shop(node)
    batch = node.log.builder(transactional=False)
    batch.append(1_700_000_000_000, b"k", b"{not json", ())
    await node.log.append("purchases", 1, batch)
    events = await collect(node, sub.SubscribeRequest(relation="shop.dead_letter", start=EARLIEST), 1)
    (letter,) = pushed(events)
    assert (letter["TOPIC"], letter["PARTITION"], letter["OFFSET"]) == ("purchases", 1, 0)
    assert (letter["RECORD_KEY"], letter["RECORD_VALUE"]) == (b"k", b"{not json") and letter["REASON"]


async def test_ends_when_the_relation_goes_and_when_the_node_drains(node: Node) -> None:
    await shop(node)
    deleted = asyncio.create_task(collect(node, sub.SubscribeRequest(relation="expensive")))
    drained = asyncio.create_task(collect(node, sub.SubscribeRequest(relation="purchases")))
    await asyncio.sleep(0.3)
    await node.topologies.DeleteTopology(topologies.DeleteTopologyRequest(name="shop"))
    assert (await deleted)[-1].end.reason == sub.END_REASON_RELATION_DELETED
    node.stop.set()
    end = (await drained)[-1].end
    assert end.reason == sub.END_REASON_NODE_DRAINING and end.position.value


@pytest.mark.parametrize(("call", "code", "why"), [
    (lambda n: n.lookups.Get(lookup.GetRequest(relation="nothing")), grpc.StatusCode.NOT_FOUND, "UNKNOWN_RELATION"),
    (lambda n: n.lookups.Get(lookup.GetRequest(relation="purchases", key=[text("a")])), grpc.StatusCode.FAILED_PRECONDITION, "NOT_A_TABLE"),
    (lambda n: n.lookups.Get(lookup.GetRequest(relation="customers")), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_KEY"),
    (lambda n: n.lookups.Get(lookup.GetRequest(relation="customers", key=[types_pb2.Value()])), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_KEY"),
    (lambda n: n.lookups.Get(lookup.GetRequest(relation="customers", key=[text("a")], columns=["zz"])), grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_COLUMN"),
    (lambda n: n.lookups.Get(lookup.GetRequest(relation="customers", key=[text("a")], consistency=at_least("?"))), grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_TOKEN"),
    (lambda n: scan(n, lookup.ScanRequest(relation="customers", cursor="zz")), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CURSOR"),
    (lambda n: scan(n, lookup.ScanRequest(relation="customers", where="n >")), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_EXPRESSION"),
    (lambda n: scan(n, lookup.ScanRequest(relation="customers", range=lookup.KeyRange(from_key=[text("b")], to_key=[text("a")]))),
     grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RANGE"),
    (lambda n: n.append("purchases", "x" * (5 << 20)), grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE"),
    (lambda n: n.append("purchases", "{}", sequence=1), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (lambda n: collect(n, sub.SubscribeRequest(relation="purchases", partitions=[9])), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (lambda n: collect(n, sub.SubscribeRequest(relation="purchases", max_batch_rows=70_000)), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (lambda n: collect(n, sub.SubscribeRequest(relation="purchases", start=topology_pb2.StartPosition(snapshot=True))),
     grpc.StatusCode.FAILED_PRECONDITION, "NOT_A_TABLE"),
    (lambda n: n.topologies.GetTopology(topologies.GetTopologyRequest(name="nothing")), grpc.StatusCode.NOT_FOUND, "UNKNOWN_TOPOLOGY"),
    (lambda n: n.topologies.ListTopologies(topologies.ListTopologiesRequest(page_size=-1)), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (lambda n: n.topologies.ResetTopology(topologies.ResetTopologyRequest(name="shop")), grpc.StatusCode.FAILED_PRECONDITION, "TOPOLOGY_NOT_PAUSED"),
    (lambda n: n.topologies.ExplainTopology(topologies.ExplainTopologyRequest()), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (lambda n: n.catalog.DropRelation(catalog.DropRelationRequest(name="purchases")), grpc.StatusCode.FAILED_PRECONDITION, "RELATION_IN_USE"),
    (lambda n: n.catalog.DropRelation(catalog.DropRelationRequest(name="expensive")), grpc.StatusCode.FAILED_PRECONDITION, "RELATION_READ_ONLY"),
    (lambda n: n.catalog.GetFunction(catalog.GetFunctionRequest(name="nothing")), grpc.StatusCode.NOT_FOUND, "UNKNOWN_FUNCTION"),
    (lambda n: n.catalog.CreateRelation(catalog.CreateRelationRequest(relation=declare.relation("x", "STREAM", "A INT", declare.Binding(create=False)))),
     grpc.StatusCode.FAILED_PRECONDITION, "MISSING_TOPIC"),
    (lambda n: n.catalog.CreateRelation(catalog.CreateRelationRequest(relation=declare.relation("x", "TABLE", "A INT"))),
     grpc.StatusCode.INVALID_ARGUMENT, "INVALID_SCHEMA"),
])
async def test_refusals(shared: Node, call: object, code: grpc.StatusCode, why: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(shared)  # type: ignore[operator]
    assert (refused.value.code(), reason(refused.value)) == (code, why), refused.value.details()


@pytest.fixture
async def shared(node: Node) -> Node:
    await shop(node)
    return node


async def test_descriptions(node: Node) -> None:
    await shop(node)
    relations = (await node.catalog.ListRelations(catalog.ListRelationsRequest(include_nodes=True))).relations
    by_name = {r.name: r for r in relations}
    assert {"purchases", "customers", "shop.counts", "shop.dead_letter"} <= set(by_name)
    assert by_name["customers"].lookup and by_name["customers"].read_only and list(by_name["purchases"].reader_topologies) == ["shop"]
    explained = await node.topologies.ExplainTopology(topologies.ExplainTopologyRequest(name="shop", source=True))
    assert "def " in explained.text and "counts" in explained.text
    tasks = (await node.cluster.ListTasks(cluster.ListTasksRequest(topology="shop"))).tasks
    assert {t.state for t in tasks} == {cluster.TASK_STATE_RUNNING} and {t.worker for t in tasks} == {"w0"}
    described = await node.cluster.DescribeCluster(cluster.DescribeClusterRequest())
    assert described.log_available and described.topologies == 1
    topics = (await node.catalog.ListTopics(catalog.ListTopicsRequest())).topics
    assert [t.name for t in topics] == sorted(["purchases", "customers", "depts", "customer_minutes", "expensive"])
    health = await health_pb2_grpc.HealthStub(node.channel).Check(health_pb2.HealthCheckRequest())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert len((await node.catalog.ListFunctions(catalog.ListFunctionsRequest())).functions) > 50


async def test_an_expression_error_says_where(node: Node) -> None:
    await shop(node)
    t = Topology("bad")
    t.stream("purchases").filter("PRICE > CUSTOMRE", name="f").to("out")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await node.topologies.RegisterTopology(topologies.RegisterTopologyRequest(topology=t.message()))
    status = rpc_status.from_call(refused.value)
    where = errors_pb2.ExpressionError()
    assert status is not None and any(d.Unpack(where) for d in status.details)
    assert (where.node, where.start, where.end) == ("f", 8, 16) and reason(refused.value) == "UNKNOWN_COLUMN"


async def test_a_slow_reader_catches_up_from_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that falls off the ring is told so, gets every row from the log, and is live again."""
    monkeypatch.setattr(tail, "RING_BYTES", 20_000)
    opened: list[Parts] = []
    monkeypatch.setattr(server, "assemble", lambda *args: opened.append(assemble(*args)) or opened[0])
    async with running(tmp_path) as node:
        await shop(node)
        parts = opened[0]
        events = parts.hub.events(Subscribe("purchases", ("price",), "", {}, Start(), None, 0, (), 500, 0.005, 10.0))
        kinds: list[str | None] = []
        prices: list[float] = []
        async with asyncio.timeout(30):
            async for event in events:
                kinds.append(event.WhichOneof("event"))
                if event.HasField("rows"):
                    prices += event.rows.batch.columns[0].doubles.values
                if kinds == ["schema", "caught_up"]:
                    for n in range(20):  # nothing is read meanwhile
                        await node.append("purchases", *(row(f"c{i}", float(n * 100 + i)) for i in range(100)))
                    await asyncio.sleep(0.5)
                if kinds.count("caught_up") == 2:
                    break
        await events.aclose()
        assert "fell_behind" in kinds and sorted(prices) == [float(i) for i in range(2000)]


async def test_serves_while_kafka_is_not_reachable(tmp_path: Path) -> None:
    config = ServeConfig(listen="127.0.0.1:0", data_dir=str(tmp_path), kafka="127.0.0.1:1")
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    gateway = asyncio.create_task(run_gateway(config, stop, address.set_result))
    async with grpc.aio.insecure_channel(await address) as channel:
        health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.NOT_SERVING
        described = await cluster_service_pb2_grpc.ClusterServiceStub(channel).DescribeCluster(cluster.DescribeClusterRequest())
        assert not described.log_available
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await lookup_service_pb2_grpc.LookupServiceStub(channel).Get(lookup.GetRequest(relation="x"))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE and reason(refused.value) == "LOG_UNAVAILABLE"
    stop.set()
    await gateway


async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    async with running(tmp_path / "a") as node:
        config = ServeConfig(listen=node.address, data_dir=str(tmp_path / "b"))
        with pytest.raises(OSError, match="is taken by another process"):
            await run_gateway(config, asyncio.Event(), lambda _: None)


async def test_a_position_whose_records_are_gone_has_expired(node: Node) -> None:
    await shop(node)
    first = await node.append("purchases", *(row(f"c{i}", float(i)) for i in range(60)))
    await node.append("purchases", *(row(f"c{i}", float(i)) for i in range(60)))
    topic = "purchases"
    tps = [TopicPartition(topic, p) for p in range((await node.log.topics([topic]))[topic].partitions)]
    await node.log.delete_records(await node.log.ends(tps))
    await node.append("purchases", row("new", 1.0))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await collect(node, sub.SubscribeRequest(relation="purchases", start=topology_pb2.StartPosition(after=first.position), until=END))
    assert (refused.value.code(), reason(refused.value)) == (grpc.StatusCode.OUT_OF_RANGE, "POSITION_EXPIRED")
    status, info = rpc_status.from_call(refused.value), error_details_pb2.ErrorInfo()
    assert status is not None and status.details[0].Unpack(info)
    earliest = topology_pb2.StartPosition(after=position_pb2.PositionToken(value=info.metadata["earliest"]))
    events = await collect(node, sub.SubscribeRequest(relation="purchases", start=earliest, until=END))
    assert [r["PRICE"] for r in pushed(events)] == [1.0], "the token in the answer goes on with what is kept"


async def test_a_where_that_fixes_the_key_reads_its_partition_only(node: Node) -> None:
    await shop(node)
    ack = await node.append("purchases", *(row(f"c{i}", 1.0) for i in range(20)), *(row("big", 500.0) for _ in range(3)))
    await get(node, "customers", "c1", ack.position.value)
    partitions = {}
    for where in ("customer = 'c7'", "'c7' = customer and n > 0", "customer in ('c7')", "(customer = 'c7' or customer = 'c7')", "n = 1"):
        events = await collect(node, sub.SubscribeRequest(relation="customers", where=where, until=END))
        keys = sorted(str(r["CUSTOMER"]) for r in pushed(events) if not r["_deleted"])
        assert keys == (["c7"] if "c7" in where else sorted(f"c{i}" for i in range(20)))
        at = decode(events[-1].end.position.value, node.log.log_id)
        (partitions[where],) = (len(t.offsets) for t in at.topics.values())
    assert partitions == {w: 2 if w == "n = 1" else 1 for w in partitions}
    found = [r async for r in node.lookups.Scan(lookup.ScanRequest(
        relation="customers", where="customer = :c", parameters={"c": text("c7")}))]
    assert sum(r.rows.row_count for r in found) == 1
    assert [len(t.offsets) for n, t in decode(found[-1].position.value, node.log.log_id).topics.items() if n.endswith("-changelog")] == [1]
    big = await collect(node, sub.SubscribeRequest(relation="expensive", where="customer = 'big'", start=EARLIEST, until=END))
    assert len(pushed(big)) == 3
    declared = await collect(node, sub.SubscribeRequest(relation="purchases", where="customer = 'big'", start=EARLIEST, until=END))
    assert len(pushed(declared)) == 3, "others may have placed the keys of a declared stream: every partition is read"
    assert len(decode(declared[-1].end.position.value, node.log.log_id).topics["purchases"].offsets) == 2


async def test_a_task_that_does_not_run_answers_within_max_staleness(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop(node)
    ack = await node.append("purchases", row("a", 1.0))
    await get(node, "customers", "a", ack.position.value)
    known = TaskStates.get

    def restoring(states: TaskStates, topology: str, incarnation: int, sub: str, partition: int) -> TaskEntry | None:
        entry = known(states, topology, incarnation, sub, partition)
        return None if entry is None else replace(entry, state=TaskState.RESTORING, state_reason="restoring 1 of 2 records")

    async def stale(bound_ms: int | None) -> list[dict[str, object]]:
        accepted = position_pb2.Stale() if bound_ms is None else position_pb2.Stale(
            max_staleness=duration_pb2.Duration(seconds=bound_ms // 1000, nanos=bound_ms % 1000 * 1_000_000))
        found = await node.lookups.Get(lookup.GetRequest(relation="customers", key=[text("a")], consistency=position_pb2.Consistency(stale=accepted)))
        return rows_of(found.schema, found.rows)

    await asyncio.sleep(0.05)
    assert len(await stale(1)) == 1, "a task that runs answers from its newest commit, however long ago that was"
    monkeypatch.setattr(TaskStates, "get", restoring)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await get(node, "customers", "a")
    assert (refused.value.code(), reason(refused.value)) == (grpc.StatusCode.UNAVAILABLE, "NOT_SERVING")
    assert len(await stale(None)) == len(await stale(60_000)) == 1
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stale(1)
    assert reason(refused.value) == "NOT_SERVING" and "at most 1 ms old is accepted" in str(refused.value.details())
    scan = lookup.ScanRequest(relation="customers", consistency=position_pb2.Consistency(stale=position_pb2.Stale()))
    assert sum([r.rows.row_count async for r in node.lookups.Scan(scan)]) == 1


def numbered(n: int) -> append.AppendStreamRequest:
    rows = append.JsonRows(rows=[row("s", float(n))])
    return append.AppendStreamRequest(batch=append.AppendBatch(relation="purchases", json=rows, sequence=n))


async def test_a_stream_of_appends_is_pipelined_and_acknowledged_in_order(node: Node) -> None:
    await shop(node)
    call = node.appends.AppendStream()
    await call.write(append.AppendStreamRequest(open=append.AppendOpen(producer_id="piped")))
    assert (await call.read()).opened.max_in_flight == 16
    for n in range(1, 13):
        await call.write(numbered(n))  # none is waited for
    for n in range(1, 13):
        ack = (await call.read()).ack
        assert (ack.sequence, ack.appended) == (n, 1)
    (found,) = await get(node, "customers", "s", ack.position.value)
    assert (found["N"], found["SPENT"]) == (12, 78.0)
    for n in (13, 15):
        await call.write(numbered(n))
    assert (await call.read()).ack.sequence == 13
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert reason(refused.value) == "SEQUENCE_GAP"


async def test_a_streams_position_includes_its_batches_and_what_it_was_opened_with(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop(node)

    async def append_in_turn(keys: Sequence[str], before: str = "") -> str:
        """The position of the last batch."""
        call = node.appends.AppendStream()
        await call.write(append.AppendStreamRequest(open=append.AppendOpen(position={"value": before} if before else None)))
        await call.read()
        for n, key in enumerate(keys):
            await call.write(append.AppendStreamRequest(batch=append.AppendBatch(relation="purchases", json=append.JsonRows(rows=[row(key, float(n))]))))
            ack = (await call.read()).ack
        await call.done_writing()
        return str(ack.position.value)

    def named(token: str) -> dict[int, int]:
        (topic,) = decode(token, node.log.log_id).topics.values()
        return dict(topic.offsets)

    single = [named(await append_in_turn([key])) for key in "abcdefgh"]
    assert {len(offsets) for offsets in single} == {1} and len({p for offsets in single for p in offsets}) == 2
    token = await append_in_turn("abcdefgh")
    assert named(token) == {p: end + sum(p in offsets for offsets in single) for offsets in single for p, end in offsets.items()}
    later = await append_in_turn("a", before=token)
    (own,) = single[0]
    assert named(later) == {p: end + (p == own) for p, end in named(token).items()}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await append_in_turn("a", before="nonsense")
    assert reason(refused.value) == "MALFORMED_TOKEN"
    monkeypatch.setattr(positions, "LIMIT", len(token) - 1)  # as if two partitions were too many
    assert {len(named(await append_in_turn("abcdefgh"))) for _ in range(2)} == {1}


async def test_a_newer_stream_of_a_producer_ends_the_older_one(node: Node) -> None:
    await shop(node)

    async def opened(epoch: int = 0) -> tuple[grpc.aio.StreamStreamCall, append.AppendOpened]:
        call = node.appends.AppendStream()
        await call.write(append.AppendStreamRequest(open=append.AppendOpen(producer_id="one", epoch=epoch)))
        return call, (await call.read()).opened

    first, begun = await opened()
    await first.write(numbered(1))
    assert (await first.read()).ack.sequence == 1
    again, same = await opened(begun.epoch)
    assert (same.epoch, same.last_sequence) == (begun.epoch, 1), "after a broken connection it goes on"
    second, newer = await opened()
    assert newer.epoch > begun.epoch
    for call in (first, again):
        await call.write(numbered(2))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
        assert (refused.value.code(), reason(refused.value)) == (grpc.StatusCode.ABORTED, "PRODUCER_FENCED")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await opened(begun.epoch)
    assert reason(refused.value) == "PRODUCER_FENCED"
    await second.write(numbered(2))
    assert (await second.read()).ack.sequence == 2
    await second.done_writing()
