"""TOPK with further columns, TOPKDISTINCT, SUM_LIST, ATTR, HISTOGRAM: aggregates whose state is a list or a map.

A state's list or map is never changed in place: the old one may still be read.
"""

from __future__ import annotations

import heapq
from typing import Any

from penstock.expr.aggregate import Aggregate
from penstock.expr.aggregates import NUMBERS, ORDERED, aggregate, first_state, no_literals, only, unless_null, wide_aggregate, zero
from penstock.expr.code import Module
from penstock.expr.functions.numbers import sort_key
from penstock.types import java
from penstock.types import sqltype as t
from penstock.types.sqltype import Kind, SqlType

Key = Any
HISTOGRAM_KEYS = 1000
"""Distinct keys of a histogram; later new ones are ignored."""


def _count(name: str, literals: tuple[object, ...]) -> int:
    if len(literals) != 1 or not isinstance(literals[0], int) or isinstance(literals[0], bool) or literals[0] < 1:
        raise TypeError(f"Function '{name.partition('/')[0]}' takes a value and a whole number of at least 1")
    return literals[0]


# ---- TOPK(value, column, ..., k)

def _top_rows(rows: list[dict[str, Any]], row: dict[str, Any], k: int, key: Key) -> list[dict[str, Any]]:
    """The rows in descending order of sort_col, the new one after its equals, cut to k."""
    return heapq.nlargest(k, [*rows, row], key=lambda r: r["sort_col"] if key is None else key(r["sort_col"]))


def _merged_rows(left: list[dict[str, Any]], right: list[dict[str, Any]], k: int, key: Key) -> list[dict[str, Any]]:
    return heapq.nlargest(k, left + right, key=lambda r: r["sort_col"] if key is None else key(r["sort_col"]))


@wide_aggregate("TOPK", "The k largest values in descending order, equal ones kept; with further columns, structs of them.",
                ("(T, C, ..., INT) -> ARRAY<STRUCT<sort_col T, col0 C, ...>>",), ("value", "columns", "k"), -1)
def _topk_rows(name: str, kinds: tuple[SqlType, ...], literals: tuple[object, ...]) -> Aggregate:
    only(name, kinds[0], NUMBERS | {Kind.STRING})
    k, key = _count(name, literals), sort_key(kinds[0].kind)
    fields = ["sort_col", *(f"col{i}" for i in range(len(kinds) - 1))]

    def add(module: Module, state: list[str], arguments: list[str]) -> list[str]:
        row = "{" + ", ".join(f"{f!r}: {a}" for f, a in zip(fields, arguments, strict=True)) + "}"
        return [f"if {arguments[0]} is not None:",
                f"    {state[0]} = {module.bind(_top_rows, 'top_rows')}({state[0]}, {row}, {k}, {module.bind(key, 'sort_key')})"]

    return Aggregate(name, kinds, t.array(t.struct(*zip(fields, kinds, strict=True))), ("top",), ("[]",), add=add, undo=None, value=first_state,
                     merge=lambda m, s, o: [f"{s[0]} = {m.bind(_merged_rows, 'merged_rows')}({s[0]}, {o[0]}, {k}, {m.bind(key, 'sort_key')})"])


# ---- TOPKDISTINCT

def _top_distinct(values: list[Any], more: list[Any], k: int, key: Key) -> list[Any]:
    """The k largest different values of both, descending."""
    kept = list(values)
    kept.extend(v for v in more if v not in kept)
    return heapq.nlargest(k, kept, key=key)


@aggregate("TOPKDISTINCT", "The k largest different values in descending order.",
           tuple(f"({kind}, INT) -> ARRAY<{kind}>" for kind in ("INT", "BIGINT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP", "STRING", "BYTES")),
           ("value", "k"))
