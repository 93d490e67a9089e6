"""ForeignKeySend: a change of the left table becomes subscriptions under the right table's key."""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines, columns_where, comment, reads
from penstock.engine.graph import Edge, Graph
from penstock.engine.joins.foreign_keys import row_hash, subscriptions
from penstock.engine.rows import ALWAYS, NEVER, Change, Row, key_form
from penstock.expr.code import indent
from penstock.plan import nodes as n


def demand(graph: Graph, node: n.ForeignKeySend, index: int) -> set[str]:
    """The whole row, for its hash, and what the foreign key is made of."""
    source = graph.input(node)
    return {c.name for c in (*source.schema.key, *source.schema.value)} | reads([node.foreign_key])


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """The planner refuses streams here."""
    raise NotImplementedError("both inputs are tables")


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """One or two subscriptions, or none."""
    node: n.ForeignKeySend = edge.node
    assert change.old is not None
    source = gen.graph.input(node)
    form = key_form(gen.graph.key_format(source), source.schema.key, 0, own=True)
    key_lines, key = gen.key_bytes(change.new, source, form)
    new_lines, new = _foreign_key(gen, node, change.new, "new_reference")
    old_lines, old = _foreign_key(gen, node, change.old, "old_reference")
    digest, fk, what = gen.name("row_hash"), gen.name("reference"), gen.name("instruction")
    values = "".join(f"{change.new.columns.get(c.name, 'None')}, " for c in source.schema.value)
    hashed = "None" if change.new.present == NEVER else f"{gen.bind(row_hash, 'hash_of')}(({values}))"
    if change.new.present not in (ALWAYS, NEVER):
        hashed = f"{hashed} if {change.new.present} else None"
    row = Row({node.schema.key[0].name: fk, n.SUBSCRIBER: key, n.INSTRUCTION: what, n.ROW_HASH: digest}, "", None, change.new.ts, change.new.headers,
              change.new.record)
    inner = gen.rows(node.name, row)
    send = gen.bind(subscriptions, "subscriptions")
    return [comment(node, "subscribe to", node.foreign_key), *key_lines, *new_lines, *old_lines, f"{digest} = {hashed}",
            f"for {fk}, {what} in {send}({node.keeps_left}, {old}, {new}, {change.old.present}, {change.new.present}):", *indent(inner or ["pass"])]


def _foreign_key(gen: Generator, node: n.ForeignKeySend, row: Row, hint: str) -> tuple[Lines, str]:
    """Lines and the variable with the foreign key of one side; None where the row is absent."""
    found = gen.name(hint)
    if row.present == NEVER:
        return [f"{found} = None"], found
    lines, value = gen.value(node, node.foreign_key, hint, row.with_columns({**row.columns, "ROWTIME": row.ts}))
    return columns_where(row.present, [*lines, f"{found} = {value}"], {hint: found}), found
