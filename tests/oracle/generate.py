"""Random topologies and inputs as cases of tests/cases: {relations, topology, updates, inputs}.

Each topology is built around one operator (the focus), with a few others before and behind it; every end has a sink, and so has the focus.
Sources are streams S1, S2 and tables T1, T2 of one schema with few keys. Topologies in which the order of results is not defined (two
ways from one source that meet behind a repartition) are not built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

COLUMNS = (("A", "BIGINT"), ("B", "BIGINT"), ("S", "STRING"))
KEYS = ("a", "b", "c")
STRINGS = ("a", "b", "x", None)
NUMBERS = (0, 1, 2, 3, None)
RELATIONS = ("s1", "s2", "s3", "t1", "t2", "t3", "g1")
STEPS_MS = (0, 0, 0, 1, 1, 2, 3, 5, 8, -1, -2, -4, -9, -20, 13, 31)

Column = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Flow:
    """What a node gives. sources: relations behind it; moved: those with a repartition on some way."""

    name: str
    table: bool
    key: Column
    columns: tuple[Column, ...]
    sources: frozenset[str]
    moved: bool = False
    windowed: bool = False
    ordered: bool = True
    history: int = 0  # ms, of a versioned table

    @property
    def all(self) -> tuple[Column, ...]:
        """Key and value columns."""
        return (self.key, *self.columns)

    def of(self, *types: str) -> list[str]:
        """Names of the columns of some types."""
        return [name for name, kind in self.all if kind in types]


@dataclass(frozen=True, slots=True)
class Generated:
    """A case, the operator of each node, and the sinks whose order is not defined."""

    case: dict[str, Any]
    operators: dict[str, str]
    unordered: frozenset[str]


VERSIONED = ("table filter", "table filter not", "table select", "versioned to_table")
"""Operators that may give a versioned table."""


class Cannot(Exception):
    """This operator does not fit here."""


class Builder:
    """Nodes so far, inputs first."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nodes: dict[str, dict[str, Any]] = {}
        self.operators: dict[str, str] = {}
        self.flows: list[Flow] = []
        self.unordered: set[str] = set()
        self.null_keys = True

    # -- choosing

    def source(self, table: bool, name: str = "") -> Flow:
        """A new or known source; name: this one."""
        name = name or self.random.choice(("T1", "T2") if table else ("S1", "S2"))
        known = next((f for f in self.flows if f.name == name.lower()), None)
        if known is not None:
            return known
        self.nodes[name.lower()] = {"table" if table else "stream": name}
        history = self.history() if table and self.random.random() < 0.25 else 0
        if history:
            self.nodes[name.lower()]["history"] = f"{history}ms"
        made = Flow(name.lower(), table, ("K", "STRING"), COLUMNS, frozenset((name,)), history=history)
        return self._made(made, "versioned table" if history else "source_table" if table else "source_stream")

    def global_table(self) -> Flow:
        """The global table: of a relation that nothing else reads."""
        made = Flow("g1", True, ("K", "STRING"), COLUMNS, frozenset(("G1",)))
        if made.name not in self.nodes:
            self.nodes[made.name] = {"global_table": "G1"}
            self.operators[made.name] = "source_table"
        return made

    def history(self) -> int:
        """How long a versioned table keeps its rows, in ms."""
        return self.random.choice((1, 5, 20, 100))

    def pick(self, wanted: Callable[[Flow], bool]) -> Flow:
        """One of the newer flows that fit."""
        fitting = [f for f in self.flows if wanted(f)]
        if not fitting:
            raise Cannot
        return fitting[-1 - min(int(self.random.expovariate(0.8)), len(fitting) - 1)]

    def stream(self) -> Flow:
        """Any stream."""
        return self._one(lambda f: not f.table, False)

    def table(self) -> Flow:
        """Any table."""
        return self._one(lambda f: f.table, True)

    def plain_stream(self) -> Flow:
        """A stream without windowed keys."""
        return self._one(lambda f: not f.table and not f.windowed, False)

    def plain_table(self) -> Flow:
        """A table without windowed keys."""
        return self._one(lambda f: f.table and not f.windowed, True)

    def any(self) -> Flow:
        """Stream or table."""
        return self.stream() if self.random.random() < 0.5 else self.table()

    def beside(self, first: Flow, table: bool) -> Flow:
        """A second input of the same key type that meets the first in a defined order."""
        fits = [f for f in self.flows if f.table is table and not f.windowed and f.key[1] == first.key[1] and f.name != first.name
                and meet(first, f)]
        if fits and self.random.random() < 0.6:
            return self.random.choice(fits)
        for _ in range(4):
            new = self.source(table)
            if first.key[1] == "STRING" and meet(first, new) and new.name != first.name:
                return new
        if fits:
            return self.random.choice(fits)
        raise Cannot

    def _one(self, wanted: Callable[[Flow], bool], table: bool) -> Flow:
        if self.random.random() < 0.15:
            return self.source(table)
        try:
            return self.pick(wanted)
        except Cannot:
            return self.source(table)

    # -- adding

    def add(self, operator: str, kind: str, body: Any, made: Flow, *inputs: Flow, **beside: Any) -> Flow:
        """A node; `made` gives all of its flow but name, sources, moved and ordered."""
        name = made.name
        self.nodes[name] = {"from": [f.name for f in inputs] if len(inputs) > 1 else inputs[0].name, kind: body, **beside}
        sources = frozenset[str]().union(*(f.sources for f in inputs))
        history = made.history if operator in VERSIONED else 0
        return self._made(replace(made, history=history, sources=sources, moved=made.moved or any(f.moved for f in inputs),
                                  ordered=made.ordered and all(f.ordered for f in inputs)), operator)

    def name(self) -> str:
        """Of the next node."""
        return f"n{len(self.nodes)}"

    def _made(self, flow: Flow, operator: str) -> Flow:
        self.operators[flow.name] = operator
        self.flows.append(flow)
        return flow

    def sink(self, flow: Flow) -> None:
        """The flow's own sink."""
        name = f"{flow.name.replace('.', '_')}_out"
        if name not in self.nodes:
            self.nodes[name] = {"from": flow.name, "sink": name}
            if not flow.ordered:
                self.unordered.add(name)

    # -- expressions

    def condition(self, flow: Flow) -> str:
        """A BOOLEAN expression."""
        numbers, strings = flow.of("BIGINT"), flow.of("STRING")
        choices = []
        if numbers:
            a, b = self.random.choice(numbers), self.random.choice(numbers)
            choices += [f"{a} < {self.random.choice((1, 2, 3))}", f"{a} = {self.random.choice((0, 1, 2))}", f"{a} + {b} < 4", f"{a} < {b}",
                        f"1 < {a}"]
        if strings:
            s = self.random.choice(strings)
            choices += [f"{s} = '{self.random.choice('abx')}'", f"{s} < 'b'", f"'a' < {s}"]
        return self.random.choice(choices or ["1 = 1"])

    def value(self, flow: Flow) -> tuple[str, str]:
        """Some expression and its type."""
        numbers = flow.of("BIGINT")
        if numbers and self.random.random() < 0.5:
            a, b = self.random.choice(numbers), self.random.choice(numbers)
            return self.random.choice(((f"{a} + 1", "BIGINT"), (f"{a} + {b}", "BIGINT"), (f"{a} = 1", "BOOLEAN"), ("7", "BIGINT")))
        return self.random.choice(flow.all)


