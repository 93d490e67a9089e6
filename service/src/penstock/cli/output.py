"""What commands print: tables for people, one JSON object a line for programs."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock_client.row import Row, RowSchema

_HIDDEN = ("ROWTIME", "ROWPARTITION", "ROWOFFSET")
_WINDOW = ("WINDOWSTART", "WINDOWEND")


def json_line(value: Mapping[str, Any]) -> None:
    """One object on a line: decimals as numbers, times in ISO 8601, bytes in base64, NaN and infinities as null."""
    import msgspec

    encoder = msgspec.json.Encoder(enc_hook=str, decimal_format="number")
    sys.stdout.write(encoder.encode(_plain(value)).decode() + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    """The value with keys of maps as text and only finite numbers."""
    match value:
        case Mapping():
            return {str(k): _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
        case float() if not math.isfinite(value):
            return None
        case timedelta():
            return value.total_seconds()
        case _:
            return value


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with aligned columns; a terminal gets a coloured header."""
    cells = [[text(cell) for cell in row] for row in rows]
    widths = [max([len(h), *(len(row[i]) for row in cells)]) for i, h in enumerate(headers)]
    _header(headers, widths)
    for row in cells:
        print(_line(row, widths))
    sys.stdout.flush()


def fields(values: Mapping[str, Any]) -> None:
    """Names and values, one pair a line; empty values are left out."""
    shown = {name: text(value) for name, value in values.items() if value not in ("", None, (), [])}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        print(f"{name.ljust(width)}  {value}")


def _header(headers: Sequence[str], widths: Sequence[int]) -> None:
    line = _line(headers, widths)
    if not sys.stdout.isatty():
        print(line)
        return
    from rich.console import Console
    from rich.text import Text

    Console(soft_wrap=True).print(Text(line, style="bold cyan"))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


def text(value: Any) -> str:
    """A value for people, on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value) if value != int_of(value) or abs(value) >= 1e15 else f"{value:.1f}"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Decimal():
            return format(value, "f")
        case bytes():
            return _bytes(value)
        case Mapping():
            return "{" + ", ".join(f"{k}: {text(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(text, value)) + "]"
        case _:
            return str(value).replace("\n", "\\n")


def int_of(value: float) -> float | None:
    """The whole number that a double is, None when it is none."""
    return float(int(value)) if math.isfinite(value) and value.is_integer() else None


def _bytes(value: bytes) -> str:
    """Text where the bytes are readable text, else hexadecimal."""
    try:
        readable = value.decode()
    except UnicodeDecodeError:
        return "0x" + value.hex()
    return readable if readable.isprintable() else "0x" + value.hex()


class RowPrinter:
    """Prints rows as they come: JSON lines, or a table whose columns grow with what is seen. Columns of the record (ROWTIME, ...) are for
    programs and for who names them."""

    def __init__(self, json: bool, columns: Sequence[str] = ()) -> None:
        self._json = json
        self._all = bool(columns)
        self._schema: RowSchema | None = None
        self._names: tuple[str, ...] = ()
        self._widths: list[int] = []

    def print(self, row: Row) -> None:
        """One row."""
        if self._json:
            json_line(_object(row))
            return
        if row.schema is not self._schema:
            self._begin(row)
        cells = [_cell(row, name) for name in self._names]
        if row.deleted:
            keys = {c.name for c in row.schema.columns if c.role in ("KEY", "WINDOW")}
            cells = [cell if name in keys else "-" for name, cell in zip(self._names, cells, strict=True)]
            cells[-1] = "(deleted)" if self._names[-1] not in keys else f"{cells[-1]} (deleted)"
        self._widths = [max(w, len(c)) for w, c in zip(self._widths, cells, strict=True)]
        print(_line(cells, self._widths), flush=True)

    def header(self, schema: RowSchema) -> None:
        """Begin with a schema, before any row has come."""
        if not self._json:
            self._schema = schema
            self._names = tuple(n for n in schema.names if self._all or n not in _HIDDEN)
            self._widths = [24 if n in _WINDOW else max(len(n), 8) for n in self._names]
            _header(self._names, self._widths)

    def _begin(self, row: Row) -> None:
        if self._schema is None or self._schema != row.schema:
            self.header(row.schema)
        self._schema = row.schema


def _object(row: Row) -> dict[str, Any]:
    """A deleted row has its key and `$deleted`."""
    if not row.deleted:
        return dict(row)
    keys = [c.name for c in row.schema.columns if c.role in ("KEY", "WINDOW", "META")]
    return {**{name: row[name] for name in keys}, "$deleted": True}


def _cell(row: Row, name: str) -> str:
    value = row[name]
    if name in _WINDOW and isinstance(value, int):
        from penstock_client.times import to_timestamp

        return text(to_timestamp(value))
    return text(value)
