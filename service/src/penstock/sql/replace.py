"""CREATE OR REPLACE and ALTER: which changes of a relation and of its query go on with what is there.

As ksqlDB: name, kind, topic, formats, key and time stay, columns are only added behind the others; a query may change its filters and its
projection, and keeps its sources, groups and aggregates. Joins and aggregations of tables take no change at all.
"""

from __future__ import annotations

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.ast import Ast
from penstock.plan.relations import RelationInfo
from penstock.sql.faults import refuse
from penstock.types.schema import Column, Role, Schema

_FREE = ("filter", "select")
"""Operators that may be changed, added and left out: they keep nothing."""
_JOINS = ("stream_stream_join", "stream_table_join", "table_table_join")


def check_relation(old: RelationInfo, new: RelationInfo, at: Ast) -> None:
    """Refuse a relation that cannot stand in the place of the old one. Raises ExpressionError."""
    for what, before, after in (
        ("type", old.kind.value, new.kind.value), ("topic", old.topic.topic, new.topic.topic),
        ("key format", _format(old, "key"), _format(new, "key")), ("value format", _format(old, "value"), _format(new, "value")),
        ("timestamp column", old.topic.timestamp_column, new.topic.timestamp_column),
        ("timestamp format", old.topic.timestamp_format, new.topic.timestamp_format), ("window", str(old.window), str(new.window)),
    ):
        if before != after:
            raise refuse(f"Cannot upgrade data source: DataSource '`{old.name}`' has {what} = {before} which is not upgradeable to {after}", at)
    changed = _changed(old.schema, new.schema)
    if changed:
        raise refuse(f"Cannot upgrade data source: DataSource '`{old.name}`' has schema = {_shown(old.schema)} which is not upgradeable to "
                     f"{_shown(new.schema)}. The following columns are changed, missing or reordered: [{', '.join(map(_column, changed))}]", at)


def _format(info: RelationInfo, part: str) -> str:
    fmt = info.topic.key_format if part == "key" else info.topic.value_format
    return f"{fmt.name}{dict(fmt.properties) or ''}"


def _changed(old: Schema, new: Schema) -> list[Column]:
    """Old columns that are not where they were."""
    found = []
    for role in (Role.KEY, Role.VALUE, Role.HEADER):
        before, after = ([c for c in s if c.role is role] for s in (old, new))
        found += [c for i, c in enumerate(before) if i >= len(after) or after[i] != c]
        if role is Role.KEY and len(after) > len(before):
            found += after[len(before):]
    return found


def _shown(schema: Schema) -> str:
    return ", ".join(map(_column, schema))


def _column(c: Column) -> str:
    return f"`{c.name}` {c.type}{' KEY' if c.role is Role.KEY else ''}"


def check_query(old: topology_pb2.Topology, new: topology_pb2.Topology, at: Ast) -> None:
    """Refuse a query that cannot go on where the old one is. Raises ExpressionError."""
    before, after = ([_fixed(n) for n in t.nodes if n.WhichOneof("operator") not in _FREE] for t in (old, new))
    operators = [n.WhichOneof("operator") for n in (*old.nodes, *new.nodes)]
    if old.nodes == new.nodes:
        return
    for operator in operators:
        if operator in _JOINS:
            raise refuse(f"Upgrades not yet supported for {_java(str(operator))}", at)
    if "source_table" in operators and "group_by" in operators:
        raise refuse("Upgrades not yet supported for TableAggregate", at)
    for mine, other in zip(before, after, strict=False):
        if mine != other:
            raise refuse(f"Query is not upgradeable: {_java(str(mine.WhichOneof('operator')))} must match.", at)
    if len(before) != len(after):
        raise refuse("Query is not upgradeable: its steps are not the same", at)


def _fixed(node: topology_pb2.Node) -> topology_pb2.Node:
    """What of a node must not change: its inputs may be another filter or projection."""
    kept = topology_pb2.Node()
    kept.CopyFrom(node)
    kept.ClearField("inputs")
    return kept


def _java(operator: str) -> str:
    return "".join(w.capitalize() for w in operator.split("_"))
