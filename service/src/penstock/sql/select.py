"""A SELECT as nodes of a topology: sources, joins, WHERE, table functions, PARTITION BY or GROUP BY, HAVING, projection.

Every stage writes text that the planner reads, with exact names; the planner stays the judge of types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2

from penstock.errors import ExpressionError
from penstock.expr import aggregates, ast
from penstock.expr.analyze import TABLE_FUNCTIONS
from penstock.expr.ast import Ast
from penstock.plan.nodes import RelationKind
from penstock.sql.catalog import SqlCatalog, known
from penstock.sql.columns import PLACES, PSEUDO, Columns, From
from penstock.sql.faults import folded, refuse
from penstock.sql.joins import JoinPlan, add_joins, plan_joins, pseudo_columns, written
from penstock.sql.parts import calls_of
from penstock.sql.text import Hook, rewrite, write
from penstock.sql.tree import Query, WindowSpec
from penstock.types.schema import Role
from penstock.types.sqltype import Kind, quoted


@dataclass(frozen=True, slots=True)
class Item:
    """One result column. tree is the expression, name what it is called; said: by an alias."""

    tree: Ast
    name: str
    said: bool


@dataclass
class Key:
    """One key column of the flow: canonical texts of the expressions that mean it, its name inside, how a person names it; out: its name in
    the result; named: that without an alias. joined: it comes from a join's condition; foreign: it is a key of this table on the left of a
    join on a foreign key."""

    texts: tuple[str, ...]
    inner: str
    shown: str
    out: str = ""
    named: str = ""
    joined: bool = False
    foreign: str = ""


@dataclass
class Selected:
    """The nodes so far, the last of which is the result without its sink. grouping: what made its keys, "partitioning" or "grouping". transient: the rows
    of a query, not of a relation: every item is a value, and the keys, which nobody sees, have names of their own. trees: of the texts in the nodes."""

    columns: Columns
    nodes: list[topology_pb2.Node] = field(default_factory=list)
    last: str = ""
    table: bool = False
    keys: list[Key] = field(default_factory=list)
    grouping: str = ""
    settings: Callable[[str], str] = lambda name: ""
    transient: bool = False
    trees: dict[str, Ast] = field(default_factory=dict)

    def text(self, tree: Ast, hook: Hook, inside: frozenset[str] = frozenset()) -> str:
        """An expression as the planner reads it, which gets its tree too: with that it need not read, and knows the place in the statement."""
        text = write(tree, hook, inside)
        if not isinstance(tree, ast.Name):
            self.trees[text] = rewrite(tree, hook, inside)
        return text

    def add(self, name: str, inputs: tuple[str, ...] | None = None) -> topology_pb2.Node:
        """A new node behind the last one, or behind the inputs."""
        taken = {n.name.lower() for n in self.nodes}
        unique, number = name, 1
        while unique.lower() in taken:
            number += 1
            unique = f"{name}_{number}"
        node = topology_pb2.Node(name=unique, inputs=[self.last] if inputs is None else list(inputs))
        self.nodes.append(node)
        self.last = unique
        return node


def node_name(relation: str) -> str:
    """A node's name from a relation's."""
    plain = re.sub(r"\W", "_", relation, flags=re.ASCII)[:48]
    return plain if plain[:1].isalpha() else f"S{plain}"


HIDDEN = "KSQL_HIDDEN_KEY_"
"""What the key columns of a transient query's result begin with."""


