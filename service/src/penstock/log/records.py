"""Record batches (Kafka's v2 format): decoding record sets, building batches, the default partitioner. The only importer of aiokafka.record.

Header of a batch, big endian: baseOffset i64 @0, batchLength i32 @8, leaderEpoch i32 @12, magic i8 @16, crc u32 @17 (CRC-32C over what
follows), attributes i16 @21 (compression 0-2, transactional 0x10, control 0x20), lastOffsetDelta i32 @23, baseTimestamp i64 @27,
maxTimestamp i64 @35, producerId i64 @43, producerEpoch i16 @51, baseSequence i32 @53, count i32 @57; records from 61 on. The base offset
is outside the CRC, so whoever gives the offsets may write it into a finished batch.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from typing import cast

import numpy as np
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]

from penstock.errors import LogError
from penstock.log.port import Record

HEADER = 61
TRANSACTIONAL = 0x10
CONTROL = 0x20

_PREFIX = struct.Struct(">qiib")
_BASE = struct.Struct(">q")
_ATTRIBUTES = struct.Struct(">h")
_CRC = struct.Struct(">I")
_PRODUCER = struct.Struct(">qhi")
_CONTROL_KEY = struct.Struct(">hh")
_offset_of = attrgetter("offset")


class CorruptBatch(LogError):
    """Bytes that are not a sound v2 batch."""


def batches(data: bytes | bytearray | memoryview, check_crc: bool = True) -> Iterator[DefaultRecordBatch]:
    """The whole batches of a record set; an incomplete one at its end is left out. Raises CorruptBatch."""
    view = memoryview(data)
    at, size = 0, len(view)
    while size - at >= HEADER:
        base, length, _, magic = _PREFIX.unpack_from(view, at)
        if magic != 2:
            raise CorruptBatch(f"batch at offset {base} has message format {magic}; only format 2 is read")
        if length < HEADER - 12:
            raise CorruptBatch(f"batch at offset {base} claims a length of {length} bytes")
        end = at + 12 + length
        if end > size:
            return
        batch = DefaultRecordBatch(bytes(view[at:end]))
        if check_crc and not batch.validate_crc():
            raise CorruptBatch(f"batch at offset {base} fails its checksum")
        yield batch
        at = end


def decode(data: bytes | bytearray | memoryview, start: int, aborted: Iterable[tuple[int, int]] = (),
           check_crc: bool = True) -> tuple[list[Record], int]:
    """(data records at `start` or later, next offset) of a record set.

    Control batches are left out. aborted: (producer id, first offset) of aborted transactions as a fetch response lists them; their
    records are left out. The next offset counts what was left out, and is `start` when there is no whole batch. Raises CorruptBatch.
    """
    pending = sorted(aborted, key=lambda a: a[1])
    open_aborts: set[int] = set()
    records: list[Record] = []
    position, taken = start, 0
    for batch in batches(data, check_crc):
        behind = batch.next_offset
        while taken < len(pending) and pending[taken][1] < behind:
            open_aborts.add(pending[taken][0])
            taken += 1
        if behind > start:
            position = behind
        if batch.is_control_batch:
            if _aborts(batch):
                open_aborts.discard(batch.producer_id)
        elif behind > start and not (batch.is_transactional and batch.producer_id in open_aborts):
            found = cast("list[Record]", list(batch))
            if batch.base_offset < start:
                found = found[bisect_left(found, start, key=_offset_of):]
            records = records + found if records else found
    return records, position


def _aborts(batch: DefaultRecordBatch) -> bool:
    """Whether this control batch is the marker of an aborted transaction."""
    key = next(iter(batch)).key
    return key is not None and len(key) >= _CONTROL_KEY.size and _CONTROL_KEY.unpack_from(key)[1] == 0


class Builder:
    """An open batch of one partition; the port's BatchBuilder. build() ends it, and can be called again."""

    __slots__ = ("count", "transactional", "_builder", "_append", "_built")

    def __init__(self, limit: int, transactional: bool) -> None:
        """limit: bytes; a first record that is larger is taken alone."""
        self.count = 0
        self.transactional = transactional
        self._builder = DefaultRecordBatchBuilder(
            magic=2, compression_type=0, is_transactional=int(transactional), producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=limit)
        self._append = self._builder.append
        self._built: bytearray | None = None

    def append(self, timestamp: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> bool:
        """False: full, nothing was added."""
        if self._append(self.count, timestamp, key, value, headers if type(headers) is list else list(headers)) is None:
            return False
        self.count += 1
        return True

    def fill(self, rows: Sequence[tuple[bytes | None, bytes | None, int, Sequence[tuple[str, bytes | None]]]], at: int) -> int:
        """Append rows[at:], each (key, value, timestamp, headers), until full; the place of the first that was not taken."""
        append, count = self._append, self.count
        for key, value, timestamp, headers in rows if at == 0 else islice(rows, at, None):
            if append(count, timestamp, key, value, headers if type(headers) is list else list(headers)) is None:
                break
            count += 1
        at += count - self.count
        self.count = count
        return at

    def fill_entries(self, entries: Sequence[tuple[bytes, bytes | None]], timestamp: int, at: int) -> int:
        """As fill, for (key, value) entries of one timestamp without headers."""
        append, count, none = self._append, self.count, list[tuple[str, bytes | None]]()
        for key, value in entries if at == 0 else islice(entries, at, None):
            if append(count, timestamp, key, value, none) is None:
                break
            count += 1
        at += count - self.count
        self.count = count
        return at

    def size(self) -> int:
        """Bytes so far, header included."""
        return len(self._built) if self._built is not None else self._builder.size()

    def build(self, transactional: bool | None = None, producer_id: int = -1, producer_epoch: int = -1, base_sequence: int = -1) -> bytearray:
        """The finished bytes with base offset 0. transactional None: as opened. The same bytearray is changed by the next call."""
        if self._built is None:
            self._builder.set_producer_state(producer_id, producer_epoch, base_sequence)
            self._built = self._builder.build()
            self._append = _closed
            if transactional is None or transactional == self.transactional:
                return self._built
        built = self._built
        (attributes,) = _ATTRIBUTES.unpack_from(built, 21)
        wanted = self.transactional if transactional is None else transactional
        _ATTRIBUTES.pack_into(built, 21, attributes | TRANSACTIONAL if wanted else attributes & ~TRANSACTIONAL)
        _PRODUCER.pack_into(built, 43, producer_id, producer_epoch, base_sequence)
        _CRC.pack_into(built, 17, calc_crc32c(memoryview(built)[21:]))
        return built


def _closed(*_: object) -> None:
    """append of a finished batch: full."""


def max_timestamp(built: bytes | bytearray) -> int:
    """The latest timestamp of a finished batch, milliseconds."""
    return int(_BASE.unpack_from(built, 35)[0])


def set_base_offset(built: bytearray, offset: int) -> None:
    """Give a finished batch its place; the checksum does not cover it."""
    _BASE.pack_into(built, 0, offset)


def rewrite(records: Sequence[Record]) -> bytearray:
    """One batch with these records at the offsets they have: gaps between them stay (compaction). records must not be empty.

    The base offset is the first record's; the batch ends with the last record, so what compaction removed behind it is the index's to know.
    """
    base = records[0].offset
    builder = DefaultRecordBatchBuilder(magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
                                        batch_size=1 << 30)
    for r in records:
        builder.append(r.offset - base, r.timestamp, r.key, r.value, list(r.headers))
    built = builder.build()
    set_base_offset(built, base)
    return cast(bytearray, built)


@lru_cache(maxsize=16384)
def murmur2(key: bytes) -> int:
    """The hash of Kafka's default partitioner, as 31 bits: partition = murmur2(key) % partitions."""
    n = len(key)
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ n
    whole = n & ~3
    for (k,) in struct.iter_unpack("<I", key[:whole]):
        k = (k * m) & mask
        k ^= k >> 24
        h = ((h * m) & mask) ^ ((k * m) & mask)
    tail = key[whole:]
    if tail:
        h ^= int.from_bytes(tail, "little")
        h = (h * m) & mask
    h ^= h >> 13
    h = (h * m) & mask
    h ^= h >> 15
    return h & 0x7FFFFFFF


def partitions_of(keys: Sequence[bytes | None], n: int, null: int = 0) -> list[int]:
    """The partition of each key among n, by Kafka's default partitioner. null: where records without a key go."""
    if len(keys) < 32:
        return [null if k is None else murmur2(k) % n for k in keys]
    lengths = {-1 if key is None else len(key) for key in keys}
    if len(lengths) == 1 and (length := lengths.pop()) >= 0:
        return cast("list[int]", (_murmur2_rows(b"".join(cast("Sequence[bytes]", keys)), len(keys), length) % n).tolist())
    by_length: dict[int, list[int]] = {}
    for i, key in enumerate(keys):
        by_length.setdefault(-1 if key is None else len(key), []).append(i)
    out = np.empty(len(keys), np.int64)
    for length, index in by_length.items():
        if length < 0:
            out[index] = null
        else:
            out[index] = _murmur2_rows(b"".join([cast(bytes, keys[i]) for i in index]), len(index), length) % n
    return out.tolist()


def _murmur2_rows(joined: bytes, rows: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """murmur2 of `rows` keys of n bytes each, side by side in `joined`."""
    m = np.uint32(0x5BD1E995)
    data = np.frombuffer(joined, np.uint8).reshape(rows, n)
    h = np.full(rows, np.uint32(0x9747B28C ^ n))
    whole = n & ~3
    words = np.ascontiguousarray(data[:, :whole]).view("<u4")
    for j in range(whole >> 2):
        k = words[:, j] * m
        k ^= k >> np.uint32(24)
        h = (h * m) ^ (k * m)
    tail = n & 3
    for j in range(tail):
        h ^= data[:, whole + j].astype(np.uint32) << np.uint32(8 * j)
    if tail:
        h *= m
    h ^= h >> np.uint32(13)
    h *= m
    h ^= h >> np.uint32(15)
    return (h & np.uint32(0x7FFFFFFF)).astype(np.int64)
