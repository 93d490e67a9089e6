"""Outputs of a topology on one worker: rows gathered by generated code become prebuilt batches by partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.log.port import BatchBuilder
from penstock.log.records import partitions_of

Headers = Sequence[tuple[str, bytes | None]]
Row = tuple[bytes | None, bytes | None, int, Headers]
NO_HEADERS: Headers = ()

BATCH_LIMIT = 512 * 1024
OVERHEAD = 256
"""Bytes of a batch and of a record's frame, on the safe side."""
RECORD_LIMIT = 1_000_000 - OVERHEAD
"""Kafka's default message.max.bytes is 1 MiB for a batch; a record over this is refused here instead of by the broker."""


class OutputTopic:
    """An engine.port.Output: `rows` is filled by generated code, `drain` moves it into open batches."""

    def __init__(self, topic: str, partitions: int, builder: Callable[[int], BatchBuilder], too_large: Callable[[str, Row], None],
                 max_batch: int = 0) -> None:
        """max_batch: bytes of the largest batch that the topic takes, where it has a limit of its own."""
        self.topic = topic
        self.partitions = partitions
        self.rows: list[Row] = []
        self.written = 0
        self._record_limit = max(1, min(RECORD_LIMIT, max_batch - OVERHEAD)) if max_batch else RECORD_LIMIT
        self._builder = lambda: builder(min(BATCH_LIMIT, self._record_limit))
        self._too_large = too_large
        self._open: list[BatchBuilder | None] = [None] * partitions
        self._full: list[tuple[int, BatchBuilder]] = []

    def drain(self, own_partition: int) -> None:
        """Rows into batches; rows without a key go to the task's own partition."""
        rows = self.rows
        if not rows:
            return
        n = self.partitions
        if n == 1:
            self._fill(0, rows)
        else:
            buckets: list[list[Row]] = [[] for _ in range(n)]
            into = [bucket.append for bucket in buckets]
            for row, p in zip(rows, partitions_of([row[0] for row in rows], n, own_partition % n)):
                into[p](row)
            for p, bucket in enumerate(buckets):
                if bucket:
                    self._fill(p, bucket)
        rows.clear()

    def _fill(self, partition: int, rows: Sequence[Row]) -> None:
        at, count = 0, len(rows)
        while True:
            batch = self._batch(partition)
            if batch.count == 0:
                at = self._pass_large(rows, at)
            at = batch.fill(rows, at)
            if at == count:
                break
            self._finish(partition)
        self.written += count

    def _pass_large(self, rows: Sequence[Row], at: int) -> int:
        """Only the first record of a batch can be near the limit (a smaller batch would have held it), so only that one is looked at."""
        while at < len(rows) and len(rows[at][1] or b"") + len(rows[at][0] or b"") > self._record_limit:
            self._too_large(self.topic, rows[at])
            at += 1
        return at

    def put(self, partition: int, timestamp: int, key: bytes | None, value: bytes | None, headers: Headers = NO_HEADERS) -> None:
        """One record to a partition chosen by the caller."""
        self._fill(partition, [(key, value, timestamp, headers)])

    def put_entries(self, partition: int, timestamp: int, entries: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Changelog records."""
        at, count = 0, len(entries)
        while at < count:
            batch = self._batch(partition)
            key, value = entries[at]
            if batch.count == 0 and len(key) + len(value or b"") > self._record_limit:
                self._too_large(self.topic, (key, value, timestamp, NO_HEADERS))
            at = batch.fill_entries(entries, timestamp, at)
            if at < count:
                self._finish(partition)
        self.written += count

    def _batch(self, partition: int) -> BatchBuilder:
        batch = self._open[partition]
        if batch is None:
            batch = self._open[partition] = self._builder()
        return batch

    def _finish(self, partition: int) -> None:
        batch = self._open[partition]
        if batch is not None and batch.count:
            self._full.append((partition, batch))
            self._open[partition] = None

    @property
    def full(self) -> int:
        """Finished batches that wait."""
        return len(self._full)

    def take_full(self) -> list[tuple[int, BatchBuilder]]:
        """Finished batches only."""
        full, self._full = self._full, []
        return full

    def take_all(self) -> list[tuple[int, BatchBuilder]]:
        """Everything, open batches included: the freeze of a commit."""
        out = self.take_full()
        for p, batch in enumerate(self._open):
            if batch is not None and batch.count:
                out.append((p, batch))
                self._open[p] = None
        return out

    def clear(self) -> None:
        """Drop everything not yet sent."""
        self.rows.clear()
        self._full = []
        self._open = [None] * self.partitions
