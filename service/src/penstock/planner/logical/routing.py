"""merge and branch: several ways in, several ways out."""

from __future__ import annotations

from penstock.plan.nodes import Branch, BranchOutput, Merge, RelationKind
from penstock.planner.logical.expressions import condition
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed


def merge(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Streams of one schema: same names, types and roles in the same order, and keys in one format."""
    first = inputs[0]
    for i, flow in enumerate(inputs):
        field = f"topology.nodes[{node.index}].inputs[{i}]"
        _stream(node, i, flow)
        if flow.schema != first.schema:
            raise refuse("TYPE_MISMATCH", f"{node.name}: {node.inputs[i]} has the columns ({_shown(flow)}), {node.inputs[0]} has "
                         f"({_shown(first)})", node=node.name, field=field)
        if flow.window != first.window or (first.schema.key and flow.key_format != first.key_format):
            raise refuse("INVALID_FORMAT", f"{node.name}: keys of {node.inputs[i]} are {flow.key_format.name}, of {node.inputs[0]} "
                         f"{first.key_format.name}; one window and one key format are merged", node=node.name, field=field)
    made = Merge(node.name, node.inputs, first.schema, first.kind, first.window)
    return Built((made,), first)


def branch(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """Each row to the first output whose condition holds."""
    flow = inputs[0]
    _stream(node, 0, flow)
    here = scope((node.inputs[0], flow))
    outputs = tuple(BranchOutput(o.name, condition(node, o.where, here, f"outputs[{i}]", "where"))
                    for i, o in enumerate(node.proto.branch.outputs))
    made = Branch(node.name, node.inputs, flow.schema, flow.kind, flow.window, outputs, node.proto.branch.default_output)
    return Built((made,), flow)


def _stream(node: Placed, i: int, flow: Flow) -> None:
    if flow.kind is not RelationKind.STREAM:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.operator} takes streams, {node.inputs[i]} is a table; put to_stream before it",
                     node=node.name, field=f"topology.nodes[{node.index}].inputs[{i}]")


def _shown(flow: Flow) -> str:
    return ", ".join(f"{c.name} {c.type}{' KEY' if c in flow.schema.key else ''}" for c in flow.schema)
