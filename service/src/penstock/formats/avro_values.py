"""Values as fastavro has them to columns and back, as functions by Avro schema and SQL type, made once a schema.

fastavro is given schemas without logical types, so that a DATE stays a number of days. A number is read as a type that holds all of its
values, text from anything simple; a union of null and one type is that type or null; another union is a STRUCT with a field for each branch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import fastavro

from penstock.formats.errors import FormatError
from penstock.formats.protobuf_values import unscaled
from penstock.types.cast import fits_exactly
from penstock.types.java import double_text
from penstock.types.sqltype import Kind, SqlType

Avro = Any
"""A schema as JSON has it; names within are full ones, once parsed."""
Convert = Callable[[Any], object]
LOGICAL = ("logicalType", "precision", "scale")


class Names:
    """The named types of a schema."""

    def __init__(self, text: str, references: Sequence[tuple[str, str]] = ()) -> None:
        """FormatError for what is no Avro schema."""
        self._named: dict[str, Avro] = {}
        try:
            for _, of in references:
                fastavro.parse_schema(json.loads(of), named_schemas=self._named)
            self.root: Avro = fastavro.parse_schema(_load(text), named_schemas=self._named, _force=True)
        except (fastavro.schema.SchemaParseException, fastavro.schema.UnknownType, ValueError, KeyError, TypeError) as e:
            raise FormatError(f"no Avro schema: {e}") from e
        self.named: Mapping[str, Avro] = self._named
        self.unions = False
        self.plain: Avro = fastavro.parse_schema(self._inlined(self.root, set()))  # else fastavro would do it for each record

    def resolve(self, of: Avro) -> Avro:
        """A type by its definition."""
        while isinstance(of, str) and of in self.named:
            of = self.named[of]
        if isinstance(of, dict) and isinstance(of["type"], dict | list):
            return self.resolve(of["type"])
        return of

    def inlined(self, of: Avro) -> Avro:
        """A part without logical types, complete in itself."""
        return self._inlined(of, set())

    def _inlined(self, of: Avro, seen: set[str]) -> Avro:
        """The schema without logical types, each name defined where it occurs first."""
        match of:
            case str():
                if of in self.named and of not in seen:
                    return self._inlined(self.named[of], seen)
                return of
            case list():
                self.unions = self.unions or len([b for b in of if b != "null"]) > 1
                return [self._inlined(b, seen) for b in of]
            case dict():
                if (name := of.get("name")) is not None:
                    if name in seen:
                        return name
                    seen.add(name)
                kept = {k: v for k, v in of.items() if k not in LOGICAL and not k.startswith(("connect", "__"))}
                for part in ("items", "values"):
                    if part in kept:
                        kept[part] = self._inlined(kept[part], seen)
                if "fields" in kept:
                    kept["fields"] = [{**f, "type": self._inlined(f["type"], seen)} for f in kept["fields"]]
                elif isinstance(kept["type"], dict | list):
                    kept["type"] = self._inlined(kept["type"], seen)
                return kept
        raise FormatError(f"no Avro type: {of!r}")


def _load(text: str) -> Avro:
    """A schema's text; a primitive may stand without quotes."""
    try:
        return json.loads(text)
    except ValueError:
        if text.strip().isidentifier():
            return text.strip()
        raise


def kind_of(of: Avro) -> str:
    """The name of a resolved type: int, record, union and so on."""
    if isinstance(of, list):
        return "union"
    return str(of["type"] if isinstance(of, dict) else of)


def logical(of: Avro) -> str:
    """Its logical type."""
    return str(of.get("logicalType", "")) if isinstance(of, dict) else ""


def branches(of: Sequence[Avro]) -> list[Avro]:
    """The branches of a union that are not null."""
    return [b for b in of if kind_of(b) != "null"]


def branch_name(names: Names, branch: Avro) -> str:
    """What the field of a union's branch is called: the type, or the simple name of a named one."""
    found = names.resolve(branch)
    name = found.get("name", "") if isinstance(found, dict) else ""
    return str(name).rpartition(".")[2] or kind_of(found)


def is_entries(names: Names, of: Avro) -> bool:
    """Whether an array is a map: of records with key and value, marked by Connect or named by ksqlDB."""
    item = names.resolve(of["items"])
    if kind_of(item) != "record" or sorted(f["name"] for f in item["fields"]) != ["key", "value"]:
        return False
    return bool(item.get("connect.internal.type") == "MapEntry" or of.get("connect.internal.type") == "MapEntry"
                or str(item["name"]).rpartition(".")[2] == "MapEntry")


def find_field(fields: Sequence[Mapping[str, Avro]], name: str) -> Mapping[str, Avro] | None:
    """The field of a column: of its name, else of a name that differs by case alone."""
    return next((f for f in fields if f["name"] == name), None) or next((f for f in fields if f["name"].upper() == name.upper()), None)


def fields_for(fields: Sequence[Mapping[str, Avro]], columns: Sequence[str], by_place: bool) -> list[Mapping[str, Avro] | None]:
    """The field of each column by name. by_place (keys): by place where a name is missing, since a key column may be renamed."""
    found = [find_field(fields, name) for name in columns]
    return list(fields) if by_place and None in found and len(fields) == len(columns) else found


