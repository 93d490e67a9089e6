"""Scans: a range or all of a table, in pages, each page a short read transaction on one partition.

The cursor behind a page names the partition and the last key read, and carries the changelog offsets of the partitions' first pages: the
position of the last page, from which a subscription misses nothing. A `where` that fixes the key reads its partitions only. Rows come partition by partition, in the order of serialised keys.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from operator import itemgetter

import msgspec

from penstock.errors import RequestError
from penstock.serving.chunks import read_chunk
from penstock.serving.cluster.remote import Span
from penstock.serving.columns import Condition, View
from penstock.serving.freshness import Goal, wait_for
from penstock.serving.gateway import Gateway
from penstock.serving.lookup import Freshness, Lookups, token_of
from penstock.serving.positions import Position
from penstock.serving.rows import Row
from penstock.serving.tables import Table, Tables
from penstock.state.port import Stamp
from penstock.types.sqltype import Kind

PAGE = 1000
READ_AT_MOST = 5000
"""Entries read in one transaction when few of them match: a long-lived reader makes the file grow."""


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds on the key's values, inclusive, each a list of leading key values; empty means none."""

    low: tuple[object, ...] = ()
    high: tuple[object, ...] = ()
    prefix: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """token is set on the last page, cursor on every one (empty on the last)."""

    rows: list[Row]
    cursor: str
    token: str = ""


