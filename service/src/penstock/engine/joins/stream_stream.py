"""StreamStreamJoin: each row meets those of the other stream with its key whose time is within the window.

Record by record as Kafka Streams 4.1, but for KAFKA-19536, which is not copied: an unmatched row that comes late waits like any other
while its grace lasts. A null value only advances stream time, which both sides share (and, with a key, the newest time of its side); a
null key too, except that a row that stays unmatched leaves at once. Then, for a row that is not older than stream time: unmatched rows whose window is past. Then its own matches by
time, each with the later time of the two; without any, the row waits among the unmatched or, with its own window past, leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from penstock.engine.generator import Generator, Lines, reads
from penstock.engine.graph import Edge, Graph, same_place
from penstock.engine.joins.unmatched import Unmatched
from penstock.engine.joins.window import JoinWindow
from penstock.engine.operators.to_table import key_demand
from penstock.engine.rows import NEVER, Change, Row
from penstock.engine.windows.stream_time import stream_time
from penstock.expr.code import indent
from penstock.plan import nodes as n

SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class Names:
    """Globals of a join: both sides' rows, the unmatched ones (where rows stay), stream time, and the function that gives results."""

    advance: tuple[str, str]
    add: tuple[str, str]
    rows: tuple[str, str]
    wait: str
    matched: str
    due: str
    time: str
    emit: str


def fields_of(node: n.StreamStreamJoin, index: int) -> tuple[str, ...]:
    """Columns of a side that its store holds."""
    return (node.left_store, node.right_store)[index].fields


def demand(graph: Graph, node: n.StreamStreamJoin, index: int) -> set[str]:
    """What is stored, and the key where its columns are read or its bytes will not do."""
    source = graph.input(node, index)
    keys = {c.name for c in source.schema.key}
    stored = {name for name in fields_of(node, index) if source.schema.get(name) is not None}
    return stored | (keys if _reads_keys(graph, node) else key_demand(graph, node, index))


def on_change(gen: Generator, edge: Edge, change: Change) -> Lines:
    """The planner refuses tables here."""
    raise NotImplementedError("both inputs are streams")


def on_row(gen: Generator, edge: Edge, row: Row) -> Lines:
    """A row of either side."""
    node: n.StreamStreamJoin = edge.node
    names = _names(gen, node)
    head = [f"# {node.name}: {node.join.value.lower()} stream join, {SIDES[edge.index]}",
            f"if {row.ts} > {names.time}:", f"    {names.time} = {row.ts}"]
    if row.present == NEVER:
        return [*head, f"if {row.key} is not None:", f"    {names.advance[edge.index]}({row.ts})"]
    source = gen.graph.input(node, edge.index)
    key_lines, key = gen.key_bytes(row, source, gen.graph.store_form(node))
    own = {**{name: row.columns.get(name, "None") for name in fields_of(node, edge.index)},
           **{c.name: row.columns[c.name] for c in source.schema.key if c.name in row.columns}, "ROWTIME": row.ts}
    alone = _alone(gen, node, edge.index, own, "None", row.ts, row)
    body = _with_key(gen, node, edge.index, row, key, own)
    if node.join.keeps(edge.index):
        return [*head, *key_lines, f"if {key} is None:", *indent(alone), "else:", *indent(body)]
    return [*head, *key_lines, f"if {key} is not None:", *indent(body)]


def _with_key(gen: Generator, node: n.StreamStreamJoin, index: int, row: Row, key: str, own: Mapping[str, str]) -> Lines:
    names, other = _names(gen, node), 1 - index
    lines: Lines = []
    if node.unmatched is not None:
        lines += [f"if {row.ts} == {names.time}:", *indent(_leaving(gen, node, index, row))]
    fields = "".join(f"{own[name]}, " for name in fields_of(node, index))
    lines.append(f"{names.add[index]}({key}, {row.ts}, ({fields}))")
    back, ahead = (node.before_ms, node.after_ms) if index == 0 else (node.after_ms, node.before_ms)
    met, found, at = gen.name("met"), gen.name(f"{SIDES[other]}_row"), gen.name(f"{SIDES[other]}_time")
    unpack, theirs = _unpacked(gen, node, other, found, at)
    theirs |= same_key(gen, node, index, own)
    waits = node.unmatched is not None
    matched = [f"{names.matched}({other}, {key}, {at})"] if waits and node.join.keeps(other) else []
    keeps = node.join.keeps(index)
    both = (own, theirs) if index == 0 else (theirs, own)
    call = _call(gen, node, both, _out_keys(gen, node, index, own), key, f"{row.ts} if {row.ts} > {at} else {at}", row)
    lines += [*([f"{met} = False"] if keeps else []),
              f"for {found} in {names.rows[other]}({key}, {row.ts} - {back}, {row.ts} + {ahead}):",
              *indent([*([f"{met} = True"] if keeps else []), unpack, *matched, *call])]
    if keeps:
        alone = _alone(gen, node, index, own, key, row.ts, row)
        if not waits:
            return [*lines, f"if not {met}:", *indent(alone)]
        lines += [f"if not {met}:", f"    if {row.ts} + {ahead + node.grace_ms} < {names.time}:", *indent(alone, 2),
                  "    else:", f"        {names.wait}({index}, {key}, {row.ts}, ({fields}))"]
    return lines


