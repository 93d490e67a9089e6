"""table_table_join: rows of two tables with the same key, kept as a table."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.nodes import RelationKind, StoreKind, TableTableJoin
from penstock.planner.logical.expressions import unique
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.logical.foreign_keys import foreign_key_join
from penstock.planner.logical.join_parts import check_keys, check_kinds, join_kind, joined, kept_row, schema_of
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed


def table_table_join(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Joins by key. Keys are compared as bytes, and a table stays where it is: both need one key format."""
    if node.proto.table_table_join.foreign_key:
        return foreign_key_join(node, inputs, context)
    left, right = (kept_row(flow) for flow in inputs)
    proto = node.proto.table_table_join
    check_kinds(node, inputs, (RelationKind.TABLE, RelationKind.TABLE))
    check_keys(node, left, right)
    if left.key_format != right.key_format:
        raise refuse("CO_PARTITIONING", f"{node.name}: the keys of {node.inputs[0]} are {left.key_format.name}, those of {node.inputs[1]} "
                     f"{right.key_format.name}: equal keys may lie in different partitions; read one as a stream, partition_by, to_table",
                     node=node.name, field=f"topology.nodes[{node.index}].inputs", left=node.inputs[0], right=node.inputs[1])
    found = joined(node, proto.columns, left, right)
    schema = schema_of(left, found)
    unique(node, list(schema.names), "columns")
    spec = store(node.name, StoreKind.KEY_VALUE, tuple((p.name, str(kind)) for p, kind in found), None)
    made = TableTableJoin(node.name, node.inputs, schema, RelationKind.TABLE, None, join_kind(proto.kind), tuple(p for p, _ in found), spec)
    return Built((made,), replace(left, schema=schema))
