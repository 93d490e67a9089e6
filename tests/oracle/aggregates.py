"""Aggregates of random topologies: groups, folds, windows. Each adds a node (and what it needs) and gives its flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from basic import select
from builder import Builder, Cannot, Flow, new_key, rekeyed


def _grouped(b: Builder, flow: Flow) -> Flow:
    """Only ever the input of an aggregate."""
    if not flow.windowed and b.random.random() < 0.5:
        made = replace(flow, name=b.name(), moved=flow.moved or flow.table)
        body: Any = []
    else:
        key = new_key(b, flow)
        made, body = rekeyed(b, flow, key), {key[0]: key[2]}
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


def fold(b: Builder, flow: Flow) -> Flow:
    """An aggregate by expressions, beside built-in functions or alone."""
    group = _grouped(b, flow)
    beside = _some_window(b, flow.table)
    folds = _folds(b, group) if b.random.random() < 0.4 else {}
    accumulators = _accumulators(b, [group], "session" in beside.get("window", ""), flow.table)
    accumulators = {n: v for n, v in accumulators.items() if n != group.key[0]}
    if not accumulators:
        raise Cannot
    made = Flow(b.name(), True, group.key, tuple((n, kind) for n, (_, kind) in [*folds.items(), *accumulators.items()]), frozenset(),
                windowed=bool(beside))
    body = {"columns": {n: text for n, (text, _) in folds.items()}, "accumulators": {n: one for n, (one, _) in accumulators.items()}}
    return b.add("table fold" if flow.table else "fold", "aggregate", body if folds else {"accumulators": body["accumulators"]}, made, group, **beside)


def reduce(b: Builder, flow: Flow) -> Flow:
    """Of numbers: all columns of the input, or some of them."""
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
    if not accumulators:
        raise Cannot
    made = Flow(b.name(), True, one.key, tuple((n, kind) for n, (_, kind) in accumulators.items()), frozenset(), windowed=bool(beside))
    return b.add("cogroup", "cogroup", {n: given for n, (given, _) in accumulators.items()}, made, *groups, **beside)


def windowed(kind: str, final: bool = False) -> Callable[[Builder], Flow]:
    def add(b: Builder) -> Flow:
        return aggregate(b, b.stream(), f"{kind}{' final' if final else ''}", _window(b, kind), "final" if final else "")

    return add


def suppress(until: str) -> Callable[[Builder], Flow]:
    def add(b: Builder) -> Flow:
        if until == "window":
            flow = windowed(b.random.choice(("tumbling", "hopping", "session", "sliding")))(b)
            body: dict[str, Any] = {"until": "window_close"}
            if b.random.random() < 0.3:
                body |= {"max_records": b.random.randint(1, 6), "when_full": "stop"}
        else:
            flow = b.table()
            if flow.history:
                raise Cannot
            body = {"until": f"{b.random.choice((0, 3, 10))}ms"}
            if b.random.random() < 0.4:
                body["max_records"] = b.random.randint(1, 3)
                if b.random.random() < 0.3:
                    body["when_full"] = "stop"
        return b.add(f"suppress {until}", "suppress", body, replace(flow, name=b.name()), flow)

    return add