def _topk_distinct(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    only(name, kind, ORDERED)
    k, key = _count(name, literals), sort_key(kind.kind)

    def united(module: Module, state: list[str], more: str) -> str:
        return f"{state[0]} = {module.bind(_top_distinct, 'top_distinct')}({state[0]}, {more}, {k}, {module.bind(key, 'sort_key')})"

    return Aggregate(name, (kind,), t.array(kind), ("top",), ("[]",), undo=None, value=first_state,
                     add=lambda m, s, a: [f"if {a[0]} is not None:", f"    {united(m, s, f'[{a[0]}]')}"],
                     merge=lambda m, s, o: [united(m, s, o[0])])


# ---- SUM_LIST

@aggregate("SUM_LIST", "Sum of the elements of arrays; nulls are skipped, INT and BIGINT wrap.",
           ("(ARRAY<INT>) -> INT", "(ARRAY<BIGINT>) -> BIGINT", "(ARRAY<DOUBLE>) -> DOUBLE"))
def _sum_list(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    no_literals(name, literals)
    element = kind.element
    if kind.kind is not Kind.ARRAY or element is None or element.kind not in NUMBERS:
        raise TypeError(f"Function 'SUM_LIST' does not accept parameters ({kind})")

    def wrapped(module: Module, value: str) -> str:
        if element.kind is Kind.DOUBLE:
            return value
        wrap = java.wrap32 if element.kind is Kind.INT else java.wrap64
        return f"{module.bind(wrap, wrap.__name__)}({value})"

    def step(sign: str, module: Module, state: list[str], arguments: list[str]) -> list[str]:
        added = f"sum(v for v in {arguments[0]} if v is not None)"
        return [f"if {arguments[0]} is not None:", f"    {state[0]} = {wrapped(module, f'{state[0]} {sign} {added}')}"]

    return Aggregate(name, (kind,), element, ("sum",), (zero(element),), add=lambda m, s, a: step("+", m, s, a),
                     undo=lambda m, s, a: step("-", m, s, a), merge=lambda m, s, o: [f"{s[0]} = {wrapped(m, f'{s[0]} + {o[0]}')}"],
                     value=first_state)


# ---- ATTR: [value, how often] of each distinct value

def _counted(counts: list[list[Any]], value: object, by: int) -> list[list[Any]]:
    found = False
    result = []
    for known, times in counts:
        same = known == value and type(known) is type(value)
        found = found or same
        times += by if same else 0
        if times > 0:
            result.append([known, times])
    return result if found or by < 0 else [*result, [value, by]]


def _merged_counts(left: list[list[Any]], right: list[list[Any]]) -> list[list[Any]]:
    for value, times in right:
        left = _counted(left, value, times)
    return left


@aggregate("ATTR", "The value if there is only one different value (null counts as one), else null.", ("(T) -> T",))
def _attr(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    no_literals(name, literals)
    return Aggregate(name, (kind,), kind, ("counts",), ("[]",), add=lambda m, s, a: [f"{s[0]} = {m.bind(_counted, 'counted')}({s[0]}, {a[0]}, 1)"],
                     undo=lambda m, s, a: [f"{s[0]} = {m.bind(_counted, 'counted')}({s[0]}, {a[0]}, -1)"],
                     merge=lambda m, s, o: [f"{s[0]} = {m.bind(_merged_counts, 'merged_counts')}({s[0]}, {o[0]})"],
                     value=lambda m, s: f"({s[0]}[0][0] if len({s[0]}) == 1 else None)")


# ---- HISTOGRAM

def _tallied(counts: dict[str, int], key: str, by: int) -> dict[str, int]:
    if key not in counts and (by < 0 or len(counts) >= HISTOGRAM_KEYS):
        return counts
    changed = {**counts, key: counts.get(key, 0) + by}
    if changed[key] < 1:
        del changed[key]
    return changed


def _merged_tallies(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    for key, times in right.items():
        left = _tallied(left, key, times)
    return left


@aggregate("HISTOGRAM", "How often each value came; at most 1000 different values.", ("(STRING) -> MAP<STRING, BIGINT>",))
def _histogram(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    no_literals(name, literals)
    only(name, kind, frozenset({Kind.STRING}))

    def step(by: int, module: Module, state: list[str], arguments: list[str]) -> list[str]:
        return unless_null(f"{{s}} = {module.bind(_tallied, 'tallied')}({{s}}, {{a}}, {by})")(module, state, arguments)

    return Aggregate(name, (kind,), t.map_of(t.STRING, t.BIGINT), ("counts",), ("{}",), add=lambda m, s, a: step(1, m, s, a),
                     undo=lambda m, s, a: step(-1, m, s, a), value=first_state,
                     merge=lambda m, s, o: [f"{s[0]} = {m.bind(_merged_tallies, 'merged_tallies')}({s[0]}, {o[0]})"])
