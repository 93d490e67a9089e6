"""Long runs over moving time: that the memory of a worker and the size of its stores level off, since what is expired leaves them.

Records come 1 ms apart. `moving_window` sums per key in tumbling minutes, with 10,000 keys; `moving_join` joins each fourth record of one
stream with its second half, 5 s later, within 10 s. Each gives two lines, for the memory of the worker and for its stores on the disk:
the curve in MB at twenty places, equally far apart, and the growth from the middle of the run to its end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from measure import pss_mb
from penstock.runtime.board import NodeBoard
from penstock.runtime.layout import Layout
from penstock_client import Client
from penstock_client.builder import Topology, tumbling
from penstock_client.channel import OPTIONS
from penstock_client.declare import Binding
from penstock_client.gen.penstock.v1 import append_service_pb2 as append
from penstock_client.gen.penstock.v1 import append_service_pb2_grpc, relation_pb2
from penstock_node import Node
from serving import Line, Setting

PLACES = 20
BATCH = 2_000
AHEAD = 100_000
"""Records that may wait for the worker."""
KEYS, HALF_MS = 10_000, 5_000
GROWTH = 1.25
"""The most that memory and stores may grow in the second half of a run."""
TIMEOUT = 3_600.0
KEPT_SECONDS = 3_600
"""Of topics. By Kafka's clock a record is as old as its time says, so that runs begin now and go on into the future."""
BEGIN_MS = time.time_ns() // 1_000_000

Fed = tuple[str, bytes, bytes, int]
"""(relation, key, value, timestamp)."""


class Point(NamedTuple):
    """A place of a curve."""

    records: int
    minutes: float
    worker_mb: float
    stores_mb: float


def window(name: str) -> Topology:
    """Sums per key and minute."""
    topology = Topology(name)
    sums = topology.stream(f"{name}_in", start="earliest").group_by().window(tumbling(minutes=1, grace=10)).aggregate(("SUM(n)", "s"))
    sums.to(f"{name}_out", binding=_short(f"{name}-out"))
    return topology


def join(name: str) -> Topology:
    """The halves of each fourth record."""
    topology = Topology(name)
    first, second = topology.stream(f"{name}_in", start="earliest", name="a"), topology.stream(f"{name}_more", start="earliest", name="b")
    first.join_stream(second, ("a.n", "n"), ("b.n", "m"), within=10, grace=10).to(f"{name}_out", binding=_short(f"{name}-out"))
    return topology


def window_records(name: str) -> Iterator[Fed]:
    """Without end."""
    n = 0
    while True:
        yield f"{name}_in", b"k%05d" % (n * 7919 % KEYS), b'{"n":%d}' % (n % 1000), BEGIN_MS + n
        n += 1


def join_records(name: str) -> Iterator[Fed]:
    """Without end."""
    n = 0
    while True:
        yield f"{name}_in", b"k%012d" % n, b'{"n":%d}' % n, BEGIN_MS + n
        if n >= HALF_MS and n % 4 == 0:
            yield f"{name}_more", b"k%012d" % (n - HALF_MS), b'{"n":%d}' % n, BEGIN_MS + n
        n += 1


KINDS: dict[str, tuple[Callable[[str], Topology], Callable[[str], Iterator[Fed]], Sequence[str]]] = {
    "moving_window": (window, window_records, ("in",)), "moving_join": (join, join_records, ("in", "more")),
}


class _Short(Binding):
    """A topic whose records are not kept for long: a run is about what the service keeps of them."""

    def message(self) -> relation_pb2.TopicBinding:
        message = super().message()
        message.create.retention.FromSeconds(KEPT_SECONDS)
        return message


def _short(topic: str) -> Binding:
    return _Short(topic, 1, key_format="KAFKA", value_format="JSON")


