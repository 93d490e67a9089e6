"""Rows on their way out: which columns a caller sees, and their columnar form, encoded once for a batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from penstock_client.gen.penstock.v1 import row_pb2, types_pb2
from penstock_client.rows import column_encoder

from penstock.types.schema import Column
from penstock.types.sqltype import Kind, SqlType

Row = tuple[object, ...]
UPSERT, DELETE = row_pb2.ROW_KIND_UPSERT, row_pb2.ROW_KIND_DELETE


class RowLayout:
    """Columns of batches. id is a fingerprint of them, the same on every node and day; message is the RowSchema."""

    __slots__ = ("columns", "table", "id", "message", "_encoders", "_key")

    def __init__(self, columns: tuple[Column, ...], table: bool) -> None:
        self.columns = columns
        self.table = table
        text = f"{table}|" + "|".join(f"{c.name}\0{c.type}\0{c.role.value}" for c in columns)
        self.id = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        self.message = row_pb2.RowSchema(id=self.id, schema=types_pb2.Schema(columns=[column_message(c) for c in columns]), table=table)
        self._encoders = [column_encoder(c.type, False) for c in columns]

    def encode(self, rows: Sequence[Row], kinds: Sequence[row_pb2.RowKind] = ()) -> row_pb2.RowBatch:
        """A batch of rows (tuples in column order). kinds: one a row; empty when all are UPSERT."""
        batch = row_pb2.RowBatch()
        self.fill(batch, rows, kinds)
        return batch

    def fill(self, batch: row_pb2.RowBatch, rows: Sequence[Row], kinds: Sequence[row_pb2.RowKind] = ()) -> None:
        """The same into an empty batch that stands in another message already."""
        self.fill_columns(batch, list(zip(*rows, strict=True)), len(rows), kinds)

    def fill_columns(self, batch: row_pb2.RowBatch, columns: Sequence[Sequence[object]], count: int, kinds: Sequence[row_pb2.RowKind] = ()) -> None:
        """As fill, of columns with `count` values each; none at all for no rows."""
        batch.schema_id = self.id
        batch.row_count = count
        add = batch.columns.add
        for encode, values in zip(self._encoders, columns or ((),) * len(self._encoders), strict=True):
            encode(values, add())
        if kinds:
            batch.kinds.extend(kinds)


@lru_cache(maxsize=1024)
def layout(columns: tuple[Column, ...], table: bool) -> RowLayout:
    """The layout of these columns; equal ones share it."""
    return RowLayout(columns, table)


def column_message(column: Column) -> types_pb2.Column:
    """A column as the API describes it."""
    role = f"COLUMN_ROLE_{column.role.value}"
    return types_pb2.Column(name=column.name, type=type_message(column.type), role=role, header=column.header)


def type_message(of: SqlType) -> types_pb2.Type:
    """A type as the API describes it: SQL text and parsed fields."""
    return types_pb2.Type(
        sql=str(of), kind=f"TYPE_KIND_{of.kind.value}", precision=of.precision, scale=of.scale,
        key=type_message(of.key) if of.key is not None and of.kind is Kind.MAP else None,
        element=type_message(of.element) if of.element is not None else None,
        fields=[types_pb2.StructField(name=n, type=type_message(t)) for n, t in of.fields],
    )
