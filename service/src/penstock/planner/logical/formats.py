"""Formats of topics and keys: given ones are checked against the columns, inherited ones give way where they cannot hold them."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.errors import RequestError
from penstock.formats import registry
from penstock.formats.port import Part
from penstock.formats.schemas import unpinned
from penstock.plan.nodes import Format, TopicRef
from penstock.planner.refuse import candidates, did_you_mean, refuse
from penstock.types.schema import Column, Schema
from penstock.types.sqltype import Kind

KAFKA, JSON, NONE = Format("KAFKA"), Format("JSON"), Format("NONE")


def check(fmt: Format, columns: Sequence[Column], part: Part, node: str, field: str) -> Format:
    """The format, if it holds the columns in this part of a record. Raises RequestError(INVALID_FORMAT)."""
    try:
        registry.check(fmt, tuple(columns), part)
    except RequestError as e:
        raise refuse(e.reason, f"{node}: {e.message}", **{**e.metadata, "node": node, "field": field}) from e
    return fmt


def _holds(fmt: Format, columns: Sequence[Column], part: Part) -> bool:
    try:
        registry.check(fmt, tuple(columns), part)
    except RequestError:
        return False
    return True


def inherited_key(fmt: Format, columns: Sequence[Column]) -> Format:
    """The format where it holds the columns, else KAFKA, else JSON (a key of two columns cannot be KAFKA); NONE without columns. What
    even JSON does not hold, a MAP, is left to `check`. A registered schema is not inherited: it was of other columns."""
    if not columns:
        return NONE
    fmt = unpinned(fmt)
    return next((f for f in (fmt, KAFKA) if _holds(f, columns, "key")), JSON)


def inherited_value(fmt: Format, columns: Sequence[Column]) -> Format:
    """The format where it holds the columns, else without its properties (WRAP_SINGLE_VALUE is for one column), else JSON. A
    registered schema is not inherited."""
    return next((f for f in (unpinned(fmt), Format(fmt.name)) if _holds(f, columns, "value")), JSON)


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