# ---- reading

def reads(names: Names, of: Avro, to: SqlType) -> Convert | None:
    """From fastavro's value (not null) of this schema to the type; None: as it is. FormatError where the schema holds something else."""
    found = names.resolve(of)
    kind = kind_of(found)
    if kind == "union":
        return _reads_union(names, found, to)
    match to.kind:
        case Kind.BOOLEAN if kind == "boolean":
            return None
        case Kind.INT if kind == "int":
            return None
        case Kind.BIGINT if kind in ("int", "long"):
            return None
        case Kind.DOUBLE if kind in ("float", "double"):
            return None
        case Kind.STRING if kind in _TEXTS:
            return _TEXTS[kind]
        case Kind.BYTES if kind in ("bytes", "fixed"):
            return None
        case Kind.DECIMAL if kind in ("bytes", "fixed") and logical(found) == "decimal":
            scale = int(found.get("scale", 0))
            return lambda v: fits_exactly(Decimal(int.from_bytes(v, "big", signed=True)).scaleb(-scale), to)
        case Kind.DATE | Kind.TIME if kind == "int":
            return None
        case Kind.TIME if kind == "long" and logical(found) == "time-micros":
            return lambda v: v // 1000
        case Kind.TIMESTAMP if kind == "long":
            return (lambda v: v // 1000) if logical(found).endswith("timestamp-micros") else None
        case Kind.ARRAY if kind == "array":
            return _reads_array(names, found, to)
        case Kind.MAP if kind in ("map", "array"):
            return _reads_map(names, found, to)
        case Kind.STRUCT if kind == "record":
            return _reads_struct(names, found, to)
    raise FormatError(f"the schema's {kind}{' ' + logical(found) if logical(found) else ''} cannot be read as {to}")


_TEXTS: dict[str, Convert | None] = {"string": None, "enum": None, "int": str, "long": str, "float": double_text, "double": double_text,
                                     "boolean": lambda v: "true" if v else "false"}


def nullable(convert: Convert | None) -> Convert | None:
    """The same for a value that may be null."""
    if convert is None:
        return None
    return lambda v: None if v is None else convert(v)


def _element(to: SqlType) -> SqlType:
    assert to.element is not None, "an ARRAY or MAP has an element type"
    return to.element


def _reads_array(names: Names, of: Avro, to: SqlType) -> Convert | None:
    inner = nullable(reads(names, of["items"], _element(to)))
    return None if inner is None else (lambda v: [inner(x) for x in v])


def _reads_map(names: Names, of: Avro, to: SqlType) -> Convert | None:
    if kind_of(of) == "map":
        plain = nullable(reads(names, of["values"], _element(to)))
        return None if plain is None else (lambda v: {k: plain(x) for k, x in v.items()})
    item = names.resolve(of["items"])
    if kind_of(item) != "record":
        raise FormatError(f"the schema's array of {kind_of(item)} cannot be read as {to}")
    key, value = find_field(item["fields"], "key"), find_field(item["fields"], "value")
    if key is None or value is None:
        raise FormatError(f"the schema's array of {item['name']} has no fields key and value to be read as {to}")
    text = nullable(reads(names, key["type"], SqlType(Kind.STRING)))
    inner = nullable(reads(names, value["type"], _element(to)))
    k, x = key["name"], value["name"]
    to_text, to_value = text or _same, inner or _same
    return lambda v: {to_text(e[k]): to_value(e[x]) for e in v}


def _same(value: Any) -> Any:
    return value


def _reads_struct(names: Names, of: Avro, to: SqlType) -> Convert:
    steps: list[tuple[str, str, Convert | None]] = []
    for name, kind in to.fields:
        field = find_field(of["fields"], name)
        steps.append((name, "" if field is None else field["name"], None if field is None else nullable(reads(names, field["type"], kind))))
    return lambda v: {name: None if not field else v[field] if convert is None else convert(v[field]) for name, field, convert in steps}


def _reads_union(names: Names, of: Avro, to: SqlType) -> Convert | None:
    """A union of one type is that type; of several a STRUCT, with the branch that is there in its field."""
    found = branches(of)
    if len(found) == 1:
        inner = reads(names, found[0], to)
        if names.unions and kind_of(names.resolve(found[0])) == "record":  # then fastavro gives each record of a union with its name
            one = inner or _same
            return nullable(lambda v: one(v[1]))
        return nullable(inner)
    if not found:
        return None
    if to.kind is not Kind.STRUCT:
        raise FormatError(f"the schema's union of {', '.join(branch_name(names, b) for b in found)} cannot be read as {to}; as a STRUCT it can")
    by_branch = {branch_name(names, b): b for b in found}
    steps: dict[str, tuple[str, Convert | None]] = {}
    for name, kind in to.fields:
        branch = next((b for b in by_branch if b == name), None) or next((b for b in by_branch if b.upper() == name.upper()), None)
        if branch is not None:
            steps[branch] = name, nullable(reads(names, by_branch[branch], kind))
    fields = [name for name, _ in to.fields]

    def read(v: Any) -> object:
        branch, inner = _told(v, by_branch, names)
        made: dict[str, object] = dict.fromkeys(fields)
        if branch in steps:
            name, convert = steps[branch]
            made[name] = inner if convert is None else convert(inner)
        return made

    return nullable(read)


_PYTHON = {bool: ("boolean",), int: ("int", "long"), float: ("float", "double"), str: ("string",), bytes: ("bytes",), list: ("array",), dict: ("map",)}


def _told(value: Any, by_branch: Mapping[str, Avro], names: Names) -> tuple[str, Any]:
    """(branch, value) of a union; named types come as (name, value)."""
    if isinstance(value, tuple):
        return str(value[0]).rpartition(".")[2], value[1]
    wanted = _PYTHON.get(type(value), ())
    return next((b for b, of in by_branch.items() if kind_of(names.resolve(of)) in wanted), ""), value


# ---- writing

def writes(names: Names, of: Avro, kind: SqlType) -> Convert | None:
    """From a column's value (perhaps null) to what fastavro takes; None: as it is. FormatError where the schema cannot hold the type."""
    found = names.resolve(of)
    avro = kind_of(found)
    if avro == "union":
        inner = branches(found)
        if len(inner) != 1:
            problems = []
            for branch in inner:
                try:
                    return writes(names, branch, kind)
                except FormatError as e:
                    problems.append(e.reason)
            raise FormatError(problems[0] if problems else f"the schema's null cannot hold {kind}")
        return nullable(writes(names, inner[0], kind))
    match kind.kind:
        case Kind.BOOLEAN if avro == "boolean":
            return None
        case Kind.INT if avro in ("int", "long"):
            return None
        case Kind.BIGINT if avro == "long":
            return None
        case Kind.DOUBLE if avro in ("double", "float"):
            return None
        case Kind.STRING if avro in ("string", "enum"):
            return None
        case Kind.BYTES if avro in ("bytes", "fixed"):
            return None
        case Kind.DECIMAL if avro == "bytes" and logical(found) == "decimal":
            scale = int(found.get("scale", 0))
            return lambda v: None if v is None else unscaled(v, scale)
        case Kind.DATE | Kind.TIME if avro == "int":
            return None
        case Kind.TIMESTAMP if avro == "long":
            return (lambda v: None if v is None else v * 1000) if logical(found).endswith("timestamp-micros") else None
        case Kind.ARRAY if avro == "array":
            inner_array = writes(names, found["items"], _element(kind))
            return None if inner_array is None else lambda v: None if v is None else [inner_array(x) for x in v]
        case Kind.MAP if avro == "map":
            inner_map = writes(names, found["values"], _element(kind))
            return None if inner_map is None else lambda v: None if v is None else {k: inner_map(x) for k, x in v.items()}
        case Kind.MAP if avro == "array":
            return _writes_entries(names, found, kind)
        case Kind.STRUCT if avro == "record":
            return writes_record(names, found, kind.fields)
    raise FormatError(f"the schema's {avro} cannot hold {kind}")


def _writes_entries(names: Names, of: Avro, kind: SqlType) -> Convert:
    item = names.resolve(of["items"])
    key, value = (find_field(item["fields"], n) if kind_of(item) == "record" else None for n in ("key", "value"))
    if key is None or value is None:
        raise FormatError(f"the schema's array cannot hold {kind}")
    inner = writes(names, value["type"], _element(kind)) or _same
    k, x = key["name"], value["name"]
    return lambda v: None if v is None else [{k: name, x: inner(one)} for name, one in v.items()]


def may_be_left_out(names: Names, field: Mapping[str, Avro]) -> bool:
    """Whether a record can be written without this field: it has a default, or may be null."""
    found = names.resolve(field["type"])
    return "default" in field or kind_of(found) == "null" or kind_of(found) == "union" and any(kind_of(b) == "null" for b in found)


def writes_field(names: Names, field: Mapping[str, Avro], kind: SqlType) -> Convert | None:
    """As `writes` for a record's field: a null where the field cannot be null is its default."""
    convert = writes(names, field["type"], kind)
    if "default" not in field or may_be_left_out(names, {"type": field["type"]}):
        return convert
    one, default = convert or _same, field["default"]
    return lambda v: default if v is None else one(v)


def writes_record(names: Names, of: Avro, fields: Sequence[tuple[str, SqlType]]) -> Convert:
    """From a STRUCT to a record. Fields that only the schema has take their default; one without a default is left to fastavro, which
    fails for want of it."""
    steps: list[tuple[str, str, Convert | None]] = []
    for name, kind in fields:
        field = find_field(of["fields"], name)
        if field is None:
            raise FormatError(f"the schema's record {of['name']} has no field for {name}")
        steps.append((field["name"], name, writes_field(names, field, kind)))
    return lambda v: None if v is None else {field: v.get(name) if convert is None else convert(v.get(name)) for field, name, convert in steps}