def same_key(gen: Generator, node: n.StreamStreamJoin, index: int, own: Mapping[str, str]) -> dict[str, str]:
    """Key columns of the other side: those of the row that has met it."""
    here, there = gen.graph.input(node, index), gen.graph.input(node, 1 - index)
    return {theirs: own[mine] for mine, theirs in same_place(here, there).items() if mine in own}


def _leaving(gen: Generator, node: n.StreamStreamJoin, index: int, row: Row) -> Lines:
    """Unmatched rows whose window is past."""
    names = _names(gen, node)
    side, key, gone = gen.name("side"), gen.name("unmatched_key"), gen.name("unmatched")
    blocks: list[Lines] = []
    for i in (0, 1):
        if node.join.keeps(i):
            at = gen.name(f"{SIDES[i]}_time")
            unpack, columns = _unpacked(gen, node, i, gone, at)
            key_lines, keys = _decoded_key(gen, node, i, key)
            blocks.append([unpack, *key_lines, *_alone(gen, node, i, {**columns, **keys}, key, at, row)])
    body = blocks[0] if len(blocks) == 1 else [f"if {side} == 0:", *indent(blocks[0]), "else:", *indent(blocks[1])]
    return [f"for {side}, {key}, {gone} in {names.due}({index}, {names.time}):", *indent(body)]


def _decoded_key(gen: Generator, node: n.StreamStreamJoin, index: int, key: str) -> tuple[Lines, dict[str, str]]:
    if not _reads_keys(gen.graph, node):
        return [], {}
    columns, form = gen.graph.input(node, index).schema.key, gen.graph.store_form(node)
    return gen.key_columns(form.format, columns, key, form.window_bytes, frozenset(c.name for c in columns))


def _unpacked(gen: Generator, node: n.StreamStreamJoin, index: int, packed: str, at: str) -> tuple[str, dict[str, str]]:
    """The line that unpacks a stored row, and the variables of its columns."""
    found = {name: gen.name(f"{SIDES[index]}_{name}") for name in fields_of(node, index)}
    return f"{', '.join([at, *found.values()])} = {packed}", {**found, "ROWTIME": at}


def _alone(gen: Generator, node: n.StreamStreamJoin, index: int, columns: Mapping[str, str], key: str, at: str, row: Row) -> Lines:
    """Lines that give a row without a match."""
    nothing: dict[str, str] = {}
    sides = (columns, nothing) if index == 0 else (nothing, columns)
    return _call(gen, node, sides, _out_keys(gen, node, index, columns), key, at, row) or ["pass"]


def _out_keys(gen: Generator, node: n.StreamStreamJoin, index: int, columns: Mapping[str, str]) -> dict[str, str]:
    """The result's key columns out of a side's."""
    keys = same_place(node, gen.graph.input(node, index))
    return {mine: columns[theirs] for mine, theirs in keys.items() if theirs in columns}


def _call(gen: Generator, node: n.StreamStreamJoin, sides: tuple[Mapping[str, str], Mapping[str, str]], keys: Mapping[str, str], key: str,
          at: str, row: Row) -> Lines:
    """The call that gives one result; a side without columns is absent."""
    names = _names(gen, node)
    if not names.emit:
        return []
    values = [keys.get(name, "None") for name in _key_parameters(gen.graph, node)]
    values += [side.get(name, "None") for i, side in enumerate(sides) for name in _parameters(gen.graph, node, i)]
    return [f"{names.emit}({', '.join([key, at, row.headers, row.record, *values])})"]


