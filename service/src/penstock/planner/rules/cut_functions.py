"""Calls of functions that programs compute get stages of their own before the node whose expression has them: a topic, so that what comes before
does not wait, and a node that adds a column with the result, which the expression reads in the place of the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from penstock.expr.remote import PREFIX, RemoteFunction, called
from penstock.expr.tree import columns_of
from penstock.expr.typed import Call, ColumnRef, Expr
from penstock.plan.nodes import Branch, Explode, Filter, GroupBy, Node, PartitionBy, RelationKind, RemoteCall, Repartition, Select, TopicRef
from penstock.planner.logical.flow import Flow, Logical
from penstock.planner.names import call_node, remote_rows_node
from penstock.planner.refuse import refuse
from penstock.planner.repartition import INTERNAL
from penstock.planner.rules.expressions import expressions_of
from penstock.types.schema import Column, Role, Schema

CUT = Filter | Select | Explode | Branch | PartitionBy | GroupBy
"""Nodes of one stream before which a stage may be put."""


def cut_functions(logical: Logical) -> Logical:
    """Raises RequestError UNSUPPORTED for calls where no stage can be."""
    if not logical.functions:
        return logical
    nodes: list[Node] = []
    flows = dict(logical.flows)
    for node in logical.nodes:
        before, cut = _cut(node, logical)
        nodes += [*before, cut]
        flows |= {stage.name: replace(logical.flows[node.inputs[0]], schema=stage.schema, offsets=False) for stage in before}
    return replace(logical, nodes=tuple(nodes), flows=flows)


def _cut(node: Node, logical: Logical) -> tuple[list[Node], Node]:
    """The stages before a node, and the node that reads their columns. Calls that others have as arguments come first."""
    stages: list[Node] = []
    flow: Flow | None = None
    while calls := _innermost(node):
        call = calls[0]
        function = logical.functions[call.op.removeprefix(PREFIX)]
        if flow is None:
            flow = _stream(node, function, logical)
        name = call_node(node.name, len(stages) // 2 + 1)
        schema = stages[-1].schema if stages else _rows(flow)
        rows = Repartition(remote_rows_node(name), node.inputs, schema, RelationKind.STREAM, None, TopicRef("", 0, flow.key_format, INTERNAL))
        column = Column(f".{name}", function.result, Role.VALUE)
        stages += [rows, RemoteCall(
            name, (rows.name,), Schema((*schema.columns, column)), RelationKind.STREAM, None, function.name, function.version, call.args, column.name,
            function.result, not function.nulls, function.bundle_rows, function.timeout_ms, function.max_attempts, function.cache_rows)]
        node = replace(_reading(node, call, ColumnRef(function.result, column.name), function.deterministic), inputs=(name,))
    return stages, node


def _stream(node: Node, function: RemoteFunction, logical: Logical) -> Flow:
    """The node's input, which is a stream without windows."""
    flow = logical.flows[node.inputs[0]]
    why = ""
    if not isinstance(node, CUT):
        why = "put a select before it that makes a column of the call" if len(node.inputs) == 1 else "put a select before the input that has it"
    elif flow.kind is RelationKind.TABLE:
        why = "its input is a table, whose rows would have to be taken back by the same values: compute it in a stream before the table is made of it"
    elif flow.window is not None:
        why = "its input has windowed keys: compute it before the windows"
    elif {name for expr in expressions_of(node) for _, name in columns_of(expr)} & {"ROWPARTITION", "ROWOFFSET"}:
        why = "ROWPARTITION and ROWOFFSET are read beside it: put a select before that makes columns of them"
    if why:
        raise refuse("UNSUPPORTED", f"{node.name}: {function.name}, which programs compute, cannot be called here; {why}", node=node.name, function=function.name)
    return flow


def _rows(flow: Flow) -> Schema:
    """The stream's rows as they go through the topic: headers too are values."""
    columns = (Column(c.name, c.type, Role.KEY if c.role is Role.KEY else Role.VALUE) for c in flow.schema)
    return Schema(tuple(sorted(columns, key=lambda c: c.role is not Role.KEY)))


def _innermost(node: Node) -> list[Call]:
    """Calls without another one among their arguments, in the order of the node's fields."""
    calls = (call for expr in expressions_of(node) for call in called(expr))
    return [call for call in calls if not any(next(called(arg), None) for arg in call.args)]


def _reading(value: Any, call: Call, column: ColumnRef, all_equal: bool) -> Any:
    """With the column in the place of a call; all_equal: of equal calls too, which give the same."""
    if value is call or all_equal and value == call:
        return column
    if isinstance(value, tuple):
        return tuple(_reading(item, call, column, all_equal) for item in value)
    if isinstance(value, Expr | Node) or is_dataclass(value) and not isinstance(value, type) and expressions_of(value):
        changed: Mapping[str, Any] = {f.name: _reading(getattr(value, f.name), call, column, all_equal) for f in fields(value)}
        return replace(value, **changed)
    return value
