"""What all joins share: how inputs are called in expressions, what their keys must be, and the columns of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.typed import ColumnRef, Expr
from penstock.plan.nodes import JoinKind, Projection, RelationKind
from penstock.planner.convert import PSEUDO
from penstock.planner.logical.expressions import item, typed
from penstock.planner.logical.flow import Flow, scope
from penstock.planner.names import input_aliases
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed
from penstock.types.schema import Column, Schema
from penstock.types.sqltype import SqlType

Typed = tuple[Projection, SqlType]


def join_kind(value: topology_pb2.JoinKind) -> JoinKind:
    """INNER unless said otherwise."""
    kind = topology_pb2.JoinKind.Name(value).removeprefix("JOIN_KIND_")
    return JoinKind.INNER if kind == "UNSPECIFIED" else JoinKind(kind)


def check_kinds(node: Placed, inputs: Sequence[Flow], wanted: Sequence[RelationKind], windowed: bool = False) -> None:
    """Streams and tables in the order that the join takes, without windows in their keys unless `windowed`: those are part of the key."""
    for i, (flow, kind) in enumerate(zip(inputs, wanted, strict=True)):
        field = f"topology.nodes[{node.index}].inputs[{i}]"
        if flow.kind is not kind:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: input {i} of a {node.operator} is a {kind.value.lower()}, but {node.inputs[i]} "
                         f"is a {flow.kind.value.lower()}", node=node.name, field=field)
        if flow.window is not None and not windowed:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[i]} has windowed keys, which join only streams whose keys have the same "
                         "windows and the same format", node=node.name, field=field)


def check_keys(node: Placed, left: Flow, right: Flow) -> None:
    """Both have keys of the same types."""
    field = f"topology.nodes[{node.index}].inputs"
    for i, flow in enumerate((left, right)):
        if not flow.schema.key:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[i]} has no key to join by; put partition_by before it", node=node.name,
                         field=f"{field}[{i}]")
    if left.key_types != right.key_types:
        first, second = (", ".join(map(str, f.key_types)) for f in (left, right))
        raise refuse("TYPE_MISMATCH", f"{node.name}: the key of {node.inputs[0]} is {first}, that of {node.inputs[1]} is {second}",
                     node=node.name, field=field)


def joined(node: Placed, given: Sequence[topology_pb2.Projection], left: Flow, right: Flow) -> list[Typed]:
    """Given columns (a key column of the left stays as key), or all value columns of both as INPUT_COLUMN."""
    sides = tuple(zip(input_aliases(node.inputs), (left, right), strict=True))

    def everything() -> list[Typed]:
        return [(Projection(f"{name}_{c.name}", ColumnRef(c.type, c.name, i)), c.type)
                for i, (name, flow) in enumerate(sides) for c in flow.schema.value]

    if not given:
        return everything()
    here = scope(*sides)
    exact = here.exact()
    keys = {c.name for c in left.schema.key}
    taken = set(keys)
    found: list[Typed] = []
    for i, projection in enumerate(given):
        expr: Expr | None = exact.get(projection.expression) if projection.alias.upper() not in PSEUDO else None
        name = projection.alias
        if expr is not None and expr.type is not None and name:  # as are nearly all in a join of many
            kind = expr.type
            taken.add(name)
        else:
            read = item(node, projection, i, "columns", here, taken)
            if read is None:
                found += everything()
                continue
            name = read[2]
            expr, kind = typed(node, read, here)
        if not (isinstance(expr, ColumnRef) and expr.source == 0 and expr.name == name and expr.name in keys):
            found.append((Projection(name, expr), kind))
    return found


def schema_of(left: Flow, columns: Sequence[Typed]) -> Schema:
    """The left key, then the joined columns."""
    return Schema((*left.schema.key, *(Column(p.name, kind) for p, kind in columns)))


def kept_row(flow: Flow) -> Flow:
    """A flow as a join sees it that reads its rows from a store: where a record came from is not kept."""
    return replace(flow, offsets=False) if flow.offsets else flow
