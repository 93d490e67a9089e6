"""Every scalar type comes back, extremes too: see spec.md."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

from support import Run, cells

COLUMNS = "k INT KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, p DECIMAL(38, 10), s STRING, y BYTES, da DATE, ti TIME, ts TIMESTAMP"
MOST = Decimal("9999999999999999999999999999.9999999999")


def scenario(run: Run) -> dict[str, object]:
    client, table = run.client, run.name("t")
    client.create_stream(table, COLUMNS)
    largest = {
        "k": 1, "b": True, "i": 2**31 - 1, "l": 2**63 - 1, "d": 1.7976931348623157e308, "p": MOST, "s": "\0 é 😀", "y": b"\x00\xff",
        "da": date(9999, 12, 31), "ti": time(23, 59, 59, 999000), "ts": datetime(9999, 12, 31, 23, 59, 59, 999000, UTC),
    }  # fmt: skip
    smallest = {
        "k": 2, "b": False, "i": -(2**31), "l": -(2**63), "d": 5e-324, "p": MOST.copy_negate(), "s": "x", "y": b"\x00", "da": date(1582, 10, 15), "ti": time(),
        "ts": datetime(1969, 12, 31, 23, 59, 59, 999000, UTC),
    }  # fmt: skip
    zero = {
        "k": 4, "b": False, "i": 0, "l": 0, "d": 0.0, "p": Decimal(0), "s": "", "y": b"", "da": date(1970, 1, 1), "ti": time(0, 0, 0, 1000),
        "ts": datetime(1970, 1, 1, 0, 0, 0, 1000, UTC),
    }  # fmt: skip
    client.append(table, [largest, smallest, {"k": 3}, zero])
    return {str(row.k): cells(row) for row in client.subscribe(table, start="earliest", until="end")}