def select(query: Query, catalog: SqlCatalog, transient: bool = False) -> Selected:
    """The nodes. Raises ExpressionError with the place in the statement."""
    _check(query)
    columns = _sources(query, catalog)
    made = Selected(columns, settings=catalog.setting, transient=transient)
    for source in columns.sources:
        node = made.add(source.node, ())
        kind = node.source_table if source.info.kind is RelationKind.TABLE else node.source_stream
        kind.origin.relation = source.info.name
    first = columns.sources[0]
    made.last, made.table = first.node, first.info.kind is RelationKind.TABLE
    if columns.joined:
        plan = plan_joins(query, columns)
        columns = made.columns = replace(columns, synthetic=plan[-1].synthetic)
        items = _items(query, columns)
        made.keys = _join_keys(plan, columns, items)
        made.table, key = add_joins(query, columns, made, plan)
        if not plan[-1].foreign:
            made.keys[0].inner = key
    else:
        columns = made.columns = _placed(query, columns, made)
        items = _items(query, columns)
        made.keys = [Key((quoted(c.name),), c.name, c.name) for c in first.info.schema.key]
    if query.where is not None:
        text = made.text(query.where, columns.inside("WHERE"))
        made.add("where").filter.where = text
    hook = _explode(items, made, columns.inside())
    if query.group_by is not None:
        _grouped(query, items, made, hook)
    else:
        if query.partition_by is not None:
            _partitioned(query, items, made, hook)
        _project(items, made, hook, any(isinstance(i, ast.Star) and i.source is None for i in query.items))
    return made


def _placed(query: Query, columns: Columns, made: Selected) -> Columns:
    """Where records came from as columns, in front of a new key, where anything reads that."""
    places = pseudo_columns(query, columns, PLACES).get(columns.sources[0].alias, [])
    if not places or query.group_by is None and query.partition_by is None:
        return columns
    node = made.add(f"{columns.sources[0].node}_with")
    for name in ("*", *(quoted(c.name) for c in columns.sources[0].info.schema if c.role is Role.HEADER)):
        node.select.columns.add(expression=name)
    for place in places:
        node.select.columns.add(expression=place, alias=f"KSQL_{place}")
    return replace(columns, places=True)


def _join_keys(plan: list[JoinPlan], columns: Columns, items: list[Item]) -> list[Key]:
    """The expression that stands for the key: the first of the equal ones that is selected; behind a join on a foreign key the left
    table's keys."""
    last = plan[-1]
    if last.foreign:
        left = columns.sources[0]
        return [Key((quoted(f"{left.alias}_{c.name}"),), f"{left.alias}_{c.name}", c.name, foreign=left.info.name) for c in left.info.schema.key]
    if last.synthetic:
        return [Key((quoted(last.synthetic),), "KSQL_JOIN_KEY", last.synthetic, named=last.synthetic)]
    selected = {columns.canonical(i.tree) for i in items if not calls_of(i.tree, TABLE_FUNCTIONS) and not _has_aggregate(i.tree)}
    viable = [columns.canonical(tree) for tree in last.viable]
    chosen = next((text for text in viable if text in selected), "")
    return [Key((chosen,) if chosen else tuple(viable), "KSQL_JOIN_KEY", " or ".join(written(tree, columns) for tree in last.viable), joined=True)]


def _check(query: Query) -> None:
    if query.order_by:
        raise refuse("ORDER BY is for pull queries, with 'penstock.pull.extended' set to 'true'.", query.order_by[0])
    if query.limit is not None:
        raise refuse("CREATE STREAM/TABLE AS SELECT statements don't support LIMIT clause.", query)
    if query.group_by is not None and query.partition_by is not None:
        raise refuse("Only one of PARTITION BY or GROUP BY is supported.", query)
    aggregated = any(_has_aggregate(i) for i in query.items) or query.having is not None and _has_aggregate(query.having)
    if query.group_by is None:
        if query.window is not None:
            raise refuse("WINDOW clause requires a GROUP BY clause.", query.window)
        if aggregated or query.having is not None:
            raise refuse("Use of aggregate functions or HAVING requires a GROUP BY clause.", query)
    elif not aggregated:
        raise refuse("GROUP BY requires aggregate functions in either the SELECT or HAVING clause.", query.group_by[0] if query.group_by else query)
    if query.emit == "FINAL" and query.window is None:
        raise refuse("EMIT FINAL is only supported for windowed aggregations.", query)


