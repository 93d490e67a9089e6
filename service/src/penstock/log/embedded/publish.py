"""Publishing batches: the part of a job that gives them offsets and puts them into the index, inside the LMDB transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from penstock.errors import RecordTooLarge
from penstock.log.embedded.committer import Places
from penstock.log.embedded.tables import Entry, Tables, TopicRow
from penstock.log.port import CommittedOffset, TopicPartition
from penstock.log.records import Builder, max_timestamp

MAX_BATCH = 1_048_588
"""Bytes of one batch, as Kafka's default message.max.bytes, so that what fits here fits there."""


class Ready:
    """A finished batch on its way."""

    __slots__ = ("tp", "data", "count", "max_timestamp")

    def __init__(self, tp: TopicPartition, builder: Builder) -> None:
        """Raises RecordTooLarge, ValueError for an empty batch."""
        if builder.count == 0:
            raise ValueError(f"{tp.topic}[{tp.partition}]: a batch without records")
        self.tp, self.count = tp, builder.count
        self.data = builder.build(False)
        if len(self.data) > MAX_BATCH:
            raise RecordTooLarge(f"{tp.topic}[{tp.partition}]: a batch of {len(self.data):,} bytes; the limit is {MAX_BATCH:,}")
        self.max_timestamp = max_timestamp(self.data)


class Publication:
    """Offsets for batches, worked out before anything is written, so that a refusal leaves nothing behind."""

    def __init__(self, tables: Tables, ready: Sequence[Ready], places: Places, now_ms: int) -> None:
        """Raises UnknownTopic."""
        self._tables = tables
        self._rows: dict[str, TopicRow] = {}
        self._bounds: dict[TopicPartition, tuple[int, int]] = {}
        self._entries: list[tuple[TopicPartition, Entry]] = []
        self.first: dict[TopicPartition, int] = {}
        for batch, (file, position) in zip(ready, places, strict=True):
            tp = batch.tp
            start, base = self._bounds.get(tp) or self._look_up(tp)
            self.first.setdefault(tp, base)
            behind = base + batch.count
            self._bounds[tp] = start, behind
            self._entries.append((tp, Entry(base, file, position, len(batch.data), behind, batch.count, batch.max_timestamp, now_ms)))

    def _look_up(self, tp: TopicPartition) -> tuple[int, int]:
        self._rows[tp.topic] = row = self._tables.known_topic(tp.topic, tp.partition)
        return self._tables.ends(row.number, tp.partition)

    @property
    def ends(self) -> dict[TopicPartition, int]:
        """For each partition the offset behind its last record."""
        return {tp: end for tp, (_, end) in self._bounds.items()}

    def write(self) -> None:
        """Into the index."""
        for tp, entry in self._entries:
            self._tables.add_entry(self._rows[tp.topic].number, tp.partition, entry)
        for tp, (start, end) in self._bounds.items():
            self._tables.set_ends(self._rows[tp.topic].number, tp.partition, start, end)


def rows_of(tables: Tables, tps: Iterable[TopicPartition]) -> dict[TopicPartition, TopicRow]:
    """The topic of each partition. Raises UnknownTopic."""
    return {tp: tables.known_topic(tp.topic, tp.partition) for tp in tps}


def set_offsets(tables: Tables, group: str, offsets: Mapping[TopicPartition, CommittedOffset], rows: Mapping[TopicPartition, TopicRow]) -> None:
    """Store a group's offsets."""
    for tp, offset in offsets.items():
        tables.set_committed(group, rows[tp].number, tp.partition, offset)
