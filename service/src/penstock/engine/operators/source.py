"""Sources: records of a topic become rows. SourceStream, SourceTable and the reading side of a Repartition."""

from __future__ import annotations

from dataclasses import dataclass, replace

from penstock.engine.generator import Generator, Lines
from penstock.engine.internal import change_decoder, row_decoder
from penstock.engine.operators.materialize import kept, stored_columns
from penstock.engine.rows import NEVER, Change, KeyForm, Row, key_form, window_bytes
from penstock.engine.timestamps import time_of, time_or
from penstock.expr.code import indent
from penstock.plan import nodes as n
from penstock.types.schema import Column, Role
from penstock.types.sqltype import Kind

Source = n.SourceStream | n.SourceTable | n.Repartition


def function(gen: Generator, node: Source) -> tuple[str, Lines]:
    """Name and lines of the function that processes records of the node's topic."""
    name = gen.name(f"read_{node.name}")
    match node:
        case n.SourceStream():
            body = _stream(gen, node)
        case n.SourceTable():
            body = _table(gen, node)
        case _:
            body = _internal(gen, node)
    failed = gen.bind(gen.failed, "failed")
    return name, [
        f"def {name}(records):",
        f'    """Records of {_topics(node)}, in order."""',
        *indent([*gen.global_line(), "for r in records:",
                 *indent(gen.punctuated(["try:", *indent(body), "except Exception as error:", f"    {failed}(error, r)"]))])]


def _topics(node: Source) -> str:
    return f"topics like {node.topic.topic}" if isinstance(node, n.SourceStream) and node.topics else f"topic {node.topic.topic}"


@dataclass(frozen=True, slots=True)
class _Key:
    lines: Lines
    row: Row


def _head(node: Source) -> Lines:
    return [f"# {node.name}: {'repartition, read' if isinstance(node, n.Repartition) else 'source'}", "key = r.key", "value = r.value"]


def _base(gen: Generator, node: Source, form: KeyForm, wanted: frozenset[str], ts: str) -> Row:
    columns = {"ROWTIME": ts, "ROWOFFSET": "r.offset", "ROWPARTITION": "ROWPARTITION"}
    if "ROWPARTITION" in wanted:  # a name: Python warns of a number that is compared with None
        columns["ROWPARTITION"] = gen.bind(gen.bindings.partition, "partition")
    return Row({k: v for k, v in columns.items() if k in wanted}, "key", form, ts, "r.headers", "r")


def _key(gen: Generator, node: Source, row: Row, wanted: frozenset[str], form: KeyForm) -> _Key:
    """Lines that read the wanted key columns (None for a null key) and check the key's bytes."""
    lines: Lines = []
    columns = dict(row.columns)
    start = end = ""
    if node.topic.window is not None:
        start, end = gen.name("window_start"), gen.name("window_end")
        session = node.topic.window.kind is n.WindowKind.SESSION
        ends = "int.from_bytes(key[-16:-8], 'big')" if session else f"{start} + {node.topic.window.size_ms}"
        lines += [f"{start} = None if key is None else int.from_bytes(key[-8:], 'big')", f"{end} = None if key is None else {ends}"]
        columns.update({"WINDOWSTART": start, "WINDOWEND": end})
        end = end if session else ""
    names = frozenset(c.name for c in node.schema.key)
    found_lines, found = gen.key_columns(form.format, node.schema.key, "key", form.window_bytes, (wanted & names) or _checked(node, form))
    if found:
        inner = indent(found_lines)
        lines += ["if key is None:", f"    {' = '.join([*found.values(), 'None'])}", "else:", *inner]
        columns.update(found)
    return _Key(lines, replace(row, columns=columns, window_start=start, window_end=end))


def _is_text(node: Source) -> bool:
    return not isinstance(node, n.Repartition) and node.topic.key_format.name == "KAFKA" and bool(node.schema.key) \
        and node.schema.key[0].type.kind is Kind.STRING


def _checked(node: Source, form: KeyForm) -> frozenset[str]:
    """Key columns that are read only to see whether they can be: of topics that others write, but for plain text, which always can."""
    if isinstance(node, n.Repartition) or (_is_text(node) and not form.window_bytes):
        return frozenset()
    return frozenset(c.name for c in node.schema.key)


def _time(gen: Generator, node: Source, found: dict[str, str]) -> tuple[Lines, str]:
    """Lines after which the row's time is in the variable."""
    if not node.topic.timestamp_column:
        return [], "ts"
    column = node.schema.get(node.topic.timestamp_column)
    assert column is not None
    read = time_of(column.type, node.topic.timestamp_format, column.name)
    match node.topic.on_bad_time:
        case n.OnBadTime.BAD_RECORD:
            return [f"ts = {gen.bind(read, 'time_of')}({found[column.name]})"], "ts"
        case n.OnBadTime.RECORD_TIME:
            return [f"ts = {gen.bind(time_or(read), 'time_or')}({found[column.name]}, ts)"], "ts"
    notify, name = gen.bindings.expression_error, node.name
    skipping = gen.bind(time_or(read, lambda error: notify(name, error)), "time_or")
    return [f"ts = {skipping}({found[column.name]}, None)", "if ts is None:", "    continue"], "ts"


def _headers(gen: Generator, node: Source, wanted: frozenset[str]) -> tuple[Lines, dict[str, str]]:
    lines: Lines = []
    found: dict[str, str] = {}
    for column in node.schema:
        if column.role is Role.HEADER and column.name in wanted:
            found[column.name] = gen.name(column.name)
            one = f"next((v for h, v in reversed(r.headers) if h == {column.header!r}), None)"
            every = "[{'KEY': h, 'VALUE': v} for h, v in r.headers]"
            lines.append(f"{found[column.name]} = {one if column.header else every}")
    return lines, found


