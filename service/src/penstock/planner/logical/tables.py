"""to_table and to_stream: records read as changes, and changes as records."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.nodes import RelationKind, StoreKind, ToStream, ToTable
from penstock.planner.logical.flow import Built, Context, Flow
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.types.schema import Schema


def to_table(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A stream with a key, materialised."""
    flow = inputs[0]
    field = f"topology.nodes[{node.index}].inputs[0]"
    if flow.kind is not RelationKind.STREAM:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: to_table takes a stream", node=node.name, field=field)
    if not flow.schema.key:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a table needs a key; put partition_by before to_table", node=node.name, field=field)
    if flow.window is not None:
        raise refuse("UNSUPPORTED", f"{node.name}: a table of windowed keys is not built", node=node.name, field=field)
    # Headers belong to records, a table has none.
    schema = Schema((*flow.schema.key, *flow.schema.value))
    spec = store(node.name, StoreKind.KEY_VALUE, tuple((c.name, str(c.type)) for c in schema.value), None)
    made = ToTable(node.name, node.inputs, schema, RelationKind.TABLE, None, spec)
    return Built((made,), replace(flow, schema=schema, kind=RelationKind.TABLE, offsets=False))


def to_stream(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """A table's changes; a deletion is a record with a null value."""
    flow = inputs[0]
    if flow.kind is not RelationKind.TABLE:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: to_stream takes a table", node=node.name,
                     field=f"topology.nodes[{node.index}].inputs[0]")
    made = ToStream(node.name, node.inputs, flow.schema, RelationKind.STREAM, flow.window)
    return Built((made,), replace(flow, kind=RelationKind.STREAM))
