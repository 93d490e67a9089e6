"""Which format can hold which columns, and what stands in where an inherited one cannot."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.plan.nodes import Format
from penstock.planner.refuse import refuse
from penstock.types.schema import Column
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


def inherited(fmt: Format, columns: Sequence[Column]) -> Format:
    """The format where it holds the columns, else JSON: a key of two columns cannot stay KAFKA. Keys without columns are NONE."""
    if not columns:
        return NONE
    return fmt if fmt.name != "NONE" and not objection(fmt, columns) else JSON


def declared_key(columns: Sequence[Column]) -> Format:
    """Default key format of a declaration: KAFKA; NONE without key columns."""
    return KAFKA if columns else NONE
