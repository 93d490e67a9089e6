"""Appends: rows checked and turned into records of the relation's topic, then written in one go.

Every row is checked before anything is written. REJECT_BATCH writes nothing when one is bad, SKIP_ROWS writes the good ones; either way
each bad row is named. A batch with producer id and sequence is written in the same transaction as the sequence: exactly once. Without, a
large batch goes out in several pieces.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
from penstock_client.gen.penstock.v1 import append_service_pb2 as pb
from penstock_client.rows import column_decoder

from penstock.catalog.view import Served, resolve
from penstock.errors import RequestError
from penstock.formats.errors import FormatError
from penstock.log.port import BatchBuilder, TopicPartition
from penstock.log.records import partitions_of
from penstock.plan.nodes import RelationKind, Sink
from penstock.serving.codec import TopicCodec, topic_codec
from penstock.serving.columns import match
from penstock.serving.gateway import Gateway
from penstock.serving.positions import Position, encode
from penstock.serving.rows import DELETE
from penstock.serving.values import from_json
from penstock.types.cast import fits_exactly
from penstock.types.schema import Column
from penstock.types.sqltype import BIGINT, Kind, SqlType

BATCH_LIMIT = 4 << 20
MAX_ROWS = 65_536
RECORD_LIMIT = 1_000_000
"""Bytes of key and value together: Kafka's brokers take a batch of 1 MiB by default."""
PIECE = 900 * 1024
WHOLE = 64 << 20

_json = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record to write. partition None: by the key's hash."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    partition: int | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Ack:
    """What became of a batch. position: None when nothing was written. errors are (row, refusal)."""

    sequence: int
    position: Position | None
    appended: int
    duplicate: bool
    errors: Sequence[tuple[int, RequestError]]


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch that may be written. topic is empty when its errors forbid it. pieces: written one after the other; one where there is a
    sequence. epoch: of the producer's stream, 0 outside of one."""

    topic: str
    partitions: int
    rows: int
    pieces: Sequence[Mapping[TopicPartition, BatchBuilder]]
    errors: Sequence[tuple[int, RequestError]]
    producer_id: str
    sequence: int
    epoch: int


@dataclass(frozen=True)
class Target:
    """A relation that takes appends."""

    served: Served
    codec: TopicCodec
    columns: Mapping[str, tuple[bool, int, Column]]  # by name: (is key, place, column)


