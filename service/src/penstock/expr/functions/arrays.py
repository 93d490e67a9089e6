"""Arrays and maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.expr.functions.numbers import sort_key
from penstock.expr.functions.registry import scalar
from penstock.types import sqltype as t
from penstock.types.cast import to_text
from penstock.types.sqltype import Kind, SqlType

Array = list[Any]
_PRIMITIVE = {Kind.BOOLEAN, Kind.INT, Kind.BIGINT, Kind.DOUBLE, Kind.DECIMAL, Kind.STRING}


@scalar("ARRAY_LENGTH", "ARRAY<T> -> INT", text="Number of elements.", arguments=("array",), inline="len({0})", safe=True)
def array_length(array: Array) -> int:
    return len(array)


@scalar("ARRAY_CONTAINS", "ARRAY<T>, T -> BOOLEAN", text="Whether the array has such an element; a null array has none.",
        arguments=("array", "value"), nulls=True, safe=True)
def array_contains(array: Array | None, value: object) -> bool:
    return array is not None and value in array


@scalar("ARRAY_CONCAT", "ARRAY<T>, ARRAY<T> -> =0", text="Both arrays, one after the other; a null one counts as empty.",
        arguments=("left", "right"), nulls=True, safe=True)
def array_concat(left: Array | None, right: Array | None) -> Array | None:
    return right if left is None else left if right is None else left + right


def _distinct(array: Array) -> Array:
    """First occurrences in order; structs, maps and arrays are compared one by one."""
    try:
        return list(dict.fromkeys(array))
    except TypeError:
        kept: Array = []
        kept.extend(v for v in array if v not in kept)
        return kept


@scalar("ARRAY_DISTINCT", "ARRAY<T> -> =0", text="Each element once, in order of first appearance.", arguments=("array",), safe=True)
def array_distinct(array: Array) -> Array:
    return _distinct(array)


@scalar("ARRAY_UNION", "ARRAY<T>, ARRAY<T> -> =0", text="Distinct elements of both arrays.", arguments=("left", "right"), safe=True)
def array_union(left: Array, right: Array) -> Array:
    return _distinct(left + right)


@scalar("ARRAY_INTERSECT", "ARRAY<T>, ARRAY<T> -> =0", text="Distinct elements that are in both arrays.", arguments=("left", "right"), safe=True)
def array_intersect(left: Array, right: Array) -> Array:
    return _distinct([v for v in left if v in right])


@scalar("ARRAY_EXCEPT", "ARRAY<T>, ARRAY<T> -> =0", text="Distinct elements of the first array that are not in the second.",
        arguments=("left", "right"), safe=True)
def array_except(left: Array, right: Array) -> Array:
    return _distinct([v for v in left if v not in right])


@scalar("ARRAY_REMOVE", "ARRAY<T>, T -> =0", text="The array without elements equal to the value.", arguments=("array", "value"), nulls=True,
        safe=True)
def array_remove(array: Array | None, value: object) -> Array | None:
    return None if array is None else [v for v in array if v != value]


def _element(types: tuple[SqlType, ...]) -> SqlType:
    element = types[0].element
    if element is None or element.kind in (Kind.ARRAY, Kind.MAP, Kind.STRUCT):
        raise TypeError(f"elements of {types[0]} have no order")
    return element


def _extreme(pick: Callable[..., Any]) -> Callable[[tuple[SqlType, ...]], Callable[[Array], Any]]:
    def bound(types: tuple[SqlType, ...]) -> Callable[[Array], Any]:
        key = sort_key(_element(types).kind)
        return lambda array: pick((v for v in array if v is not None), key=key, default=None)

    return bound


scalar("ARRAY_MAX", "ARRAY<T> -> T", text="The largest element; nulls are ignored.", arguments=("array",), result=_element, factory=True,
       safe=True)(_extreme(max))
scalar("ARRAY_MIN", "ARRAY<T> -> T", text="The smallest element; nulls are ignored.", arguments=("array",), result=_element, factory=True,
       safe=True)(_extreme(min))


def _sortable(types: tuple[SqlType, ...]) -> SqlType:
    _element(types)
    return types[0]


@scalar("ARRAY_SORT", "ARRAY<T> -> =0", "ARRAY<T>, STRING -> =0", text="The elements in order, 'ASC' or 'DESC'; nulls last.",
        arguments=("array", "direction"), result=_sortable, factory=True, safe=True)
def array_sort(types: tuple[SqlType, ...]) -> Callable[..., Array | None]:
    key = sort_key(_element(types).kind)

    def apply(array: Array, direction: str = "ASC") -> Array | None:
        if direction.upper() not in ("ASC", "ASCENDING", "DESC", "DESCENDING"):
            return None
        known = [v for v in array if v is not None]
        return sorted(known, key=key, reverse=direction.upper().startswith("DESC")) + [None] * (len(array) - len(known))

    return apply


def _text_result(types: tuple[SqlType, ...]) -> SqlType:
    if types[0].element is None or types[0].element.kind not in _PRIMITIVE:
        raise TypeError(f"elements of {types[0]} cannot be joined")
    return t.STRING


@scalar("ARRAY_JOIN", "ARRAY<T> -> STRING", "ARRAY<T>, STRING -> STRING", text="The elements as one text, with a separator (',') between them.",
        arguments=("array", "separator"), result=_text_result, nulls=True, factory=True, safe=True)
def array_join(types: tuple[SqlType, ...]) -> Callable[..., str | None]:
    element = types[0].element
    assert element is not None

    def apply(array: Array | None, separator: str | None = ",") -> str | None:
        if array is None:
            return None
        return (separator or "").join("null" if v is None else to_text(v, element) for v in array)

    return apply


@scalar("SLICE", "ARRAY<T>, INT, INT -> =0", text="Elements from one position to another, both included; null out of bounds.",
        arguments=("array", "from", "to"), nulls=True, safe=True)
def slice_array(array: Array | None, first: int | None, last: int | None) -> Array | None:
    if array is None:
        return None
    start, end = 1 if first is None else first, len(array) if last is None else last
    return array[start - 1:end] if 1 <= start <= end <= len(array) else None


@scalar("GENERATE_SERIES", "INT!, INT! -> ARRAY<INT>", "INT!, INT!, INT! -> ARRAY<INT>", "BIGINT!, BIGINT! -> ARRAY<BIGINT>",
        "BIGINT!, BIGINT!, INT! -> ARRAY<BIGINT>", text="Numbers from one to another, both included.", arguments=("from", "to", "step"))
def generate_series(start: int, end: int, step: int | None = None) -> Array:
    by = (1 if end >= start else -1) if step is None else step
    if by == 0 or (end - start) * by < 0:
        raise ValueError(f"a step of {by} does not lead from {start} to {end}")
    if (end - start) // by > 1_000_000:
        raise ValueError("a series has at most 1,000,001 numbers")
    return list(range(start, end + (1 if by > 0 else -1), by))


@scalar("AS_MAP", "ARRAY<STRING>, ARRAY<T> -> MAP<STRING, T>", text="A map from an array of keys and one of values.", arguments=("keys", "values"))
def as_map(keys: Array, values: Array) -> dict[str, Any]:
    return {key: values[i] if i < len(values) else None for i, key in enumerate(keys)}


@scalar("MAP_KEYS", "MAP<STRING, T> -> ARRAY<STRING>", text="The keys of a map.", arguments=("map",), inline="list({0})", safe=True)
def map_keys(value: dict[str, Any]) -> Array:
    return list(value)


@scalar("MAP_VALUES", "MAP<STRING, T> -> ARRAY<T>", text="The values of a map.", arguments=("map",), inline="list({0}.values())", safe=True)
def map_values(value: dict[str, Any]) -> Array:
    return list(value.values())


@scalar("MAP_UNION", "MAP<STRING, T>, MAP<STRING, T> -> =0", text="Entries of both maps; the second wins.", arguments=("left", "right"),
        nulls=True, safe=True)
def map_union(left: dict[str, Any] | None, right: dict[str, Any] | None) -> dict[str, Any] | None:
    return right if left is None else left if right is None else {**left, **right}


@scalar("ENTRIES", *(f"MAP<STRING, {v}>, BOOLEAN! -> ARRAY" for v in ("INT", "BIGINT", "DOUBLE", "BOOLEAN", "STRING")),
        text="The entries of a map as structs K, V, sorted by key if asked.", arguments=("map", "sorted"),
        result=lambda types: t.array(t.struct(("K", t.STRING), ("V", types[0].element or t.STRING))))
def entries(value: dict[str, Any], ordered: bool) -> Array:
    return [{"K": k, "V": value[k]} for k in (sorted(value) if ordered else value)]


CUBE_LIMIT = 20


def combinations(array: Array) -> Array:
    """All combinations of the elements and null, counting up in binary with the last element as the lowest bit; a position that is null
    anyway is not doubled. ValueError for more than CUBE_LIMIT elements."""
    if len(array) > CUBE_LIMIT:
        raise ValueError(f"CUBE_EXPLODE takes at most {CUBE_LIMIT} elements, not {len(array)}")
    rows: Array = [[]]
    for value in array:
        rows = [[*row, choice] for row in rows for choice in ((None,) if value is None else (None, value))]
    return rows if array else []
