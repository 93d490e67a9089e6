"""repartition, deduplicate and peek: rows of a stream that stay as they are."""

from __future__ import annotations

from dataclasses import replace

from google.protobuf.duration_pb2 import Duration

from penstock.expr.analyze import analyze
from penstock.expr.parser import parse_expression
from penstock.expr.typed import ColumnRef, Expr
from penstock.plan.nodes import Deduplicate, Peek, Projection, RelationKind, Repartition, StoreKind, TopicRef
from penstock.planner.convert import millis
from penstock.planner.logical.expressions import items, known_type, placed_at, steady, typed, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.refuse import refuse
from penstock.planner.repartition import INTERNAL
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import BIGINT, Kind, SqlType

DAY_MS = 86_400_000
MOST_PARTITIONS = 10_000
MOST_SHOWN = 1000


def repartition(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A topic of its own; the resolver names it. Columns of headers become value columns: the topic's records have them."""
    flow = _stream(node, inputs[0])
    partitions = node.proto.repartition.partitions
    if partitions > MOST_PARTITIONS:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {partitions} partitions are more than {MOST_PARTITIONS}", node=node.name,
                     field=node.path("partitions"))
    if not flow.schema.key:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[0]} has no key to repartition by; put partition_by before it", node=node.name,
                     field=f"topology.nodes[{node.index}].inputs[0]")
    columns = sorted((Column(c.name, c.type, Role.KEY if c.role is Role.KEY else Role.VALUE) for c in flow.schema), key=lambda c: c.role is not Role.KEY)
    schema = Schema(tuple(columns))
    topic = TopicRef("", partitions, flow.key_format, INTERNAL, window=flow.window)
    made = Repartition(node.name, node.inputs, schema, flow.kind, flow.window, topic, drops_null_keys=True)
    return Built((made,), replace(flow, schema=schema, offsets=False))


def deduplicate(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Ids are kept for as long as a record that is not late may be near one."""
    flow, proto = _stream(node, inputs[0]), node.proto.deduplicate
    if not flow.schema.key:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[0]} has no key, and records of one id must lie in one partition; put "
                     "partition_by before it", node=node.name, field=f"topology.nodes[{node.index}].inputs[0]")
    if not proto.HasField("within"):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: deduplicate needs within, the time in which an id counts as the same", node=node.name,
                     field=node.path("within"))
    within = _duration(node, proto.within, "within")
    grace = _duration(node, proto.grace, "grace") if proto.HasField("grace") else max(0, DAY_MS - within)
    spec = replace(store(node.name, StoreKind.WINDOW, (), None), retention_ms=within + grace)
    made = Deduplicate(node.name, node.inputs, flow.schema, flow.kind, flow.window, _ids(node, flow), within, grace, spec)
    return Built((made,), flow)


def _ids(node: Placed, flow: Flow) -> tuple[Expr, ...]:
    here = scope((node.inputs[0], flow))
    found: list[Expr] = []
    for i, text in enumerate(node.proto.deduplicate.ids):
        with placed_at(node, node.path(f"ids[{i}]")):
            tree = parse_expression(text)
            expr = analyze(tree, here)
            kind = known_type(expr.type, tree, f"id {i}")
            steady(expr, tree, "equal records would not be found to be equal")
        if _has_map(kind):
            raise refuse("TYPE_MISMATCH", f"{node.name}: an id of type {kind} cannot be compared, since a MAP has no order; take elements of it",
                         node=node.name, field=node.path(f"ids[{i}]"))
        found.append(expr)
    return tuple(found)


def _has_map(kind: SqlType) -> bool:
    inner = [t for _, t in kind.fields] + [t for t in (kind.element, kind.key) if t is not None]
    return kind.kind is Kind.MAP or any(map(_has_map, inner))


def peek(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """All columns are shown unless some are named."""
    flow, proto = _stream(node, inputs[0]), node.proto.peek
    if proto.max_per_second > MOST_SHOWN:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {proto.max_per_second} rows a second are more than {MOST_SHOWN}", node=node.name,
                     field=node.path("max_per_second"))
    here = scope((node.inputs[0], flow))
    everything = [Projection(c.name, ColumnRef(c.type, c.name)) for c in flow.schema]
    shown: list[Projection] = []
    for item in items(node, proto.columns, "columns", here, set()):
        shown += everything if item is None else [Projection(item[2], typed(node, item, here)[0])]
    if not proto.columns:
        shown = [*everything, Projection("ROWTIME", ColumnRef(BIGINT, "ROWTIME"))]
    unique(node, [p.name for p in shown], "columns")
    return Built((Peek(node.name, node.inputs, flow.schema, flow.kind, flow.window, tuple(shown), proto.max_per_second or 1),), flow)


def _stream(node: Placed, flow: Flow) -> Flow:
    if flow.kind is not RelationKind.STREAM:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.operator} takes a stream, {node.inputs[0]} is a table; put to_stream before it",
                     node=node.name, field=f"topology.nodes[{node.index}].inputs[0]")
    return flow


def _duration(node: Placed, message: Duration, name: str) -> int:
    found = millis(message)
    if found < 0:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {name} is not negative", node=node.name, field=node.path(name))
    return found
