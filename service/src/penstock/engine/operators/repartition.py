"""Repartition, as the sink of one sub-topology (reading it back is operators/source.py).

The value is a msgpack array of the value columns, the record's timestamp is ROWTIME, its key the new key. With `changes` the value is
[old row, new row], either of them nil.
"""

from __future__ import annotations

from penstock.engine.generator import Generator, Lines
from penstock.engine.graph import Edge, Graph
from penstock.engine.internal import encode_row
from penstock.engine.rows import ALWAYS, NEVER, Change, KeyForm, Row, key_form, window_bytes
from penstock.expr.code import indent
from penstock.plan import nodes as n


def topic_form(node: n.Repartition) -> KeyForm:
    """Form of the keys of the internal topic."""
    return key_form(node.topic.key_format, node.schema.key, window_bytes(node.topic.window), own=True)


def demand(graph: Graph, node: n.Repartition, index: int) -> set[str]:
    """All value columns; key columns unless the key's bytes go on as they are."""
    source = graph.input(node)
    values = {c.name for c in node.schema.value}
    form = graph.form(source)
    if form is not None and form.canonical and form.same_bytes(topic_form(node)):
        return values
    return values | {c.name for c in source.schema.key}


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """Writes a record."""
    node: n.Repartition = edge.node
    return _write(gen, node, row, "None" if row.present == NEVER else f"{_encoder(gen)}({_tuple(gen, node, row)})")


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """Writes both sides under the key that they share."""
    node: n.Repartition = edge.node
    sides = [_side(gen, node, row) for row in (change.old, change.new) if row is not None]
    return _write(gen, node, change.new, f"{_encoder(gen)}(({', '.join(sides)}))")


def _write(gen: Generator, node: n.Repartition, row: Row, value: str) -> Lines:
    lines, key = gen.key_bytes(row, gen.graph.input(node), topic_form(node))
    append = gen.bind(gen.bindings.outputs[node.topic.topic].rows.append, f"write_{node.name}")
    failed = gen.bind(gen.failed, "failed")
    write = f"{append}(({key}, {value}, {row.ts}, {row.headers}))"
    body = [*lines, f"if {key} is not None:", f"    {write}"] if node.drops_null_keys else [*lines, write]
    return [f"# {node.name}: repartition", "try:", *indent(body), "except Exception as error:", f"    {failed}(error, {row.record})"]


def _encoder(gen: Generator) -> str:
    return gen.bind(encode_row, "encode_row")


def _tuple(gen: Generator, node: n.Repartition, row: Row) -> str:
    values = [row.columns[c.name] for c in node.schema.value]
    return f"({', '.join(values)},)" if values else "()"


def _side(gen: Generator, node: n.Repartition, row: Row) -> str:
    if row.present == NEVER:
        return "None"
    packed = _tuple(gen, node, row)
    return packed if row.present == ALWAYS else f"{packed} if {row.present} else None"