def meet(one: Flow, other: Flow) -> bool:
    """Whether results of both have a defined order: one way of a source, or ways without a repartition."""
    return not (one.sources & other.sources) or not (one.moved or other.moved)


# -- operators: each adds a node (and what it needs) and gives its flow

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
    key = _new_key(b, flow)
    return b.add("partition_by", "partition_by", {key[0]: key[2]}, _rekeyed(b, flow, key), flow)


def _new_key(b: Builder, flow: Flow) -> tuple[str, str, str]:
    """Name, type, expression."""
    fitting = [c for c in flow.all if c[1] in ("BIGINT", "STRING")]
    if not fitting:
        raise Cannot
    name, kind = b.random.choice(fitting)
    if kind == "BIGINT" and b.random.random() < 0.3:
        return f"G{len(b.nodes)}", kind, f"{name} + 1"
    return name, kind, name


def _rekeyed(b: Builder, flow: Flow, key: tuple[str, str, str]) -> Flow:
    rest = tuple(c for c in (*flow.columns, flow.key) if c[0] != key[0])
    return replace(flow, name=b.name(), key=key[:2], columns=rest, moved=True, windowed=False)


def _grouped(b: Builder, flow: Flow) -> Flow:
    """Only ever the input of an aggregate."""
    if not flow.windowed and b.random.random() < 0.5:
        made = replace(flow, name=b.name(), moved=flow.moved or flow.table)
        body: Any = []
    else:
        key = _new_key(b, flow)
        made, body = _rekeyed(b, flow, key), {key[0]: key[2]}
    group = b.add("table group_by" if flow.table else "group_by", "group_by", body, made, flow)
    b.flows.remove(group)
    return group