def _sources(query: Query, catalog: SqlCatalog) -> Columns:
    found: list[From] = []
    for source in (query.source, *(j.source for j in query.joins)):
        info = known(catalog, source.name)
        alias = folded(source.alias) if source.alias is not None else info.name
        if any(f.alias == alias for f in found):
            raise refuse(f"Each source must have its own name: {alias} is there twice" if query.joins[1:] else
                         f"Can not join '{alias}' to '{alias}': self joins are not yet supported.", source)
        if any(f.info.name == info.name for f in found):
            raise refuse(f"Can not join '{info.name}' to '{info.name}': self joins are not yet supported."
                         if len(query.joins) == 1 else f"N-way joins do not support multiple occurrences of the same source. Source: '{info.name}'.",
                         source)
        if info.window is not None and info.kind is RelationKind.TABLE:
            raise refuse(f"KSQL does not support persistent queries on windowed tables. {info.name} is windowed.", source)
        found.append(From(alias, info, _distinct(node_name(alias), [f.node for f in found])))
    return Columns(tuple(found), functions=catalog.functions)


def _distinct(name: str, taken: list[str]) -> str:
    while name.lower() in (t.lower() for t in taken):
        name += "_"
    return name


# ---- items

def _items(query: Query, columns: Columns) -> list[Item]:
    found: list[Item] = []
    numbers = Numbers(columns)
    for tree in query.items:
        match tree:
            case ast.Star(source=source):
                wanted = "" if source is None else folded(source)
                if wanted and all(s.alias != wanted for s in columns.sources):
                    raise refuse(f"'{wanted}' is not a valid stream/table name or alias.", tree)
                for source_of, name in columns.every(wanted, query.partition_by is not None):
                    at = ast.Name(tree.start, tree.end, (ast.Ident(tree.start, tree.end, source_of.alias, True), ast.Ident(tree.start, tree.end, name, True)))
                    found.append(Item(at, columns.inner(source_of, name), False))
            case ast.StructStar(item=item):
                kind = columns.type_of(item)
                if kind is None or kind.kind is not Kind.STRUCT:
                    raise refuse("->* takes a STRUCT", item)
                for name, _ in kind.fields:
                    ident = ast.Ident(tree.start, tree.end, name, True)
                    found.append(Item(ast.Dereference(tree.start, tree.end, item, ident), name, False))
            case ast.Selected(item=item, alias=alias) if alias is not None:
                if folded(alias) in PSEUDO:
                    raise refuse(f"`{folded(alias)}` is a reserved column name. You cannot use it as an alias for a column.", alias)
                found.append(Item(item, folded(alias), True))
            case ast.Selected(item=item):
                found.append(Item(item, numbers.name(item), False))
    for one in found:
        if one.name in PSEUDO and not one.said:
            raise refuse(f"Reserved column name in select: `{one.name}`. Please remove or alias the column.", one.tree)
    return found


