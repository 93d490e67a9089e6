"""WITH (...): names, types and rules of the properties of streams and tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.expr.ast import Ast
from penstock.formats.registry import NULLABLE, REGISTRY
from penstock.plan.nodes import Format
from penstock.sql.faults import refuse
from penstock.sql.tree import Property

FORMATS = ("JSON", "KAFKA", "DELIMITED", "NONE", "AVRO", "PROTOBUF", "PROTOBUF_NOSR", "JSON_SR")

_TEXTS = ("KAFKA_TOPIC", "FORMAT", "KEY_FORMAT", "VALUE_FORMAT", "TIMESTAMP", "TIMESTAMP_FORMAT", "KEY_DELIMITER", "VALUE_DELIMITER", "WINDOW_TYPE",
          "WINDOW_SIZE", "CLEANUP_POLICY", "SOURCED_BY_CONNECTOR", "KEY_SCHEMA_FULL_NAME", "VALUE_SCHEMA_FULL_NAME",
          "VALUE_AVRO_SCHEMA_FULL_NAME", "KEY_PROTOBUF_NULLABLE_REPRESENTATION", "VALUE_PROTOBUF_NULLABLE_REPRESENTATION")
_NUMBERS = ("PARTITIONS", "REPLICAS", "RETENTION_MS", "KEY_SCHEMA_ID", "VALUE_SCHEMA_ID")
_TRUTHS = ("WRAP_SINGLE_VALUE",)
_DECLARATION_ONLY = ("WINDOW_TYPE", "WINDOW_SIZE", "SOURCED_BY_CONNECTOR")
_UNITS = {"NANOSECOND": 0, "MICROSECOND": 0, "MILLISECOND": 1, "SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
_SAFE_DELIMITER = re.compile(r'[^"\r\n]')


@dataclass(frozen=True, slots=True)
class With:
    """The properties of one statement, checked one by one; what they mean together is the statement's affair."""

    given: Mapping[str, Property]
    at: Ast

    def text(self, name: str) -> str:
        """A property's text, "" when absent."""
        found = self.given.get(name)
        return "" if found is None else found.value

    def number(self, name: str) -> int | None:
        """A whole number."""
        found = self.given.get(name)
        return None if found is None else int(found.value)

    def truth(self, name: str) -> bool | None:
        """TRUE or FALSE."""
        found = self.given.get(name)
        return None if found is None else found.value.upper() == "TRUE"

    def key_format(self) -> str:
        """Upper-case name, "" when not said."""
        return (self.text("KEY_FORMAT") or self.text("FORMAT")).upper()

    def value_format(self) -> str:
        """Upper-case name, "" when not said."""
        return (self.text("VALUE_FORMAT") or self.text("FORMAT")).upper()

    def format(self, name: str, part: str, inherited: Format | None = None) -> Format:
        """The format of the key or the value with its properties. inherited: what the name came from, whose delimiter stays, and how it
        has nulls in Protobuf."""
        properties: dict[str, str] = {}
        if inherited is not None and inherited.name == name:
            properties = {k: v for k, v in inherited.properties if k in ("DELIMITER", "NULLABLE_REPRESENTATION")}
        properties |= self._registered(name, part)
        delimiter = self.given.get(f"{part.upper()}_DELIMITER")
        if delimiter is not None:
            if name != "DELIMITED":
                raise refuse(f"{name} does not support the following configs: [delimiter]", delimiter)
            properties["DELIMITER"] = _delimiter(delimiter)
        return Format(name, tuple(sorted(properties.items())))

    def _registered(self, name: str, part: str) -> dict[str, str]:
        """What is said of the schema."""
        prefix, found = part.upper(), {}
        if schema_id := self.given.get(f"{prefix}_SCHEMA_ID"):
            if name not in REGISTRY:
                raise refuse(f"{prefix}_FORMAT should support schema inference when {prefix}_SCHEMA_ID is provided. Current format is {name}.", schema_id)
            found["SCHEMA_ID"] = schema_id.value
        full = self.given.get(f"{prefix}_SCHEMA_FULL_NAME") or (self.given.get("VALUE_AVRO_SCHEMA_FULL_NAME") if part == "value" else None)
        if full is not None:
            if name not in REGISTRY:
                raise refuse(f"{name} does not support the following configs: [fullSchemaName]", full)
            if not full.value.strip():
                raise refuse(f"fullSchemaName cannot be empty. Format configuration: {{fullSchemaName={full.value.strip()}}}", full)
            found["SCHEMA_FULL_NAME"] = full.value.strip()
        if nullable := self.given.get(f"{prefix}_PROTOBUF_NULLABLE_REPRESENTATION"):
            if name not in ("PROTOBUF", "PROTOBUF_NOSR"):
                raise refuse(f"{name} does not support the following configs: [nullableRepresentation]", nullable)
            if nullable.value.upper() not in NULLABLE:
                raise refuse(f"Invalid value {nullable.value} for property {nullable.name}: it is OPTIONAL or WRAPPER", nullable)
            found["NULLABLE_REPRESENTATION"] = nullable.value.upper()
        return found

    def window_ms(self) -> int:
        """WINDOW_SIZE in milliseconds, 0 when absent."""
        found = self.given.get("WINDOW_SIZE")
        if found is None:
            return 0
        m = re.fullmatch(r"\s*(\d+)\s+([A-Za-z]+)\s*", found.value)
        unit = None if m is None else _UNITS.get(m[2].upper().removesuffix("S"))
        if m is None or unit is None:
            why = f"Unknown time unit: '{m[2].upper()}'" if m else "expected a number and a unit"
            raise refuse(f"Configuration WINDOW_SIZE is invalid: Invalid duration: '{found.value}'. {why}", found)
        if m[2].upper().startswith("NANO"):
            return int(m[1]) // 1_000_000
        return int(m[1]) // 1000 if m[2].upper().startswith("MICRO") else int(m[1]) * unit


