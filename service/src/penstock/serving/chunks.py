"""Reading tables in key order, some entries at a time, wherever their tasks are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from penstock.serving.cluster.remote import Span
from penstock.serving.committed import Away
from penstock.serving.gateway import Gateway
from penstock.serving.tables import Table, Tables, fetch_away
from penstock.state.port import Stamp, Value

FETCHED_AT_MOST = 1000
"""Entries that another node sends at once."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Entries of one commit in the order of their keys, read inside its `with`. limit: with fewer entries than that the range ends."""

    entries: Iterable[tuple[bytes, Value]]
    stamp: Stamp | None
    limit: int
    close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


async def read_chunk(gateway: Gateway, tables: Tables, table: Table, partition: int, span: Span, stale: int | None = None,
                     until: float | None = None) -> Chunk:
    """The first entries of a span of one partition. until: monotonic time up to which a task that moves is looked for. Raises NOT_SERVING."""
    fetched = span._replace(limit=min(span.limit, FETCHED_AT_MOST))
    while True:
        try:
            snapshot = tables.snapshot(table, partition, stale)
            return Chunk(snapshot.range(span.store, span.low, span.high), snapshot.stamp, span.limit, snapshot.close)
        except Away:
            found = (await fetch_away(gateway, tables, table, {partition: [fetched]}, stale, until)).get(partition)
        if found is not None:
            return Chunk(found.range(span.store, span.low, span.high), found.stamp, fetched.limit, found.close)
