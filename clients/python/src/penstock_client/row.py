"""Rows and batches as the application sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from penstock_client.gen.penstock.v1 import row_pb2
from penstock_client.rows import decode_batch
from penstock_client.types import Column, columns_of, resolve


@dataclass(frozen=True, slots=True)
class RowSchema:
    """Columns of the rows that follow. id is a fingerprint, equal for equal columns. table: rows replace each other by key."""

    id: int
    columns: tuple[Column, ...]
    table: bool
    names: tuple[str, ...] = field(init=False)
    places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = tuple(c.name for c in self.columns)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "places", {name: place for place, name in enumerate(names)})

    def place(self, name: str) -> int:
        """Index of a column, found as types.resolve says. KeyError when it is not there."""
        place = self.places.get(name)
        if place is None:
            resolved = resolve(self.names, name)
            if resolved is None:
                raise KeyError(name)
            place = self.places[resolved]
        return place


def schema_of(message: row_pb2.RowSchema) -> RowSchema:
    """The schema that a response describes."""
    return RowSchema(message.id, columns_of(message.schema), message.table)


class Row(Mapping[str, Any]):
    """One row: a mapping by column name, in column order. `row["TOTAL"]`, `row["total"]` and `row.total` are the same; a column whose name
    is also a method (`values`, `items`, ...) needs brackets. Deleted rows have a key and nulls."""

    __slots__ = ("_schema", "_values", "deleted", "position")

    def __init__(self, schema: RowSchema, values: Sequence[Any], deleted: bool = False, position: str = "") -> None:
        self._schema = schema
        self._values = values
        self.deleted = deleted
        """True when the row of this key is gone (table), or the record has a null value (stream)."""
        self.position = position
        """Token of the batch that the row came in; empty when that is no resume point."""

    @property
    def schema(self) -> RowSchema:
        """The columns."""
        return self._schema

    def __getitem__(self, name: str) -> Any:
        return self._values[self._schema.place(name)]

    def __getattr__(self, name: str) -> Any:
        # Only reached for what is no method; dunder names are never columns (copy and pickle ask for them).
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no column {name}; there are {', '.join(self._schema.names)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._schema.names)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        cells = ", ".join(f"{name}={value!r}" for name, value in self.items())
        return f"Row({cells}{', deleted' if self.deleted else ''})"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows that came together. columns: one list of values a column. deleted: one bool a row, empty when all are False. position: token that
    resumes after this batch, empty when it is no resume point. snapshot: the rows are state, not changes."""

    schema: RowSchema
    columns: Sequence[Sequence[Any]]
    row_count: int
    deleted: Sequence[bool] = ()
    position: str = ""
    snapshot: bool = False

    def __len__(self) -> int:
        return self.row_count

    def __iter__(self) -> Iterator[Row]:
        values: Iterator[Sequence[Any]] = zip(*self.columns, strict=True) if self.columns else iter([()] * self.row_count)
        schema, position = self.schema, self.position
        if self.deleted:
            return (Row(schema, v, d, position) for v, d in zip(values, self.deleted, strict=True))
        return (Row(schema, v, False, position) for v in values)

    def head(self, count: int) -> Batch:
        """The first rows."""
        if count >= self.row_count:
            return self
        return replace(self, columns=[c[:count] for c in self.columns], row_count=count, deleted=self.deleted[:count])

    def column(self, name: str) -> Sequence[Any]:
        """The values of one column. KeyError when there is none."""
        return self.columns[self.schema.place(name)]


def batch_of(schema: RowSchema, message: row_pb2.RowBatch, position: str = "", snapshot: bool = False) -> Batch:
    """The batch of a message. ValueError when it does not have the schema's columns."""
    columns = decode_batch([c.type for c in schema.columns], message)
    deleted = [kind == row_pb2.ROW_KIND_DELETE for kind in message.kinds]
    if deleted and len(deleted) != message.row_count:
        raise ValueError(f"batch has {len(deleted)} kinds for {message.row_count} rows")
    return Batch(schema, columns, message.row_count, deleted if any(deleted) else (), position, snapshot)
