"""stream_stream_join: rows of two streams with the same key that are near in time."""

from __future__ import annotations

from dataclasses import replace

from google.protobuf.duration_pb2 import Duration

from penstock.expr.tree import columns_of
from penstock.plan.nodes import JoinKind, Node, RelationKind, StoreKind, StoreSpec, StreamStreamJoin
from penstock.planner.convert import PSEUDO, millis
from penstock.planner.logical.expressions import unique
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.logical.join_parts import Typed, check_keys, check_kinds, join_kind, joined, kept_row, schema_of
from penstock.planner.logical.joins import rekey
from penstock.planner.names import rekey_node
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed

DAY_MS = 86_400_000
NOTHING = (("_", "BOOLEAN"),)
"""Fields of a side of which no column is read: its rows still count."""


def stream_stream_join(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Joins by key and time. Keys are compared as bytes: where the key formats differ, the right stream is given the left's first."""
    left, right = (kept_row(flow) for flow in inputs)
    proto = node.proto.stream_stream_join
    check_kinds(node, inputs, (RelationKind.STREAM, RelationKind.STREAM), windowed=left.window is not None and left.window == right.window)
    check_keys(node, left, right)
    before, after = (_duration(node, getattr(proto, name), name) for name in ("before", "after"))
    grace = _duration(node, proto.grace, "grace") if proto.HasField("grace") else max(0, DAY_MS - before - after)
    names = node.inputs
    extra: tuple[Node, ...] = ()
    if left.key_format != right.key_format:
        check_kinds(node, inputs, (RelationKind.STREAM, RelationKind.STREAM))
        extra, names = (rekey(node, 1, right, left.key_format),), (node.inputs[0], rekey_node(node.name))
    found = joined(node, proto.columns, left, right)
    schema = schema_of(left, found)
    unique(node, list(schema.names), "columns")
    join = join_kind(proto.kind)
    kept = before + after + grace
    rows = _rows(node, "left", found, 0, left, kept), _rows(node, "right", found, 1, right, kept)
    eager = proto.eager and join is not JoinKind.INNER
    waits = join is not JoinKind.INNER and not eager
    made = StreamStreamJoin(node.name, names, schema, RelationKind.STREAM, left.window, join, tuple(p for p, _ in found), before, after, grace,
                            *rows, _unmatched(node, rows) if waits else None, eager)
    return Built((*extra, made), replace(left, schema=schema))


def _duration(node: Placed, message: Duration, name: str) -> int:
    found = millis(message)
    if found < 0:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {name} is not negative", node=node.name, field=node.path(name))
    return found


def _rows(node: Placed, side: str, columns: list[Typed], index: int, flow: Flow, retention_ms: int) -> StoreSpec:
    """The store of one side: the columns that are read of it, in the order of its schema."""
    read = {name for p, _ in columns for number, name in columns_of(p.expr) if number == index}
    keys = {c.name for c in flow.schema.key}
    fields = tuple((c.name, str(c.type)) for c in flow.schema if c.name in read - keys - PSEUDO)
    return replace(store(f"{node.name}-{side}", StoreKind.JOIN, fields or NOTHING, None), retention_ms=retention_ms)


def _unmatched(node: Placed, sides: tuple[StoreSpec, StoreSpec]) -> StoreSpec:
    """Fields are those of either side; their names and types are in both fingerprints."""
    fields = tuple((f"{side}.{name}", str(spec.schema_id)) for side, spec in zip(("left", "right"), sides, strict=True) for name in spec.fields)
    return store(f"{node.name}-unmatched", StoreKind.KEY_VALUE, fields, None)
