"""Runs a case in Penstock and in Kafka Streams and says where they differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from judge import Judge, Verdict
from penstock.errors import RequestError
from penstock.plan.resolved import Updates
from penstock.planner.definition import relation_of, topology_of
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import plain
from penstock.testing.relations import FixedRelations, relation_info

Rows = list[dict[str, Any]]

ROUTED = ("a", "b", "x")
"""Values of generate.STRINGS, as topics."""

STORED = {"table", "global_table", "aggregate", "reduce", "cogroup", "to_table", "table_table_join"}
"""Nodes with a store of their name."""


def request(case: Mapping[str, Any]) -> dict[str, Any]:
    """What the judge is asked."""
    inputs = [{**i, "key": None if i["key"] is None else [i["key"]]} for i in case["inputs"]]
    return {"topology": MessageToDict(topology_of({"topology": "t", **case["topology"]})),
            "relations": [MessageToDict(relation_of(r)) for r in case["relations"]], "inputs": inputs}


def driver(case: Mapping[str, Any]) -> TopologyTestDriver:
    """Our driver, nothing appended yet. RequestError where the topology is refused."""
    relations = FixedRelations([relation_info(relation_of(r)) for r in case["relations"]], 1)
    return TopologyTestDriver(topology_of({"topology": "t", **case["topology"]}), relations, updates=Updates.EVERY)


def ours(case: Mapping[str, Any], asked: Verdict) -> Verdict:
    """Outputs of every sink, and those tables that the judge has too."""
    made = driver(case)
    for i in case["inputs"]:
        made.append(i["to"], key=i["key"], value=i["value"], timestamp=i["at"])
        made.commit()
    outputs = {}
    for node in case["topology"]["nodes"].values():
        for sink in sinks_of(node):
            try:
                written = made.read_output(sink)
            except RequestError:
                continue  # no row has named this topic
            rows = [_row(r.key, r.value, r.timestamp, r.window_start, getattr(r, "window_end", None)) for r in written]
            if rows:
                outputs.setdefault(sink, []).extend(rows)
    if made.dead_letters:
        outputs["dead letters"] = [{"key": None, "value": str(made.dead_letters), "at": 0, "window": None}]
    tables = {}
    for name, node in case["topology"]["nodes"].items():
        if not STORED & set(node) or _versioned(node):
            continue
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


def sinks_of(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Topics that a node may write: a routed sink those that its column's values name."""
    sink = node.get("sink")
    return () if sink is None else (sink,) if isinstance(sink, str) else ROUTED


def _row(key: Any, value: Any, at: int, start: int | None, end: int | None) -> dict[str, Any]:
    parts = None if key is None else list(key.values()) if isinstance(key, dict) else key if isinstance(key, list) else [key]
    return {"key": plain(parts), "value": plain(value), "at": at, "window": None if start is None else [start, end]}


def differences(case: Mapping[str, Any], unordered: frozenset[str], judge: Judge) -> tuple[list[str], Verdict]:
    """One text a difference, none when both agree; and what Kafka Streams gave."""
    asked = judge.ask(request(case))
    found = ours(case, asked)
    texts: list[str] = []
    for sink in sorted({*asked.outputs, *found.outputs}):
        theirs, mine = asked.outputs.get(sink, []), found.outputs.get(sink, [])
        if sink in unordered:
            theirs, mine = _last(theirs), _last(mine)
        texts += _differ(f"output {sink}", theirs, mine)
    for table in sorted({*asked.tables, *found.tables}):
        if _kept(case, table):
            texts += _differ(f"table {table}", _sorted(asked.tables.get(table, [])), _sorted(found.tables.get(table, [])))
    return texts, asked


def _versioned(node: Mapping[str, Any]) -> bool:
    """Kafka Streams cannot list the rows of a versioned store."""
    return "history" in node or "history" in (node.get("to_table") or {})


def _kept(case: Mapping[str, Any], table: str) -> bool:
    """Whether a table holds the same in both: windows of the shortest retention leave at times of each engine's own, and only ours
    hides the open windows of final results."""
    node = case["topology"]["nodes"][table]
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
