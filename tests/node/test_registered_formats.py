"""AVRO, PROTOBUF and JSON_SR through a real node whose schema registry is its own: one command, and what it does is there after a kill -9."""

from __future__ import annotations

import io
import json
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from penstock_client import Topology
from penstock_client.declare import Binding
from penstock_client.errors import IncompatibleSchemaError, UnknownSchemaError
from ports import free_port
from real import RealNode, wait_for

COLUMNS = "CUSTOMER STRING KEY, PRICE DECIMAL(6, 2), ITEM STRUCT<NAME STRING, TAGS ARRAY<STRING>>"
ROWS = [{"CUSTOMER": f"c{n}", "PRICE": Decimal(f"{n}.50"), "ITEM": {"NAME": "pen", "TAGS": ["a", "b"]}} for n in range(1, 4)]


class Node(RealNode):
    """A node with a known port of its schema registry."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.port = free_port()
        super().__init__(directory, "--schema-registry-listen", f"127.0.0.1:{self.port}", *options)

    def ask(self, path: str, body: Any = None, method: str = "") -> Any:
        """The registry's answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/vnd.schemaregistry.v1+json"}, method=method or None)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("registered")) as made:
        yield made
        assert made.stop() == 0
        assert "Traceback" not in made.log, made.log


def raw(node: RealNode, topic: str, n: int) -> list[Any]:
    """Keys and values of a topic's first records, as they are."""
    name = f"raw_{topic}"
    node.client.create_stream(name, "K BYTES KEY, V BYTES", Binding(topic=topic, key_format="KAFKA", value_format="KAFKA"))
    return list(node.client.subscribe(name, start="earliest", until="end", limit=n))


def test_every_format_in_and_out(node: Node) -> None:
    client = node.client
    client.create_stream("purchases", COLUMNS, Binding(partitions=2, key_format="AVRO", value_format="AVRO"))
    t = Topology("formats")
    purchases = t.stream("purchases")
    purchases.to("as_protobuf", binding=Binding(value_format="PROTOBUF"))
    purchases.to("as_json", binding=Binding(value_format="JSON_SR"))
    purchases.group_by("CUSTOMER").aggregate(("COUNT(*)", "N"), name="counted").to("counts", binding=Binding(key_format="AVRO", value_format="PROTOBUF"))
    client.register_topology(t, wait=20)
    token = client.append("purchases", ROWS).position
    row = client.get("counts", "c2", at_least=token)
    assert row is not None and row.N == 1
    for name in ("purchases", "as_protobuf", "as_json"):
        found = {r.CUSTOMER: r for r in client.subscribe(name, start="earliest", until="end")}
        assert {k: (r.PRICE, r.ITEM["NAME"], r.ITEM["TAGS"]) for k, r in found.items()} == {
            r["CUSTOMER"]: (r["PRICE"], "pen", ["a", "b"]) for r in ROWS}, name
    assert set(node.ask("/subjects")) >= {"purchases-key", "purchases-value", "as_protobuf-key", "as_protobuf-value", "as_json-value", "counts-key", "counts-value"}
    assert node.dead_letters("formats", 0) == []


def test_what_is_written_is_the_registrys_wire_format(node: Node) -> None:
    latest = node.ask("/subjects/purchases-value/versions/latest")
    (record, *_) = raw(node, "purchases", 1)
    assert record.V[:5] == b"\0" + int(latest["id"]).to_bytes(4, "big")
    seen = fastavro.schemaless_reader(io.BytesIO(record.V[5:]), fastavro.parse_schema(json.loads(latest["schema"])), None)
    assert isinstance(seen, dict) and seen["ITEM"]["NAME"] == "pen" and seen["PRICE"] in [r["PRICE"] for r in ROWS]


def test_columns_come_from_the_registry_and_schemas_may_grow(node: Node) -> None:
    client = node.client
    first = {"type": "record", "name": "Reading", "fields": [{"name": "station", "type": "string"}, {"name": "n", "type": "int"}]}
    second = {**first, "fields": [*first["fields"], {"name": "unit", "type": "string", "default": "m"}]}  # type: ignore[misc]
    ids = [node.ask("/subjects/readings-value/versions", {"schema": json.dumps(s)})["id"] for s in (first, second)]
    client.create_stream("readings", "ID BIGINT KEY", Binding(partitions=1, value_format="AVRO"))
    client.create_stream("readings_raw", "ID BIGINT KEY, V BYTES", Binding(topic="readings", partitions=1, value_format="KAFKA"))
    for n, (schema, schema_id) in enumerate(zip((first, second), ids, strict=True)):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema), {"station": "s", "n": n, "unit": "cm"})
        client.append("readings_raw", [{"ID": n, "V": b"\0" + int(schema_id).to_bytes(4, "big") + out.getvalue()}])
    client.append("readings", [{"ID": 2, "STATION": "t", "N": 2, "UNIT": "km"}])
    found = sorted(client.subscribe("readings", start="earliest", until="end"), key=lambda r: r.ID)
    assert [(r.STATION, r.N, r.UNIT) for r in found] == [("s", 0, None), ("s", 1, "cm"), ("t", 2, "km")]


def test_refusals(node: Node) -> None:
    client = node.client
    with pytest.raises(UnknownSchemaError, match="nowhere-value"):
        client.create_stream("nowhere", "ID BIGINT KEY", Binding(partitions=1, value_format="AVRO"))
    node.ask("/subjects/taken-value/versions", {"schema": '{"type": "record", "name": "T", "fields": [{"name": "OTHER", "type": "int"}]}'})
    t = Topology("taker")
    t.stream("purchases").to("taken", binding=Binding(value_format="AVRO"))
    with pytest.raises(IncompatibleSchemaError, match="taken-value"):
        client.register_topology(t)
    assert "taken" not in {r.name for r in client.relations()}


def test_schemas_survive_a_kill(node: Node) -> None:
    before = node.ask("/schemas")
    node.kill()
    node.start()
    assert wait_for(lambda: node.ask("/schemas") == before, 10)
    token = node.client.append("purchases", [{**ROWS[0], "CUSTOMER": "late"}]).position
    row = node.client.get("counts", "late", at_least=token)
    assert row is not None and row.N == 1
    assert node.ask("/schemas") == before