class Numbers:
    """Names of columns without alias."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.taken = {c for s in columns.sources for c in s.types()}

    def name(self, tree: Ast) -> str:
        match tree:
            case ast.Name():
                return self.columns.outer(*self.columns.find(tree))
            case ast.Dereference(field=field):
                return self._free(folded(field), folded(field) + "_", 1)
            case _:
                return self._free("", "KSQL_COL_", 0)

    def _free(self, first: str, prefix: str, number: int) -> str:
        name = first or f"{prefix}{number}"
        while name in self.taken:
            name = f"{prefix}{number}"
            number += 1
        self.taken.add(name)
        return name


# ---- table functions

def _explode(items: list[Item], made: Selected, hook: Hook) -> Hook:
    """A node that computes every table function, and the hook that finds their columns."""
    calls: dict[str, str] = {}
    for item in items:
        for call in calls_of(item.tree, TABLE_FUNCTIONS):
            if any(calls_of(arg, TABLE_FUNCTIONS) for arg in call.args):
                raise refuse("Table functions cannot be nested", call)
            calls.setdefault(made.text(call, hook), f"KSQL_TABLE_{len(calls)}")
    if not calls:
        return hook
    if made.table:
        raise refuse("Table source is not supported with table functions", items[0].tree)
    node = made.add("explode").explode
    headers = () if made.columns.joined else made.columns.sources[0].info.schema.columns
    for column in ("*", *(quoted(c.name) for c in headers if c.role is Role.HEADER)):
        node.columns.add(expression=column)
    for text, name in calls.items():
        node.columns.add(expression=text, alias=name)

    def found(part: Ast, inside: frozenset[str]) -> str | None:
        if isinstance(part, ast.FunctionCall) and part.name.text.upper() in TABLE_FUNCTIONS:
            return quoted(calls[write(part, hook, inside)])
        return hook(part, inside)

    return found


def _has_aggregate(tree: Ast) -> bool:
    return bool(calls_of(tree, aggregates.NAMES))


# ---- PARTITION BY, GROUP BY

def _new_keys(given: tuple[Ast, ...], made: Selected, hook: Hook, clause: str) -> list[Key]:
    columns = made.columns
    clause_hook = columns.inside(clause)
    keys: list[Key] = []
    numbers = Numbers(columns)
    taken = {columns.inner(s, c) for s in columns.sources for c in s.types()}
    for tree in given:
        text = made.text(tree, clause_hook)
        if any(text in k.texts for k in keys):
            raise refuse(f"Duplicate {clause} expression: {_shown(tree, columns)}", tree)
        if isinstance(tree, ast.Name):
            inner = columns.inner(*columns.find(tree, clause))
            if inner in PSEUDO:
                inner = f"KSQL_KEY_{len(keys)}"
        else:
            inner = f"KSQL_KEY_{len(keys)}"
        while inner in taken and not isinstance(tree, ast.Name):
            inner += "_"
        keys.append(Key((text,), inner, _shown(tree, columns), named=numbers.name(tree)))
    return keys


def _shown(tree: Ast, columns: Columns) -> str:
    """An expression as messages write it."""

    def hook(part: Ast, inside: frozenset[str]) -> str | None:
        if not isinstance(part, ast.Name):
            return None
        source, column = columns.find(part)
        return f"{source.alias}.{column}" if columns.joined else column

    return write(tree, hook)


def _partitioned(query: Query, items: list[Item], made: Selected, hook: Hook) -> None:
    assert query.partition_by is not None
    if made.table:
        raise refuse("PARTITION BY is not supported on a table. Use GROUP BY.", query)
    if not query.partition_by:
        raise refuse("PARTITION BY requires at least one expression", query)
    if any(isinstance(t, ast.Null) for t in query.partition_by):
        if len(query.partition_by) > 1:
            raise refuse("Cannot PARTITION BY multiple columns including NULL", query.partition_by[0])
        made.add("partition_by").partition_by.without_key = True
        made.keys = []
        return
    for tree in query.partition_by:
        if _has_aggregate(tree) or calls_of(tree, TABLE_FUNCTIONS):
            raise refuse("PARTITION BY does not support aggregate or table functions", tree)
    keys = _new_keys(query.partition_by, made, hook, "PARTITION BY")
    if [k.texts for k in keys] != [k.texts for k in made.keys] or any(s.info.window for s in made.columns.sources):
        node = made.add("partition_by").partition_by
        for key in keys:
            node.keys.add(expression=key.texts[0], alias=key.inner)
    made.keys, made.grouping = keys, "partitioning"


def _grouped(query: Query, items: list[Item], made: Selected, hook: Hook) -> None:
    assert query.group_by is not None
    if not query.group_by:
        raise refuse("GROUP BY requires at least one expression", query)
    for tree in query.group_by:
        if calls := calls_of(tree, aggregates.NAMES):
            raise refuse(f"GROUP BY does not support aggregate functions: {calls[0].name.text.upper()} is an aggregate function.", tree)
    keys = _new_keys(query.group_by, made, hook, "GROUP BY")
    _formats_of_group(query, made)
    group = made.add("group_by").group_by
    for key in keys:
        group.keys.add(expression=key.texts[0], alias=key.inner)
    made.keys, made.grouping = keys, "grouping"
    aggregated = made.add("aggregate")
    calls_by_text: dict[str, str] = {}
    after = _after_group(made, hook, calls_by_text, query.window, "SELECT")
    values = [(item, made.text(item.tree, after)) for item in items]
    having = "" if query.having is None else made.text(
        query.having, _after_group(made, hook, calls_by_text, None, "HAVING"))
    for text, name in calls_by_text.items():
        aggregated.aggregate.columns.add(expression=text, alias=name)
    if query.window is not None:
        _window(query.window, aggregated.aggregate.window)
    if query.emit == "FINAL":
        aggregated.aggregate.emit = topology_pb2.EMIT_FINAL
        if not aggregated.aggregate.window.HasField("grace"):
            aggregated.aggregate.window.grace.FromMilliseconds(0)
    made.table = True
    if having:
        made.add("having").filter.where = having
    _finish(made, [(item, text, text) for item, text in values], False)


_STRUCTURED = frozenset({"AVG", "CORRELATION", "STDDEV_SAMP", "STDDEV_SAMPLE"})
"""Functions that keep several numbers, which DELIMITED has no form for where the group goes through a topic."""


def _formats_of_group(query: Query, made: Selected) -> None:
    """What ksqlDB refuses because groups and states have the source's value format there."""
    source = made.columns.sources[0].info
    if source.topic.value_format.name == "KAFKA":
        raise refuse(f"Source(s) {source.name} are using the 'KAFKA' value format. This format does not yet support GROUP BY.", query)
    called = {c.name.text.upper() for i in query.items for c in calls_of(i, aggregates.NAMES)}
    if source.topic.value_format.name == "DELIMITED" and called & _STRUCTURED:
        raise refuse("One of the functions used in the statement has an intermediate type that the value format can not handle. Please remove the "
                     "function or change the format.", query)


