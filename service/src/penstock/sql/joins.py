"""JOIN clauses: which expressions they compare, which nodes they become, and what the key of the result is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr import ast
from penstock.expr.ast import Ast
from penstock.plan.nodes import RelationKind
from penstock.sql.columns import PSEUDO, Columns, From
from penstock.sql.faults import refuse, unsupported
from penstock.sql.text import quoted, write
from penstock.sql.tree import Join, Query

if TYPE_CHECKING:
    from penstock.sql.select import Selected


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """One join: left and right are the compared expressions. viable: the expressions that may stand for the result's key, best first;
    synthetic: the key's name where none may. key: the key's name inside."""

    clause: Join
    right_source: From
    left: Ast
    right: Ast
    viable: tuple[Ast, ...]
    synthetic: str
    key: str


def plan_joins(query: Query, columns: Columns) -> list[JoinPlan]:
    """The joins in order, their conditions checked."""
    found: list[JoinPlan] = []
    before: tuple[Ast, ...] = ()
    synthetic = ""
    for number, clause in enumerate(query.joins):
        right_source = columns.sources[number + 1]
        left, right = _sides(clause, columns, number + 1)
        same = [t for t in before if columns.canonical(t) == columns.canonical(left)]
        plain = [t for t in (left, right) if isinstance(t, ast.Name)]
        if clause.kind == "FULL" or not plain:
            viable: tuple[Ast, ...] = ()
            synthetic = _synthetic(columns)
        else:
            viable, synthetic = tuple(plain), ""
            if same:
                viable = (*before, *(t for t in viable if t is not left))
        before = viable
        found.append(JoinPlan(clause, right_source, left, right, viable, synthetic, "KSQL_JOIN_KEY"))
    return found


def _synthetic(columns: Columns) -> str:
    name, number = "ROWKEY", 1
    taken = {c for s in columns.sources for c in s.types()}
    while name in taken:
        name, number = f"ROWKEY_{number}", number + 1
    return name


def _sides(clause: Join, columns: Columns, right: int) -> tuple[Ast, Ast]:
    """The expression over the sources so far, and that over the new one."""
    condition = clause.condition
    if not isinstance(condition, ast.Operator) or condition.op != "eq":
        raise refuse("Only equality joins are supported: the join condition must be `left = right`.", condition)
    known = Columns(columns.sources[:right + 1])
    a, b = condition.args
    of_a, of_b = ({s.alias for s, _ in _names(side, known)} for side in (a, b))
    newest = columns.sources[right].alias
    if len(of_a) != 1 or len(of_b) != 1 or of_a == of_b or newest not in (*of_a, *of_b):
        raise refuse("Invalid comparison expression in join condition: Each side of the join must reference exactly one source and not the same "
                     f"source. Left side references {_listed(of_a)} and right references {_listed(of_b)}", condition)
    return (a, b) if newest in of_b else (b, a)


def _listed(names: set[str]) -> str:
    return ", ".join(f"`{n}`" for n in sorted(names)) or "nothing"


def _names(tree: Ast, columns: Columns) -> list[tuple[From, str]]:
    """Every column of an expression."""
    found: list[tuple[From, str]] = []

    def hook(part: Ast, _inside: frozenset[str]) -> str | None:
        if not isinstance(part, ast.Name):
            return None
        found.append(columns.find(part, "JOIN ON"))
        return ""

    write(tree, hook)
    return found


# ---- nodes

def add_joins(query: Query, columns: Columns, made: Selected, plan: list[JoinPlan]) -> bool:
    """A node for each join, with new keys before it where they are needed; whether the result is a table."""
    first = columns.sources[0]
    table = first.info.kind is RelationKind.TABLE
    left = first.node
    pseudo = _pseudo(query, columns)
    carried = [(quoted(c), f"{first.alias}_{c}") for c in (*(c.name for c in first.info.schema), *pseudo.get(first.alias, ()))]
    key_texts = {quoted(c.name) for c in first.info.schema.key} if len(first.info.schema.key) == 1 else set()
    raw: Columns | None = Columns((first,))
    for step in plan:
        right_is_table = step.right_source.info.kind is RelationKind.TABLE
        _check_kinds(step, table, right_is_table)
        left_text = step_text(step.left, raw or columns, raw is None)
        if left_text not in key_texts:
            if table:
                raise unsupported("a join on a foreign key", step.clause.condition)
            left = _rekey(made, left, left_text, f"by_{first.node}" if raw else "by_join")
        right = _right(made, step, right_is_table)
        fields = [(f"{quoted(left)}.{text}", name) for text, name in carried]
        source = step.right_source
        mine = (*(c.name for c in source.info.schema), *pseudo.get(source.alias, ()))
        fields += [(f"{quoted(right)}.{quoted(c)}", f"{source.alias}_{c}") for c in mine]
        _join(made, step, (left, right), table, right_is_table, fields)
        left, raw = made.last, None
        table = table and right_is_table
        carried = [(quoted(name), name) for _, name in fields]
        key_texts = {columns.canonical(t) for t in step.viable}
    return table


def step_text(tree: Ast, columns: Columns, joined: bool) -> str:
    """The left expression over the flow as it is: raw columns before the first join, ALIAS_COLUMN behind it."""
    return columns.canonical(tree) if joined else write(tree, lambda part, _inside: quoted(columns.find(part)[1]) if isinstance(part, ast.Name) else None)


def _check_kinds(step: JoinPlan, left_is_table: bool, right_is_table: bool) -> None:
    clause = step.clause
    if left_is_table and not right_is_table:
        raise refuse("Invalid join order: table-stream joins are not supported; only stream-table joins.", clause)
    if right_is_table and clause.within is not None:
        raise refuse("A window definition was provided for a join with a table: WITHIN is for stream-stream joins.", clause)
    if not right_is_table and clause.within is None:
        raise refuse("Stream-Stream joins must have a WITHIN clause specified. None was provided.", clause)
    if right_is_table and not left_is_table and clause.kind in ("FULL", "RIGHT"):
        raise refuse(f"Invalid join type encountered: {clause.kind} OUTER JOIN of a stream and a table is not supported.", clause)


def _rekey(made: Selected, before: str, text: str, name: str) -> str:
    node = made.add(name, (before,))
    node.partition_by.keys.add(expression=text, alias="KSQL_JOIN_KEY")
    return node.name


def _right(made: Selected, step: JoinPlan, is_table: bool) -> str:
    source = step.right_source
    text = step_text(step.right, Columns((source,)), False)
    keys = source.info.schema.key
    if len(keys) == 1 and text == quoted(keys[0].name):
        return source.node
    if is_table:
        raise refuse("Invalid join condition: table-table joins and stream-table joins require to join on the primary key of the right input table.",
                     step.clause.condition)
    return _rekey(made, source.node, text, f"by_{source.node}")


def _join(made: Selected, step: JoinPlan, inputs: tuple[str, str], left_is_table: bool, right_is_table: bool, fields: list[tuple[str, str]]) -> None:
    node = made.add("join", inputs)
    join: Any
    if left_is_table:
        join = node.table_table_join
    elif right_is_table:
        join = node.stream_table_join
    else:
        join = node.stream_stream_join
        within = step.clause.within
        assert within is not None
        if step.clause.kind != "INNER" and within.grace_ms is None:
            raise unsupported("an outer join of streams without GRACE PERIOD", step.clause)
        join.before.FromMilliseconds(within.before_ms)
        join.after.FromMilliseconds(within.after_ms)
        if within.grace_ms is not None:
            join.grace.FromMilliseconds(within.grace_ms)
    join.kind = topology_pb2.JoinKind.Value(f"JOIN_KIND_{step.clause.kind}")
    for text, name in fields:
        join.columns.add(expression=text, alias=name)


def _pseudo(query: Query, columns: Columns) -> dict[str, list[str]]:
    """Pseudo columns that anything in the query names, by alias."""
    found: dict[str, list[str]] = {}
    for tree in _expressions(query):

        def hook(part: Ast, inside: frozenset[str]) -> str | None:
            if not isinstance(part, ast.Name):
                return None
            if part.parts[-1].text.upper() in PSEUDO:
                source, column = columns.find(part)
                if column in PSEUDO and column not in found.setdefault(source.alias, []):
                    found[source.alias].append(column)
            return ""

        write(tree, hook)
    return found


def _expressions(query: Query) -> Iterator[Ast]:
    for item in query.items:
        if isinstance(item, ast.Selected | ast.StructStar):
            yield item.item
    yield from (t for t in (query.where, query.having) if t is not None)
    yield from (*(query.group_by or ()), *(query.partition_by or ()), *(j.condition for j in query.joins))
