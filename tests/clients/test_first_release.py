"""A program of the first API goes on working: the messages of its kept descriptors, over plain gRPC, against a node of today."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from penstock_client.gen.penstock.v1.topology_service_pb2 import RegisteredTopology

sys.path.insert(0, str(Path(__file__).parent))

from conftest import ROOT
from real import RealNode

RELEASE = ROOT / "tests/proto/0.1.binpb"


class Program:
    """One that was built from the first release: its messages by name, its calls by service and method."""

    def __init__(self, address: str) -> None:
        self._pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(RELEASE.read_bytes()).file:
            self._pool.AddSerializedFile(file.SerializeToString())
        self._channel = grpc.insecure_channel(address)

    def message(self, name: str) -> Any:
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(f"penstock.v1.{name}"))

    def enum(self, name: str, value: str) -> int:
        return int(self._pool.FindEnumTypeByName(f"penstock.v1.{name}").values_by_name[value].number)

    def call(self, service: str, method: str, **fields: Any) -> Any:
        """A unary call's answer, a stream's answers."""
        described = self._pool.FindServiceByName(f"penstock.v1.{service}").methods_by_name[method]
        answer = message_factory.GetMessageClass(described.output_type)
        made = self._channel.unary_stream if described.server_streaming else self._channel.unary_unary
        request = message_factory.GetMessageClass(described.input_type)(**fields)
        calling = made(f"/penstock.v1.{service}/{method}", request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString)
        return calling(request, timeout=60, wait_for_ready=True)

    def close(self) -> None:
        self._channel.close()


@pytest.fixture(scope="module")
def program(node: RealNode) -> Iterator[Program]:
    made = Program(node.address)
    yield made
    made.close()


def test_it_registers_appends_subscribes_and_looks_up(program: Program) -> None:
    columns = [{"name": "CUSTOMER", "role": program.enum("ColumnRole", "COLUMN_ROLE_KEY"), "type": {"sql": "STRING"}}, {"name": "PRICE", "type": {"sql": "DOUBLE"}}]
    stream = program.enum("RelationKind", "RELATION_KIND_STREAM")
    program.call("CatalogService", "CreateRelation", relation={"name": "old_sales", "kind": stream, "schema": {"columns": columns}, "topic": {"create": {}}})
    topology = {
        "name": "old_shop",
        "nodes": [
            {"name": "sales", "source_stream": {"origin": {"relation": "old_sales"}}},
            {"name": "dear", "inputs": ["sales"], "filter": {"where": "PRICE > 1"}},
            {"name": "by_customer", "inputs": ["dear"], "group_by": {}},
            {"name": "spend", "inputs": ["by_customer"], "aggregate": {"columns": [{"expression": "SUM(PRICE)", "alias": "TOTAL"}]}},
            {"name": "out", "inputs": ["spend"], "sink": {"relation": "old_spend"}},
        ],
    }
    registered = program.call("TopologyService", "RegisterTopology", topology=topology, wait={"seconds": 30})
    assert registered.topology.state == program.enum("TopologyState", "TOPOLOGY_STATE_RUNNING")

    cells = [{"strings": {"values": ["a", "b", "a"]}}, {"doubles": {"values": [2.5, 4, 8]}}]
    appended = program.call("AppendService", "Append", batch={"relation": "old_sales", "rows": {"columns": ["CUSTOMER", "PRICE"], "batch": {"row_count": 3, "columns": cells}}})
    token = appended.ack.position

    found = program.call("LookupService", "Get", relation="old_spend", key=[{"text": "a"}], consistency={"at_least": {"positions": [token]}})
    assert [c.name for c in found.schema.schema.columns][:2] == ["CUSTOMER", "TOTAL"] and found.rows.columns[1].doubles.values == [10.5]

    pushed: dict[str, float] = {}
    for answer in program.call("SubscriptionService", "Subscribe", relation="old_spend"):
        event = answer.event
        if event.WhichOneof("event") == "rows":
            names, totals = event.rows.batch.columns[:2]
            pushed |= dict(zip(names.strings.values, totals.doubles.values, strict=True))
        if event.WhichOneof("event") == "caught_up":
            break
    assert pushed == {"a": 10.5, "b": 4.0}
    with pytest.raises(grpc.RpcError) as refused:
        program.call("LookupService", "Get", relation="no_such", key=[{"text": "a"}])
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_what_newer_answers_have_more_does_it_no_harm(program: Program) -> None:
    """Fields, values of enums and kinds of events that the first API does not have, in messages that it reads."""
    field_2047, text = b"\xfa\x7f", b"\x03new"
    registered = program.message("RegisteredTopology").FromString(RegisteredTopology(etag="t", state=99).SerializeToString() + field_2047 + text)
    assert (registered.etag, registered.state) == ("t", 99)
    event = program.message("Event").FromString(field_2047 + text)
    assert event.WhichOneof("event") is None
