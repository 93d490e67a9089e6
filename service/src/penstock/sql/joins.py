"""JOIN clauses: which expressions they compare, which nodes they become, and what the key of the result is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr import ast
from penstock.expr.analyze import analyze
from penstock.expr.ast import Ast
from penstock.expr.scope import Scope
from penstock.plan.nodes import RelationKind
from penstock.sql.columns import PSEUDO, Columns, From
from penstock.sql.faults import folded, refuse
from penstock.sql.parts import columns_in
from penstock.sql.text import rewrite, write
from penstock.sql.tree import Join, Query
from penstock.types.schema import Role
from penstock.types.sqltype import quoted

if TYPE_CHECKING:
    from penstock.sql.select import Selected


REKEYED = "KSQL_JOIN_KEY"
"""What a key is called that rows get for a join."""


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """One join: left and right are the compared expressions. equal: all expressions that are equal to the result's key; texts: they in canonical
    form; viable: those that may stand for it, best first; synthetic: the key's name where none may. foreign: the left side is a foreign key, and the left table's
    keys stay."""

    clause: Join
    right_source: From
    left: Ast
    right: Ast
    equal: tuple[Ast, ...]
    texts: frozenset[str]
    synthetic: str
    foreign: bool = False

    @property
    def viable(self) -> tuple[Ast, ...]:
        """Columns among the equal expressions."""
        return tuple(t for t in self.equal if isinstance(t, ast.Name))


def plan_joins(query: Query, columns: Columns) -> list[JoinPlan]:
    """The joins in order, their conditions checked."""
    if kafka := [s.alias for s in columns.sources if s.info.topic.value_format.name == "KAFKA"]:
        raise refuse(f"Source(s) {', '.join(kafka)} are using the 'KAFKA' value format. This format does not yet support JOIN.", query.joins[0])
    found: list[JoinPlan] = []
    tables = columns.sources[0].info.kind is RelationKind.TABLE
    equal = _primary(columns.sources[0])
    texts = frozenset(map(columns.canonical, equal))
    scope = columns.scope()
    for number, clause in enumerate(query.joins):
        right_source = columns.sources[number + 1]
        left, right = _sides(clause, columns, number + 1)
        right_is_table = right_source.info.kind is RelationKind.TABLE
        _check_kinds(clause, columns, number + 1, tables, right_is_table)
        left_text, right_text = columns.canonical(left), columns.canonical(right)
        known = left_text in texts
        foreign = tables and right_is_table and not known
        _check_condition(clause, columns, scope, right_source, left, right)
        if foreign:
            _check_foreign(clause, columns, number, left, right)
            primary = _primary(columns.sources[0])
            found.append(JoinPlan(clause, right_source, left, right, primary, frozenset(map(columns.canonical, primary)), "", foreign=True))
            continue
        if not (known and number):
            equal, texts = (left,), frozenset((left_text,))
        equal, texts = ((), frozenset()) if clause.kind == "FULL" else ((*equal, right), texts | {right_text})
        step = JoinPlan(clause, right_source, left, right, equal, texts, "")
        found.append(step if step.viable else replace(step, synthetic=_synthetic(columns)))
        tables = tables and right_is_table
    return found


def _primary(source: From) -> tuple[Ast, ...]:
    """The columns by which the first source is keyed, where they can be compared: one key column."""
    at = ast.Ident(0, 0, "", True)
    keys = source.info.schema.key
    return tuple(ast.Name(0, 0, (replace(at, text=source.alias), replace(at, text=c.name))) for c in keys) if len(keys) == 1 else ()


def _check_condition(clause: Join, columns: Columns, scope: Scope, right_source: From, left: Ast, right: Ast) -> None:
    """What a join with a table compares, and that both sides are of one type. scope: of the columns."""
    known = columns.canonical
    keys = right_source.info.schema.key
    if right_source.info.kind is RelationKind.TABLE and not (len(keys) == 1 and known(right) == quoted(columns.inner(right_source, keys[0].name))):
        kinds = "table-table" if columns.sources[0].info.kind is RelationKind.TABLE else "stream-table"
        raise refuse(f"Invalid join condition: {kinds} joins require to join on the primary key of the right input table. "
                     f"Got {written(left, columns)} = {written(right, columns)}.", clause.condition)
    types = [analyze(rewrite(side, columns.inside()), scope).type for side in (left, right)]
    if types[0] != types[1]:
        a, b = (f"{written(side, columns)}{{{t}}}" for side, t in zip((left, right), types, strict=True))
        raise refuse(f"Invalid join condition: types don't match. Got {a} = {b}.", clause.condition)


def _check_foreign(clause: Join, columns: Columns, number: int, left: Ast, right: Ast) -> None:
    if number:
        raise refuse("Invalid join condition: foreign-key table-table joins are not supported as part of n-way joins. Got "
                     f"{written(left, columns)} = {written(right, columns)}.", clause.condition)
    if clause.kind in ("FULL", "RIGHT"):
        raise refuse(f"Invalid join type: {clause.kind} OUTER JOIN on a foreign key is not supported. Got "
                     f"{written(left, columns)} = {written(right, columns)}.", clause)
    if any(s.info.window is not None for s in columns.sources[:2]):
        raise refuse("Foreign-key table-table joins are not supported on windowed tables.", clause)


def written(tree: Ast, columns: Columns) -> str:
    """An expression as messages show it: every column with its source."""
    return write(tree, lambda part, _inside: _dotted(part, columns) if isinstance(part, ast.Name) else None)


def _dotted(name: ast.Name, columns: Columns) -> str:
    source, column = columns.find(name, "JOIN ON")
    return f"{source.alias}.{column}"


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
    known = Columns(columns.sources[:right + 1], functions=columns.functions)
    a, b = condition.args
    of_a, of_b = ({known.find(name, "JOIN ON")[0].alias for name in columns_in(side)} for side in (a, b))
    newest = columns.sources[right].alias
    if len(of_a) != 1 or len(of_b) != 1 or of_a == of_b or newest not in (*of_a, *of_b):
        raise refuse("Invalid comparison expression in join condition: Each side of the join must reference exactly one source and not the same "
                     f"source. Left side references {_listed(of_a)} and right references {_listed(of_b)}", condition)
    return (a, b) if newest in of_b else (b, a)


def _listed(names: set[str]) -> str:
    return ", ".join(f"`{n}`" for n in sorted(names)) or "nothing"


# ---- nodes

def add_joins(query: Query, columns: Columns, made: Selected, plan: list[JoinPlan]) -> tuple[bool, str]:
    """A node for each join, with new keys before it where they are needed; whether the result is a table, and the name of its key inside."""
    first = columns.sources[0]
    table = first.info.kind is RelationKind.TABLE
    pseudo = pseudo_columns(query, columns)
    left = _with_pseudo(made, first, pseudo)
    carried = _carried(first, pseudo, raw=True)
    keys = first.info.schema.key
    key_texts = frozenset((quoted(keys[0].name),) if len(keys) == 1 else ())
    key = keys[0].name if keys else ""
    raw = True
    for step in plan:
        source = step.right_source
        right_is_table = source.info.kind is RelationKind.TABLE
        left_text = step_text(step.left, Columns((first,)) if raw else columns, not raw)
        foreign = ""
        if step.foreign:
            foreign = _foreign_key(step.left, first, columns, left)
        elif left_text not in key_texts:
            _check_windows(step, columns, rekeys=True)
            left, key = _rekey(made, left, left_text, f"by_{first.node}" if raw else "by_join"), REKEYED
        _check_windows(step, columns, rekeys=False)
        right = _right(made, step, pseudo)
        fields = [(f"{quoted(left)}.{text}", name) for text, name in carried]
        fields += [(f"{quoted(right)}.{text}", name) for text, name in _carried(source, pseudo, raw=True)]
        _join(made, step, (left, right), table, right_is_table, fields, foreign)
        left, raw = made.last, False
        table = table and right_is_table
        carried = [(quoted(name), name) for _, name in fields]
        key_texts = step.texts
    return table, key


def _carried(source: From, pseudo: dict[str, list[str]], raw: bool) -> list[tuple[str, str]]:
    """(text in the source's flow, name behind the join) of its columns and of the pseudo columns that are read."""
    named = [(quoted(c.name), f"{source.alias}_{c.name}") for c in source.info.schema]
    return [*named, *((quoted(p if p == "ROWTIME" else f"{source.alias}_{p}"), f"{source.alias}_{p}") for p in pseudo.get(source.alias, ()))]


def _with_pseudo(made: Selected, source: From, pseudo: dict[str, list[str]]) -> str:
    """The source's node, or one behind it that keeps where records came from, and their windows, as columns: a new key and a store lose
    them."""
    lost = [p for p in pseudo.get(source.alias, ()) if p != "ROWTIME"]
    if not lost:
        return source.node
    node = made.add(f"{source.node}_with", (source.node,))
    for name in ("*", *(quoted(c.name) for c in source.info.schema if c.role is Role.HEADER)):
        node.select.columns.add(expression=name)
    for p in lost:
        node.select.columns.add(expression=p, alias=f"{source.alias}_{p}")
    return node.name


def step_text(tree: Ast, columns: Columns, joined: bool) -> str:
    """The left expression over the flow as it is: raw columns before the first join, ALIAS_COLUMN behind it."""
    return columns.canonical(tree) if joined else write(tree, lambda part, _inside: _raw(part, columns))


def _raw(part: Ast, columns: Columns) -> str | None:
    if not isinstance(part, ast.Name):
        return None
    source, column = columns.find(part)
    return quoted(f"{source.alias}_{column}" if column in PSEUDO and column != "ROWTIME" else column)


def _foreign_key(tree: Ast, first: From, columns: Columns, left: str) -> str:
    """The reference as the planner reads it: names of the left table only."""
    return step_text(tree, Columns((first,)), False)


def _check_kinds(clause: Join, columns: Columns, right: int, left_is_table: bool, right_is_table: bool) -> None:
    if left_is_table and not right_is_table:
        raise refuse("Invalid join order: table-stream joins are not supported; only stream-table joins.", clause)
    if right_is_table and clause.within is not None:
        raise refuse("A window definition was provided for a join with a table: WITHIN is for stream-stream joins.", clause)
    if not right_is_table and clause.within is None:
        raise refuse("Stream-Stream joins must have a WITHIN clause specified. None was provided.", clause)
    if right_is_table and not left_is_table and clause.kind in ("FULL", "RIGHT"):
        raise refuse(f"Invalid join type encountered: {clause.kind} OUTER JOIN of a stream and a table is not supported.", clause)


def _check_windows(step: JoinPlan, columns: Columns, rekeys: bool) -> None:
    """Windowed keys are joined as they are, with keys of the same windows."""
    sources = (columns.sources[0], step.right_source)
    windows = [s.info.window for s in sources]
    if windows == [None, None]:
        return
    if None in windows:
        shown = "\n".join(f"`{s.alias}` is {'not' if s.info.window is None else s.info.window.kind.value} windowed" for s in sources)
        raise refuse(f"Can not join windowed source to non-windowed source.\n{shown}", step.clause)
    if rekeys or windows[0] != windows[1] or sources[0].info.topic.key_format != sources[1].info.topic.key_format:
        raise refuse("Implicit repartitioning of windowed sources is not supported. See https://github.com/confluentinc/ksql/issues/4385.", step.clause)


def _rekey(made: Selected, before: str, text: str, name: str) -> str:
    node = made.add(name, (before,))
    node.partition_by.keys.add(expression=text, alias=REKEYED)
    return node.name


def _right(made: Selected, step: JoinPlan, pseudo: dict[str, list[str]]) -> str:
    source = step.right_source
    text = step_text(step.right, Columns((source,)), False)
    keys = source.info.schema.key
    node = _with_pseudo(made, source, pseudo)
    if len(keys) == 1 and text == quoted(keys[0].name):
        return node
    if source.info.window is not None:
        raise refuse("Implicit repartitioning of windowed sources is not supported.", step.clause)
    return _rekey(made, node, text, f"by_{source.node}")


def _join(made: Selected, step: JoinPlan, inputs: tuple[str, str], left_is_table: bool, right_is_table: bool, fields: list[tuple[str, str]],
          foreign: str) -> None:
    node = made.add("join", inputs)
    join: Any
    if left_is_table:
        join = node.table_table_join
        join.foreign_key = foreign
    elif right_is_table:
        join = node.stream_table_join
    else:
        join = node.stream_stream_join
        within = step.clause.within
        assert within is not None
        join.before.FromMilliseconds(within.before_ms)
        join.after.FromMilliseconds(within.after_ms)
        if within.grace_ms is not None:
            join.grace.FromMilliseconds(within.grace_ms)
        join.eager = within.grace_ms is None
    join.kind = topology_pb2.JoinKind.Value(f"JOIN_KIND_{step.clause.kind}")
    for text, name in fields:
        join.columns.add(expression=text, alias=name)


def pseudo_columns(query: Query, columns: Columns, among: tuple[str, ...] = PSEUDO) -> dict[str, list[str]]:
    """Pseudo columns that anything in the query names, by alias."""
    found: dict[str, list[str]] = {}

    def note(source: From, column: str) -> None:
        if column in among and column not in found.setdefault(source.alias, []):
            found[source.alias].append(column)

    for star in (i for i in query.items if isinstance(i, ast.Star)):
        for source, name in columns.every("" if star.source is None else folded(star.source), query.partition_by is not None):
            note(source, name)

    for tree in _expressions(query):
        for part in columns_in(tree):
            if folded(part.parts[-1]) in among:
                note(*columns.find(part))
    return found


def _expressions(query: Query) -> Iterator[Ast]:
    for item in query.items:
        if isinstance(item, ast.Selected | ast.StructStar):
            yield item.item
    yield from (t for t in (query.where, query.having) if t is not None)
    yield from (*(query.group_by or ()), *(query.partition_by or ()), *(j.condition for j in query.joins))