def _after_group(made: Selected, hook: Hook, calls: dict[str, str], window: WindowSpec | None, clause: str) -> Hook:
    """Names behind the aggregation: group keys, results of aggregate functions, window bounds; nothing else."""
    by_text = {text: key.inner for key in made.keys for text in key.texts}

    def found(part: Ast, inside: frozenset[str]) -> str | None:
        if isinstance(part, ast.FunctionCall) and part.name.text.upper() in aggregates.NAMES:
            for arg in part.args:
                if nested := calls_of(arg, aggregates.NAMES):
                    raise refuse(f"Aggregate functions can not be nested: {nested[0].name.text.upper()}", part)
            return quoted(calls.setdefault(_call_text(part, made, hook, inside), f"KSQL_AGG_VARIABLE_{len(calls)}"))
        if isinstance(part, ast.Name) and folded(part.parts[-1]) in ("WINDOWSTART", "WINDOWEND"):
            bound = folded(part.parts[-1])
            if window is not None:
                return bound
            if clause != "SELECT":
                raise refuse(f"Window bounds column {bound} can only be used in the SELECT clause of windowed aggregations", part)
        if not isinstance(part, ast.Number | ast.Text | ast.Bool | ast.Null | ast.LambdaOf):
            try:
                text = write(part, hook, inside)
            except ExpressionError:  # a window's bound inside: its parts are looked at one by one
                if isinstance(part, ast.Name):
                    raise
                text = ""
            if text in by_text:
                return quoted(by_text[text])
        if isinstance(part, ast.Name):
            hook(part, inside)
            what = "SELECT expression(s)" if clause == "SELECT" else "HAVING expression"
            raise refuse(f"Non-aggregate {what} not part of GROUP BY: {_shown(part, made.columns)}", part)
        return None

    return found


def _call_text(call: ast.FunctionCall, made: Selected, hook: Hook, inside: frozenset[str]) -> str:
    """The call as the planner reads it; COLLECT_LIST and COLLECT_SET with the session's limit."""
    text, name = made.text(call, hook, inside), call.name.text.upper()
    if name not in ("COLLECT_LIST", "COLLECT_SET"):
        return text
    if len(call.args) != 1:
        raise refuse(f"Function '{name.lower()}' does not accept {len(call.args)} parameters: it takes a value", call)
    limit = made.settings(f"ksql.functions.{name.lower()}.limit")
    return f"{text[:-1]}, {limit})" if limit.isdecimal() else text


