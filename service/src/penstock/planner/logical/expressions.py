"""Expressions of a node: typed over its inputs, refused with node, field and position."""

from __future__ import annotations

from collections.abc import Sequence

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.errors import ExpressionError
from penstock.expr import ast
from penstock.expr.analyze import AggregateCall, Projected, analyze, analyze_aggregate, analyze_projection, expect_boolean
from penstock.expr.ast import Ast
from penstock.expr.parser import parse_projection
from penstock.expr.scope import Scope
from penstock.expr.tree import default_name, is_deterministic
from penstock.expr.typed import ColumnRef, Expr
from penstock.plan.nodes import Projection
from penstock.planner.convert import PSEUDO
from penstock.planner.logical.flow import Flow
from penstock.planner.refuse import refuse
from penstock.planner.validate import Placed
from penstock.types.sqltype import Kind, SqlType


class placed_at:
    """Errors of expressions inside get the node and the field."""

    __slots__ = ("field", "node")

    def __init__(self, node: Placed, field: str) -> None:
        self.node, self.field = node, field

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ExpressionError):
            raise ExpressionError(f"{self.node.name}: {error.message}", error.start, error.end, error.reason, field=self.field,
                                  node=self.node.name, metadata=error.metadata) from error


def condition(node: Placed, text: str, scope: Scope, *field: str) -> Expr:
    """A BOOLEAN expression."""
    with placed_at(node, node.path(*field)):
        return expect_boolean(node.tree(text), scope)


def of_kind(node: Placed, text: str, scope: Scope, kinds: Sequence[Kind], *field: str) -> Expr:
    """An expression of one of these kinds."""
    with placed_at(node, node.path(*field)):
        tree = node.tree(text)
        expr = analyze(tree, scope)
        if expr.type is None or expr.type.kind not in kinds:
            raise ExpressionError(f"this is {'NULL' if expr.type is None else expr.type}; {' or '.join(k.value for k in kinds)} is needed "
                                  "here: use CAST", tree.start, tree.end, "TYPE_MISMATCH", metadata={"expected": " or ".join(k.value for k in kinds)})
        return expr


Item = tuple[str, Ast, str]
"""(field path, tree, name of the column)."""


def items(node: Placed, projections: Sequence[topology_pb2.Projection], field: str, scope: Scope, taken: set[str]) -> list[Item | None]:
    """Projections parsed and named; None stands for `*`. taken: names that exist already; grows. An alias is taken as written in the
    message; `AS` inside the text counts where the message has no alias."""
    return [item(node, projection, i, field, scope, taken) for i, projection in enumerate(projections)]


def item(node: Placed, projection: topology_pb2.Projection, i: int, field: str, scope: Scope, taken: set[str]) -> Item | None:
    """One of them."""
    text, name = projection.expression, projection.alias
    path = node.path(f"{field}[{i}]")
    tree = node.trees.get(text)
    if tree is None or not name:
        with placed_at(node, f"{path}.expression"):
            read = parse_projection(text)
            if isinstance(read, ast.Star):
                if read.source is not None or name:
                    raise ExpressionError("* stands alone", read.start, read.end)
                return None
            if not isinstance(read, ast.Selected):
                raise ExpressionError("struct->* is for SQL", read.start, read.end, "UNSUPPORTED", metadata={"feature": "struct->*"})
            tree = read.item
            name = name or _written(read) or _default(tree, scope, taken, i)
    if name.upper() in PSEUDO:
        raise refuse("INVALID_SCHEMA", f"{node.name}: the column name {name} is reserved", node=node.name, field=f"{path}.alias", column=name)
    taken.add(name)
    return f"{path}.expression", tree, name


def _written(tree: ast.Selected) -> str:
    if tree.alias is None:
        return ""
    return tree.alias.text if tree.alias.quoted else tree.alias.text.upper()


def _default(tree: Ast, scope: Scope, taken: set[str], index: int) -> str:
    """A column keeps its exact name; the rest is named as ksqlDB does."""
    if isinstance(tree, ast.Name):
        return scope.column(tree)[1]
    return default_name(tree, taken, index)


def typed(node: Placed, item: Item, scope: Scope) -> tuple[Expr, SqlType]:
    """The expression and its type, which must not be NULL's."""
    path, tree, name = item
    with placed_at(node, path):
        expr = analyze(tree, scope)
        return expr, known_type(expr.type, tree, name)


def projected(node: Placed, item: Item, scope: Scope) -> tuple[Projected, SqlType]:
    """As typed, and EXPLODE is allowed."""
    path, tree, name = item
    with placed_at(node, path):
        found = analyze_projection(tree, scope)
        return found, known_type(found.type, tree, name)


def aggregated(node: Placed, item: Item, scope: Scope, of_table: bool) -> AggregateCall:
    """An aggregate call; on a table only one that can be undone."""
    path, tree, _ = item
    with placed_at(node, path):
        call = analyze_aggregate(tree, scope)
        if of_table and call.aggregate.undo is None:
            name = call.name.partition("/")[0]
            raise ExpressionError(f"The aggregation function(s) ({name}) cannot be applied to a table source, only to a stream source. {name} cannot "
                                  "take back a row: its result without one row does not follow from the result with it. Take COLLECT_LIST and work "
                                  "on the list, an accumulator with an undo, or put to_stream before the group_by to fold the changes as records",
                                  tree.start, tree.end,
                                  "UNSUPPORTED", metadata={"function": name})
        if of_table:
            for argument in call.arguments:
                steady(argument, tree, "it is evaluated again to take the row out of its group")
        return call


def steady(expr: Expr, tree: Ast, why: str) -> None:
    """Refuse an expression that gives another value each time."""
    if not is_deterministic(expr):
        raise ExpressionError(f"this gives another value each time, and {why}; compute it before, in a select of a stream", tree.start, tree.end)


def known_type(found: SqlType | None, tree: Ast, name: str) -> SqlType:
    """A column needs a type: a bare NULL has none."""
    if found is None:
        raise ExpressionError(f"column {name} is NULL and has no type: use CAST(NULL AS ...)", tree.start, tree.end, "TYPE_MISMATCH")
    return found


def star(flow: Flow) -> list[tuple[Projection, SqlType]]:
    """All value columns as they are."""
    return [(Projection(c.name, ColumnRef(c.type, c.name)), c.type) for c in flow.schema.value]


def unique(node: Placed, names: Sequence[str], field: str) -> None:
    """Refuse two columns of one name."""
    if len(set(names)) == len(names):
        return
    for name in names:
        if names.count(name) > 1:
            raise refuse("INVALID_SCHEMA", f"{node.name}: two columns are named {name}; give one an alias", node=node.name,
                         field=node.path(field), column=name)