def _folds(b: Builder, group: Flow) -> dict[str, tuple[str, str]]:
    """Aggregates by name, with type."""
    numbers, strings = list(group.of("BIGINT")), list(group.of("STRING"))
    choices = {"N": ("COUNT(*)", "BIGINT")}
    if numbers:
        a = b.random.choice(numbers)
        choices |= {"SUMMED": (f"SUM({a})", "BIGINT"), "L": (f"COLLECT_LIST({a})", "ARRAY"), "CA": (f"COUNT({a})", "BIGINT")}
        if not group.table:
            choices |= {"LOW": (f"MIN({a})", "BIGINT"), "HIGH": (f"MAX({a})", "BIGINT")}
    if strings:
        s = b.random.choice(strings)
        choices |= {"LS": (f"COLLECT_LIST({s})", "ARRAY")}
    names = b.random.sample(list(choices), min(len(choices), b.random.randint(1, 3)))
    found = {n: choices[n] for n in names if n != group.key[0]}
    if not found:
        raise Cannot
    return found


def aggregate(b: Builder, flow: Flow | None = None, operator: str = "", window: dict[str, str] | None = None, emit: str = "") -> Flow:
    flow = flow or b.any()
    group = _grouped(b, flow)
    folds = _folds(b, group)
    made = Flow(b.name(), True, group.key, tuple((n, kind) for n, (_, kind) in folds.items()), frozenset(), windowed=window is not None)
    beside: dict[str, Any] = {"window": window} if window else {}
    body: Any = {n: text for n, (text, _) in folds.items()}
    if emit:
        body, beside = {"columns": body, "emit": emit, **beside}, {}
    return b.add(operator or ("table aggregate" if flow.table else "aggregate"), "aggregate", body, made, group, **beside)


def _number(b: Builder, flow: Flow) -> str:
    """A number of a row that is not null."""
    numbers = [n for n, kind in flow.columns if kind == "BIGINT"]
    return f"COALESCE(row.{b.random.choice(numbers)}, {b.random.randint(0, 2)})" if numbers else "1"


def _accumulators(b: Builder, inputs: list[Flow], session: bool, undoing: bool) -> dict[str, tuple[dict[str, Any], str]]:
    """Columns that expressions fold, by name, with type: a sum, a count, the row's own value, a look at the other ones."""
    def sums(sign: str, flow: Flow) -> str:
        return f"acc.TOTAL {sign} {_number(b, flow)}"

    zero = "CAST(0 AS BIGINT)"
    adds = [_number(b, f) for f in inputs]
    found: dict[str, tuple[dict[str, Any], str]] = {"TOTAL": ({"init": zero, "add": [f"acc.TOTAL + {a}" for a in adds]}, "BIGINT")}
    if undoing:
        found["TOTAL"][0]["undo"] = f"acc.TOTAL - {adds[0]}"
    else:
        found["BEFORE"] = {"init": "CAST(5 AS BIGINT)", "add": ["acc.TOTAL + 1", *("acc.BEFORE" if b.random.random() < 0.5 else "" for _ in inputs[1:])]}, "BIGINT"
        strings = [[n for n, kind in f.columns if kind == "STRING"] for f in inputs]
        if all(strings):
            found["LAST"] = {"init": "''", "add": [f"row.{b.random.choice(names)}" for names in strings]}, "STRING"
    merges = {"TOTAL": "acc.TOTAL + other.TOTAL", "BEFORE": "other.BEFORE", "LAST": "acc.LAST"}
    if session:
        for name, (one, _) in found.items():
            one["merge"] = merges[name]
    return found


