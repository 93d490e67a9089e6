"""Batches of rows for Append: typed columns when the relation's schema is known, else JSON objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import grpc

from penstock_client import model, operations
from penstock_client._error import RowError
from penstock_client.errors import BY_REASON, InvalidRowError, row_errors
from penstock_client.gen.penstock.v1 import append_service_pb2 as append
from penstock_client.json_text import json_text
from penstock_client.rows import encode_batch
from penstock_client.types import Column, Kind, SqlType, resolve

Rows = Mapping[str, Any] | Iterable[Mapping[str, Any]]

ROWTIME = Column("ROWTIME", SqlType(Kind.TIMESTAMP), "META")
"""Every relation takes it: the row's time; without it the service's clock."""


def as_list(rows: Rows) -> list[Mapping[str, Any]]:
    """One row or many, as a list."""
    return [rows] if isinstance(rows, Mapping) else list(rows)


def typed(relation: model.Relation, rows: list[Mapping[str, Any]]) -> append.TypedRows:
    """The rows as columns: those that any row names. ValueError for a name that the relation does not have, TypeError or ValueError for a
    value of another type, each naming the column."""
    columns = [c for c in relation.columns if c.role in ("KEY", "VALUE")] + [ROWTIME]
    names = tuple(c.name for c in columns)
    cells: dict[str, list[Any]] = {}
    for place, row in enumerate(rows):
        for given, value in row.items():
            name = given if given in cells else _column(relation.name, names, given)
            values = cells.get(name)
            if values is None:
                values = cells[name] = [None] * len(rows)
            values[place] = value
    used = [c for c in columns if c.name in cells]
    return append.TypedRows(columns=[c.name for c in used], batch=_encode(used, cells, len(rows)))


def _encode(used: list[Column], cells: Mapping[str, list[Any]], count: int) -> Any:
    try:
        return encode_batch([c.type for c in used], [cells[c.name] for c in used], count)
    except (TypeError, ValueError) as error:
        for column in used:
            _blame(column, cells[column.name])
        raise error


def _blame(column: Column, values: list[Any]) -> None:
    """Raise for the first value of the column that cannot be encoded by itself."""
    for place, value in enumerate(values):
        try:
            encode_batch([column.type], [[value]], 1)
        except (TypeError, ValueError) as error:
            raise type(error)(f"row {place}, column {column.name} {column.type}: {error}") from None


def _column(relation: str, names: tuple[str, ...], given: str) -> str:
    name = resolve(names, given)
    if name is None:
        raise ValueError(f"{relation} has no column {given}; there are {', '.join(names)}")
    return name


def as_json(rows: list[Mapping[str, Any]]) -> append.JsonRows:
    """The rows as JSON objects, cast by the service as INSERT VALUES does."""
    return append.JsonRows(rows=list(map(json_text, rows)))


def raw(records: Iterable[append.RawRecord]) -> append.RawRecords:
    """Records as bytes in the relation's own formats."""
    return append.RawRecords(records=list(records))


def batch(
    relation: str, content: append.TypedRows | append.JsonRows | append.RawRecords, sequence: int = 0, skip_invalid: bool = False
) -> append.AppendBatch:
    """A batch of any content."""
    message = append.AppendBatch(relation=relation, sequence=sequence)
    message.on_invalid = append.ON_INVALID_SKIP_ROWS if skip_invalid else append.ON_INVALID_REJECT_BATCH
    match content:
        case append.TypedRows():
            message.rows.CopyFrom(content)
        case append.JsonRows():
            message.json.CopyFrom(content)
        case _:
            message.records.CopyFrom(content)
    return message


def acknowledged(ack: append.AppendAck, skip_invalid: bool = False) -> model.Appended:
    """The result of a batch. Refused rows raise the class of the first one's reason, InvalidRowError or a closer one."""
    errors: tuple[RowError, ...] = row_errors(ack.row_errors)
    if errors and not skip_invalid:
        first = errors[0]
        raise BY_REASON.get(first.reason, InvalidRowError)(
            (first.message if first.message.startswith("row ") else f"row {first.row}: {first.message}")
            + (f" (and {len(errors) - 1} more rows)" if len(errors) > 1 else ""),
            code=grpc.StatusCode.INVALID_ARGUMENT,  # as every reason of a row has
            metadata=first.metadata,
            row_errors=errors,
        )
    return model.appended_of(ack, errors)


def operation(message: append.AppendBatch, producer_id: str, skip_invalid: bool) -> operations.Operation[model.Appended]:
    """Append. Only a batch with a producer_id and a sequence may be repeated."""
    return operations.Operation(
        "/penstock.v1.AppendService/Append",
        append.AppendRequest(producer_id=producer_id, batch=message),
        append.AppendResponse,
        lambda r: acknowledged(r.ack, skip_invalid),
        idempotent=bool(producer_id),
    )
