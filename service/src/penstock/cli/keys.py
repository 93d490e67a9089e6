"""Key values from the words of a command line, by the types of the key columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from penstock.cli.failure import USAGE, Failure

if TYPE_CHECKING:
    from penstock_client import Column, Relation


def key(relation: Relation, words: Sequence[str], partial: bool = False) -> tuple[Any, ...]:
    """A key, or its leading columns when partial. Failure (usage) for a wrong number of words or a word of another type."""
    columns = relation.key
    if len(words) > len(columns) or (len(words) < len(columns) and not partial):
        wanted = " ".join(f"{c.name}({c.type})" for c in columns)
        raise Failure(f"the key of {relation.name} is {wanted}: {len(words)} values given", USAGE)
    return tuple(value(column, word) for column, word in zip(columns, words, strict=False))


def value(column: Column, word: str) -> Any:
    """One value of a column's type."""
    try:
        return _parse(column.type.kind.value, word)
    except (ValueError, InvalidOperation):
        raise Failure(f"{word!r} is no {column.type} for {column.name}", USAGE) from None


def _parse(kind: str, word: str) -> Any:
    match kind:
        case "STRING":
            return word
        case "INT" | "BIGINT":
            return int(word)
        case "DOUBLE":
            return float(word)
        case "DECIMAL":
            return Decimal(word)
        case "BOOLEAN":
            return {"true": True, "false": False}[word.lower()] if word.lower() in ("true", "false") else _no(word)
        case "BYTES":
            return bytes.fromhex(word.removeprefix("0x"))
        case "DATE":
            return date.fromisoformat(word)
        case "TIME":
            return time.fromisoformat(word)
        case "TIMESTAMP":
            return instant(word)
        case _:
            return _no(word)


def instant(word: str) -> datetime:
    """ISO 8601, in UTC when it names no zone, or milliseconds since 1970. ValueError for another text."""
    if word.lstrip("-").isdigit():
        return datetime.fromtimestamp(int(word) / 1000, UTC)
    stamp = datetime.fromisoformat(word)
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def _no(word: str) -> Any:
    raise ValueError(word)
