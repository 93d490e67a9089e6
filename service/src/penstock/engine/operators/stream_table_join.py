"""StreamTableJoin: each record of the stream looks the table's row of its key up; changes of the table trigger nothing.

A record with a null value is dropped; one with a null key too, unless the join is a left join, which gives it an absent right side. Of a
versioned table the row that was valid at the record's time is taken; with grace the record waits that long before it looks, in the stream
time of the join's own records (KIP-923). One that comes later than that leaves at once.
"""

from __future__ import annotations

from dataclasses import replace

from penstock.engine.failure import FlushedRecord
from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.joins.delayed import Delayed
from penstock.engine.joins.lookup import lookup, named_as, side
from penstock.engine.rows import ALWAYS, NEVER, PSEUDO, Change, Row
from penstock.engine.windows.stream_time import stream_time
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.StreamTableJoin, index: int) -> set[str]:
    """Of the stream: columns behind the projections (all of them where they are stored), and the key where its bytes differ from the
    table's. Of the table: nothing, its columns are read from the store."""
    if index == 1:
        return set()
    wanted = graph.needed(node)
    source, table = graph.input(node), graph.input(node, 1)
    keys = {theirs for mine, theirs in same_place(node, source).items() if mine in wanted}
    form = graph.form(source)
    if form is None or not form.canonical or not form.same_bytes(graph.store_form(table)) or _reads_table_key(graph, node, table):
        keys |= {c.name for c in source.schema.key}
    stored = set() if node.waiting is None else set(fields_of(node))
    return keys | stored | reads([c.expr for c in node.columns if c.name in wanted]) | (wanted & PSEUDO)


def fields_of(node: n.StreamTableJoin) -> tuple[str, ...]:
    """Columns of a row that waits; its headers stand before them."""
    assert node.waiting is not None
    return node.waiting.fields[1:]


def _right(graph: Graph, node: n.StreamTableJoin) -> set[str]:
    wanted = graph.needed(node)
    return reads([c.expr for c in node.columns if c.name in wanted], source=1)


def _reads_table_key(graph: Graph, node: n.StreamTableJoin, table: n.Node) -> bool:
    """A filter or select between store and join may read the key as well."""
    return not isinstance(table, n.Materialised) or bool(_right(graph, node) & {c.name for c in table.schema.key})


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Looks up, then projects over both rows; or waits."""
    node: n.StreamTableJoin = edge.node
    if edge.index == 1 or row.present == NEVER:
        return []
    key_lines, key = gen.key_bytes(row, gen.graph.input(node), gen.graph.store_form(gen.graph.input(node, 1)))
    head = [f"# {node.name}: stream table join", *key_lines]
    if node.waiting is None:
        body = _matched(gen, node, row, key, known=False)
        return [*head, *body] if body else []
    body = _waiting(gen, node, row, key)
    if not body:
        return []
    head += [f"if {key} is not None:", *indent(body)]
    return head if node.join is n.JoinKind.INNER else [*head, "else:", *indent(_alone(gen, node, row))]


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Changes of the table trigger nothing."""
    return []


def _matched(gen: Generator, node: n.StreamTableJoin, row: Row, key: str, known: bool) -> Lines:
    """Lines that join a row; none where nobody reads the result. known: its key bytes are not None."""
    source, table = gen.graph.input(node), gen.graph.input(node, 1)
    wanted = frozenset(_right(gen.graph, node))
    found_lines, right = lookup(gen, table, named_as(row, source, table), key, wanted, as_of=row.ts)
    inner_join = node.join is n.JoinKind.INNER
    right_lines, right_side = side(gen, right.only_if(ALWAYS) if inner_join else right, wanted)
    inner = _joined(gen, node, row, right_side)
    if not inner:
        return []
    if inner_join:
        lines = [*found_lines, f"if {right.present}:", *indent([*right_lines, *inner])]
        return lines if known else [f"if {key} is not None:", *indent(lines)]
    if not known:
        found_lines = [f"if {key} is not None:", *indent(found_lines), "else:", f"    {right.present} = False"]
    return [*found_lines, *right_lines, *inner]


def _alone(gen: Generator, node: n.StreamTableJoin, row: Row) -> Lines:
    """Lines for a row without a key."""
    _, absent = side(gen, row.only_if(NEVER), frozenset(_right(gen.graph, node)))
    return _joined(gen, node, row, absent) or ["pass"]


def _joined(gen: Generator, node: n.StreamTableJoin, row: Row, right: Row) -> Lines:
    projected, columns = gen.projections(node, node.columns, gen.graph.needed(node), row, right)
    moved = row.moved(same_place(node, gen.graph.input(node)))
    inner = gen.rows(node.name, moved.with_columns({**moved.columns, **columns}))
    return [*projected, *inner] if inner else []


def _waiting(gen: Generator, node: n.StreamTableJoin, row: Row, key: str) -> Lines:
    """Lines that let a row wait, and release what has waited long enough: also that row itself, when it comes later than that."""
    if node.name not in gen.waiting:
        made = Delayed(gen.bindings.stores[node.waiting.name])  # type: ignore[union-attr]
        gen.waiting[node.name] = gen.bind(made, f"{node.name}_waiting")
        gen.closes[node.name] = _release(gen, node)
    waiting, release, time = gen.waiting[node.name], gen.closes[node.name], stream_time(gen, node)
    if not release:
        return []
    packed = ", ".join([row.ts, f"{row.headers} or None", *(row.columns[name] for name in fields_of(node))])
    return [f"if {row.ts} > {time}:", f"    {time} = {row.ts}", f"{waiting}.add({key}, {row.ts}, ({packed}))",
            f"if {waiting}.first <= {time} - {node.grace_ms}:", f"    {release}({time} - {node.grace_ms})"]


def _release(gen: Generator, node: n.StreamTableJoin) -> str:
    """The function that joins the rows up to a time; empty when nobody reads the results."""
    source, form = gen.graph.input(node), gen.graph.store_form(gen.graph.input(node, 1))
    record, failed = gen.bind(FlushedRecord, "FlushedRecord"), gen.bind(gen.failed, "failed")
    columns = {name: gen.name(name) for name in fields_of(node)}
    base = Row({**columns, "ROWTIME": "at"}, "key", form, "at", "headers", f"{record}(key, at)")
    wanted = demand(gen.graph, node, 0)
    key_lines, keys = gen.decode(form.format, source.schema.key, "key", "key", wanted)
    outlined = gen.outlined_lines(lambda: _matched(gen, node, replace(base, columns={**base.columns, **keys}), "key", known=True))
    if not outlined:
        return ""
    function = gen.name(f"release_{node.name}")
    gen.functions.append([
        f"def {function}(until):",
        f'    """Join the rows of {node.name} that have waited long enough."""',
        *indent([
            *gen.global_line(),
            f"for key, row in {gen.waiting[node.name]}.due(until):",
            f"    {', '.join(['at', 'headers', *columns.values()])} = row", "    headers = headers or ()",
            "    try:", *indent([*key_lines, *outlined], 2),
            "    except Exception as error:", f"        {failed}(error, {record}(key, at))"])])
    return function
