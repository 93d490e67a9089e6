"""Runs a case in Penstock and in Kafka Streams and says where they differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from google.protobuf.json_format import MessageToDict
from judge import Verdict
from penstock.errors import RequestError, TaskFailed
from penstock.plan.resolved import Updates
from penstock.planner.definition import relation_of, topology_of
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import plain
from penstock.testing.relations import FixedRelations, relation_info
from penstock_client.gen.penstock.v1.relation_pb2 import Relation
from penstock_client.gen.penstock.v1.topology_pb2 import Topology
from watch import Watch

Rows = list[dict[str, Any]]

ROUTED = ("a", "b", "x")
"""Values of generate.STRINGS, as topics."""

STORED = {"table", "global_table", "aggregate", "reduce", "cogroup", "to_table", "table_table_join"}
"""Nodes with a store of their name."""


def request(case: Mapping[str, Any]) -> dict[str, Any]:
    """What the judge is asked."""
    inputs = [{**i, "key": None if i["key"] is None else [i["key"]], "headers": list(i.get("headers", {}).items())} for i in case["inputs"]]
    return {"topology": MessageToDict(_topology(json.dumps(case["topology"]))), "cache": case["updates"] == "latest",
            "relations": [MessageToDict(_relation(json.dumps(r))) for r in case["relations"]], "inputs": inputs}


@lru_cache(4)
def _topology(text: str) -> Topology:
    return topology_of({"topology": "t", **json.loads(text)})


@lru_cache(100)
def _relation(text: str) -> Relation:
    return relation_of(json.loads(text))


def driver(case: Mapping[str, Any]) -> TopologyTestDriver:
    """Our driver, nothing appended yet. RequestError where the topology is refused."""
    relations = FixedRelations([relation_info(_relation(json.dumps(r))) for r in case["relations"]], 1)
    return TopologyTestDriver(_topology(json.dumps(case["topology"])), relations,
                              updates=Updates.EVERY if case["updates"] == "every" else Updates.LATEST_PER_COMMIT, processors={"watch": Watch})


def ours(case: Mapping[str, Any], asked: Verdict) -> Verdict:
    """Outputs of every sink, and those tables that the judge has too."""
    made = driver(case)
    outputs: dict[str, Rows] = {}
    for number, i in enumerate(case["inputs"]):
        headers = tuple((name, text.encode()) for name, text in i.get("headers", {}).items())
        try:
            if "advance" in i:
                made.advance_time(i["advance"])
                made.commit()
            made.append(i["to"], key=i["key"], value=i["value"], timestamp=i["at"], headers=headers)
            made.commit()
        except TaskFailed:
            outputs["stopped"] = [{"key": None, "value": number, "at": 0, "window": None, "headers": []}]
            break
    for node in case["topology"]["nodes"].values():
        for sink in sinks_of(node):
            try:
                written = made.read_output(sink)
            except RequestError:
                continue  # no row has named this topic
            rows = [_row(r.key, r.value, r.timestamp, r.window_start, r.window_end)
                    | {"headers": [[h, None if v is None else v.decode()] for h, v in r.headers]} for r in written]
            if rows:
                outputs.setdefault(sink, []).extend(rows)
    if made.dead_letters:
        outputs["dead letters"] = [{"key": None, "value": str(made.dead_letters), "at": 0, "window": None}]
    tables = {}
    for name in _tables(case):
        try:
            schema = made.table_schema(name)
        except RequestError:
            asked.tables.pop(name, None)
            continue
        rows = [_row(list(r.key), dict(zip((c.name for c in schema.value), r.values, strict=True)), r.timestamp, r.window_start, r.window_end)
                for r in made.read_store(name)]
        if rows:
            tables[name] = rows
    return Verdict(outputs, tables)


def _tables(case: Mapping[str, Any]) -> list[str]:
    """Names of those that the judge may have too."""
    found = []
    for name, node in case["topology"]["nodes"].items():
        if STORED & set(node) and not _versioned(node):
            found.append(name)
        if "processor" in node:
            found += [f"{name}.{store.name}" for store in Watch.stores]
    return found


def sinks_of(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Topics that a node may write: a routed sink those that its column's values name."""
    sink = node.get("sink")
    named = sink.get("relation") if isinstance(sink, dict) else sink
    return () if sink is None else (named,) if isinstance(named, str) else ROUTED