def run(setting: Setting, records: int) -> Iterator[Line]:
    """Both curves."""
    for name, (topology, source, inputs) in KINDS.items():
        with setting.node("moving") as running, Client(running.address) as client:
            for place in inputs:
                client.create_stream(f"{name}_{place}", "k STRING KEY, n BIGINT", _short(f"{name}-{place}"))
            client.register_topology(topology(name), wait=30.0)
            began = time.monotonic()
            curve = list(_curve(running, name, source(name), records))
            wall = time.monotonic() - began
            client.delete_topology(name, delete_topics=True)
        half, last = curve[len(curve) // 2], curve[-1]
        for figure, before, after, mb in (("worker", half.worker_mb, last.worker_mb, [p.worker_mb for p in curve]),
                                          ("stores", half.stores_mb, last.stores_mb, [p.stores_mb for p in curve])):
            yield setting.line(f"{name}_{figure}", after / before, "of the size at half", GROWTH, less=True, records=last.records,
                               minutes=last.minutes, records_per_s=last.records / wall, curve_mb=[round(v, 1) for v in mb])


def _curve(running: Node, name: str, source: Iterator[Fed], records: int) -> Iterator[Point]:
    state = Layout(running.data).root / "state"
    board = NodeBoard(Layout(running.data).boards())
    feed = Feed(running.address)
    try:
        sent = 0
        for _ in range(PLACES):
            for batch in _batches(islice(source, records // PLACES)):
                feed.send(batch)
                sent += sum(len(rows) for rows in batch.values())
                _wait(board, name, sent - AHEAD)
            _wait(board, name, sent)
            yield Point(sent, sent / 60_000, pss_mb(running.worker), _size_mb(state))
    finally:
        feed.close()
        board.close()


def _batches(source: Iterator[Fed]) -> Iterator[dict[str, list[append.RawRecord]]]:
    while some := list(islice(source, BATCH)):
        rows: dict[str, list[append.RawRecord]] = {}
        for relation, key, value, at in some:
            record = append.RawRecord(key=key, value=value)
            record.timestamp.FromMilliseconds(at)
            rows.setdefault(relation, []).append(record)
        yield rows


def _wait(board: NodeBoard, topology: str, records: int) -> None:
    """Until so many records are committed."""
    limit = time.monotonic() + TIMEOUT
    while sum(sum(t.inputs.values()) for t in board.tasks(topology)) < records:
        if time.monotonic() > limit:
            raise TimeoutError(f"{topology} has not taken {records} records after {TIMEOUT:.0f} s")
        time.sleep(0.02)


def _size_mb(directory: Path) -> float:
    """What files take on the disk: a store's file has holes."""
    return sum(f.stat().st_blocks * 512 for f in directory.rglob("*") if f.is_file()) / (1 << 20)


class Feed:
    """A stream of appends; at most MAX_IN_FLIGHT batches wait for their acknowledgement."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address, OPTIONS)
        self._ready = threading.Semaphore(0)
        self._next: list[append.AppendStreamRequest | None] = []
        stub = append_service_pb2_grpc.AppendServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._answers: Any = stub.AppendStream(self._requests())
        self._push(append.AppendStreamRequest(open=append.AppendOpen()))
        self._room = int(next(self._answers).opened.max_in_flight)
        self._waiting = 0

    def send(self, rows: dict[str, list[append.RawRecord]]) -> None:
        """Write the rows of each relation. Raises grpc.RpcError."""
        for relation, records in rows.items():
            if self._waiting == self._room:
                self._acknowledged()
            self._push(append.AppendStreamRequest(batch=append.AppendBatch(relation=relation, records=append.RawRecords(records=records))))
            self._waiting += 1
        while self._waiting > 1:
            self._acknowledged()

    def close(self) -> None:
        """End the stream."""
        self._push(None)
        self._answers.cancel()
        self._channel.close()

    def _acknowledged(self) -> None:
        ack = next(self._answers).ack
        if ack.row_errors:
            raise RuntimeError(f"a record was refused: {ack.row_errors[0]}")
        self._waiting -= 1

    def _push(self, request: append.AppendStreamRequest | None) -> None:
        self._next.append(request)
        self._ready.release()

    def _requests(self) -> Iterator[append.AppendStreamRequest]:
        while True:
            self._ready.acquire()
            request = self._next.pop(0)
            if request is None:
                return
            yield request
