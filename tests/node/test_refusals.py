"""What a caller gets for a wrong request, from a real node: code, reason, names; and that nothing was created."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest
from penstock_client import Client, Topology
from penstock_client.declare import Binding
from penstock_client.gen.penstock.v1 import append_service_pb2 as pb
from penstock_client.gen.penstock.v1 import topology_pb2
from penstock_client.position import TopicOffset
from real import RealNode, refused


@pytest.fixture(scope="module")
def node(shared: RealNode) -> Iterator[RealNode]:
    client = shared.client
    client.create_stream("orders", "K STRING KEY, N BIGINT, T STRING", Binding(partitions=2))
    client.create_stream("wide", "K STRING KEY, N BIGINT", Binding(partitions=3))
    client.create_table("people", "ID STRING KEY, NAME STRING", Binding(partitions=2))
    t = Topology("counting")
    t.stream("orders").group_by("K").count("C", name="counts").to("order_counts")
    client.register_topology(t, wait=20)
    yield shared


def tok(client: Client) -> str:
    return client.append("orders", {"K": "a", "N": 1}).position


# ---- tokens

@pytest.mark.parametrize("text", ["?", "x" * 9000, "AAAA", "ünsinn", "AQAAAAAA"])
def test_malformed_tokens(node: RealNode, text: str) -> None:
    error = refused("MALFORMED_TOKEN", lambda: node.client.get("order_counts", "a", at_least=text))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT and error.metadata["field"]
    refused("MALFORMED_TOKEN", lambda: next(iter(node.client.subscribe("orders", start=text + "~" if text == "AAAA" else text))))


def test_a_damaged_token(node: RealNode) -> None:
    good = tok(node.client)
    damaged = good[:12] + ("A" if good[12] != "A" else "B") + good[13:]
    refused("MALFORMED_TOKEN", lambda: node.client.get("order_counts", "a", at_least=damaged))


def test_tokens_of_another_log_and_of_a_recreated_topic(node: RealNode, other: RealNode) -> None:
    foreign = tok(other.client)
    error = refused("FOREIGN_TOKEN", lambda: node.client.get("order_counts", "a", at_least=foreign))
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    refused("FOREIGN_TOKEN", lambda: next(iter(node.client.subscribe("orders", start=foreign))))
    client = node.client
    client.create_stream("again", "K STRING KEY, N BIGINT")
    old = client.append("again", {"K": "a", "N": 1}).position
    with client.subscribe("again", start="earliest", until="end") as rows:
        assert [r.N for r in rows] == [1]
        resume = rows.position
    client.drop_relation("again", delete_topic=True)
    client.create_stream("again", "K STRING KEY, N BIGINT")
    error = refused("RELATION_REPLACED", lambda: next(iter(client.subscribe("again", start=resume))))
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION and error.metadata["relation"] == "again"
    refused("FOREIGN_TOKEN", lambda: next(iter(client.subscribe("again", start=old))))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    with RealNode(tmp_path_factory.mktemp("other")) as other:
        other.client.create_stream("orders", "K STRING KEY, N BIGINT, T STRING")
        yield other


def test_records_of_topics_that_a_table_does_not_depend_on_are_ignored(node: RealNode) -> None:
    assert node.client.get("order_counts", "nobody", at_least=TopicOffset("nowhere", 0, 5)) is None
    far = [TopicOffset("orders", partition, 1_000_000) for partition in (0, 1)]
    late = refused("POSITION_NOT_REACHED", lambda: node.client.get("order_counts", "nobody", at_least=far, max_wait=0.2))
    assert late.code is grpc.StatusCode.DEADLINE_EXCEEDED and 200 <= int(late.metadata["waited_ms"]) < 2000


# ---- names, columns, ranges, sizes

@pytest.mark.parametrize(("reason", "code", "call"), [
    ("UNKNOWN_RELATION", "NOT_FOUND", lambda c: c.get("nothing", "a")),
    ("UNKNOWN_RELATION", "NOT_FOUND", lambda c: c.relation("nothing")),
    ("UNKNOWN_RELATION", "NOT_FOUND", lambda c: list(c.scan("nothing"))),
    ("UNKNOWN_RELATION", "NOT_FOUND", lambda c: next(iter(c.subscribe("nothing")))),
    ("UNKNOWN_RELATION", "NOT_FOUND", lambda c: c.append("nothing", {"A": 1}, as_json=True)),
    ("UNKNOWN_RELATION", "NOT_FOUND", lambda c: c.drop_relation("nothing")),
    ("UNKNOWN_TOPOLOGY", "NOT_FOUND", lambda c: c.topology("nothing")),
    ("UNKNOWN_TOPOLOGY", "NOT_FOUND", lambda c: c.pause_topology("nothing")),
    ("UNKNOWN_TOPOLOGY", "NOT_FOUND", lambda c: c.resume_topology("nothing")),
    ("UNKNOWN_TOPOLOGY", "NOT_FOUND", lambda c: c.reset_topology("nothing")),
    ("UNKNOWN_TOPOLOGY", "NOT_FOUND", lambda c: c.delete_topology("nothing")),
    ("UNKNOWN_TOPOLOGY", "NOT_FOUND", lambda c: c.explain("nothing")),
    ("UNKNOWN_TOPOLOGY", "NOT_FOUND", lambda c: c.tasks("nothing")),
    ("UNKNOWN_FUNCTION", "NOT_FOUND", lambda c: c.function("nothing")),
    ("UNKNOWN_COLUMN", "INVALID_ARGUMENT", lambda c: c.get("order_counts", "a", columns=["ZZ"])),
    ("UNKNOWN_COLUMN", "INVALID_ARGUMENT", lambda c: list(c.scan("order_counts", where="ZZ > 1"))),
    ("UNKNOWN_COLUMN", "INVALID_ARGUMENT", lambda c: next(iter(c.subscribe("orders", columns=["ZZ"])))),
    ("TYPE_MISMATCH", "INVALID_ARGUMENT", lambda c: next(iter(c.subscribe("orders", where="N")))),
    ("INVALID_KEY", "INVALID_ARGUMENT", lambda c: c.get("order_counts", ("a", "b"))),
    ("INVALID_KEY", "INVALID_ARGUMENT", lambda c: c.get("order_counts", 5)),
    ("INVALID_RANGE", "INVALID_ARGUMENT", lambda c: list(c.scan("order_counts", from_key="b", to_key="a"))),
    ("INVALID_RANGE", "INVALID_ARGUMENT", lambda c: list(c.scan("order_counts", prefix=("a", "b")))),
    ("INVALID_CURSOR", "INVALID_ARGUMENT", lambda c: list(c.scan("order_counts", cursor="zz"))),
    ("NOT_A_TABLE", "FAILED_PRECONDITION", lambda c: c.get("orders", "a")),
    ("NOT_A_TABLE", "FAILED_PRECONDITION", lambda c: c.get("people", "a")),
    ("INVALID_ARGUMENT", "INVALID_ARGUMENT", lambda c: c.batch_get("order_counts", (f"k{i}" for i in range(10_001)))),
    ("REQUEST_TOO_LARGE", "RESOURCE_EXHAUSTED", lambda c: c.append("orders", [{"K": "a", "T": "x" * 900_000}] * 5)),
    ("REQUEST_TOO_LARGE", "RESOURCE_EXHAUSTED", lambda c: c.append("orders", [{"K": "a", "T": "x" * 900_000}] * 10)),
    ("INVALID_ARGUMENT", "INVALID_ARGUMENT", lambda c: c.append("orders", [{"N": 1}] * 65_537)),
    ("ROW_TOO_LARGE", "INVALID_ARGUMENT", lambda c: c.append("orders", {"K": "a", "T": "x" * 1_100_000})),
    ("ROW_TOO_LARGE", "INVALID_ARGUMENT", lambda c: c.append("orders", {"K": "x" * 1_100_000, "N": 1})),
])
def test_wrong_calls(node: RealNode, reason: str, code: str, call: Callable[[Client], object]) -> None:
    error = refused(reason, lambda: call(node.client))
    assert error.code is not None and error.code.name == code, error
    assert error.message


# ---- topologies that are refused, and leave nothing behind

def cycle() -> topology_pb2.Topology:
    t = Topology("wrong")
    t.stream("orders").filter("N > 1", name="a").filter("N > 2", name="b").to("wrong_out")
    message = t.message()
    next(n for n in message.nodes if n.name == "a").inputs[:] = ["b"]
    return message


def twins() -> Topology:
    t = Topology("wrong")
    t.stream("orders").filter("N > 1", name="f").filter("N > 2", name="f").to("wrong_out")
    return t


def filtered(where: str, relation: str = "orders", out: str = "wrong_out") -> Topology:
    t = Topology("wrong")
    t.stream(relation).filter(where, name="f").to(out)
    return t


def no_topic() -> Topology:
    t = Topology("wrong")
    t.stream(columns="K STRING KEY, N BIGINT", binding=Binding(topic="absent", create=False), name="src").to("wrong_out")
    return t


def mismatched() -> Topology:
    t = Topology("wrong")
    t.stream("wide").join(t.table("people"), "N", "NAME", name="j").to("wrong_out")
    return t


def other_counting() -> Topology:
    t = Topology("counting")
    t.stream("orders").filter("N > 1").to("wrong_out")
    return t


def missing_input() -> topology_pb2.Topology:
    message = filtered("N > 1").message()
    next(n for n in message.nodes if n.name == "f").inputs[:] = ["nowhere"]
    return message


@pytest.mark.parametrize(("make", "reason", "code", "metadata", "place"), [
    (cycle, "CYCLE", "INVALID_ARGUMENT", {"path": "b"}, None),
    (twins, "DUPLICATE_NODE", "INVALID_ARGUMENT", {"node": "f"}, None),
    (missing_input, "UNKNOWN_NODE", "INVALID_ARGUMENT", {"node": "f", "input": "nowhere"}, None),
    (lambda: filtered("N > NOPE"), "UNKNOWN_COLUMN", "INVALID_ARGUMENT", {"node": "f", "column": "NOPE"}, ("f", 4, 8)),
    (lambda: filtered("'ä' = T AND N > 'x'"), "TYPE_MISMATCH", "INVALID_ARGUMENT", {"node": "f"}, ("f", 12, 19)),
    (lambda: filtered("N > "), "INVALID_EXPRESSION", "INVALID_ARGUMENT", {"node": "f"}, ("f", 4, 4)),
    (lambda: filtered("NOPE(N)"), "UNKNOWN_FUNCTION", "INVALID_ARGUMENT", {"node": "f", "function": "NOPE"}, ("f", 0, 4)),
    (lambda: filtered("N > 1", relation="nothing"), "UNKNOWN_RELATION", "NOT_FOUND", {"relation": "nothing"}, None),
    (lambda: filtered("N > 1", out="orders"), "NAME_TAKEN", "ALREADY_EXISTS", {"relation": "orders"}, None),
    (no_topic, "MISSING_TOPIC", "FAILED_PRECONDITION", {"topic": "absent", "node": "src"}, None),
    (mismatched, "CO_PARTITIONING", "FAILED_PRECONDITION", {"node": "j", "left_partitions": "3", "right_partitions": "2"}, None),
    (other_counting, "NAME_TAKEN", "ALREADY_EXISTS", {"name": "counting"}, None),
    (lambda: Topology("no good name!"), "INVALID_TOPOLOGY", "INVALID_ARGUMENT", {"field": "topology.name"}, None),
    (lambda: Topology("wrong"), "INVALID_TOPOLOGY", "INVALID_ARGUMENT", {}, None),
])
def test_wrong_topologies(node: RealNode, make: Callable[[], Topology], reason: str, code: str, metadata: dict[str, str],
                          place: tuple[str, int, int] | None) -> None:
    before = everything(node.client)
    error = refused(reason, lambda: node.client.register_topology(make(), wait=5))
    assert error.code is not None and error.code.name == code
    assert all(wanted in error.metadata.get(key, "") for key, wanted in metadata.items()), error.metadata
    if place is not None:
        assert error.expression is not None
        assert (error.expression.node, error.expression.start, error.expression.end) == place, error.expression
    assert everything(node.client) == before


def everything(client: Client) -> object:
    """All that registering could create."""
    return ([r.name for r in client.relations(include_nodes=True)], [t.name for t in client.topics(include_internal=True)],
            [t.name for t in client.topologies()])


def test_the_command_line_shows_the_place(node: RealNode, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("yaml") / "wrong.yaml"
    path.write_text("topology: wrong\nnodes:\n  orders: {stream: orders}\n  f: {from: orders, filter: N > NOPE}\n  out: {from: f, sink: wrong_out}\n")
    done = node.cli("apply", str(path))
    assert done.returncode == 1 and "NOPE" in done.stderr and "^^^^" in done.stderr and "Traceback" not in done.stderr


# ---- appends

@pytest.mark.parametrize(("rows", "reason"), [
    ([{"K": "a", "N": "abc"}], "INVALID_ROW"),
    ([{"K": "a", "N": 1 << 70}], "INVALID_ROW"),
    ([{"K": "a", "N": 1.5}], "INVALID_ROW"),
    ([{"K": "a", "N": 1}, {"K": "b", "NOPE": 2}], "UNKNOWN_COLUMN"),
    ([{"K": "a", "T": [1]}], "INVALID_ROW"),
])
def test_rows_that_do_not_fit(node: RealNode, rows: list[dict[str, object]], reason: str) -> None:
    before = ends(node)
    error = refused(reason, lambda: node.client.append("orders", rows, as_json=True))
    assert error.row_errors[0].row == len(rows) - 1
    assert ends(node) == before


def ends(node: RealNode) -> int:
    return len(list(node.client.subscribe("orders", start="earliest", until="end")))


def test_skip_rows_writes_the_good_ones_and_names_the_others(node: RealNode) -> None:
    before = ends(node)
    done = node.client.append("orders", [{"K": "a", "N": "x"}, {"K": "b", "N": 2}, {"K": "c", "NOPE": 1}], as_json=True, skip_invalid=True)
    assert done.appended == 1 and [(e.row, e.reason) for e in done.row_errors] == [(0, "INVALID_ROW"), (2, "UNKNOWN_COLUMN")]
    assert ends(node) == before + 1


def test_a_table_needs_its_key(node: RealNode) -> None:
    assert refused("INVALID_ROW", lambda: node.client.append("people", {"NAME": "x"})).row_errors[0].row == 0
    refused("INVALID_ROW", lambda: node.raw("people", (None, b'{"NAME":"x"}')))


def test_raw_bytes_are_checked(node: RealNode) -> None:
    for value in (b'{"T": "\xff"}', b'{"N": "abc"}', b"{", b""):
        error = refused("INVALID_ROW", lambda value=value: node.raw("orders", (b"a", b'{"N": 1}'), (b"a", value)))
        assert error.row_errors[0].row == 1
    wrong_partition = refused("INVALID_ARGUMENT", lambda: node.raw("orders", (b"a", b'{"N": 1}'), partition=7))
    assert wrong_partition.metadata["field"] == "partition"


def test_no_such_json(node: RealNode) -> None:
    batch = pb.AppendBatch(relation="orders", json=pb.JsonRows(rows=['{"N": 1', "[]", '{"N": 1e999}']))
    ack = node.client.raw.append.Append(pb.AppendRequest(batch=batch)).ack
    assert [e.row for e in ack.row_errors] == [0, 1, 2] and not ack.appended


def test_sequences(node: RealNode) -> None:
    client, row = node.client, {"K": "seq", "N": 1}
    first = client.append("orders", row, producer_id="p1", sequence=1)
    again = client.append("orders", row, producer_id="p1", sequence=1)
    assert (first.appended, first.duplicate, again.appended, again.duplicate) == (1, False, 0, True)
    gap = refused("SEQUENCE_GAP", lambda: client.append("orders", row, producer_id="p1", sequence=3))
    assert gap.code is grpc.StatusCode.FAILED_PRECONDITION
    assert (gap.metadata["producer_id"], gap.metadata["expected"], gap.metadata["actual"]) == ("p1", "2", "3")
    assert [r.K for r in client.subscribe("orders", start="earliest", until="end")].count("seq") == 1
    assert client.get("order_counts", "seq", at_least=again.position).C == 1  # type: ignore[union-attr]


def test_an_older_stream_of_a_producer_is_fenced(node: RealNode) -> None:
    older = node.client.appender("orders", producer_id="p2")
    older.append({"K": "f", "N": 1})
    older.flush(10)
    newer = node.client.appender("orders", producer_id="p2")
    newer.append({"K": "f", "N": 2})
    newer.flush(10)

    def more() -> None:
        older.append({"K": "f", "N": 3})
        older.flush(10)

    error = refused("PRODUCER_FENCED", more)
    assert error.code is grpc.StatusCode.ABORTED and error.metadata["producer_id"] == "p2"


@pytest.mark.parametrize("relation", ["order_counts", "counting.counts", "counting.dead_letter"])
def test_what_a_topology_writes_takes_no_appends(node: RealNode, relation: str) -> None:
    error = refused("RELATION_READ_ONLY", lambda: node.client.append(relation, {"K": "a"}, as_json=True))
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION and error.metadata["owner"] == "counting"
