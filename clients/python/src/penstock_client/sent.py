"""Rows that a handler sends to an output of its node, gathered by row or by column until the bundle is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import le
from typing import Any

from penstock_client.row import RowSchema

Columns = tuple[list[Sequence[Any]], Sequence[int], frozenset[int]]
"""(a list of values for each column of the output, causes, indices of rows without a value); causes never fall."""


def known(schema: RowSchema, what: str, row: Mapping[str, Any]) -> None:
    """KeyError for a column that is not there."""
    for name in row:
        try:
            schema.place(name)
        except KeyError:
            raise KeyError(f"{what} has no column {name}; it has {', '.join(schema.names)}") from None


class Sent:
    """Rows for one output. Causes are indices of the bundle's rows, or less than 0 for its timers."""

    def __init__(self, output: str, schema: RowSchema, keys: Sequence[str]) -> None:
        """keys: key columns of the bundle's rows, which the output's have where they are called so and not given."""
        self.schema = schema
        self._what = f"output {output}"
        self._keys = frozenset(c.name for c in schema.columns if c.role == "KEY" and c.name in keys)
        self._parts: list[_Rows | _Block] = []

    def add(self, row: Mapping[str, Any] | None, cause: int, key: Mapping[str, Any] | None, timestamp: int | None) -> None:
        """One row; None: without a value. KeyError for an unknown column."""
        if not self._parts or not isinstance(self._parts[-1], _Rows):
            self._parts.append(_Rows())
        rows: _Rows = self._parts[-1]  # type: ignore[assignment]
        if row is None:
            rows.gone.append(len(rows.rows))
            row = {}
        elif not row.keys() <= self.schema.places.keys():
            row = self._named(row)
        if key or timestamp is not None:
            row = {**self._named(key or {}), **row}
            if timestamp is not None:
                row["ROWTIME"] = timestamp
        rows.rows.append(row)
        rows.causes.append(cause)

    def add_columns(self, columns: Mapping[str, Sequence[Any]], causes: Sequence[int]) -> None:
        """A value in each column for each cause. KeyError for an unknown column, ValueError for one of another length."""
        named = self._named(columns)
        for name, values in named.items():
            if len(values) != len(causes):
                raise ValueError(f"{self._what}, column {name} has {len(values)} values for {len(causes)} rows")
        self._parts.append(_Block(named, causes))

    def complete(self, keys: Mapping[str, Sequence[Any]]) -> Columns:
        """All rows in the order of their causes, those of one cause as they were sent. keys: key columns of the bundle's rows and, behind them, its
        timers."""
        parts = [[self._values(part, name, keys) for name in self.schema.names] for part in self._parts]
        if len(parts) == 1:
            return _in_order(parts[0], self._parts[0].causes, self._parts[0].gone)
        gone: list[int] = []
        causes: list[int] = []
        for part in self._parts:
            gone += [len(causes) + at for at in part.gone]
            causes += part.causes
        return _in_order([list(chain.from_iterable(values)) for values in zip(*parts, strict=True)], causes, gone)

    def _values(self, part: _Rows | _Block, name: str, keys: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
        values = part.column(name)
        if name not in self._keys or values is not None and None not in values:
            return [None] * len(part.causes) if values is None else values
        inherited = [keys[name][cause] for cause in part.causes]
        return inherited if values is None else [v if part.gives(name, at) else inherited[at] for at, v in enumerate(values)]

    def _named(self, row: Mapping[str, Any]) -> dict[str, Any]:
        known(self.schema, self._what, row)
        return {self.schema.names[self.schema.place(name)]: value for name, value in row.items()}


class _Rows:
    """Rows that were sent one by one."""

    __slots__ = ("causes", "rows", "gone")

    def __init__(self) -> None:
        self.causes: list[int] = []
        self.rows: list[Mapping[str, Any]] = []
        self.gone: list[int] = []

    def column(self, name: str) -> Sequence[Any] | None:
        """None when no row has it."""
        if not any(name in row for row in self.rows):
            return None
        return [row.get(name) for row in self.rows]

    def gives(self, name: str, at: int) -> bool:
        """Whether a row has its own value."""
        return name in self.rows[at]


class _Block:
    """Rows that were sent by column."""

    __slots__ = ("causes", "columns", "gone")

    def __init__(self, columns: Mapping[str, Sequence[Any]], causes: Sequence[int]) -> None:
        self.columns, self.causes = columns, causes
        self.gone: Sequence[int] = ()

    def column(self, name: str) -> Sequence[Any] | None:
        """None when it was not given."""
        return self.columns.get(name)

    def gives(self, name: str, at: int) -> bool:
        """Whether a row has its own value: a null is one too."""
        return True


def _in_order(columns: list[Sequence[Any]], causes: Sequence[int], gone: Sequence[int]) -> Columns:
    """Timers come first, in their order: they count from less than 0."""
    if all(map(le, causes, causes[1:])):
        return columns, causes, frozenset(gone)
    order = sorted(range(len(causes)), key=causes.__getitem__)
    away = set(gone)
    return [[column[at] for at in order] for column in columns], [causes[at] for at in order], frozenset(new for new, at in enumerate(order) if at in away)