def _window(b: Builder, kind: str) -> dict[str, str]:
    size = b.random.choice((1, 4, 7, 10))
    window = {kind: f"{size}ms", "grace": f"{b.random.choice((0, 0, 2, 5, 20))}ms"}
    if kind == "hopping":
        window["advance"] = f"{b.random.randint(1, size)}ms"
    if b.random.random() < 0.7:
        window["retention"] = "1h"
    return window


def _some_window(b: Builder, table: bool) -> dict[str, Any]:
    """What stands beside an aggregate: often no window."""
    if table or b.random.random() < 0.5:
        return {}
    return {"window": _window(b, b.random.choice(("tumbling", "hopping", "session", "sliding")))}


def fold(b: Builder) -> Flow:
    """An aggregate by expressions, beside built-in functions or alone."""
    flow = b.any()
    group = _grouped(b, flow)
    beside = _some_window(b, flow.table)
    folds = _folds(b, group) if b.random.random() < 0.4 else {}
    accumulators = _accumulators(b, [group], "session" in beside.get("window", ""), flow.table)
    accumulators = {n: v for n, v in accumulators.items() if n != group.key[0]}
    made = Flow(b.name(), True, group.key, tuple((n, kind) for n, (_, kind) in [*folds.items(), *accumulators.items()]), frozenset(),
                windowed=bool(beside))
    body = {"columns": {n: text for n, (text, _) in folds.items()}, "accumulators": {n: one for n, (one, _) in accumulators.items()}}
    return b.add("table fold" if flow.table else "fold", "aggregate", body if folds else {"accumulators": body["accumulators"]}, made, group, **beside)


def reduce(b: Builder) -> Flow:
    """Of numbers: all columns of the input, or some of them."""
    flow = b.any()
    flow = select(b, flow) if b.random.random() < 0.6 else flow
    group = _grouped(b, flow)
    numbers = [n for n, kind in group.columns if kind == "BIGINT"]
    if not numbers:
        raise Cannot
    some = numbers if b.random.random() < 0.7 else numbers[:1]
    beside = _some_window(b, flow.table)
    body: dict[str, Any] = {}
    for n in some:
        add = b.random.choice((f"COALESCE(acc.{n}, 0) + COALESCE(row.{n}, 0)", f"COALESCE(row.{n}, acc.{n})", f"acc.{n}"))
        add = f"COALESCE(acc.{n}, 0) + COALESCE(row.{n}, 0)" if flow.table else add
        body[n] = {"add": add, "undo": f"COALESCE(acc.{n}, 0) - COALESCE(row.{n}, 0)"} if flow.table else add
    made = Flow(b.name(), True, group.key, tuple((n, "BIGINT") for n in some), frozenset(), windowed=bool(beside))
    return b.add("table reduce" if flow.table else "reduce", "reduce", body, made, group, **beside)


def cogroup(b: Builder) -> Flow:
    """Two grouped streams, sometimes in windows."""
    one = b.plain_stream()
    other = b.beside(one, False)
    if one.sources & other.sources:
        raise Cannot  # which way a record takes first is each engine's own affair
    groups = []
    for flow in (one, other):
        group = b.add("group_by", "group_by", {}, replace(flow, name=b.name()), flow)
        b.flows.remove(group)
        groups.append(group)
    beside = _some_window(b, False)
    accumulators = _accumulators(b, groups, "session" in beside.get("window", ""), False)
    accumulators = {n: v for n, v in accumulators.items() if n != one.key[0]}
    made = Flow(b.name(), True, one.key, tuple((n, kind) for n, (_, kind) in accumulators.items()), frozenset(), windowed=bool(beside))
    return b.add("cogroup", "cogroup", {n: given for n, (given, _) in accumulators.items()}, made, *groups, **beside)


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
    return b.add("repartition", "repartition", {}, replace(flow, name=b.name(), moved=True), flow)