def _window(spec: WindowSpec, message: topology_pb2.Window) -> None:
    message.kind = relation_pb2.WindowKind.Value(f"WINDOW_KIND_{spec.kind}")  # type: ignore[assignment,unused-ignore]
    length = message.gap if spec.kind == "SESSION" else message.size
    length.FromMilliseconds(spec.size_ms)
    if spec.kind == "HOPPING":
        message.advance.FromMilliseconds(spec.advance_ms)
    if spec.grace_ms is not None:
        message.grace.FromMilliseconds(spec.grace_ms)
    if spec.retention_ms is not None:
        message.retention.FromMilliseconds(spec.retention_ms)


# ---- the projection

def _project(items: list[Item], made: Selected, hook: Hook, everything: bool) -> None:
    by_text = {text: key.inner for key in made.keys for text in key.texts}
    if made.transient and made.columns.joined and made.nodes[-1].WhichOneof("operator") != "partition_by":
        # Behind a join every column is there as a value; only a key that is no column of a source has to be the key itself.
        by_text = {text: inner for text, inner in by_text.items() if text == quoted(made.columns.synthetic)}

    def after(part: Ast, inside: frozenset[str]) -> str | None:
        if not isinstance(part, ast.LambdaOf):
            text = write(part, hook, inside)
            if text in by_text:
                return quoted(by_text[text])
        return hook(part, inside)

    values: list[tuple[Item, str, str]] = []
    for item in items:
        text = made.text(item.tree, hook)
        has_key = any(key in text for key in by_text)  # as a part, or by chance; without it nothing is to be replaced
        values.append((item, text, made.text(item.tree, after) if has_key else text))
    _finish(made, values, everything)


def _finish(made: Selected, values: list[tuple[Item, str, str]], everything: bool) -> None:
    """The last select: (item, its text for telling keys, its text behind the keys). everything: a `*` stands for keys that are not
    columns too."""
    node = topology_pb2.Node()
    names: set[str] = set()
    for item, text, after in values:
        key = None if made.transient else next((k for k in made.keys if text in k.texts or text == quoted(k.inner)), None)
        if key is not None:
            if key.out:
                raise refuse(f"The projection contains a key column more than once: `{key.out}` and `{item.name}`.", item.tree)
            key.out = item.name
        else:
            node.select.columns.add(expression=after, alias=item.name)
        if item.name in names:
            raise refuse(f"Duplicate value columns found in schema: `{item.name}`", item.tree)
        names.add(item.name)
    for number, key in enumerate(made.keys):
        if made.transient:
            key.out = f"{HIDDEN}{number}"
        elif everything and not key.out:
            key.out = key.named
    if missing := [k for k in made.keys if not k.out]:
        raise _missing(missing, made, values[0][0].tree)
    if not node.select.columns:
        raise refuse("The projection contains no value columns.", values[0][0].tree)
    node.select.key_names.extend(k.out for k in made.keys)
    made.add("project").select.CopyFrom(node.select)


def _missing(keys: list[Key], made: Selected, at: Ast) -> ExpressionError:
    """Keys that the projection leaves out."""
    if keys[0].foreign:
        return refuse("Primary key column missing in projection. For foreign-key table-table joins, the projection must include all primary key "
                      f"columns from the left input table (`{keys[0].foreign}`). Missing column: {', '.join(f'`{k.shown}`' for k in keys)}.", at)
    plural = "s" if len(keys) > 1 or " or " in keys[0].shown else ""
    what = "join expression" if keys[0].joined else "key column" if made.columns.joined or not made.grouping else f"{made.grouping} expression"
    return refuse(f"Key{'s' if len(keys) > 1 else ''} missing from projection (ie, SELECT). The query used to build the result must include the {what}{plural} "
                  f"{' and '.join(k.shown for k in keys)} in its projection (eg, SELECT {', '.join(k.shown.split(' or ')[0] for k in keys)}...).", at)
