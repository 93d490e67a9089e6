"""Declarations in Python: relations, columns and topic bindings as messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from penstock_client.gen.penstock.v1 import catalog_service_pb2, relation_pb2, types_pb2
from penstock_client.position import duration

_COLUMN = re.compile(r"\s*(?:`((?:[^`]|``)+)`|([^\s`]+))\s+(.+?)(\s+(?:PRIMARY\s+)?KEY)?\s*$", re.IGNORECASE | re.DOTALL)

Columns = str | Iterable[str] | Mapping[str, str]
"""`"CUSTOMER STRING KEY, PRICE DOUBLE"`, the same as a list of columns, or a mapping from name to `TYPE [KEY]`."""


@dataclass(frozen=True, slots=True)
class Binding:
    """How a relation is bound to a topic. topic: empty means the relation's name. partitions: 0 leaves the number to the
    service. create: make the topic when it is missing. retention: how long a topic that is made keeps records; None leaves it to the cluster. Formats are names such as JSON, KAFKA, DELIMITED, NONE."""

    topic: str = ""
    partitions: int = 0
    create: bool = True
    key_format: str = ""
    value_format: str = ""
    key_properties: Mapping[str, str] = field(default_factory=dict)
    value_properties: Mapping[str, str] = field(default_factory=dict)
    timestamp_column: str = ""
    timestamp_format: str = ""
    retention: float | timedelta | None = None

    def message(self) -> relation_pb2.TopicBinding:
        """For a request."""
        binding = relation_pb2.TopicBinding(
            topic=self.topic, timestamp_column=self.timestamp_column, timestamp_format=self.timestamp_format
        )
        if self.key_format:
            binding.key_format.CopyFrom(relation_pb2.Format(name=self.key_format, properties=self.key_properties))
        if self.value_format:
            binding.value_format.CopyFrom(relation_pb2.Format(name=self.value_format, properties=self.value_properties))
        if self.create:
            binding.create.CopyFrom(relation_pb2.TopicSpec(partitions=self.partitions))
            if self.retention is not None:
                binding.create.retention.CopyFrom(duration(self.retention))
        return binding


def schema(columns: Columns) -> types_pb2.Schema:
    """The message of columns. ValueError for a column that is not `NAME TYPE [KEY]`; types are checked by the service."""
    if isinstance(columns, str):
        columns = _split(columns)
    elif isinstance(columns, Mapping):
        columns = [f"`{name.replace('`', '``')}` {rest}" for name, rest in columns.items()]
    return types_pb2.Schema(columns=[_column(text) for text in columns])


def relation(name: str, kind: str, columns: Columns, binding: Binding | None = None) -> relation_pb2.Relation:
    """The message of a declaration; kind is STREAM or TABLE."""
    return relation_pb2.Relation(
        name=name,
        kind=f"RELATION_KIND_{kind.upper()}",
        schema=schema(columns),
        topic=(binding or Binding()).message(),
    )


def function(
    name: str, signature: str, *, version: int = 1, deterministic: bool = False, called_on_null: bool = False, timeout: float | timedelta | None = None,
    max_attempts: int = 0, cache_rows: int = 0, bundle_rows: int = 0, description: str = "",
) -> catalog_service_pb2.RemoteFunction:  # fmt: skip
    """The message of a function that programs compute. signature: `STRING, BIGINT -> DOUBLE`. ValueError when it is none; types are checked by the
    service."""
    arguments, arrow, result = signature.rpartition("->")
    if not arrow or not result.strip() or not arguments.strip():
        raise ValueError(f"{signature!r} is no signature: write TYPE, TYPE -> TYPE")
    made = catalog_service_pb2.RemoteFunction(
        name=name, arguments=[types_pb2.Type(sql=text.strip()) for text in _split(arguments)], result=types_pb2.Type(sql=result.strip()), version=version,
        deterministic=deterministic, called_on_null=called_on_null, max_attempts=max_attempts, cache_rows=cache_rows, bundle_rows=bundle_rows,
        description=description,
    )  # fmt: skip
    if timeout is not None:
        made.timeout.CopyFrom(duration(timeout))
    return made


def _column(text: str) -> types_pb2.Column:
    match = _COLUMN.match(text)
    if match is None:
        raise ValueError(f"{text.strip()!r} is no column: write NAME TYPE or NAME TYPE KEY")
    quoted, plain, sql, key = match.groups()
    return types_pb2.Column(
        name=quoted.replace("``", "`") if quoted else plain,
        type=types_pb2.Type(sql=sql),
        role=types_pb2.COLUMN_ROLE_KEY if key else types_pb2.COLUMN_ROLE_VALUE,
    )


def _split(text: str) -> list[str]:
    """Columns of a list, cut at the commas outside brackets and backquotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, char in enumerate(text):
        if char == "`":
            quoted = not quoted
        elif not quoted:
            depth += (char in "(<") - (char in ")>")
            if char == "," and depth == 0:
                parts.append(text[start:place])
                start = place + 1
    return [*parts, text[start:]]