@dataclass
class Appender:
    """Writes rows to relations. rows: total written since start."""

    gateway: Gateway
    rows: int = 0
    _targets: dict[str, tuple[int, Target]] = field(default_factory=dict)
    _spread: Callable[[], int] = field(default_factory=lambda: itertools.count().__next__)

    async def append(self, batch: pb.AppendBatch, producer_id: str) -> Ack:
        """Write one batch. Raises RequestError, LogError; nothing is written then."""
        return await self.write(await self.check(batch, producer_id))

    async def check(self, batch: pb.AppendBatch, producer_id: str, epoch: int = 0) -> Checked:
        """A batch as records in the log's batches. Raises RequestError, LogError."""
        if batch.sequence and not producer_id:
            raise RequestError("INVALID_ARGUMENT", "a sequence needs a producer_id", {"field": "batch.sequence"})
        if producer_id and not batch.sequence:
            raise RequestError("INVALID_ARGUMENT", "a producer_id needs sequences 1, 2, 3 and so on", {"field": "batch.sequence"})
        target = self.target(batch.relation)
        good, errors = prepare(target, batch, self.gateway.clock.now_ms())
        if errors and batch.on_invalid != pb.ON_INVALID_SKIP_ROWS:
            return Checked("", 0, 0, (), errors, producer_id, batch.sequence, epoch)
        topic = target.codec.topic.topic
        partitions = await self._partitions(topic)
        pieces = self._pieces(topic, good, self._places(topic, partitions, good), WHOLE if producer_id else PIECE)
        return Checked(topic, partitions, len(good), tuple(pieces), errors, producer_id, batch.sequence, epoch)

    async def write(self, checked: Checked) -> Ack:
        """Write what was checked; calls begun one after the other are written in that order when each has one piece. Raises RequestError,
        LogError; nothing is written then."""
        if not checked.topic:
            return Ack(checked.sequence, None, 0, False, checked.errors)
        ends: dict[TopicPartition, int] = {}
        duplicate = False
        for piece in checked.pieces:
            written, duplicate = await self.gateway.log.append_many(piece, checked.producer_id, checked.sequence, checked.epoch)
            ends.update(written)
        if duplicate:
            tps = [TopicPartition(checked.topic, p) for p in range(checked.partitions)]
            ends = dict(await self.gateway.log.ends(tps, committed=False))
        rows = 0 if duplicate else checked.rows
        self.rows += rows
        position = await self.gateway.position({checked.topic: {tp.partition: end for tp, end in ends.items()}})
        return Ack(checked.sequence, position, rows, duplicate, checked.errors)

    async def insert(self, topic: str, record: Prepared) -> str:
        """Write one record to a topic, whoever else writes it; the token that includes it. Raises ROW_TOO_LARGE, MISSING_TOPIC, LogError."""
        size = len(record.key or b"") + len(record.value or b"")
        if size > RECORD_LIMIT:
            raise RequestError("ROW_TOO_LARGE", f"the row has {size} bytes, a record at most {RECORD_LIMIT}", {"size": str(size), "limit": str(RECORD_LIMIT)})
        partitions = await self._partitions(topic)
        pieces = self._pieces(topic, [record], self._places(topic, partitions, [record]), PIECE)
        written = (await self.write(Checked(topic, partitions, 1, tuple(pieces), [], "", 0, 0))).position
        assert written is not None
        return encode(written)

    def target(self, name: str) -> Target:
        """The relation of this name, ready for rows. Raises UNKNOWN_RELATION, RELATION_READ_ONLY."""
        served = resolve(self.gateway.registry.state, name)
        known = self._targets.get(served.name)
        if known is not None and known[0] == served.epoch:
            return known[1]
        _refuse_read_only(served)
        columns = {c.name: (True, i, c) for i, c in enumerate(served.schema.key)}
        columns |= {c.name: (False, i, c) for i, c in enumerate(served.schema.value)}
        target = Target(served, topic_codec(served), columns)
        self._targets[served.name] = served.epoch, target
        return target

    async def _partitions(self, topic: str) -> int:
        info = (await self.gateway.topics.get([topic])).get(topic)
        if info is None:
            raise RequestError("MISSING_TOPIC", f"topic {topic} does not exist any more", {"topic": topic})
        return info.partitions

    def _places(self, topic: str, partitions: int, records: Sequence[Prepared]) -> Sequence[int]:
        """The partition of each record."""
        places = partitions_of([r.key for r in records], partitions, self._spread() % partitions)
        for n, r in enumerate(records):
            if r.partition is not None:
                if r.partition >= partitions:
                    raise RequestError("INVALID_ARGUMENT", f"record {n}: {topic} has no partition {r.partition}", {"field": "partition"})
                places[n] = r.partition
        return places

    def _pieces(self, topic: str, records: Sequence[Prepared], places: Sequence[int],
                limit: int) -> Iterable[Mapping[TopicPartition, BatchBuilder]]:
        """Batches by partition; a new round begins where one is full. At least one, that a sequence may be stored without rows."""
        rounds: list[dict[TopicPartition, BatchBuilder]] = [{}]
        for record, place in zip(records, places, strict=True):
            tp = TopicPartition(topic, place)
            batch = rounds[-1].get(tp)
            if batch is None:
                batch = rounds[-1][tp] = self.gateway.log.builder(limit, transactional=bool(limit == WHOLE))
            if not batch.append(record.timestamp, record.key, record.value, record.headers):
                batch = self.gateway.log.builder(limit, transactional=bool(limit == WHOLE))
                batch.append(record.timestamp, record.key, record.value, record.headers)
                rounds.append({tp: batch})
        return [r for r in rounds if r or limit == WHOLE]


def _refuse_read_only(served: Served) -> None:
    if served.source:
        raise RequestError("RELATION_READ_ONLY", f"{served.name} was created with SOURCE: it is read only", {"relation": served.name})
    owner, p = served.owner, served.published
    sunk = owner is not None and p is not None and any(
        isinstance(n, Sink) and n.name == p.node for s in owner.plan.subs for n in s.nodes)
    if sunk or served.topic is None or not served.in_catalog:
        name = owner.name if owner is not None else ""
        raise RequestError("RELATION_READ_ONLY", f"{served.name} is written by topology {name}: append to its source instead",
                           {"relation": served.name, "owner": name})


def prepare(target: Target, batch: pb.AppendBatch, now_ms: int) -> tuple[list[Prepared], list[tuple[int, RequestError]]]:
    """Records of the good rows, in order, and refusals of the bad ones. Raises RequestError for what is wrong with the batch."""
    match batch.WhichOneof("content"):
        case "rows":
            rows = _typed(target, batch.rows, now_ms)
        case "json":
            rows = (_checked(n, lambda text=text: _of_json(target, text, now_ms)) for n, text in enumerate(batch.json.rows))  # type: ignore[misc]
        case "records":
            rows = (_checked(n, lambda r=r: _of_raw(target, r, now_ms)) for n, r in enumerate(batch.records.records))  # type: ignore[misc]
        case _:
            raise RequestError("INVALID_ARGUMENT", "the batch has no content", {"field": "batch.content"})
    good: list[Prepared] = []
    errors: list[tuple[int, RequestError]] = []
    for n, row in enumerate(rows):
        if isinstance(row, Prepared):
            good.append(row)
        else:
            errors.append((n, row))
    return good, errors


