"""Requests of Get, BatchGet and Scan, and their responses as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.protobuf import timestamp_pb2

from penstock_client import model
from penstock_client.gen.penstock.v1 import lookup_service_pb2 as lookup
from penstock_client.operations import Operation
from penstock_client.position import AtLeast, consistency
from penstock_client.row import Batch, Row, RowSchema, batch_of, schema_of
from penstock_client.rows import encode_batch
from penstock_client.times import from_timestamp
from penstock_client.types import Column, Kind, SqlType
from penstock_client.values import parameters, to_values

Instant = datetime | int
"""An aware datetime, or milliseconds since 1970."""
WINDOWSTART = Column("WINDOWSTART", SqlType(Kind.BIGINT), "WINDOW")
SCAN = "/penstock.v1.LookupService/Scan"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh an answer must be: at_least (positions, waiting at most max_wait seconds), or stale (seconds it may be old)."""

    at_least: AtLeast | None = None
    max_wait: float | None = None
    stale: float | None = None


def window_range(start_from: Instant | None, start_to: Instant | None) -> lookup.WindowRange | None:
    """Windows by their start, both bounds inclusive; None for all."""
    if start_from is None and start_to is None:
        return None
    return lookup.WindowRange(start_from=_stamp(start_from), start_to=_stamp(start_to))


def get(
    relation: str, key: Any, columns: Sequence[str], windows: lookup.WindowRange | None, fresh: Freshness, at: Instant | None = None
) -> Operation[Batch]:
    """Get: the rows of one key; at: those of a versioned table that were valid then."""
    request = lookup.GetRequest(
        relation=relation,
        key=to_values(key),
        windows=windows,
        columns=columns,
        consistency=consistency(fresh.at_least, fresh.max_wait, fresh.stale),
        as_of=_stamp(at),
    )
    return Operation(
        "/penstock.v1.LookupService/Get", request, lookup.GetResponse,
        lambda r: batch_of(schema_of(r.schema), r.rows, r.position.value), extra=fresh.max_wait or 0.0,
        place=(relation, *(v.SerializeToString() for v in request.key)),
    )  # fmt: skip


def only(batch: Batch) -> Row | None:
    """The row of a key without windows."""
    if len(batch) > 1:
        raise ValueError("the table is windowed: use get_windows")
    return next(iter(batch), None)


def batch_get(
    table: model.Relation, keys: Iterable[Any], columns: Sequence[str], fresh: Freshness, at: Instant | None = None
) -> Operation[list[Row | None]]:
    """BatchGet: for each key its row or None. Of a windowed table a key ends with its window's start."""
    rows = [key if isinstance(key, tuple) else (key,) for key in keys]
    wanted = [*table.key, WINDOWSTART] if table.window_size is not None else list(table.key)
    if any(len(row) != len(wanted) for row in rows):
        raise ValueError(f"a key of {table.name} is ({', '.join(c.name for c in wanted)})")
    cells: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [() for _ in wanted]
    cells = [_starts(v) if c.name == "WINDOWSTART" else v for c, v in zip(wanted, cells, strict=True)]
    request = lookup.BatchGetRequest(
        relation=table.name,
        keys=encode_batch([c.type for c in wanted], cells, len(rows)),
        columns=columns,
        consistency=consistency(fresh.at_least, fresh.max_wait, fresh.stale),
        as_of=_stamp(at),
    )

    def read(response: lookup.BatchGetResponse) -> list[Row | None]:
        out: list[Row | None] = [None] * len(rows)
        for place, row in zip(
            response.key_indexes, batch_of(schema_of(response.schema), response.rows, response.position.value), strict=True
        ):
            out[place] = row
        return out

    return Operation("/penstock.v1.LookupService/BatchGet", request, lookup.BatchGetResponse, read, extra=fresh.max_wait or 0.0)


def _starts(values: Iterable[Any]) -> list[Any]:
    """Window starts, which are BIGINT milliseconds."""
    return [from_timestamp(v) if isinstance(v, datetime) else v for v in values]


def _stamp(value: Instant | None) -> timestamp_pb2.Timestamp | None:
    if value is None:
        return None
    out = timestamp_pb2.Timestamp()
    out.FromMilliseconds(from_timestamp(value))
    return out


@dataclass(slots=True)
class ScanState:
    """A scan that goes on after a broken connection: `request` for the next call, `take` for each response."""

    relation: str
    where: str = ""
    values: Mapping[str, Any] | None = None
    prefix: Any = None
    from_key: Any = None
    to_key: Any = None
    windows: lookup.WindowRange | None = None
    columns: Sequence[str] = ()
    limit: int = 0
    fresh: Freshness = field(default_factory=Freshness)
    cursor: str = ""
    position: str = ""
    taken: int = 0
    schema: RowSchema | None = None

    def request(self) -> lookup.ScanRequest:
        """What is asked next: the same scan, after the last response's cursor."""
        bounded = any(bound is not None for bound in (self.prefix, self.from_key, self.to_key))
        return lookup.ScanRequest(
            relation=self.relation,
            range=lookup.KeyRange(from_key=_bound(self.from_key), to_key=_bound(self.to_key), prefix=_bound(self.prefix))
            if bounded
            else None,
            windows=self.windows,
            where=self.where,
            parameters=parameters(self.values),
            columns=self.columns,
            limit=self.limit,
            consistency=consistency(self.fresh.at_least, self.fresh.max_wait, self.fresh.stale),
            cursor=self.cursor,
        )

    def take(self, response: lookup.ScanResponse) -> Batch | None:
        """The rows of a response, None when it has none."""
        if response.HasField("schema"):
            self.schema = schema_of(response.schema)
        if response.HasField("position"):
            self.position = response.position.value
        self.cursor = response.cursor or self.cursor
        if not response.rows.row_count:
            return None
        if self.schema is None:
            raise ValueError("rows came before their schema")
        batch = batch_of(self.schema, response.rows, response.position.value)
        if self.limit:
            # A scan that was broken off counts its limit anew.
            batch = batch.head(self.limit - self.taken)
        self.taken += len(batch)
        return batch

    @property
    def done(self) -> bool:
        """Whether nothing more comes: only the last response has a position."""
        return bool(self.position) or bool(self.limit and self.taken >= self.limit)


def _bound(key: Any) -> list[Any]:
    return [] if key is None else to_values(key)
