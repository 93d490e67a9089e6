"""LookupService: committed rows by key and by range."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import grpc
from penstock_client.gen.penstock.v1 import lookup_service_pb2 as pb
from penstock_client.gen.penstock.v1 import lookup_service_pb2_grpc, row_pb2, types_pb2
from penstock_client.rows import column_decoder

from penstock.api.convert import millis, position
from penstock.api.freshness import freshness, staleness
from penstock.api.host import Host
from penstock.errors import RequestError
from penstock.serving.columns import view
from penstock.serving.committed import Away
from penstock.serving.lookup import MAX_KEYS, Found, Key
from penstock.serving.rows import RowLayout
from penstock.serving.scan import Query, Range, fingerprint
from penstock.serving.tables import Table, window_bounds
from penstock.serving.values import from_value
from penstock.types.sqltype import BIGINT

METHODS = {"Get": "brief", "BatchGet": "unary", "Scan": "stream"}
EVER = (0, (1 << 63) - 1)


class LookupServicer(lookup_service_pb2_grpc.LookupServiceServicer):
    """See the proto file for what each method does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def Get(self, request: pb.GetRequest, context: grpc.aio.ServicerContext) -> pb.GetResponse:
        lookups, fresh = self._host.open.lookups, freshness(request.consistency, context)
        table, at = await lookups.resolve(request.relation, fresh)
        key = _key(table, request)
        await lookups.fresh(table, at, [key], fresh)
        return _row_of(await lookups.find(table, [key], tuple(request.columns), fresh, _as_of(request)), request)

    def GetNow(self, request: pb.GetRequest) -> pb.GetResponse | None:
        """Get where nothing has to be waited for: the table was read before, and what is committed is fresh enough."""
        table = self._now(request)
        if table is None:
            return None
        try:
            found = self._host.open.lookups.get(table, [_key(table, request)], tuple(request.columns), staleness(request.consistency), _as_of(request))
        except Away:
            return None
        return _row_of(found, request)

    async def BatchGet(self, request: pb.BatchGetRequest, context: grpc.aio.ServicerContext) -> pb.BatchGetResponse:
        lookups, fresh = self._host.open.lookups, freshness(request.consistency, context)
        table, at = await lookups.resolve(request.relation, fresh)
        keys = _keys(table, request.keys)
        await lookups.fresh(table, at, keys, fresh)
        return _rows_of(await lookups.find(table, keys, tuple(request.columns), fresh, _as_of(request)), request)

    def BatchGetNow(self, request: pb.BatchGetRequest) -> pb.BatchGetResponse | None:
        """As GetNow."""
        table = self._now(request)
        if table is None:
            return None
        try:
            found = self._host.open.lookups.get(table, _keys(table, request.keys), tuple(request.columns), staleness(request.consistency), _as_of(request))
        except Away:
            return None
        return _rows_of(found, request)

    def _now(self, request: pb.GetRequest | pb.BatchGetRequest) -> Table | None:
        parts = self._host.parts
        if parts is None or request.consistency.HasField("at_least"):
            return None
        return parts.lookups.known(request.relation)

    async def Scan(self, request: pb.ScanRequest, context: grpc.aio.ServicerContext) -> AsyncIterator[pb.ScanResponse]:
        parts, fresh = self._host.open, freshness(request.consistency, context)
        table, at = await parts.lookups.resolve(request.relation, fresh)
        query = _query(table, request)
        await parts.scans.fresh(table, query, at, fresh)
        first = True
        async for page in parts.scans.pages(table, query, fresh):
            yield pb.ScanResponse(
                schema=query.view.layout.message if first else None, rows=query.view.layout.encode(page.rows), cursor=page.cursor,
                position=position(page.token) if page.token else None,
            )
            first = False


def _row_of(found: Found, request: pb.GetRequest) -> pb.GetResponse:
    layout, response = found.view.layout, pb.GetResponse()
    layout.fill(response.rows, found.rows)
    response.position.value = found.token
    if found.owner:
        response.owner = found.owner
    if request.known_schema_id != layout.id:
        response.schema.CopyFrom(layout.message)
    return response


