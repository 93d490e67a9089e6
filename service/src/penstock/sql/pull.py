"""What a pull query's WHERE must be like. Every condition is answered when tables may be scanned; without that (ksql.query.pull.table.scan.enabled
set to false) each way of the condition must fix the whole key by equalities, or bound a single STRING key on one side, as in ksqlDB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from penstock.expr import ast
from penstock.expr.analyze import analyze
from penstock.expr.ast import Ast
from penstock.expr.compile import compile_expression
from penstock.expr.narrow import TURNED
from penstock.expr.operators import SIGNS
from penstock.expr.scope import Scope
from penstock.plan.relations import RelationInfo
from penstock.sql.columns import Columns, From
from penstock.sql.faults import folded, refuse
from penstock.sql.parts import columns_in, parts_of
from penstock.sql.session import Session
from penstock.sql.settings import TABLE_SCAN
from penstock.sql.text import write
from penstock.sql.tree import Query
from penstock.types import sqltype as t
from penstock.types.coerce import coerce_insert
from penstock.types.schema import Column
from penstock.types.sqltype import quoted

RANGES = "ksql.query.pull.range.scan.enabled"
_MOST_WAYS = 1000
"""Ways of a condition that are looked at; more of them need a scan."""
_HINT = "\nQuery requires table scan to be enabled. Table scans can be enabled by setting ksql.query.pull.table.scan.enabled=true"


@dataclass(frozen=True, slots=True)
class _Comparison:
    """column op value, turned so that the column is on the left; column None: it compares something else."""

    tree: Ast
    column: str | None
    op: str
    value: Ast | None


def check_where(query: Query, info: RelationInfo, session: Session) -> None:
    """Refuse the condition of a pull query on a table. Raises ExpressionError."""
    alias = folded(query.source.alias) if query.source.alias is not None else info.name
    columns, where = Columns((From(alias, info, ""),)), query.where
    scans, ranges = (session.setting(name).lower() != "false" for name in (TABLE_SCAN, RANGES))
    if where is not None:
        _check_values(where, columns, info)
    if scans:
        return
    if where is None:
        raise refuse("Query requires table scan to be enabled: set ksql.query.pull.table.scan.enabled=true, or fix the key in a WHERE clause",
                     query.source)
    ways = list(_ways(where))
    if len(ways) > _MOST_WAYS:
        raise refuse(f"The WHERE clause has too many alternatives.{_HINT}", where)
    bounded = [_check_way(way, columns, info, where) for way in ways]
    if any(bounded) and (len(ways) > 1 or not ranges or [c.type for c in info.schema.key] != [t.STRING]):
        raise refuse(_HINT.strip(), where)


# ---- values of keys

def _check_values(where: Ast, columns: Columns, info: RelationInfo) -> None:
    """Keys are compared with values of their own type, and never with NULL."""
    keys = {c.name: c for c in info.schema.key}
    for comparison in (c for way in _conjuncts_of(where) for c in way):
        found = _comparison(comparison, columns)
        if found.column not in keys or found.value is None:
            continue
        column = keys[found.column]
        if isinstance(found.value, ast.Null):
            raise refuse(f"Primary key columns can not be NULL: ({column.name} {SIGNS[found.op]} null)", found.value)
        if found.op in ("eq", "lt", "le", "gt", "ge") and not parts_of(found.value, ast.Name | ast.Param):
            _check_value(found.value, column)


def _check_value(value: Ast, column: Column) -> None:
    expr = analyze(write(value, lambda part, inside: None), Scope())
    if expr.type is None or expr.type == column.type:
        return
    try:
        coerce_insert(compile_expression(expr, [])([]), expr.type, column.type)
    except ValueError:
        shown = write(value, lambda part, inside: None)
        raise refuse(f"'{shown.strip(chr(39))}' can not be converted to the type of the key column: {column.name} {column.type} KEY", value) from None


def _conjuncts_of(where: Ast) -> Iterator[list[Ast]]:
    """Comparisons in the clause, wherever they stand."""
    if isinstance(where, ast.Operator) and where.op in ("and", "or", "not"):
        for arg in where.args:
            yield from _conjuncts_of(arg)
    elif isinstance(where, ast.Operator) and where.op == "in":
        yield [ast.Operator(a.start, a.end, "eq", (where.args[0], a)) for a in where.args[1:]]
    else:
        yield [where]


# ---- ways of a condition

def _ways(tree: Ast) -> Iterator[list[Ast]]:
    """The condition as alternatives, each of them comparisons that all hold."""
    if isinstance(tree, ast.Operator):
        match tree.op:
            case "or":
                for arg in tree.args:
                    yield from _ways(arg)
                return
            case "and":
                lists = [list(_ways(arg)) for arg in tree.args]
                for combined in product(*lists):
                    yield [one for way in combined for one in way]
                return
            case "in":
                for arg in tree.args[1:]:
                    yield [ast.Operator(tree.start, tree.end, "eq", (tree.args[0], arg))]
                return
            case "between":
                value, low, high = tree.args
                yield [ast.Operator(tree.start, tree.end, "ge", (value, low)), ast.Operator(tree.start, tree.end, "le", (value, high))]
                return
    yield [tree]


def _check_way(way: Sequence[Ast], columns: Columns, info: RelationInfo, where: Ast) -> bool:
    """Whether one alternative bounds a key instead of fixing it. Refused where it does neither."""
    keys = [c.name for c in info.schema.key]
    seen: list[str] = []
    bounded = False
    for tree in way:
        found = _comparison(tree, columns)
        if found.column is None:
            raise refuse(_why(tree, columns, keys) + _HINT, tree)
        if found.column not in keys:
            continue
        if found.column in seen:
            raise refuse("A comparison condition on the key column cannot be combined with other comparisons such as an IN predicate" + _HINT, tree)
        seen.append(found.column)
        if found.op in ("lt", "le", "gt", "ge"):
            bounded = True
        elif found.op != "eq":
            raise refuse(f"Bound on key columns '[{_listed(info.schema.key)}]' must currently be '='.{_HINT}", tree)
    if not seen:
        raise refuse(f"WHERE clause missing key column for disjunct: {_shown(way, columns)}{_HINT}", where)
    if len(seen) < len(keys):
        raise refuse(f"Multi-column sources must specify every key in the WHERE clause. Specified: [{', '.join(seen)}] Expected: "
                     f"[{_listed(info.schema.key)}]{_HINT}", where)
    return bounded


def _why(tree: Ast, columns: Columns, keys: Sequence[str]) -> str:
    if isinstance(tree, ast.Operator) and tree.op in TURNED:
        sides = [columns_in(side) for side in tree.args]
        if all(sides):
            return "A comparison must be between a key column and a resolvable expression."
        if any(columns.find(n)[1] in keys for side in sides for n in side):
            return "A comparison must directly reference a key column."
    return f"WHERE clause missing key column for disjunct: {_shown([tree], columns)}"


def _comparison(tree: Ast, columns: Columns) -> _Comparison:
    if isinstance(tree, ast.Operator) and tree.op in TURNED:
        left, right = tree.args
        for column, value, op in ((left, right, tree.op), (right, left, TURNED[tree.op])):
            if isinstance(column, ast.Name) and not columns_in(value):
                return _Comparison(tree, columns.find(column, "WHERE")[1], op, value)
    return _Comparison(tree, None, "", None)


def _shown(way: Sequence[Ast], columns: Columns) -> str:
    def hook(part: Ast, _inside: frozenset[str]) -> str | None:
        if isinstance(part, ast.Param):
            return f":{part.name}"
        return columns.find(part, "WHERE")[1] if isinstance(part, ast.Name) else None

    return " AND ".join(write(tree, hook) for tree in way)


def _listed(columns: Sequence[Column]) -> str:
    return ", ".join(f"{quoted(c.name)} {c.type} KEY" for c in columns)


