"""CREATE STREAM and CREATE TABLE with columns: a declaration for the catalog."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.errors import ExpressionError, RequestError
from penstock.expr.ast import Ast
from penstock.formats import registry
from penstock.formats.port import Part
from penstock.plan.nodes import Format, RelationKind, TopicRef, Window, WindowKind
from penstock.plan.relations import RelationInfo
from penstock.sql.catalog import SqlCatalog
from penstock.sql.columns import PSEUDO
from penstock.sql.faults import folded, refuse, unsupported
from penstock.sql.inference import inferred, infers, with_roles
from penstock.sql.properties import With, check_format, read
from penstock.sql.tree import Create, Element
from penstock.types import sqltype as t
from penstock.types.parse import parse_type
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import Kind, SqlType

HEADERS = t.array(t.struct(("KEY", t.STRING), ("VALUE", t.BYTES)))
DEFAULT_KEY = "ksql.persistence.default.format.key"
DEFAULT_VALUE = "ksql.persistence.default.format.value"
WRAP = "ksql.persistence.wrap.single.values"


@dataclass(frozen=True, slots=True)
class Declared:
    """info.topic.partitions is what the statement asks for, 0: the topic must exist (or the log's default)."""

    info: RelationInfo
    read_only: bool
    replace: bool
    if_not_exists: bool
    replicas: int = 0
    retention_ms: int | None = None


def declare(statement: Create, catalog: SqlCatalog) -> Declared:
    """The declaration, checked."""
    given = read(statement.properties, statement.name, declaration=True)
    kind = RelationKind(statement.kind)
    if statement.source and statement.replace:
        raise refuse(f"Cannot add {statement.kind.lower()} '{folded(statement.name)}': CREATE OR REPLACE is not supported on source "
                     f"{statement.kind.lower()}s.", statement)
    if not given.text("KAFKA_TOPIC"):
        raise refuse("Missing required property \"KAFKA_TOPIC\" which has no default value.", statement.name)
    schema, key, value = _columns(statement, given, kind, catalog)
    window = _window(given)
    check(key, schema.key, "key", statement)
    check(value, schema.value, "value", statement)
    check_timestamp(given, schema)
    topic = TopicRef(given.text("KAFKA_TOPIC"), given.number("PARTITIONS") or 0, key, value, timestamp_column(given, schema),
                     given.text("TIMESTAMP_FORMAT"), window)
    info = RelationInfo(folded(statement.name), kind, schema, topic, window)
    return Declared(info, statement.source, statement.replace, statement.if_not_exists, given.number("REPLICAS") or 0,
                    given.number("RETENTION_MS"))


def _columns(statement: Create, given: With, kind: RelationKind, catalog: SqlCatalog) -> tuple[Schema, Format, Format]:
    """Schema and formats; a part without columns whose format has schemas in a registry takes them from there."""
    named = _name_of_key(given, catalog), _name_of_value(given, catalog)
    key, value = given.format(named[0], "key"), given.format(named[1], "value")
    columns = schema_of(statement.elements or (), kind, catalog, keyed=not infers(statement, key, "key")).columns
    if infers(statement, key, "key"):
        more, key = inferred(statement, given, key, "key", catalog)
        columns = with_roles(columns, more)
    if infers(statement, value, "value"):
        more, value = inferred(statement, given, value, "value", catalog)
        columns = with_roles(columns, more)
    if not columns:
        raise refuse("The statement does not define any columns. No columns supplied.", statement.name)
    for column in columns:
        if sum(c.name == column.name for c in columns) > 1:
            raise refuse(f"Duplicate column names: {column.name}", statement)
        if column.role is Role.KEY:
            _refuse_map(column.name, column.type, statement)
    schema = Schema(columns)
    return schema, key, wrapped(value, given, len(schema.value), catalog)


def type_of(element: Element, catalog: SqlCatalog) -> SqlType:
    """A declared type, custom ones included."""
    try:
        return parse_type(element.type_text, catalog.types.get)
    except ExpressionError as error:
        raise ExpressionError(error.message, element.type_start + error.start, element.type_start + error.end) from None


def schema_of(elements: tuple[Element, ...], kind: RelationKind, catalog: SqlCatalog, keyed: bool = True) -> Schema:
    """Key columns first, headers last. keyed: a table's key must be among them."""
    columns: list[Column] = []
    for e in elements:
        name, found = folded(e.name), type_of(e, catalog)
        if name in PSEUDO:
            raise refuse(f"'{name}' is a reserved column name. You cannot use it as a name for a column.", e)
        if any(c.name == name for c in columns):
            raise refuse(f"Duplicate column names: {name}", e)
        columns.append(Column(name, found, _role(e, kind, found), e.header))
    if keyed and kind is RelationKind.TABLE and not any(c.role is Role.KEY for c in columns):
        raise refuse("Tables require a PRIMARY KEY. Please define the PRIMARY KEY.", elements[0] if elements else Ast(0, 0))
    headers = [c for c in columns if c.role is Role.HEADER]
    if any(not c.header for c in headers) and len(headers) > 1:
        raise refuse("Schema already contains a HEADERS column.", elements[0])
    if len({c.header for c in headers}) < len(headers):
        raise refuse("Schema already contains a HEADER column of that key.", elements[0])
    order = (Role.KEY, Role.VALUE, Role.HEADER)
    return Schema(tuple(sorted(columns, key=lambda c: order.index(c.role))))


def _role(e: Element, kind: RelationKind, found: SqlType) -> Role:
    match e.constraint:
        case "":
            return Role.VALUE
        case "HEADERS":
            if found != HEADERS:
                raise refuse(f"Invalid type for HEADERS column: expected {HEADERS}, got {found}", e)
            return Role.HEADER
        case "HEADER":
            if found != t.BYTES:
                raise refuse(f"Invalid type for HEADER('{e.header}') column: expected BYTES, got {found}", e)
            return Role.HEADER
    if (e.constraint == "PRIMARY KEY") != (kind is RelationKind.TABLE):
        wanted, here = ("PRIMARY KEY", "KEY") if kind is RelationKind.TABLE else ("KEY", "PRIMARY KEY")
        raise refuse(f"Column `{folded(e.name)}` is a '{here}' column: please use '{wanted}' for {kind.value.lower()}s.", e)
    _refuse_map(folded(e.name), found, e)
    return Role.KEY


def _refuse_map(name: str, found: SqlType, at: Ast) -> None:
    if any(part.kind is Kind.MAP for part in _parts(found)):
        raise refuse("Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior due to inconsistent "
                     f"serialization. Key column name: `{name}`. Column type: {found}.", at)


def _parts(of: SqlType) -> list[SqlType]:
    inner = [p for p in (of.key, of.element, *(f for _, f in of.fields)) if p is not None]
    return [of, *(x for p in inner for x in _parts(p))]


def _name_of_key(given: With, catalog: SqlCatalog) -> str:
    """KEY_FORMAT, FORMAT or the session's default; without key columns it is what queries inherit."""
    return given.key_format() or check_format(catalog.setting(DEFAULT_KEY) or "KAFKA", given.at)


def _name_of_value(given: With, catalog: SqlCatalog) -> str:
    """VALUE_FORMAT, FORMAT or the session's default."""
    name = given.value_format() or catalog.setting(DEFAULT_VALUE).upper()
    if not name:
        raise refuse("Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either provide one or set a default via the "
                     f"'{DEFAULT_VALUE}' config.", given.at)
    return check_format(name, given.at)


def wrapped(fmt: Format, given: With, columns: int, catalog: SqlCatalog) -> Format:
    """The format with WRAP_SINGLE_VALUE where it applies; columns is the number of value columns."""
    wrap = given.truth("WRAP_SINGLE_VALUE")
    if wrap is not None:
        at = given.given["WRAP_SINGLE_VALUE"]
        if columns != 1:
            raise refuse("'WRAP_SINGLE_VALUE' is only valid for single-field value schemas", at)
        if wrap and fmt.name not in (*registry.BOTH_WAYS, *registry.ALWAYS_WRAPPED) or not wrap and fmt.name in registry.ALWAYS_WRAPPED:
            raise refuse(f"Format '{fmt.name}' does not support 'WRAP_SINGLE_VALUE' set to '{str(wrap).lower()}'.", at)
    elif fmt.name in registry.BOTH_WAYS and columns == 1 and catalog.setting(WRAP).lower() == "false":
        wrap = False
    if wrap is None or fmt.name not in registry.BOTH_WAYS:
        return fmt
    return Format(fmt.name, tuple(sorted({**dict(fmt.properties), "WRAP_SINGLE_VALUE": str(wrap).lower()}.items())))


def check(fmt: Format, columns: tuple[Column, ...], part: Part, statement: Create) -> None:
    """Whether the format holds the columns."""
    for c in columns:
        if fmt.name in ("KAFKA", "DELIMITED") and c.type.kind in (Kind.ARRAY, Kind.MAP, Kind.STRUCT):
            raise refuse(f"The '{fmt.name}' format does not support type '{c.type.kind.value}', column: `{c.name}`", statement)
    if fmt.name == "NONE" and columns:
        shown = ", ".join(f"`{c.name}` {c.type}{' KEY' if part == 'key' else ''}" for c in columns)
        raise refuse(f"The 'NONE' format can only be used when no columns are defined. Got: [{shown}]", statement)
    try:
        registry.check(fmt, columns, part)
    except RequestError as error:
        raise refuse(error.message, statement, error.reason) from None


def _window(given: With) -> Window | None:
    kind, size = given.text("WINDOW_TYPE").upper(), given.window_ms()
    if not kind:
        if size:
            raise refuse("WINDOW_SIZE needs a WINDOW_TYPE", given.given["WINDOW_SIZE"])
        return None
    at = given.given["WINDOW_TYPE"]
    if kind not in ("SESSION", "HOPPING", "TUMBLING"):
        raise refuse(f"Configuration WINDOW_TYPE is invalid: unknown window type {kind}", at)
    if kind == "SESSION":
        if size:
            raise refuse("'WINDOW_SIZE' should not be set for SESSION windows.", given.given["WINDOW_SIZE"])
        return _made(WindowKind, kind, 0, at)
    if not size:
        raise refuse(f"{kind} windows require 'WINDOW_SIZE' to be provided in the WITH clause. For example: 'WINDOW_SIZE'='10 SECONDS'", at)
    return _made(WindowKind, kind, size, at)


def _made(kinds: type[WindowKind], kind: str, size: int, at: t.SqlType | object) -> Window:
    if kind not in kinds.__members__:
        raise unsupported(f"reading {kind} windows", at)  # type: ignore[arg-type]
    return Window(WindowKind(kind), size, 0, size)


def timestamp_column(given: With, schema: Schema) -> str:
    """The exact name of the TIMESTAMP column."""
    text = given.text("TIMESTAMP")
    if not text:
        return ""
    name = text[1:-1] if text[:1] == "`" == text[-1:] else text.upper()
    return name if schema.get(name) is not None or schema.get(text) is None else text


def check_timestamp(given: With, schema: Schema) -> None:
    """TIMESTAMP names a BIGINT, a TIMESTAMP, or a STRING with a format."""
    name, fmt = timestamp_column(given, schema), given.text("TIMESTAMP_FORMAT")
    if not name:
        return
    at = given.given["TIMESTAMP"]
    column = schema.get(name)
    if column is None:
        raise refuse(f"The TIMESTAMP column set in the WITH clause does not exist in the schema: '{name}'", at)
    if column.type == t.STRING and not fmt or column.type != t.STRING and fmt or column.type not in (t.BIGINT, t.TIMESTAMP, t.STRING):
        raise refuse(f"Timestamp column, `{name}`, should be LONG(INT64), TIMESTAMP, or a String with a timestamp_format specified", at)