def _rows_of(found: Found, request: pb.BatchGetRequest) -> pb.BatchGetResponse:
    layout = found.view.layout
    return pb.BatchGetResponse(schema=_schema(layout, request.known_schema_id), rows=layout.encode(found.rows), key_indexes=found.places,
                               position=position(found.token))


def _key(table: Table, request: pb.GetRequest) -> Key:
    low, high = window_bounds(*_windows(request.windows), table.served.name) if request.HasField("windows") else EVER
    return key_of(table, request.key), low, high


def key_of(table: Table, values: Sequence[types_pb2.Value], field: str = "") -> tuple[object, ...]:
    """Values of the key columns, or of the leading ones when field names a bound. Raises INVALID_KEY, INVALID_RANGE."""
    types, relation = table.key_types, table.served.name
    if len(values) > len(types) or (not field and len(values) != len(types)):
        columns = table.served.schema.key
        raise RequestError("INVALID_RANGE" if field else "INVALID_KEY",
                           f"the key of {relation} has {len(columns)} columns, {len(values)} values were given",
                           {"relation": relation, "field": field, "expected": ", ".join(f"{c.name} {c.type}" for c in columns)})
    key = []
    for of, value in zip(types, values, strict=False):
        try:
            key.append(from_value(value, of))
        except (ValueError, ArithmeticError) as e:
            column = table.served.schema.key[len(key)]
            raise RequestError("INVALID_RANGE" if field else "INVALID_KEY", f"{column.name} of {relation} is {column.type}: {e}",
                               {"relation": relation, "column": column.name, "field": field, "expected": str(column.type)}) from e
    return tuple(key)


def _keys(table: Table, keys: row_pb2.RowBatch) -> list[Key]:
    """Keys by row, each with its window where one is given. Raises INVALID_KEY, INVALID_ARGUMENT."""
    columns, relation = table.served.schema.key, table.served.name
    count = keys.row_count
    if count > MAX_KEYS:
        raise RequestError("INVALID_ARGUMENT", f"{count} keys; at most {MAX_KEYS} in one call", {"field": "keys"})
    windowed = table.windowed and len(keys.columns) == len(columns) + 1
    if len(keys.columns) != len(columns) + windowed:
        raise RequestError("INVALID_KEY", f"the key of {relation} has {len(columns)} columns, {len(keys.columns)} were given",
                           {"relation": relation, "expected": ", ".join(f"{c.name} {c.type}" for c in columns)})
    types = [c.type for c in columns] + ([BIGINT] if windowed else [])
    try:
        data = [column_decoder(of, False)(column, count) for of, column in zip(types, keys.columns, strict=True)]
    except (ValueError, ArithmeticError) as e:
        raise RequestError("INVALID_KEY", f"keys of {relation}: {e}", {"relation": relation}) from e
    rows = list(zip(*data, strict=True)) if count else []
    if windowed and any(row[-1] is None or row[-1] < 0 for row in rows):
        raise RequestError("INVALID_KEY", f"WINDOWSTART of {relation} is milliseconds since 1970", {"relation": relation})
    return [(row[:len(columns)], row[-1], row[-1]) if windowed else (row, *EVER) for row in rows]


def _query(table: Table, request: pb.ScanRequest) -> Query:
    chosen = view(table.served, tuple(request.columns), request.where, request.parameters)
    bounds = Range(key_of(table, request.range.from_key, "range.from_key"), key_of(table, request.range.to_key, "range.to_key"),
                   key_of(table, request.range.prefix, "range.prefix"))
    windows = window_bounds(*(_windows(request.windows) if request.HasField("windows") else (None, None)), table.served.name)
    same = pb.ScanRequest()
    same.CopyFrom(request)
    for name in ("cursor", "consistency", "limit"):
        same.ClearField(name)
    return Query(chosen, bounds, windows, request.limit, request.cursor, fingerprint(same.SerializeToString(deterministic=True)))


def _as_of(request: pb.GetRequest | pb.BatchGetRequest) -> int | None:
    return millis(request.as_of) if request.HasField("as_of") else None


def _windows(message: pb.WindowRange) -> tuple[int | None, int | None]:
    return (millis(message.start_from) if message.HasField("start_from") else None,
            millis(message.start_to) if message.HasField("start_to") else None)


def _schema(layout: RowLayout, known: int) -> row_pb2.RowSchema | None:
    return None if known == layout.id else layout.message