def _checked(n: int, make: Callable[[], Prepared]) -> Prepared | RequestError:
    """The record, or the row's refusal."""
    try:
        record = make()
        size = len(record.key or b"") + len(record.value or b"")
        if size > RECORD_LIMIT:
            raise RequestError("ROW_TOO_LARGE", f"row {n} has {size} bytes, a record at most {RECORD_LIMIT}",
                               {"size": str(size), "limit": str(RECORD_LIMIT)})
        return record
    except RequestError as e:
        return RequestError(e.reason, e.message, {**e.metadata, "row": str(n)})
    except (FormatError, ValueError, TypeError, OverflowError, ArithmeticError, RecursionError) as e:
        return RequestError("INVALID_ROW", f"row {n}: {e}", {"row": str(n)})


def _record(target: Target, key: list[object], value: Sequence[object] | None, timestamp: int) -> Prepared:
    codec = target.codec
    if target.served.kind is RelationKind.TABLE and None in key:
        raise ValueError(f"table {target.served.name} needs every key column")
    data = None if not key or all(k is None for k in key) else codec.write_key(key)
    return Prepared(data, None if value is None else codec.write_value(value), timestamp)


def _of_json(target: Target, text: str, now_ms: int) -> Prepared:
    try:
        row = _json(text)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError) as e:
        raise ValueError(f"no JSON: {e}") from e
    if not isinstance(row, dict):
        raise ValueError("a row is a JSON object")
    codec = target.codec
    key: list[object] = [None] * len(codec.key)
    value: list[object] = [None] * len(codec.value)
    timestamp = now_ms
    for name, given in row.items():
        if name.upper() == "ROWTIME" and name not in target.columns:
            timestamp = _rowtime(given)
            continue
        is_key, place, column = target.columns[match(target.served.name, target.columns, name)]
        (key if is_key else value)[place] = from_json(given, column.type, column.name)
    return _record(target, key, value, timestamp)


def _rowtime(given: object) -> int:
    timestamp = from_json(given, BIGINT, "ROWTIME")
    if not isinstance(timestamp, int) or timestamp < 0:
        raise ValueError("ROWTIME is milliseconds since 1970")
    return timestamp


def _of_raw(target: Target, raw: pb.RawRecord, now_ms: int) -> Prepared:
    codec = target.codec
    key = raw.key if raw.HasField("key") else None
    value = raw.value if raw.HasField("value") else None
    if key is not None:
        codec.read_key(key)
    elif target.served.kind is RelationKind.TABLE:
        raise ValueError(f"table {target.served.name} needs a key")
    if value is not None:
        codec.read_value(value)
    timestamp = raw.timestamp.seconds * 1000 + raw.timestamp.nanos // 1_000_000 if raw.HasField("timestamp") else now_ms
    if timestamp < 0:
        raise ValueError("the timestamp is before 1970")
    headers = tuple((h.key, h.value if h.HasField("value") else None) for h in raw.headers)
    return Prepared(key, value, timestamp, raw.partition if raw.HasField("partition") else None, headers)


def _typed(target: Target, rows: pb.TypedRows, now_ms: int) -> Iterable[Prepared | RequestError]:
    """Typed columns, decoded column by column."""
    batch, codec = rows.batch, target.codec
    if batch.row_count > MAX_ROWS or len(rows.columns) != len(batch.columns):
        raise RequestError("INVALID_ARGUMENT", f"{batch.row_count} rows with {len(batch.columns)} columns under {len(rows.columns)} names",
                           {"field": "batch.rows"})
    count = batch.row_count
    keys: list[list[object]] = [[None] * count for _ in codec.key]
    values: list[list[object]] = [[None] * count for _ in codec.value]
    times: Sequence[object] = [now_ms] * count
    for name, data in zip(rows.columns, batch.columns, strict=True):
        try:
            if name.upper() == "ROWTIME" and name not in target.columns:
                times = [now_ms if t is None else t for t in column_decoder(BIGINT, False)(data, count)]
                continue
            is_key, place, column = target.columns[match(target.served.name, target.columns, name)]
            (keys if is_key else values)[place] = column_decoder(column.type, False)(data, count)
        except (ValueError, ArithmeticError) as e:
            raise RequestError("INVALID_ARGUMENT", f"column {name}: {e}", {"field": f"batch.rows.{name}"}) from e
    deleted = [k == DELETE for k in batch.kinds] if batch.kinds else [False] * count
    if len(deleted) != count:
        raise RequestError("INVALID_ARGUMENT", f"{len(deleted)} kinds for {count} rows", {"field": "batch.rows.batch.kinds"})
    fits = [_fitter(c.type) for c in codec.value]

    def one(n: int) -> Prepared:
        value = None if deleted[n] else [v[n] if f is None else f(v[n]) for v, f in zip(values, fits, strict=True)]
        time = times[n]
        if not isinstance(time, int) or time < 0:
            raise ValueError("ROWTIME is milliseconds since 1970")
        return _record(target, [k[n] for k in keys], value, time)

    return (_checked(n, lambda n=n: one(n)) for n in range(count))  # type: ignore[misc]


def _fitter(of: SqlType) -> Callable[[object], object] | None:
    """What is left to check of a decoded value: a DECIMAL's digits."""
    if of.kind is not Kind.DECIMAL:
        return None
    return lambda value: None if value is None else fits_exactly(value, of)  # type: ignore[arg-type]


