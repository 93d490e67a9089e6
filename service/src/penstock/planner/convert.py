"""The request's protobuf messages as values of types/ and plan/. Only this module and logical/ read a Topology message."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2, types_pb2

from penstock.config import LARGEST_STANDBYS
from penstock.errors import RequestError
from penstock.plan.nodes import Format, Start, StartAt
from penstock.plan.resolved import Guarantee, OnBadRecord, Settings, Updates
from penstock.planner.refuse import refuse
from penstock.types.parse import parse_type
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import Kind, SqlType

MAX_IDLE_MS = 3_600_000

PSEUDO = frozenset({"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"})


def to_type(message: types_pb2.Type) -> SqlType:
    """A Type; its SQL text wins over the structured fields. Raises RequestError(INVALID_SCHEMA)."""
    if message.sql:
        try:
            return parse_type(message.sql)
        except RequestError as e:
            raise RequestError("INVALID_SCHEMA", e.message, {**e.metadata, "type": message.sql}) from e
    if message.kind == types_pb2.TYPE_KIND_UNSPECIFIED:
        raise refuse("INVALID_SCHEMA", "a column has no type")
    kind = Kind(types_pb2.TypeKind.Name(message.kind).removeprefix("TYPE_KIND_"))
    if kind is Kind.DECIMAL and not (1 <= message.precision <= 38 and message.scale <= message.precision):
        raise refuse("INVALID_SCHEMA", f"DECIMAL({message.precision}, {message.scale}): precision is 1 to 38, scale 0 to precision")
    return SqlType(
        kind,
        precision=message.precision if kind is Kind.DECIMAL else 0,
        scale=message.scale if kind is Kind.DECIMAL else 0,
        key=to_type(message.key) if kind is Kind.MAP else None,
        element=to_type(message.element) if kind in (Kind.ARRAY, Kind.MAP) else None,
        fields=tuple((f.name, to_type(f.type)) for f in message.fields) if kind is Kind.STRUCT else (),
    )


def to_schema(message: types_pb2.Schema) -> Schema:
    """Declared columns, key columns first, then values, then headers. Raises RequestError(INVALID_SCHEMA)."""
    columns = [_column(c) for c in message.columns]
    seen: set[str] = set()
    for column in columns:
        if not column.name:
            raise refuse("INVALID_SCHEMA", "a column has no name")
        if column.name.upper() in PSEUDO:
            raise refuse("INVALID_SCHEMA", f"column {column.name}: the name is reserved", column=column.name)
        if column.name in seen:
            raise refuse("INVALID_SCHEMA", f"two columns are named {column.name}", column=column.name)
        seen.add(column.name)
    order = (Role.KEY, Role.VALUE, Role.HEADER)
    return Schema(tuple(sorted(columns, key=lambda c: order.index(c.role))))


def _column(message: types_pb2.Column) -> Column:
    role = Role.VALUE
    if message.role != types_pb2.COLUMN_ROLE_UNSPECIFIED:
        role = Role(types_pb2.ColumnRole.Name(message.role).removeprefix("COLUMN_ROLE_"))
    if role in (Role.WINDOW, Role.META):
        raise refuse("INVALID_SCHEMA", f"column {message.name}: role {role.value} cannot be declared", column=message.name)
    return Column(message.name, to_type(message.type), role, message.header)


def to_format(message: relation_pb2.Format, default: Format) -> Format:
    """A format by name, upper-cased; the default where none is named."""
    if not message.name:
        return Format(default.name, tuple(sorted(message.properties.items()))) if message.properties else default
    return Format(message.name.upper(), tuple(sorted((k.upper(), v) for k, v in message.properties.items())))


def millis(message: Duration) -> int:
    """A duration in milliseconds, truncated."""
    return message.seconds * 1000 + message.nanos // 1_000_000


def to_start(message: topology_pb2.StartPosition, node: str, field: str) -> StartAt:
    """Where a new topology begins; a table's snapshot is its topic from the beginning."""
    match message.WhichOneof("position"):
        case None | "earliest" | "snapshot":
            return StartAt()
        case "latest":
            return StartAt(Start.LATEST)
        case "after":
            if not message.after.value:
                raise refuse("INVALID_TOPOLOGY", f"{node}: start.after is empty; a token, or earliest or latest", node=node, field=field)
            return StartAt(Start.AFTER, token=message.after.value)
        case _:
            return StartAt(Start.AT_TIME, time_ms=message.at_time.seconds * 1000 + message.at_time.nanos // 1_000_000)


def to_settings(message: topology_pb2.TopologySettings) -> Settings:
    """Settings with their defaults filled in."""
    interval = millis(message.commit_interval) if message.HasField("commit_interval") else 100
    if not 10 <= interval <= 60_000:
        raise refuse("INVALID_TOPOLOGY", f"commit_interval of {interval} ms is not between 10 ms and 60 s",
                     field="topology.settings.commit_interval")
    idle = millis(message.max_task_idle)
    if idle > MAX_IDLE_MS:
        raise refuse("INVALID_TOPOLOGY", f"max_task_idle of {idle} ms is over 1 h", field="topology.settings.max_task_idle")
    standbys = message.standbys if message.HasField("standbys") else None
    if standbys is not None and standbys > LARGEST_STANDBYS:
        raise refuse("INVALID_TOPOLOGY", f"standbys of {standbys}: 0 to {LARGEST_STANDBYS} copies of each task besides its owner's",
                     field="topology.settings.standbys")
    guarantee = topology_pb2.Guarantee.Name(message.guarantee).removeprefix("GUARANTEE_")
    bad = topology_pb2.OnBadRecord.Name(message.on_bad_record).removeprefix("ON_BAD_RECORD_")
    updates = topology_pb2.UpdateMode.Name(message.updates).removeprefix("UPDATE_MODE_")
    default = "UNSPECIFIED"
    return Settings(
        Guarantee.EXACTLY_ONCE if guarantee == default else Guarantee(guarantee),
        interval,
        OnBadRecord.DEAD_LETTER if bad == default else OnBadRecord(bad),
        Updates.LATEST_PER_COMMIT if updates == default else Updates(updates),
        max(-1, idle),
        standbys,
    )
