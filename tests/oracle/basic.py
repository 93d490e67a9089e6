"""Operators of random topologies that are neither aggregates nor joins: each adds a node (and what it needs) and gives its flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from builder import COLUMNS, Builder, Cannot, Flow, meet, new_key, rekeyed


def filter_(b: Builder, flow: Flow | None = None, negate: bool = False) -> Flow:
    flow = flow or b.any()
    where = b.condition(flow)
    kind = "table " if flow.table else ""
    made = replace(flow, name=b.name())
    return b.add(f"{kind}filter not" if negate else f"{kind}filter", "filter", {"where": where, "negate": True} if negate else where, made, flow)


def select(b: Builder, flow: Flow | None = None) -> Flow:
    flow = flow or b.any()
    names = b.random.sample(["A", "B", "C", "S"], b.random.randint(1, 3))
    columns = {name: b.value(flow) for name in names if name != flow.key[0]}
    if not columns:
        raise Cannot
    made = replace(flow, name=b.name(), columns=tuple((n, kind) for n, (_, kind) in columns.items()))
    return b.add("table select" if flow.table else "select", "select", {n: text for n, (text, _) in columns.items()}, made, flow)


def partition_by(b: Builder) -> Flow:
    flow = b.stream()
    key = new_key(b, flow)
    return b.add("partition_by", "partition_by", {key[0]: key[2]}, rekeyed(b, flow, key), flow)


def explode(b: Builder) -> Flow:
    """One array or two, made of columns."""
    flow = b.stream()
    numbers = [n for n in flow.of("BIGINT") if n != flow.key[0]]
    if not numbers:
        raise Cannot
    columns = {"E": (f"EXPLODE(ARRAY[{', '.join(b.random.choices(numbers, k=b.random.randint(1, 3)))}])", "BIGINT")}
    if b.random.random() < 0.5:
        columns["F"] = f"EXPLODE(ARRAY[{b.random.choice(numbers)}, 7])", "BIGINT"
    if b.random.random() < 0.5:
        columns["A"] = b.value(flow)
    columns = {n: v for n, v in columns.items() if n != flow.key[0]}
    if not any(text.startswith("EXPLODE") for text, _ in columns.values()):
        raise Cannot
    made = replace(flow, name=b.name(), columns=tuple((n, kind) for n, (_, kind) in columns.items()))
    return b.add("explode", "explode", {n: text for n, (text, _) in columns.items()}, made, flow)


def repartition(b: Builder) -> Flow:
    flow = b.stream()
    body = {"partitions": 1} if b.random.random() < 0.4 else {}
    return b.add("repartition", "repartition", body, replace(flow, name=b.name(), moved=True), flow)


def merge(b: Builder) -> Flow:
    one = b.plain_stream()
    fits = [f for f in b.flows if not f.table and not f.windowed and f.name != one.name and (f.key, f.columns) == (one.key, one.columns)
            and meet(one, f)]
    other = b.random.choice(fits) if fits else filter_(b, one)
    return b.add("merge", "merge", {}, replace(one, name=b.name()), one, other)


def branch(b: Builder) -> Flow:
    flow = b.stream()
    outputs = {f"o{i}": b.condition(flow) for i in range(b.random.randint(1, 2))}
    default = "rest" if b.random.random() < 0.6 else ""
    whole = b.add("branch", "branch", {"outputs": outputs, **({"default": default} if default else {})}, replace(flow, name=b.name()), flow)
    b.flows.remove(whole)
    for output in [*outputs, *([default] if default else [])]:
        b.flows.append(replace(whole, name=f"{whole.name}.{output}"))
        b.operators[f"{whole.name}.{output}"] = "branch"
    return b.flows[-1]


def to_table(b: Builder) -> Flow:
    flow = b.plain_stream()
    return b.add("to_table", "to_table", {}, replace(flow, name=b.name(), table=True), flow)


def versioned(b: Builder) -> Flow:
    """A stream as a versioned table."""
    flow, history = b.plain_stream(), b.history()
    return b.add("versioned to_table", "to_table", {"history": f"{history}ms"}, replace(flow, name=b.name(), table=True, history=history), flow)


def to_stream(b: Builder) -> Flow:
    flow = b.table()
    return b.add("to_stream", "to_stream", {}, replace(flow, name=b.name(), table=False), flow)


def sources_by(how: str) -> Callable[[Builder], Flow]:
    """A source of two topics that nothing else reads."""

    def add(b: Builder) -> Flow:
        if "u" in b.nodes:
            raise Cannot
        topics = ("U1", "U2")
        columns = ["K STRING KEY", *(f"{n} {kind}" for n, kind in COLUMNS)]
        b.nodes["u"] = {"stream": {"relations": list(topics)} if how == "list" else {"pattern": "U[12]", "columns": columns}}
        made = Flow("u", False, ("K", "STRING"), COLUMNS, frozenset(topics))
        return b._made(made, f"sources by {how}")

    return add


def routed_sink(b: Builder) -> Flow:
    """Each row to the topic that a column names; nulls are filtered before."""
    flow = b.plain_stream()
    strings = [name for name, kind in flow.columns if kind == "STRING"]
    if not strings or not flow.ordered or "routed sink" in b.operators.values():
        raise Cannot  # rows of one topic are read with one set of columns
    column = b.random.choice(strings)
    here = b.add("filter", "filter", f"{column} < 'y'", replace(flow, name=b.name()), flow)
    name = b.name()
    b.nodes[name] = {"from": here.name, "sink": {"topic_expression": column, "create": True, "value_format": "JSON"}}
    b.operators[name] = "routed sink"
    return here


def versioned_source(b: Builder) -> Flow:
    """A table whose earlier rows are kept."""
    known = [f for f in b.flows if f.history and f.name in ("t1", "t2")]
    new = [name for name in ("T1", "T2") if name.lower() not in b.nodes]
    if not known and not new:
        raise Cannot
    return b.random.choice(known) if known else b.source(True, b.random.choice(new), versioned=True)


def deduplicate(b: Builder) -> Flow:
    """By the key, or by columns beside it."""
    flow = b.plain_stream()
    body: dict[str, Any] = {"within": f"{b.random.choice((0, 2, 5, 10))}ms", "grace": f"{b.random.choice((0, 2, 20))}ms"}
    if b.random.random() < 0.5:
        body["ids"] = b.random.sample(flow.of("BIGINT", "STRING"), 1)
    return b.add("deduplicate", "deduplicate", body, replace(flow, name=b.name()), flow)


def processor(b: Builder) -> Flow:
    """The plug-in of watch.py. Its two outputs are streams: of the same key, and of another one, which only punctuations write."""
    flow = b.plain_stream()
    if flow.key[1] != "STRING":
        raise Cannot
    config = {"key": flow.key[0]}
    if b.random.random() < 0.7 and not flow.moved:
        config["every"] = str(b.random.choice((1, 5, 12)))
    if b.random.random() < 0.5:
        config["clock"] = str(b.random.choice((2, 7)))
        b.clock = True
    whole = b.add("processor", "processor", {"name": "watch", "config": config}, replace(flow, name=b.name()), flow)
    b.flows.remove(whole)
    made = [replace(whole, name=f"{whole.name}.counts", key=("K", "STRING"), columns=(("N", "BIGINT"), ("W", "BIGINT"), ("V", "BIGINT")), moved=True),
            replace(whole, name=f"{whole.name}.told", key=("N", "BIGINT"), columns=(("K", "STRING"), ("AT", "BIGINT")), moved=True)]
    b.flows += made
    b.operators |= {f.name: "processor" for f in made}
    return b.random.choice(made)


def peek(b: Builder) -> Flow:
    flow = b.stream()
    return b.add("peek", "peek", {}, replace(flow, name=b.name()), flow)


def header_read(b: Builder) -> Flow:
    """A source with the column of a header, as text."""
    if "h1" in b.nodes:
        raise Cannot
    b.nodes["h1"] = {"stream": "H1"}
    source = Flow("h1", False, ("K", "STRING"), COLUMNS, frozenset(("H1",)))
    made = replace(source, name=b.name(), columns=(("A", "BIGINT"), ("S", "STRING")))
    return b.add("header read", "select", {"A": "A", "S": "FROM_BYTES(H, 'utf8')"}, made, source)


def header_written(b: Builder) -> Flow:
    """A sink that adds a header, with those of the record or without."""
    flow = b.plain_stream()
    strings = flow.of("STRING")
    if not strings or not flow.ordered:
        raise Cannot
    name = b.name()
    kept = {"drop_headers": True} if b.random.random() < 0.4 else {}
    b.nodes[name] = {"from": flow.name, "sink": {"relation": name, "headers": {"by": b.random.choice(strings)}, **kept}}
    b.operators[name] = "header written"
    return flow


def time_column(b: Builder) -> Flow:
    """A source whose rows have the time of a column."""
    if "w1" in b.nodes:
        raise Cannot
    b.nodes["w1"] = {"stream": "W1"}
    made = Flow("w1", False, ("K", "STRING"), (*COLUMNS, ("T", "BIGINT")), frozenset(("W1",)))
    return b._made(made, "time column")