def windowed(kind: str, final: bool = False) -> Callable[[Builder], Flow]:
    def add(b: Builder) -> Flow:
        return aggregate(b, b.stream(), f"{kind}{' final' if final else ''}", _window(b, kind), "final" if final else "")

    return add


def stream_table_join(kind: str) -> Callable[[Builder], Flow]:
    return _join(kind, f"stream-table {kind}", lambda b: b.plain_stream(), "join", False, True)


def graced(kind: str) -> Callable[[Builder], Flow]:
    """A join of a stream with a versioned table, whose rows wait."""

    def add(b: Builder) -> Flow:
        fits = [f for f in b.flows if f.history and f.key[1] == "STRING"]
        table = b.random.choice(fits) if fits else versioned(b)
        one = b.plain_stream()
        if one.key[1] != table.key[1] or not meet(one, table) or _alias(one) == _alias(table) or kind == "left" and one.moved:
            raise Cannot  # a null key ends Kafka Streams where a left join waits: a repartition may bring one
        b.null_keys = b.null_keys and kind != "left"
        columns = _joined(b, one, table)
        body = {"kind": kind, "columns": {n: text for n, (text, _) in columns.items()}, "grace": f"{b.random.randint(0, min(table.history, 30))}ms"}
        made = Flow(b.name(), False, one.key, tuple((n, t) for n, (_, t) in columns.items()), frozenset())
        return b.add(f"stream-table {kind} grace", "join", body, made, one, table)

    return add


def global_join(kind: str) -> Callable[[Builder], Flow]:
    """A join of a stream with a global table, by any column."""

    def add(b: Builder) -> Flow:
        table = b.global_table()
        one = b.stream()
        columns = _joined(b, one, table)
        names = one.of("STRING")
        if not names:
            raise Cannot
        key = b.random.choice(names)
        body: dict[str, Any] = {"kind": kind, "columns": {n: text for n, (text, _) in columns.items()}}
        if key != one.key[0] or one.windowed or b.random.random() < 0.5:
            body["keys"] = [key]
        made = Flow(b.name(), False, one.key, tuple((n, t) for n, (_, t) in columns.items()), frozenset(), windowed=one.windowed)
        return b.add(f"stream-global {kind}", "stream_global_join", body, made, one, table)

    return add


def table_table_join(kind: str) -> Callable[[Builder], Flow]:
    return _join(kind, f"table-table {kind}", lambda b: b.plain_table(), "table_table_join", True, True)


def stream_stream_join(kind: str) -> Callable[[Builder], Flow]:
    return _join(kind, f"stream-stream {kind}", lambda b: b.plain_stream(), "stream_stream_join", False, False)


def _join(kind: str, operator: str, left: Callable[[Builder], Flow], node: str, made_table: bool, right_table: bool,
          right: Flow | None = None) -> Callable[[Builder], Flow]:
    """right: the right side; None for any that fits."""

    def add(b: Builder) -> Flow:
        one = left(b)
        other = right or b.beside(one, right_table)
        if _alias(one) == _alias(other) or (made_table and one.sources & other.sources):
            raise Cannot  # old rows of two tables made of one are those of different moments
        columns = _joined(b, one, other)
        body: dict[str, Any] = {"kind": kind, "columns": {n: text for n, (text, _) in columns.items()}}
        if node == "stream_stream_join":
            body |= {k: f"{b.random.choice((0, 2, 5))}ms" for k in ("before", "after")} | {"grace": f"{b.random.choice((0, 0, 0, 3, 20))}ms"}
        made = Flow(b.name(), made_table, one.key, tuple((n, t) for n, (_, t) in columns.items()), frozenset())
        return b.add(operator, node, body, made, one, other)

    return add


def _alias(flow: Flow) -> str:
    return flow.name.rpartition(".")[2]