def _key_parameters(graph: Graph, node: n.StreamStreamJoin) -> list[str]:
    return [c.name for c in node.schema.key if c.name in graph.needed(node)]


def _parameters(graph: Graph, node: n.StreamStreamJoin, index: int) -> list[str]:
    wanted = graph.needed(node)
    return sorted(reads([c.expr for c in node.columns if c.name in wanted], index))


def _reads_keys(graph: Graph, node: n.StreamStreamJoin) -> bool:
    """Whether somebody reads key columns."""
    return bool(_key_parameters(graph, node)) or any(
        reads([c.expr for c in node.columns], i) & {c.name for c in graph.input(node, i).schema.key} for i in (0, 1))


def _names(gen: Generator, node: n.StreamStreamJoin) -> Names:
    """Makes what a join is bound to, and its function, at the first call."""
    made = gen.made.get(node.name)
    if made is None:
        gen.made[node.name] = made = _bound(gen, node)
    assert isinstance(made, Names)
    return made


def _bound(gen: Generator, node: n.StreamStreamJoin) -> Names:
    stores = gen.bindings.stores
    windows = [JoinWindow(stores[s.name], node.retention_ms) for s in (node.left_store, node.right_store)]  # type: ignore[arg-type]
    gen.held |= {f"{node.name}.{side}": window for side, window in zip(SIDES, windows, strict=True)}
    wait = matched = due = ""
    if node.unmatched is not None:
        widths = (len(node.left_store.fields), len(node.right_store.fields))
        unmatched = Unmatched(stores[node.unmatched.name], (node.after_ms, node.before_ms), node.grace_ms, widths)
        gen.held[f"{node.name}.unmatched"] = unmatched
        wait, matched, due = (gen.bind(method, f"{node.name}_{name}") for method, name in (
            (unmatched.add, "wait"), (unmatched.matched, "met"), (unmatched.due, "due")))
    advance = [gen.bind(w.advance, f"{node.name}_advance_{side}") for side, w in zip(SIDES, windows, strict=True)]
    add = [gen.bind(w.add, f"{node.name}_add_{side}") for side, w in zip(SIDES, windows, strict=True)]
    rows = [gen.bind(w.rows, f"{node.name}_{side}_rows") for side, w in zip(SIDES, windows, strict=True)]
    return Names((advance[0], advance[1]), (add[0], add[1]), (rows[0], rows[1]), wait, matched, due, stream_time(gen, node), _function(gen, node))


def _function(gen: Generator, node: n.StreamStreamJoin) -> str:
    """The function that computes a result and sends it on; empty when nobody reads it."""
    keys = {name: gen.name(name) for name in _key_parameters(gen.graph, node)}
    sides = [{name: gen.name(f"{SIDES[i]}_{name}") for name in _parameters(gen.graph, node, i)} for i in (0, 1)]
    form = gen.graph.store_form(node)
    base = Row({}, "key", form, "ts", "headers", "r")
    bounds, base = _window(node, base)
    rows = [base.with_columns({**base.columns, **columns}) for columns in sides]
    computed, values = gen.projections(node, node.columns, gen.graph.needed(node), *rows)
    inner = gen.outlined(node.name, base.with_columns({**base.columns, **keys, **values, "ROWTIME": "ts"}))
    if not inner:
        return ""
    function = gen.name(f"{node.name}_joined")
    computed = [*bounds, *computed]
    parameters = ["key", "ts", "headers", "r", *keys.values(), *sides[0].values(), *sides[1].values()]
    gen.functions.append([f"def {function}({', '.join(parameters)}):", *indent([*gen.global_line(), f"# {node.name}: joined", *computed, *inner])])
    return function


def _window(node: n.StreamStreamJoin, base: Row) -> tuple[Lines, Row]:
    """Lines that read the bounds of a windowed key, and the row that knows them."""
    if node.window is None:
        return [], base
    session = node.window.kind is n.WindowKind.SESSION
    ends = "int.from_bytes(key[-16:-8], 'big')" if session else f"window_start + {node.window.size_ms}"
    lines = ["window_start = int.from_bytes(key[-8:], 'big')", f"window_end = {ends}"]
    row = replace(base, columns={"WINDOWSTART": "window_start", "WINDOWEND": "window_end"}, window_start="window_start",
                  window_end="window_end" if session else "")
    return lines, row