def _values(gen: Generator, node: Source, wanted: frozenset[str]) -> tuple[Lines, dict[str, str]]:
    """Value columns that are needed; one at least, so that a value that cannot be read is found whatever is done with it."""
    columns = node.schema.value
    read = {c.name for c in columns if c.name in wanted or c.name == node.topic.timestamp_column} or {c.name for c in columns[:1]}
    return gen.decode(node.topic.value_format, columns, "value", "value", read)


def _stream(gen: Generator, node: n.SourceStream) -> Lines:
    wanted = gen.graph.needed(node)
    form = key_form(node.topic.key_format, node.schema.key, window_bytes(node.topic.window), own=False)
    timed = wanted | {c.name for c in node.schema.key if c.name == node.topic.timestamp_column}
    key = _key(gen, node, _base(gen, node, form, timed, "ts"), timed, form)
    header_lines, headers = _headers(gen, node, wanted)
    value_lines, values = _values(gen, node, wanted)
    time_lines, _ = _time(gen, node, {**key.row.columns, **values})
    row = replace(key.row, columns={**key.row.columns, **headers})
    gone = gen.rows(node.name, row.only_if(NEVER))
    inner = gen.rows(node.name, row.with_columns({**row.columns, **values}))
    lines = [*_head(node), "ts = r.timestamp", *key.lines, *header_lines]
    return [*lines, "if value is None:", *indent([*gen.seen(), *gone, "continue"]), *value_lines, *time_lines, *gen.seen(), *inner]


def _table(gen: Generator, node: n.SourceTable) -> Lines:
    wanted = gen.graph.needed(node) | frozenset(stored_columns(node))
    arriving = key_form(node.topic.key_format, node.schema.key, window_bytes(node.topic.window), own=False)
    keys = frozenset() if arriving.canonical else frozenset(c.name for c in node.schema.key)
    read = _key(gen, node, _base(gen, node, arriving, wanted, "ts"), wanted | keys, arriving)
    key_lines, key = gen.key_bytes(read.row, node, gen.graph.store_form(node))
    value_lines, values = _values(gen, node, wanted)
    time_lines, _ = _time(gen, node, values)
    header_lines, headers = _headers(gen, node, wanted)
    row = replace(read.row, key=key, form=gen.graph.store_form(node), columns={**read.row.columns, **headers})
    present = gen.name(f"{node.name}_row")
    if values:
        value_lines = [" = ".join([*values.values(), "None"]), f"if {present}:", *indent([*value_lines, *time_lines])]
    row = row.with_columns({**row.columns, **values}).only_if(present)
    # a record without a key is passed over unread, so that it has no other time than its own
    passed = ["if key is None:", *indent([*([] if node.topic.timestamp_column else gen.seen()), "continue"])]
    return [*_head(node), "ts = r.timestamp", *passed, *read.lines, *header_lines, *key_lines,
            f"{present} = value is not None", *value_lines, *gen.seen(), *kept(gen, node, row, key)]


def _internal(gen: Generator, node: n.Repartition) -> Lines:
    wanted = gen.graph.needed(node)
    form = key_form(node.topic.key_format, node.schema.key, window_bytes(node.topic.window), own=True)
    key = _key(gen, node, _base(gen, node, form, wanted, "ts"), wanted, form)
    lines = [*_head(node), "ts = r.timestamp", *key.lines, *(gen.seen() if node.changes else [])]
    if node.changes:
        return [*lines, *_changes(gen, node, key.row, wanted)]
    decode = gen.bind(row_decoder(node.schema.value), f"decode_{node.name}")
    unpack, values = _unpacked(gen, node.schema.value, f"{decode}(value)", wanted, "")
    gone = gen.rows(node.name, key.row.only_if(NEVER))
    inner = gen.rows(node.name, key.row.with_columns({**key.row.columns, **values}))
    return [*lines, "if value is None:", *indent([*gen.seen(), *gone, "continue"]), *unpack, *gen.seen(), *inner]


def _changes(gen: Generator, node: n.Repartition, row: Row, wanted: frozenset[str]) -> Lines:
    decode = gen.bind(change_decoder(node.schema.value), f"decode_{node.name}")
    old, new = gen.name("old"), gen.name("new")
    new_lines, news = _unpacked(gen, node.schema.value, new, wanted, "")
    old_lines, olds = _unpacked(gen, node.schema.value, old, wanted, "old_")
    adds, takes = gen.name("adds"), gen.name("takes")
    change = Change(row.with_columns({**row.columns, **news}).only_if(adds), row.with_columns({**row.columns, **olds}).only_if(takes))
    return [f"{old}, {new} = {decode}(value)", f"{adds} = {new} is not None", f"{takes} = {old} is not None",
            *_where(adds, new_lines, news), *_where(takes, old_lines, olds), *gen.changes(node.name, change)]


def _where(flag: str, lines: Lines, found: dict[str, str]) -> Lines:
    return [" = ".join([*found.values(), "None"]), f"if {flag}:", *indent(lines)] if found else []


def _unpacked(gen: Generator, columns: tuple[Column, ...], packed: str, wanted: frozenset[str], hint: str) -> tuple[Lines, dict[str, str]]:
    """Lines that unpack a tuple into variables, one for each wanted column."""
    found = {c.name: gen.name(f"{hint}{c.name}") for c in columns if c.name in wanted}
    if not found:
        return [], {}
    targets = [found.get(c.name, "_") for c in columns]
    return [f"{', '.join(targets)}{',' if len(targets) == 1 else ''} = {packed}"], found