def _row(key: Any, value: Any, at: int, start: int | None, end: int | None) -> dict[str, Any]:
    parts = None if key is None else list(key.values()) if isinstance(key, dict) else key if isinstance(key, list) else [key]
    return {"key": plain(parts), "value": plain(value), "at": at, "window": None if start is None else [start, end]}


def differences(case: Mapping[str, Any], unordered: frozenset[str], asked: Verdict) -> list[str]:
    """One text a difference from what Kafka Streams gave, none when both agree. Of updates = latest only the last row of each key counts:
    a commit sends on what each of them keeps, in an order of its own."""
    found = ours(case, asked)
    texts: list[str] = []
    for sink in sorted({*asked.outputs, *found.outputs}):
        theirs, mine = asked.outputs.get(sink, []), found.outputs.get(sink, [])
        if sink != "stopped" and "stopped" in asked.outputs:  # how much of the last record was sent on before it failed is nobody's affair
            theirs, mine = theirs[:len(mine)], mine[:len(theirs)]
        if sink in unordered or case["updates"] == "latest":
            theirs, mine = _last(theirs), _last(mine)
        if case["updates"] == "latest" or any(map(_forgets_headers, before(case, sink))):
            theirs, mine = _bare(theirs), _bare(mine)
        texts += _differ(f"output {sink}", theirs, mine)
    for table in sorted({*asked.tables, *found.tables}):
        if "stopped" not in asked.outputs and _kept(case, table):
            texts += _differ(f"table {table}", _sorted(asked.tables.get(table, [])), _sorted(found.tables.get(table, [])))
    return texts


def before(case: Mapping[str, Any], sink: str) -> list[Mapping[str, Any]]:
    """The nodes before a sink's topic, itself among them."""
    nodes = case["topology"]["nodes"]
    found: dict[str, Mapping[str, Any]] = {}

    def walk(name: str) -> None:
        found[name] = nodes[name]
        given = nodes[name].get("from", [])
        for i in given if isinstance(given, list) else [given]:
            walk(i.partition(".")[0])

    for name, node in nodes.items():
        if sink in sinks_of(node):
            walk(name)
    return list(found.values())


def _forgets_headers(node: Mapping[str, Any]) -> bool:
    """Sessions that Kafka Streams sends on without a cache have no headers; with a cache they have those of the record, as ours."""
    return "session" in node.get("window", "")


def _bare(rows: Rows) -> Rows:
    return [{**r, "headers": []} for r in rows]


def _versioned(node: Mapping[str, Any]) -> bool:
    """Kafka Streams cannot list the rows of a versioned store."""
    return "history" in node or "history" in (node.get("to_table") or {})


def _kept(case: Mapping[str, Any], table: str) -> bool:
    """Whether a table holds the same in both: windows of the shortest retention leave at times of each engine's own, and only ours
    hides the open windows of final results."""
    node = case["topology"]["nodes"][table.partition(".")[0]]
    body = node.get("aggregate")
    if isinstance(body, dict) and "emit" in body:
        return False
    window = node.get("window") or (body.get("window") if isinstance(body, dict) else None)
    return not window or "retention" in window


def _last(rows: Rows) -> Rows:
    """The final table of a sequence of changes."""
    final = {json.dumps([r["key"], r["window"]]): r for r in rows}
    return _sorted([r for r in final.values() if r["value"] is not None])


def _sorted(rows: Rows) -> Rows:
    return sorted(rows, key=lambda r: json.dumps([r["key"], r["window"]]))


def _differ(what: str, theirs: Rows, mine: Rows) -> list[str]:
    for number in range(max(len(theirs), len(mine))):
        one = theirs[number] if number < len(theirs) else None
        other = mine[number] if number < len(mine) else None
        if one is None or other is None or not _equal(one, other):
            return [f"{what}, row {number + 1}: Kafka Streams {_text(one)}, Penstock {_text(other)}"]
    return []


def _equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Ours may not know the end of a window."""
    if one["window"] is not None and other["window"] is not None and other["window"][1] is None:
        other = {**other, "window": [other["window"][0], one["window"][1]]}
    return one == other


def _text(row: dict[str, Any] | None) -> str:
    return "nothing" if row is None else json.dumps({k: v for k, v in row.items() if k != "window" or v is not None})