def read(properties: Sequence[Property], at: Ast, declaration: bool) -> With:
    """Checked properties. declaration: of a CREATE without AS, which takes a few more."""
    given: dict[str, Property] = {}
    for p in properties:
        if p.name not in (*_TEXTS, *_NUMBERS, *_TRUTHS) or (not declaration and p.name in _DECLARATION_ONLY):
            raise refuse(f"Invalid config variable(s) in the WITH clause: {p.name}", p)
        if p.name in given:
            raise refuse(f"Duplicate property in the WITH clause: {p.name}", p)
        _typed(p)
        given[p.name] = p
    for part in ("KEY_FORMAT", "VALUE_FORMAT"):
        if "FORMAT" in given and part in given:
            raise refuse(f"Cannot supply both '{part}' and 'FORMAT' properties, as 'FORMAT' sets both key and value formats. Either use just "
                         f"'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'.", given[part])
    for name in ("FORMAT", "KEY_FORMAT", "VALUE_FORMAT"):
        if name in given:
            check_format(given[name].value, given[name])
    if "CLEANUP_POLICY" in given:
        raise refuse("Invalid config variable in the WITH clause: CLEANUP_POLICY. It follows from STREAM or TABLE", given["CLEANUP_POLICY"])
    if "VALUE_SCHEMA_FULL_NAME" in given and "VALUE_AVRO_SCHEMA_FULL_NAME" in given:
        raise refuse("Cannot supply both 'VALUE_AVRO_SCHEMA_FULL_NAME' and 'VALUE_SCHEMA_FULL_NAME' properties. Please only set "
                     "'VALUE_SCHEMA_FULL_NAME'.", given["VALUE_AVRO_SCHEMA_FULL_NAME"])
    if "KAFKA_TOPIC" in given and not given["KAFKA_TOPIC"].value:
        raise refuse("KAFKA_TOPIC must not be empty", given["KAFKA_TOPIC"])
    return With(given, at)


def check_format(name: str, at: Ast) -> str:
    """The upper-case name of a format that exists."""
    upper = name.upper()
    if upper not in FORMATS:
        raise refuse(f"Unknown format: {name.upper()}", at)
    return upper


def _typed(p: Property) -> None:
    if p.name in _NUMBERS and not re.fullmatch(r"-?\d+", p.value):
        raise refuse(f"Invalid value {p.value} for property {p.name}: it is a whole number", p)
    if p.name in ("PARTITIONS", "REPLICAS") and int(p.value) < 1:
        raise refuse(f"Invalid value {p.value} for property {p.name}: it is at least 1", p)
    if p.name in _TRUTHS and p.value.upper() not in ("TRUE", "FALSE"):
        raise refuse(f"Invalid value {p.value} for property {p.name}: it is TRUE or FALSE", p)


def _delimiter(p: Property) -> str:
    text = p.value
    if text == "" or text.isspace():
        raise refuse(f"Configuration {p.name} is invalid: Delimiter cannot be empty, if you meant to have a tab or space for delimiter, please "
                     "use the special values 'TAB' or 'SPACE'", p)
    if text in ("TAB", "SPACE") or len(text) == 1 and _SAFE_DELIMITER.match(text):
        return text
    raise refuse(f"Configuration {p.name} is invalid: Invalid delimiter value: '{text}'. Delimiter must be a single character or TAB,SPACE", p)
