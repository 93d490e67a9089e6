"""table_table_join: rows of two tables with the same key, kept as a table."""

from __future__ import annotations

from dataclasses import replace

from penstock.formats.schemas import unpinned
from penstock.plan.nodes import Format, Node, RelationKind, StoreKind, TableTableJoin, ToStream, ToTable
from penstock.planner.logical.expressions import unique
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.logical.foreign_keys import foreign_key_join
from penstock.planner.logical.join_parts import check_keys, check_kinds, join_kind, joined, kept_row, schema_of
from penstock.planner.logical.joins import rekey
from penstock.planner.names import rekey_node
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed


def table_table_join(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Joins by key. Keys are compared as bytes, and a table stays where it is: both need one key format. Of one format with another
    registered schema the right table is moved."""
    if node.proto.table_table_join.foreign_key:
        return foreign_key_join(node, inputs, context)
    left, right = (kept_row(flow) for flow in inputs)
    proto = node.proto.table_table_join
    check_kinds(node, inputs, (RelationKind.TABLE, RelationKind.TABLE))
    check_keys(node, left, right)
    extra: tuple[Node, ...] = ()
    names = node.inputs
    if left.key_format != right.key_format and unpinned(left.key_format) == unpinned(right.key_format):
        extra = _moved(node, right, left.key_format)
        names = (node.inputs[0], extra[-1].name)
    elif left.key_format != right.key_format:
        raise refuse("CO_PARTITIONING", f"{node.name}: the keys of {node.inputs[0]} are {left.key_format.name}, those of {node.inputs[1]} "
                     f"{right.key_format.name}: equal keys may lie in different partitions; read one as a stream, partition_by, to_table",
                     node=node.name, field=f"topology.nodes[{node.index}].inputs", left=node.inputs[0], right=node.inputs[1])
    found = joined(node, proto.columns, left, right)
    schema = schema_of(left, found)
    unique(node, list(schema.names), "columns")
    spec = store(node.name, StoreKind.KEY_VALUE, tuple((p.name, str(kind)) for p, kind in found), None)
    made = TableTableJoin(node.name, names, schema, RelationKind.TABLE, None, join_kind(proto.kind), tuple(p for p, _ in found), spec)
    return Built((*extra, made), replace(left, schema=schema))


def _moved(node: Placed, right: Flow, key_format: Format) -> tuple[Node, ...]:
    """The right table with its keys written by the left one's registered schema: their bytes name another schema, so that equal keys may lie
    in different partitions. Through a topic, and materialised again behind it."""
    changes = ToStream(f"{rekey_node(node.name)}_changes", node.inputs[1:2], right.schema, RelationKind.STREAM, None)
    stream = replace(right, kind=RelationKind.STREAM)
    moved = replace(rekey(node, 1, stream, key_format), inputs=(changes.name,))
    spec = store(f"{rekey_node(node.name)}_table", StoreKind.KEY_VALUE, tuple((c.name, str(c.type)) for c in right.schema.value), None)
    return changes, moved, ToTable(spec.name, (moved.name,), right.schema, RelationKind.TABLE, None, spec)
