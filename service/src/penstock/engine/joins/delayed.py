"""Rows of a stream that wait until a table's late rows have come: in order of (time, key, arrival), as in Kafka Streams (KIP-923).

They are kept in a store with keys `[time ms][key][number, 4 bytes]`; a heap of these keys, rebuilt from the store at first use, gives the
order.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from penstock.state.port import Store, Value

NEVER_DUE = 1 << 63
_LAST = 0xFFFFFFFF


class Delayed:
    """first: time of the earliest row that waits."""

    __slots__ = ("first", "_store", "_heap", "_number")

    def __init__(self, store: Store) -> None:
        self.first = NEVER_DUE
        self._store = store
        self._heap: list[bytes] | None = None
        self._number = 0

    def add(self, key: bytes, time: int, row: Value) -> None:
        """One more row."""
        heap = self._heap if self._heap is not None else self._load()
        self._number = (self._number + 1) & _LAST
        entry = time.to_bytes(8, "big") + key + self._number.to_bytes(4, "big")
        self._store.put(entry, row)
        heappush(heap, entry)
        self._look(heap)

    def due(self, until: int) -> Iterator[tuple[bytes, Value]]:
        """(key, row) of this time and earlier, in order; they wait no longer."""
        heap = self._heap
        assert heap is not None
        while self.first <= until:
            entry = heappop(heap)
            self._look(heap)
            row = self._store.get(entry)
            assert row is not None
            self._store.put(entry, None)
            yield entry[8:-4], row

    def _load(self) -> list[bytes]:
        heap = self._heap = [entry for entry, _ in self._store.range(b"", b"")]
        heapify(heap)
        self._number = max((int.from_bytes(entry[-4:], "big") for entry in heap), default=0)
        return heap

    def _look(self, heap: list[bytes]) -> None:
        self.first = int.from_bytes(heap[0][:8], "big") if heap else NEVER_DUE
