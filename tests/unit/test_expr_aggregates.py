"""Aggregates: what values give, what undo takes back, what merging gives, by the same code that the engine inlines."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from penstock.expr.aggregates import NAMES, by_id, find
from penstock.expr.analyze import analyze_aggregate
from penstock.expr.code import Module, indent
from penstock.expr.scope import Scope
from penstock.types import sqltype as t
from penstock.types.parse import parse_type

SCOPE = Scope((("", {"I": t.INT, "B": t.BIGINT, "D": t.DOUBLE, "X": t.decimal(4, 2), "S": t.STRING, "Y": t.BYTES, "F": t.BOOLEAN}),))
LONG = (1 << 63) - 1


def run(text: str, values: Iterable[object], undone: Iterable[object] = (), merged: Iterable[object] | None = None) -> object:
    """The result over values, after undone were taken back and a second state over `merged` was merged in."""
    call = analyze_aggregate(text, SCOPE)
    aggregate = by_id(call.name, call.literals)
    assert aggregate.result == call.aggregate.result
    module = Module()
    state = [module.fresh(f"s_{name}") for name in aggregate.state]
    other = [module.fresh(f"o_{name}") for name in aggregate.state]
    start = ", ".join(state)

    def step(name: str, body: list[str], extra: list[str]) -> str:
        return "\n".join([f"def {name}({', '.join([*state, *extra])}):", *indent(body), f"    return ({start},)"])

    sources = [step("add", aggregate.add(module, state, ["a"]), ["a"])]
    if aggregate.undo is not None:
        sources.append(step("undo", aggregate.undo(module, state, ["a"]), ["a"]))
    if aggregate.merge is not None:
        sources.append(step("merge", aggregate.merge(module, state, other), other))
    sources.append(f"def value({start}):\n    return {aggregate.value(module, state)}")
    space = dict(module.globals)
    exec("\n".join(sources), space)
    init = tuple(eval(i) for i in aggregate.init)

    def fold(items: Iterable[object]) -> tuple[object, ...]:
        current = init
        for item in items:
            current = space["add"](*current, item)
        return current

    current = fold(values)
    for item in undone:
        current = space["undo"](*current, item)
    if merged is not None:
        current = space["merge"](*current, *fold(merged))
    return space["value"](*current)


@pytest.mark.parametrize(("text", "values", "expected"), [
    ("COUNT(*)", [None, None], 2), ("COUNT(I)", [1, None, 2], 2), ("COUNT(*)", [], 0), ("SUM(I)", [1, None, 2], 3), ("SUM(I)", [None], 0),
    ("SUM(I)", [2147483647, 1], -2147483648), ("SUM(B)", [LONG, 1], -LONG - 1), ("SUM(D)", [0.5, 1.5], 2.0), ("SUM(D)", [], 0.0),
    ("SUM(X)", [Decimal("1.10"), Decimal("2.20")], Decimal("3.30")), ("SUM(X)", [None], Decimal("0.00")), ("AVG(I)", [1, 2, None], 1.5), ("AVG(I)", [None], 0.0),
    ("AVG(D)", [1.0, 2.0], 1.5), ("MIN(I)", [3, None, 1], 1), ("MAX(I)", [3, None, 1], 3), ("MAX(I)", [None], None), ("MIN(S)", ["b", "a"], "a"),
    ("MAX(S)", ["\uffee", "\U0001f600"], "\uffee"), ("MAX(Y)", [b"\x01", b"\xff"], b"\x01"), ("MIN(X)", [Decimal("1.5"), Decimal("0.5")], Decimal("0.5")),
    ("LATEST_BY_OFFSET(I)", [1, 2, None], 2), ("LATEST_BY_OFFSET(I, FALSE)", [1, 2, None], None), ("EARLIEST_BY_OFFSET(I)", [None, 1, 2], 1),
    ("EARLIEST_BY_OFFSET(I, FALSE)", [None, 1, 2], None), ("TOPK(I, 2)", [1, 3, None, 3, 2], [3, 3]), ("TOPK(S, 3)", ["a", "c", "b", "a"], ["c", "b", "a"]),
    ("TOPK(D, 5)", [1.0], [1.0]), ("COLLECT_LIST(I)", [2, None, 2], [2, None, 2]), ("COLLECT_SET(I)", [2, None, 2, 1], [2, None, 1]),
])
def test_values(text: str, values: list[object], expected: object) -> None:
    result = run(text, values)
    assert result == expected and str(result) == str(expected)


@pytest.mark.parametrize(("text", "values", "undone", "expected"), [
    ("COUNT(*)", [1, 2], [1], 1), ("COUNT(I)", [1, None], [None], 1), ("SUM(I)", [-2147483648, 5], [5], -2147483648), ("SUM(I)", [-2147483648], [1], 2147483647),
    ("SUM(X)", [Decimal("1.10"), Decimal("2.20")], [Decimal("1.10")], Decimal("2.20")), ("AVG(I)", [1, 3], [3], 1.0), ("AVG(I)", [1], [1], 0.0),
    ("COLLECT_LIST(I)", [1, 2, 1], [1], [1, 2]), ("COLLECT_LIST(I)", [1], [7], [1]),
])
def test_undo(text: str, values: list[object], undone: list[object], expected: object) -> None:
    assert run(text, values, undone) == expected


@pytest.mark.parametrize(("text", "left", "right", "expected"), [
    ("COUNT(*)", [1], [1, 1], 3), ("SUM(I)", [2147483647], [1], -2147483648), ("AVG(D)", [1.0], [2.0, 3.0], 2.0), ("MIN(I)", [2], [1], 1), ("MAX(I)", [], [1], 1),
    ("MAX(I)", [1], [], 1), ("TOPK(I, 2)", [1, 4], [3], [4, 3]), ("COLLECT_LIST(I)", [1], [2], [1, 2]), ("COLLECT_SET(I)", [1], [2, 1], [1, 2]),
])
def test_merge(text: str, left: list[object], right: list[object], expected: object) -> None:
    assert run(text, left, merged=right) == expected


def test_an_overflowing_decimal_sum_is_an_error() -> None:
    with pytest.raises(ArithmeticError):
        run("SUM(X)", [Decimal("99.99"), Decimal("0.01")])


def test_a_wide_decimal_sum_keeps_every_digit() -> None:
    scope = Scope((("", {"X": t.decimal(38, 2)}),))
    aggregate = analyze_aggregate("SUM(X)", scope).aggregate
    module = Module()
    space = {"s": Decimal("123456789012345678901234567890123456.78"), "a": Decimal("0.01")}
    lines = aggregate.add(module, ["s"], ["a"])
    exec("\n".join(lines), space | module.globals, space)
    assert space["s"] == Decimal("123456789012345678901234567890123456.79")


def test_a_list_in_a_state_is_never_changed_in_place() -> None:
    aggregate = find("COLLECT_LIST", (t.INT,))
    module = Module()
    before: list[object] = []
    space = {"s": before, "a": 1}
    exec("\n".join(aggregate.add(module, ["s"], ["a"])), space)
    assert before == [] and space["s"] == [1]


def test_ids_name_the_type() -> None:
    assert by_id("SUM/DECIMAL(4, 2)").result == parse_type("DECIMAL(4, 2)")
    assert by_id("LATEST_BY_OFFSET/STRUCT<`a` INT>").result == t.struct(("a", t.INT))
    assert by_id("COUNT/*") .arguments == ()
    assert {"COUNT", "SUM", "MIN", "MAX", "AVG", "TOPK", "LATEST_BY_OFFSET", "EARLIEST_BY_OFFSET", "COLLECT_LIST"} <= set(NAMES)
    assert find("MIN", (t.INT,)).undo is None and find("SUM", (t.INT,)).undo is not None


@pytest.mark.parametrize(("text", "values", "undone", "merged", "expected"), [
    ("STDDEV_SAMPLE(I)", [1, 2, 3, 4, None], [4], None, 1.0), ("STDDEV_SAMP(I)", [2, 4, 6], [], None, 4.0), ("STDDEV_SAMP(I)", [2], [], [4, 6], 4.0),
    ("STDDEV_SAMPLE(D)", [5.0], [], None, 0.0), ("ATTR(S)", ["a", "a"], [], None, "a"), ("ATTR(S)", ["a", None], [], None, None), ("ATTR(S)", ["a", "b"], ["b"], None, "a"),
    ("HISTOGRAM(S)", ["a", "b", "a"], ["b"], ["a", "c"], {"a": 3, "c": 1}), ("TOPKDISTINCT(I, 2)", [1, 3, 3, 2], [], [9], [9, 3]),
    ("COUNT_DISTINCT(S)", ["a", "b", "a", None], [], ["b", "c"], 3), ("LATEST_BY_OFFSET(I, 2)", [1, 2, None, 3], [], None, [2, 3]),
    ("LATEST_BY_OFFSET(I, 2, FALSE)", [1, 2, None], [], None, [2, None]), ("EARLIEST_BY_OFFSET(I, 2)", [None, 1, 2, 3], [], None, [1, 2]),
])
def test_statistics_and_rankings(text: str, values: list[object], undone: list[object], merged: list[object] | None, expected: object) -> None:
    assert run(text, values, undone, merged) == expected


def test_many_distinct_values_are_estimated() -> None:
    assert abs(run("COUNT_DISTINCT(I)", range(3000)) - 3000) < 60  # type: ignore[operator]