def _joined(b: Builder, one: Flow, other: Flow) -> dict[str, tuple[str, str]]:
    """Some value columns of both."""
    found = {}
    for side, flow in (("L", one), ("R", other)):
        for name, kind in b.random.sample(flow.columns, min(len(flow.columns), b.random.randint(1, 2))):
            found[f"{side}{name}"] = (f"{_alias(flow)}.{name}", kind)
    found = {n: v for n, v in found.items() if n != one.key[0]}
    if not found:
        raise Cannot
    return found


def several(*ways: tuple[str, str, bool]) -> Callable[[Builder], Flow]:
    """A join of three: ways are (operator, node, whether the right side is a table) of two joins, the first one's left side a source."""

    def add(b: Builder) -> Flow:
        tables = ways[0][0].startswith("table")
        flow = b.source(tables, "T1" if tables else "S1")
        for number, (operator, node, right_table) in enumerate(ways):
            other = b.source(right_table, f"{'T' if right_table else 'S'}{number + 2}")
            kind = b.random.choice(("inner", "left", *(() if operator == "stream-table" else ("right", "full"))))
            left = flow
            flow = _join(kind, f"{operator} of several", lambda b, left=left: left, node, operator == "table-table", right_table, other)(b)
        return flow

    return add


def foreign_key_join(kind: str) -> Callable[[Builder], Flow]:
    def add(b: Builder) -> Flow:
        one = b.plain_table()
        other = b.plain_table() if b.random.random() < 0.5 else b.source(True)
        keys = [n for n, t in one.columns if t == other.key[1]]
        if one.name == other.name or not keys or not meet(one, other):
            raise Cannot
        columns = _joined(b, one, other)
        body = {"kind": kind, "foreign_key": f"{_alias(one)}.{b.random.choice(keys)}", "columns": {n: text for n, (text, _) in columns.items()}}
        made = Flow(b.name(), True, one.key, tuple((n, t) for n, (_, t) in columns.items()), frozenset(), moved=True, ordered=False)
        return b.add(f"foreign-key {kind}", "table_table_join", body, made, one, other)

    return add


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
    """A stream as a versioned table, or such a source."""
    known = [f for f in b.flows if f.history and f.name in ("t1", "t2")]
    if known and b.random.random() < 0.5:
        return b.random.choice(known)
    flow, history = b.plain_stream(), b.history()
    return b.add("versioned to_table", "to_table", {"history": f"{history}ms"}, replace(flow, name=b.name(), table=True, history=history), flow)


def to_stream(b: Builder) -> Flow:
    flow = b.table()
    return b.add("to_stream", "to_stream", {}, replace(flow, name=b.name(), table=False), flow)


def suppress(until: str) -> Callable[[Builder], Flow]:
    def add(b: Builder) -> Flow:
        if until == "window":
            flow = windowed(b.random.choice(("tumbling", "hopping", "session", "sliding")))(b)
            body: dict[str, Any] = {"until": "window_close"}
        else:
            flow = b.table()
            if flow.history:
                raise Cannot
            body = {"until": f"{b.random.choice((0, 3, 10))}ms"}
            if b.random.random() < 0.4:
                body["max_records"] = b.random.randint(1, 3)
        return b.add(f"suppress {until}", "suppress", body, replace(flow, name=b.name()), flow)

    return add


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
    if not strings or not flow.ordered:
        raise Cannot
    column = b.random.choice(strings)
    here = b.add("filter", "filter", f"{column} < 'y'", replace(flow, name=b.name()), flow)
    name = b.name()
    b.nodes[name] = {"from": here.name, "sink": {"topic_expression": column, "create": True, "value_format": "JSON"}}
    b.operators[name] = "routed sink"
    return here