class _Cursor(msgspec.Struct, array_like=True):
    incarnation: int
    check: int
    partition: int
    last: bytes | None
    given: int
    inputs: dict[int, dict[str, int]]
    changelogs: dict[int, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Query:
    """A scan. check is a fingerprint of the request, which a cursor must fit. limit 0: none."""

    view: View
    range: Range
    windows: tuple[int, int]
    limit: int
    cursor: str
    check: int


@dataclass
class Scans:
    """Reads of tables by range."""

    gateway: Gateway
    tables: Tables
    lookups: Lookups

    async def fresh(self, table: Table, query: Query, position: Position, freshness: Freshness) -> None:
        """Wait until every partition that is read includes what was asked for."""
        if freshness.tokens or freshness.offsets:
            goal = Goal(table.served.name, table.stage, table.awaited(table.places(query.view.narrow.keys)))
            await wait_for(self.gateway, goal, position, freshness.offsets, freshness.max_wait)

    async def pages(self, table: Table, query: Query, fresh: Freshness) -> AsyncIterator[Page]:
        """Every page, wherever its rows are. Raises NOT_SERVING, INVALID_CURSOR, INVALID_RANGE."""
        check_range(table, query.range)
        places = table.places(query.view.narrow.keys)
        at = self._begin(table, query, places[0])
        keep = _keeps(table, query)
        low, high = _byte_bounds(table, query.range)
        while True:
            left = PAGE if not query.limit else min(PAGE, query.limit - at.given)
            rows, stamp, last = await self._page(table, at, keep, query.view, low, high, left, fresh)
            if stamp is not None:
                at.inputs.setdefault(at.partition, dict(stamp.inputs))
                at.changelogs.setdefault(at.partition, dict(stamp.changelogs))
            at.given += len(rows)
            at.last = last
            full = bool(query.limit) and at.given >= query.limit
            if last is None:
                at.partition = next((p for p in places if p > at.partition), table.partitions)
            done = at.partition >= table.partitions
            if done or full:
                yield Page(rows, "" if done else _write(at), self._token(table, at) if done else "")
                return
            if rows:
                yield Page(rows, _write(at))

    def _begin(self, table: Table, query: Query, first: int) -> _Cursor:
        if not query.cursor:
            return _Cursor(table.owner.incarnation, query.check, first, None, 0, {}, {})
        at = _read(query.cursor, table)
        if at.incarnation != table.owner.incarnation or at.check != query.check or at.partition >= table.partitions:
            raise _bad_cursor(table, "it belongs to another scan, or the table has changed")
        at.given = 0
        return at

    async def _page(self, table: Table, at: _Cursor, keep: Condition | None, view: View, low: bytes, high: bytes, limit: int,
                    fresh: Freshness) -> tuple[list[Row], Stamp | None, bytes | None]:
        """Rows, stamp, and the last key read (None: the partition ends)."""
        start = low if at.last is None else at.last + b"\0"
        chunk = await read_chunk(self.gateway, self.tables, table, at.partition, Span(table.spec.name, start, high, READ_AT_MOST), fresh.stale, fresh.until)
        with chunk:
            rows: list[Row] = []
            for seen, (key, value) in enumerate(chunk.entries, 1):
                row = table.base_row(key, value)
                if row is not None and (keep is None or keep(row)):
                    rows.append(view.pick(row))
                if len(rows) >= limit or seen >= chunk.limit:
                    return rows, chunk.stamp, key
            return rows, chunk.stamp, None

    def _token(self, table: Table, at: _Cursor) -> str:
        stamps: dict[int, Stamp | None] = {
            p: Stamp(at.incarnation, 0, "", inputs, at.changelogs[p], "", 0) for p, inputs in at.inputs.items()
        }
        return token_of(self.gateway, table, stamps)


def fingerprint(data: bytes) -> int:
    """Of a request without its cursor."""
    return zlib.crc32(data)


def check_range(table: Table, bounds: Range) -> None:
    """Raises INVALID_RANGE."""
    name = table.served.name
    for values, field in ((bounds.low, "range.from_key"), (bounds.high, "range.to_key"), (bounds.prefix, "range.prefix")):
        if len(values) > len(table.key_types) or None in values:
            raise RequestError("INVALID_RANGE", f"{field} is no leading part of the key of {name}", {"relation": name, "field": field})
    if bounds.prefix and (bounds.low or bounds.high):
        raise RequestError("INVALID_RANGE", "a prefix excludes from_key and to_key", {"relation": name, "field": "range.prefix"})
    if any(of.kind in (Kind.MAP, Kind.STRUCT) for of in table.key_types[:max(len(bounds.low), len(bounds.high))]):
        raise RequestError("INVALID_RANGE", "maps and structs have no order", {"relation": name, "field": "range"})
    common = min(len(bounds.low), len(bounds.high))
    if common and bounds.low[:common] > bounds.high[:common]:  # type: ignore[operator]
        raise RequestError("INVALID_RANGE", "to_key is before from_key", {"relation": name, "field": "range.to_key"})


def _keeps(table: Table, query: Query) -> Condition | None:
    """What is left to check on each row."""
    checks = list(_checks(table, query))
    if not checks:
        return None
    if len(checks) == 1:
        return checks[0]
    return lambda row: all(check(row) for check in checks)


def _checks(table: Table, query: Query) -> Iterator[Condition]:
    bounds, width = query.range, len(table.key_types)
    if bounds.prefix:
        prefix = bounds.prefix
        yield lambda row: row[:len(prefix)] == prefix
    if bounds.low:
        low = bounds.low
        yield lambda row: row[:len(low)] >= low  # type: ignore[operator]
    if bounds.high:
        high = bounds.high
        yield lambda row: row[:len(high)] <= high  # type: ignore[operator]
    first, last = query.windows
    if table.windowed and (first > 0 or last < (1 << 63) - 1):
        start = itemgetter(width)
        yield lambda row: first <= start(row) <= last
    if query.view.keep is not None:
        yield query.view.keep


def _byte_bounds(table: Table, bounds: Range) -> tuple[bytes, bytes]:
    """Bounds on stored keys that leave out what cannot match. Only where bytes are in the order of values: one STRING key as KAFKA
    writes it, UTF-8, whose order is that of code points."""
    topic = table.served.topic
    plain = topic is not None and topic.key_format.name == "KAFKA" and len(table.key_types) == 1 and table.key_types[0].kind is Kind.STRING
    if not plain:
        return b"", b""
    low, high = bounds.low or bounds.prefix, bounds.high or bounds.prefix
    first = str(low[0]).encode() if low else b""
    # Behind every window of the upper bound's key: no key that begins with it and goes on matches, save by the check on each row.
    last = str(high[0]).encode() + b"\xff" * 17 if high else b""
    return first, last


def _write(at: _Cursor) -> str:
    body = zlib.compress(msgspec.msgpack.encode(at), 1)
    return base64.urlsafe_b64encode(zlib.crc32(body).to_bytes(4, "big") + body).rstrip(b"=").decode()


def _read(text: str, table: Table) -> _Cursor:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if zlib.crc32(data[4:]).to_bytes(4, "big") != data[:4]:
            raise ValueError("damaged")
        return msgspec.msgpack.decode(zlib.decompressobj().decompress(data[4:], 1 << 22), type=_Cursor)
    except (ValueError, binascii.Error, zlib.error, msgspec.MsgspecError) as e:
        raise _bad_cursor(table, f"it is no cursor: {e}") from e


def _bad_cursor(table: Table, why: str) -> RequestError:
    return RequestError("INVALID_CURSOR", f"the cursor cannot be used: {why}; start the scan anew", {"relation": table.served.name})
