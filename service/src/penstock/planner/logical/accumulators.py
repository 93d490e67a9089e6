"""Accumulators of an aggregate: columns that expressions fold (init, add, undo, merge), typed and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.errors import ExpressionError
from penstock.expr.analyze import analyze
from penstock.expr.ast import Ast
from penstock.expr.operators import coerce, mismatch, shown
from penstock.expr.parser import parse_expression
from penstock.expr.scope import Scope
from penstock.expr.tree import columns_of
from penstock.expr.typed import Expr
from penstock.plan.nodes import Accumulator, RelationKind, Window, WindowKind
from penstock.planner.convert import PSEUDO
from penstock.planner.logical.expressions import known_type, placed_at, steady
from penstock.planner.logical.flow import Flow
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed
from penstock.types.sqltype import Kind, SqlType

WIDER = {Kind.INT: (Kind.BIGINT, Kind.DOUBLE), Kind.BIGINT: (Kind.DOUBLE,)}
"""What a value becomes by itself to fit an accumulator."""


def accumulators(node: Placed, inputs: Sequence[Flow], window: Window | None) -> tuple[Accumulator, ...]:
    """The node's accumulators. Raises RequestError."""
    protos = node.proto.aggregate.accumulators
    types = {p.name: _type(node, i, p, inputs) for i, p in enumerate(protos)}
    return tuple(_accumulator(node, i, p, types, inputs, window) for i, p in enumerate(protos))


def _type(node: Placed, i: int, proto: topology_pb2.Accumulator, inputs: Sequence[Flow]) -> SqlType:
    """That of init, else of the column that the first row gives."""
    field = node.path(f"accumulators[{i}]")
    if not proto.name or proto.name.upper() in PSEUDO:
        raise refuse("INVALID_SCHEMA", f"{node.name}: an accumulator needs a name" + (f", and {proto.name} is reserved" if proto.name else ""),
                     node=node.name, field=f"{field}.name", column=proto.name)
    if proto.init:
        with placed_at(node, f"{field}.init"):
            tree = parse_expression(proto.init)
            return known_type(analyze(tree, Scope()).type, tree, proto.name)
    if len(inputs) > 1:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {proto.name} needs an init, since rows of several inputs are folded into it",
                     node=node.name, field=f"{field}.init")
    column = next((c for c in inputs[0].schema.value if c.name == proto.name), None)
    if column is None:
        raise refuse("UNKNOWN_COLUMN", f"{node.name}: without init {proto.name} begins with the column of this name, and the input has none; "
                     "give it an init, or put a select before the group_by", node=node.name, field=f"{field}.name", column=proto.name,
                     candidates=",".join(c.name for c in inputs[0].schema.value))
    return column.type


def _accumulator(node: Placed, i: int, proto: topology_pb2.Accumulator, types: Mapping[str, SqlType], inputs: Sequence[Flow],
                 window: Window | None) -> Accumulator:
    field, wanted = f"accumulators[{i}]", types[proto.name]
    if len(proto.add) != len(inputs):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {proto.name} has {len(proto.add)} add expressions, and the node has {len(inputs)} "
                     "inputs; give one for each, empty where an input leaves the value", node=node.name, field=node.path(f"{field}.add"))
    if not any(proto.add):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: no input adds to {proto.name}", node=node.name, field=node.path(f"{field}.add"))

    def fitted(text: str, part: str, scope: Scope) -> Expr:
        return _fitted(node, f"{field}.{part}", text, scope, wanted, proto.name)

    init = fitted(proto.init, "init", Scope()) if proto.init else None
    add = tuple(fitted(text, f"add[{n}]", _scope(types, "row", flow.columns())) if text else None
                for n, (text, flow) in enumerate(zip(proto.add, inputs, strict=True)))
    return Accumulator(proto.name, wanted, init, add, _undo(node, field, proto, types, inputs, fitted),
                       _merge(node, field, proto, types, window, init, add, fitted))


Fitted = Callable[[str, str, Scope], Expr]


def _undo(node: Placed, field: str, proto: topology_pb2.Accumulator, types: Mapping[str, SqlType], inputs: Sequence[Flow],
          fitted: Fitted) -> Expr | None:
    """Of a table's aggregate only, and there always; what is added then must be the same when it is undone."""
    if inputs[0].kind is not RelationKind.TABLE:
        if proto.undo:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: undo of {proto.name} is never used, since {node.inputs[0]} groups a stream; leave "
                         "it out", node=node.name, field=node.path(f"{field}.undo"))
        return None
    if not proto.undo:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {proto.name} needs an undo, since {node.inputs[0]} groups a table: when a row changes, "
                     "its old value is taken out of its group; or put to_stream before the group_by, to fold the changes as records",
                     node=node.name, field=node.path(f"{field}.undo"))
    scope = _scope(types, "row", inputs[0].columns())
    for text, part in ((proto.add[0], "add[0]"), (proto.undo, "undo")):
        with placed_at(node, node.path(f"{field}.{part}")):
            tree = parse_expression(text)
            steady(analyze(tree, scope), tree, "it is evaluated again to take the row out of its group")
    return fitted(proto.undo, "undo", scope)


def _merge(node: Placed, field: str, proto: topology_pb2.Accumulator, types: Mapping[str, SqlType], window: Window | None, init: Expr | None,
           add: Sequence[Expr | None], fitted: Fitted) -> Expr | None:
    """Of sessions only, and there always; a reduce merges as it adds."""
    if window is None or window.kind is not WindowKind.SESSION:
        if proto.merge:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: merge of {proto.name} is never used, since only session windows merge; leave it "
                         "out", node=node.name, field=node.path(f"{field}.merge"))
        return None
    if proto.merge:
        return fitted(proto.merge, "merge", _scope(types, "other", types))
    if init is None and add[0] is not None and {name for source, name in columns_of(add[0]) if source == 1} <= set(types):
        return add[0]
    raise refuse("INVALID_TOPOLOGY", f"{node.name}: {proto.name} needs a merge, since a record that falls between two sessions makes them one: "
                 f"an expression over acc.{proto.name} and other.{proto.name}", node=node.name, field=node.path(f"{field}.merge"))


def _scope(types: Mapping[str, SqlType], alias: str, columns: Mapping[str, SqlType]) -> Scope:
    return Scope((("acc", types), (alias, columns)))


def _fitted(node: Placed, field: str, text: str, scope: Scope, wanted: SqlType, name: str) -> Expr:
    """The expression in the accumulator's type."""
    with placed_at(node, node.path(field)):
        tree = parse_expression(text)
        expr = analyze(tree, scope)
        if not _fits(expr.type, wanted):
            raise _misfit(expr, tree, wanted, name)
        return coerce(expr, wanted, tree)


def _fits(found: SqlType | None, wanted: SqlType) -> bool:
    if found is None or found == wanted:
        return True
    if found.kind is Kind.DECIMAL and wanted.kind is Kind.DECIMAL:
        return found.scale <= wanted.scale
    return wanted.kind in WIDER.get(found.kind, ())


def _misfit(expr: Expr, tree: Ast, wanted: SqlType, name: str) -> ExpressionError:
    return mismatch(f"{name} is {wanted} by its init (or its column), this is {shown(expr.type)}: use CAST in one of them", tree, wanted,
                    shown(expr.type))