OPERATORS: dict[str, Callable[[Builder], Flow]] = {
    "filter": lambda b: filter_(b, b.stream()), "filter not": lambda b: filter_(b, b.stream(), True), "select": lambda b: select(b, b.stream()),
    "partition_by": partition_by, "merge": merge, "branch": branch, "to_table": to_table, "to_stream": to_stream,
    "table filter": lambda b: filter_(b, b.table()), "table filter not": lambda b: filter_(b, b.table(), True),
    "table select": lambda b: select(b, b.table()), "aggregate": lambda b: aggregate(b, b.stream()),
    "table aggregate": lambda b: aggregate(b, b.table()), "tumbling": windowed("tumbling"), "hopping": windowed("hopping"),
    "session": windowed("session"), "sliding": windowed("sliding"), "tumbling final": windowed("tumbling", True),
    "hopping final": windowed("hopping", True), "session final": windowed("session", True), "sliding final": windowed("sliding", True),
    "suppress window": suppress("window"), "suppress time": suppress("time"),
    "stream-global inner": global_join("inner"), "stream-global left": global_join("left"),
    "versioned": versioned, "stream-table inner grace": graced("inner"), "stream-table left grace": graced("left"),
    "stream-table inner": stream_table_join("inner"), "stream-table left": stream_table_join("left"),
    **{f"table-table {k}": table_table_join(k) for k in ("inner", "left", "right", "full")},
    **{f"stream-stream {k}": stream_stream_join(k) for k in ("inner", "left", "right", "full")},
    "sources by list": sources_by("list"), "sources by pattern": sources_by("pattern"), "routed sink": routed_sink,
    "fold": fold, "reduce": reduce, "cogroup": cogroup, "explode": explode, "repartition": repartition,
    "three tables": several(("table-table", "table_table_join", True), ("table-table", "table_table_join", True)),
    "three streams": several(("stream-stream", "stream_stream_join", False), ("stream-stream", "stream_stream_join", False)),
    "two streams, a table": several(("stream-stream", "stream_stream_join", False), ("stream-table", "join", True)),
    "a stream, two tables": several(("stream-table", "join", True), ("stream-table", "join", True)),
    "foreign-key inner": foreign_key_join("inner"), "foreign-key left": foreign_key_join("left"),
}


def generate(seed: str, focus: str, operators: list[str], plain: bool = False) -> Generated:
    """The case of a seed. plain: nothing but the focus and what it needs."""
    random = Random(seed)
    while True:
        b = Builder(random)
        try:
            b.source(random.random() < 0.4)
            for _ in range(0 if plain else random.choice((0, 0, 1, 1, 2))):
                OPERATORS[random.choice(operators)](b)
            b.sink(OPERATORS[focus](b))
            for _ in range(0 if plain else random.choice((0, 0, 1, 2))):
                OPERATORS[random.choice(operators)](b)
        except Cannot:
            continue
        for flow in b.flows:
            if random.random() < 0.3 or not any(flow.name in _inputs(node) for node in b.nodes.values()):
                b.sink(flow)
        case = {"relations": _relations(b), "topology": {"nodes": b.nodes}, "updates": "every", "inputs": _records(b, random)}
        return Generated(case, b.operators, frozenset(b.unordered))


def _inputs(node: dict[str, Any]) -> list[str]:
    given = node.get("from", [])
    return given if isinstance(given, list) else [given]


def _relations(b: Builder) -> list[dict[str, Any]]:
    columns = ["K STRING KEY", *(f"{n} {kind}" for n, kind in COLUMNS)]
    return [{"table" if name[0] in "tg" else "stream": name.upper(), "columns": columns} for name in _topics(b)]


def _topics(b: Builder) -> list[str]:
    """Relations that the nodes read, in lower case."""
    return [name for name in b.nodes if name in RELATIONS] + ["u1", "u2"] * ("u" in b.nodes)


def _records(b: Builder, random: Random) -> list[dict[str, Any]]:
    """A clustered, out-of-order time; few keys; nulls and tombstones."""
    relations = [name.upper() for name in _topics(b)]
    found, now = [], random.choice((0, 3, 100))
    for _ in range(random.choice((6, 12, 25, 40))):
        to = random.choice(relations)
        at = max(0, now + random.choice(STEPS_MS))
        now = max(now, at) if random.random() < 0.9 else at
        key = None if random.random() < 0.04 and b.null_keys else random.choice(KEYS)
        value = {"A": random.choice(NUMBERS), "B": random.choice(NUMBERS), "S": random.choice(STRINGS)}
        gone = random.random() < (0.06 if to.startswith("S") else 0.2)
        found.append({"to": to, "key": key, "value": None if gone else value, "at": at})
    return found
