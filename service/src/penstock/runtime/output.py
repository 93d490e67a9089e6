"""Outputs of a topology on one worker: rows gathered by generated code become prebuilt batches by partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.log.port import BatchBuilder
from penstock.log.records import partitions_of

Headers = Sequence[tuple[str, bytes | None]]
Row = tuple[bytes | None, bytes | None, int, Headers]
NO_HEADERS: Headers = ()

BATCH_LIMIT = 512 * 1024
RECORD_LIMIT = 1_000_000 - 256
"""Kafka's default message.max.bytes is 1 MiB for a batch; a record over this is refused here instead of by the broker."""


class OutputTopic:
    """An engine.port.Output: `rows` is filled by generated code, `drain` moves it into open batches."""

    def __init__(self, topic: str, partitions: int, builder: Callable[[], BatchBuilder], too_large: Callable[[str, Row], None]) -> None:
        self.topic = topic
        self.partitions = partitions
        self.rows: list[Row] = []
        self.written = 0
        self._builder = builder
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
            for key, value, timestamp, headers in rows:
                self.put(0, timestamp, key, value, headers)
        else:
            own = own_partition % n
            for (key, value, timestamp, headers), p in zip(rows, partitions_of([r[0] for r in rows], n), strict=True):
                self.put(own if key is None else p, timestamp, key, value, headers)
        rows.clear()

    def put(self, partition: int, timestamp: int, key: bytes | None, value: bytes | None, headers: Headers = NO_HEADERS) -> None:
        """One record to a partition chosen by the caller."""
        if value is not None and len(value) + len(key or b"") > RECORD_LIMIT:
            self._too_large(self.topic, (key, value, timestamp, headers))
            return
        batch = self._open[partition]
        if batch is None:
            batch = self._open[partition] = self._builder()
        if not batch.append(timestamp, key, value, headers):
            self._full.append((partition, batch))
            batch = self._open[partition] = self._builder()
            batch.append(timestamp, key, value, headers)
        self.written += 1

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
