"""Nested types come back, empty and null parts too: see spec.md."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from support import Run, cells

COLUMNS = (
    "k INT KEY, a ARRAY<ARRAY<BIGINT>>, m MAP<STRING, DECIMAL(10, 2)>, s STRUCT<x INT, tags ARRAY<STRING>, at TIMESTAMP>, l ARRAY<STRUCT<d DOUBLE>>"
)


def scenario(run: Run) -> dict[str, object]:
    client, table = run.client, run.name("t")
    client.create_stream(table, COLUMNS)
    at = datetime(2024, 2, 29, 12, 0, 0, 123000, UTC)
    full = {
        "k": 1, "a": [[1, -(2**63)], []], "m": {"é": Decimal("1.5"), "": Decimal("-0.01")}, "s": {"x": 1, "tags": ["a", ""], "at": at},
        "l": [{"d": 1.5}, {"d": -0.25}],
    }  # fmt: skip
    empty = {"k": 2, "a": [], "m": {}, "s": {"tags": []}, "l": []}
    holes = {"k": 3, "a": [None, [None]], "m": {"k": None}, "s": {"tags": [None]}, "l": [None, {"d": None}]}
    client.append(table, [full, empty, holes, {"k": 4}])
    return {str(row.k): cells(row) for row in client.subscribe(table, start="earliest", until="end")}
