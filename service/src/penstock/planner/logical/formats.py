"""Which format can hold which columns, and what stands in where an inherited one cannot."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.plan.nodes import Format, TopicRef
from penstock.planner.refuse import candidates, did_you_mean, refuse
from penstock.types.schema import Column, Schema
from penstock.types.sqltype import Kind

KAFKA, JSON, NONE = Format("KAFKA"), Format("JSON"), Format("NONE")
_PRIMITIVE = frozenset({Kind.INT, Kind.BIGINT, Kind.DOUBLE, Kind.STRING, Kind.BYTES})
_NESTED = frozenset({Kind.ARRAY, Kind.MAP, Kind.STRUCT})


def objection(fmt: Format, columns: Sequence[Column]) -> str:
    """Why the format cannot hold these columns; empty when it can."""
    match fmt.name:
        case "JSON":
            return ""
        case "NONE":
            return f"NONE holds no columns, not {len(columns)}" if columns else ""
        case "KAFKA":
            if len(columns) > 1:
                return f"KAFKA holds one column, not {len(columns)}; use JSON or DELIMITED"
            bad = next((c for c in columns if c.type.kind not in _PRIMITIVE), None)
            return f"KAFKA does not hold {bad.type} ({bad.name}); use JSON" if bad else ""
        case "DELIMITED":
            bad = next((c for c in columns if c.type.kind in _NESTED), None)
            return f"DELIMITED does not hold {bad.type} ({bad.name}); use JSON" if bad else ""
        case other:
            return f"there is no format {other}: use JSON, KAFKA, DELIMITED or NONE"


def check(fmt: Format, columns: Sequence[Column], node: str, field: str) -> Format:
    """The format, if it holds the columns. Raises RequestError(INVALID_FORMAT)."""
    wrong = objection(fmt, columns)
    if wrong:
        raise refuse("INVALID_FORMAT", f"{node}: {wrong}", node=node, field=field, format=fmt.name)
    return fmt


def inherited_key(fmt: Format, columns: Sequence[Column]) -> Format:
    """The format where it holds the columns, else KAFKA, else JSON (a key of two columns cannot be KAFKA); NONE without columns."""
    if not columns:
        return NONE
    return next(f for f in (fmt, KAFKA, JSON) if not objection(f, columns))


def inherited_value(fmt: Format, columns: Sequence[Column]) -> Format:
    """The format where it holds the columns, else JSON. A value without columns is JSON's empty object."""
    return JSON if fmt.name == "NONE" or objection(fmt, columns) else fmt


def declared_key(columns: Sequence[Column]) -> Format:
    """Default key format of a declaration: KAFKA; NONE without key columns."""
    return KAFKA if columns else NONE


def check_timestamp(schema: Schema, topic: TopicRef, name: str, field: str, node: str) -> None:
    """The column that gives the time has the type BIGINT, TIMESTAMP or STRING (ISO 8601 unless a pattern says more)."""
    wanted = topic.timestamp_column
    if not wanted:
        return
    column = schema.get(wanted)
    if column is None:
        raise refuse("UNKNOWN_COLUMN", f"{name}: there is no column {wanted} to take the time from{did_you_mean(wanted, schema.names)}",
                     node=node, field=field, column=wanted, candidates=candidates(wanted, schema.names))
    if column.type.kind not in (Kind.BIGINT, Kind.TIMESTAMP, Kind.STRING):
        raise refuse("INVALID_SCHEMA", f"{name}: the time comes from a BIGINT, TIMESTAMP or STRING, not from {column.name} {column.type}",
                     node=node, field=field, column=column.name)
