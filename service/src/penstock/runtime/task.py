"""A task: one partition of one sub-topology, with its store, its compiled program and the records that wait for it.

The next record is the one with the lowest timestamp at the head of the task's inputs, as in Kafka Streams: its own, or what its time
column says. An input that is empty holds
the others back only while data is known to exist for it (its position is before the known end), so that results of joins and merges do
not depend on the timing of fetches.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.clock import Clock
from penstock.engine.head_times import HeadTime, head_times
from penstock.engine.port import Program
from penstock.engine.processors.bundles import Bundle, Result
from penstock.engine.processors.calls import CallHost
from penstock.engine.processors.remote import RemoteHost
from penstock.log.port import Chunk, Record, TaskId, TopicPartition
from penstock.plan.nodes import Processor, RemoteCall, RemoteProcessor
from penstock.plan.replay import Replayed, decode
from penstock.plan.resolved import SubTopology
from penstock.runtime.output import OutputTopic
from penstock.runtime.poison import TOPICS, Note, NoteFile, Suspect
from penstock.runtime.remote import RemoteLink, Waiting
from penstock.runtime.routing import RoutedRows
from penstock.state.port import TaskState

SLICE = (50, 4000)
SLICE_SECONDS = 0.003
"""A slice has as many records as were processed in this time before: enough to amortise what is done for each slice (numpy's partitioning
above all), few enough for a turn of 5 ms also where a record is expensive. Where inputs take turns it has several calls of the compiled
function."""
BUNDLE_BYTES = 1 << 20
"""Keys and values of a bundle's records at most: in columns it stays under gRPC's 4 MiB."""
MOST_AWAY = 4
"""Bundles of one task that are with programs at once: one is made, one is computed, one is applied, and one waits."""


class Input:
    """Records of one input partition that were fetched and not yet processed."""

    __slots__ = ("tp", "chunks", "records", "at", "position", "reached", "handed", "fetched", "end", "buffered", "paused", "committed",
                 "wait_until", "replay", "time", "times")

    def __init__(self, tp: TopicPartition, position: int) -> None:
        self.tp = tp
        self.chunks: deque[Chunk] = deque()
        self.records: list[Record] = []  # of the chunk being processed
        self.at = 0
        self.position = position  # next offset to process: what a commit stores
        self.reached = position  # next offset to take: further on while bundles are with programs
        self.handed = 0  # those bundles
        self.fetched = position
        self.end = -1
        self.buffered = 0
        self.paused = False
        self.committed = position
        self.replay = False  # records are wrapped ones of other topics (plan/replay.py)
        self.time: HeadTime | None = None  # of records that have the time of a column
        self.times: list[int] = []  # those of the first records, as far as they were asked for
        self.wait_until: float | None = None  # monotonic seconds: since it is empty while others have records, the task waits for it

    def add(self, chunk: Chunk) -> None:
        """Take a chunk of the reader; chunks from before a position change are ignored."""
        if chunk.next <= self.fetched:
            return
        if self.replay:
            wrapped: list[Any] = [decode(r.offset, r.value or b"") for r in chunk.records]
            chunk = Chunk(chunk.tp, wrapped, chunk.start, chunk.next, chunk.end, chunk.size)
        self.chunks.append(chunk)
        self.fetched = chunk.next
        self.end = max(self.end, chunk.end)
        self.buffered += len(chunk.records)

    def ready(self) -> bool:
        """Whether a record waits. Chunks without records only move the position."""
        while self.at >= len(self.records):
            if self.records:
                self.records = []
                self.at = 0
            if not self.chunks:
                return False
            chunk = self.chunks[0]
            if chunk.records:
                self.records, self.at, self.times = chunk.records, 0, []
                return True
            self.chunks.popleft()
            self._reach(chunk.next)
        return True

    @property
    def caught_up(self) -> bool:
        """Nothing is known to exist beyond what was fetched."""
        return self.end >= 0 and self.fetched >= self.end

    def time_at(self, number: int) -> int:
        """The time by which a record of the present chunk is chosen."""
        if self.time is None:
            return self.records[number].timestamp
        while len(self.times) <= number:
            self.times.append(self.time(self.records[len(self.times)]))
        return self.times[number]

    def take(self, limit: int, below: int | None, equal: bool) -> list[Record]:
        """Up to `limit` records; with `below`, only as long as their timestamps are before it (equal: or the same)."""
        first, last = self.at, min(self.at + limit, len(self.records))
        if below is not None:
            records, stop = self.records, first
            bound = below + 1 if equal else below
            if self.time is None:
                while stop < last and records[stop].timestamp < bound:
                    stop += 1
            else:
                while stop < last and self.time_at(stop) < bound:
                    stop += 1
            last = max(stop, first + 1)
        return self.records[first:last]

    def done(self, count: int) -> None:
        """These many records of `take` were processed."""
        self.at += count
        self.buffered -= count
        if self.at >= len(self.records):
            self._reach(self.chunks.popleft().next)
            self.records, self.at = [], 0
        else:
            self._reach(self.records[self.at - 1].offset + 1)

    def hand_out(self, count: int) -> int:
        """These many records of `take` are with a program; the position for when they are processed."""
        self.handed += 1
        self.done(count)
        return self.reached

    def came_back(self, position: int) -> None:
        """The records that were handed out first are processed."""
        self.handed -= 1
        self.position = max(self.position, position if self.handed else self.reached)

    def skip_to(self, position: int) -> None:
        """The records before are gone from the log."""
        self.position = self.reached = self.fetched = position

    def _reach(self, position: int) -> None:
        self.reached = position
        if not self.handed:
            self.position = position


@dataclass(frozen=True, slots=True)
class Away:
    """A bundle that is with a program: none of its records counts as processed. source: where they are from; None when there are none, but
    timers. position: of the source, when they are processed. since: monotonic seconds."""

    waiting: Waiting
    host: RemoteHost | CallHost
    source: Input | None
    count: int = 0
    last: int = -1
    position: int = -1
    since: float = 0.0


class Task:
    """An open task. `process` does a turn of work; everything else is the runner's."""

    def __init__(self, name: str, task_id: TaskId, sub: SubTopology, state: TaskState | None, program: Program,
                 positions: Mapping[TopicPartition, int], outputs: Sequence[OutputTopic], routed: Sequence[RoutedRows], note: NoteFile,
                 suspect: Suspect | None, remote: RemoteLink, clock: Clock, max_idle_ms: int = 0) -> None:
        self.name = name
        self.id = task_id
        self.sub = sub
        self.state = state
        self.program = program
        self.inputs = [Input(tp, at) for tp, at in positions.items()]
        self.outputs = outputs
        self.routed = routed
        self.changelogs: dict[str, int] = {}
        self.first_commit = True
        self.processed = 0
        self.suspect = suspect
        self.since = 0  # records since the last freeze
        self.last = ("", -1)  # topic and offset of the newest of them
        self._size = 500
        self._max_idle = max_idle_ms / 1000
        self._note = note
        self._by_tp = {i.tp: i for i in self.inputs}
        self._remote, self._clock = remote, clock
        self._away: deque[Away] = deque()  # in the order of their records, in which they come back
        self._took = float("inf")  # seconds for which the last bundle that came back was away
        self._lease = secrets.randbits(63)
        self._bundles = 0
        self._times = head_times(sub)
        self._cuts = any(isinstance(node, RemoteProcessor | RemoteCall) for node in sub.nodes)
        # a plug-in's punctuations go by the time of records that were taken: none is taken ahead of it
        self._ahead = not any(isinstance(node, Processor) and not isinstance(node, RemoteProcessor) for node in sub.nodes)

    def read_too(self, tp: TopicPartition, like: str, position: int, committed: int, replay: bool = False) -> None:
        """One more input, read as a topic of the plan, or a replay topic."""
        if not replay:
            self.program.read_too(tp.topic, like)
        added = self._by_tp[tp] = Input(tp, position)
        if committed < 0:
            self.first_commit = True  # its position is committed even if nothing comes
        else:
            added.committed = committed
        self.inputs.append(added)
        self.reads(tp, like, replay)

    def reads(self, tp: TopicPartition, like: str, replay: bool) -> None:
        """Say of an input as which topic of the plan it is read, or that it is a replay topic."""
        given = self._by_tp[tp]
        given.replay, given.time = replay, None if replay else self._times.get(like)

    def deliver(self, chunk: Chunk) -> None:
        """Chunks from the reader."""
        self._by_tp[chunk.tp].add(chunk)

    def input(self, tp: TopicPartition) -> Input:
        """One input."""
        return self._by_tp[tp]

    def punctuate(self, now_ms: int) -> None:
        """Call what is due by the clock. It belongs to the next commit, which commits the positions, whether they moved or not."""
        if self.program.punctuate(now_ms):
            self.touched = True
            self.drain()

    @property
    def dirty(self) -> bool:
        """Whether a commit has something to store."""
        return self.touched or any(i.position != i.committed for i in self.inputs)

    @property
    def lag(self) -> int:
        """Records between the positions and the known ends."""
        return sum(max(0, i.end - i.position) for i in self.inputs)

    def process(self, deadline: float) -> int:
        """Work until time.monotonic() passes the deadline or nothing can go on; records processed."""
        total = 0
        while self._away and (result := self._away[0].waiting.result) is not None:
            total += self._back(self._away.popleft(), result)
            if total and time.monotonic() >= deadline:
                return total
        while not self.at_step:
            chosen = self._choose()
            if self._cuts and not self._away and self._fire(None if chosen is None else chosen[0]):
                return total
            if chosen is None or self._away and not self._may_follow(chosen[0]):
                return total
            source, below, equal = chosen
            total += self._careful(source) if self.suspect is not None else self._slice(source, below, equal)
            if time.monotonic() >= deadline:
                return total
        return total

    @property
    def at_step(self) -> bool:
        """Whether a suspect must be committed before it goes on."""
        return self.suspect is not None and 0 < self.suspect.step <= self.since

    def _choose(self) -> tuple[Input, int | None, bool] | None:
        """The input to go on with, the timestamp up to which it is first, and whether it is first at that timestamp too: of equal heads the
        input that comes first in the plan goes first, as in engine/merge.py. None while it has to wait for an input without records
        (KIP-695): for those that are known to be in the log, and then as long as the topology says."""
        if len(self.inputs) == 1:
            only = self.inputs[0]
            return (only, None, True) if only.ready() else None
        heads: list[tuple[int, int]] = []
        self.wait_until = None
        for n, i in enumerate(self.inputs):
            if i.ready():
                heads.append((i.time_at(i.at), n))
                i.wait_until = None
            elif i.replay:
                continue  # nothing is to be expected of it
            elif self._max_idle >= 0 and not i.caught_up:
                return None
        if not heads:
            for i in self.inputs:
                i.wait_until = None
            return None
        if len(heads) < sum(not i.replay for i in self.inputs) and self._max_idle > 0 and self._waits():
            return None
        _, chosen = min(heads)
        others = [h for h in heads if h[1] != chosen]
        if not others:
            return self.inputs[chosen], None, True
        below, behind = min(others)
        return self.inputs[chosen], below, chosen < behind

    def _waits(self) -> bool:
        """Some input is empty while others have records: whether that is not yet so for long enough. Unlike in Kafka Streams the time begins
        when there is something that waits, so that a quiet hour does not use it up."""
        now, latest = time.monotonic(), 0.0
        for i in self.inputs:
            if not i.ready() and not i.replay:
                if i.wait_until is None:
                    i.wait_until = now + self._max_idle
                latest = max(latest, i.wait_until)
        self.wait_until = latest if latest > now else None
        return latest > now

    def _slice(self, source: Input, below: int | None, equal: bool) -> int:
        if self._is_cut(source):
            records = self._bundled(source, below, equal)
            self._note.begin(Note(self.name, {source.tp.topic: (records[0].offset, records[-1].offset)}))
            processed = self._run(source, records)
            self._note.end()
            return processed
        runs, count = self._gathered(source, below, equal)
        began = time.monotonic()
        self._run_all(runs, count)
        if count == self._size:
            wanted = int(count * SLICE_SECONDS / max(1e-6, time.monotonic() - began))
            self._size = max(SLICE[0], min(SLICE[1], (self._size + wanted) // 2))
        self._note.end()
        return count

    def _gathered(self, source: Input, below: int | None, equal: bool) -> tuple[list[tuple[Input, list[Record]]], int]:
        """Up to `_size` records, noted, in the order in which they are to be processed; how many. The inputs move on already: whatever fails
        goes back to the last commit."""
        runs: list[tuple[Input, list[Record]]] = []
        noted: dict[str, tuple[int, int]] = {}
        count = 0
        while True:
            records = source.take(self._size - count, below, equal)
            source.done(len(records))
            runs.append((source, records))
            topic, first = source.tp.topic, records[0].offset
            noted[topic] = noted.get(topic, (first, 0))[0], records[-1].offset
            count += len(records)
            chosen = self._choose() if count < self._size else None
            if chosen is None or (len(noted) == TOPICS and chosen[0].tp.topic not in noted) or self._is_cut(chosen[0]):
                break
            source, below, equal = chosen
        self._note.begin(Note(self.name, noted))
        return runs, count

    def _careful(self, source: Input) -> int:
        """One record, noted on its own; a culprit is passed over."""
        suspect = self.suspect
        assert suspect is not None
        record = source.take(1, None, True)[0]
        topic, offset = source.tp.topic, record.offset
        if suspect.culprit(topic, offset):
            self.on_culprit(source, record)
            source.done(1)
            self.processed += 1
        else:
            self._note.begin(Note(self.name, {topic: (offset, offset)}, careful=True))
            self._run(source, [record])
            self._note.end()
        if offset >= suspect.until.get(topic, -1):
            suspect.until.pop(topic, None)
            if not suspect.until:
                self.suspect = None
                self.passed_suspicion = True
        return 1

    touched = False
    """Whether a punctuation or a timer did something since the last freeze."""
    passed_suspicion = False
    wait_until: float | None = None
    """Monotonic seconds until which the task waits for an input without records."""

    def on_culprit(self, source: Input, record: Record) -> None:
        """Set by the runner: the record goes to the dead letter."""
        raise NotImplementedError

    def drain(self, reading: str = "") -> None:
        """What the program wrote into batches. reading: the topic whose records it processed, empty for a flush."""
        partition = self.id.partition
        for output in self.outputs:
            output.drain(partition)
        for routed in self.routed:
            routed.drain(reading)

    def _run_all(self, runs: Sequence[tuple[Input, list[Record]]], count: int) -> None:
        """Records that are nowhere sent to programs; their inputs have moved on."""
        topic, routed, run = "", self.routed, self.program.run
        for source, records in runs:
            topic = source.tp.topic
            if source.replay:
                self._run_replayed(records)
            else:
                run(topic, records)
                if routed:
                    self.drain(topic)
        self.drain()
        self.program.expire()
        self.processed += count
        self.since += count
        self.last = topic, runs[-1][1][-1].offset

    def _run_replayed(self, records: Sequence[Record]) -> str:
        """Each as one of its original topic; that of the last."""
        topic = ""
        for replayed in records:
            assert isinstance(replayed, Replayed)
            topic = replayed.topic
            self.program.run(topic, [replayed.record])
            self.drain(topic)
        return topic

    def _run(self, source: Input, records: list[Record]) -> int:
        """How many of the records are processed: all, or none of a bundle."""
        topic = source.tp.topic
        if source.replay:
            topic = self._run_replayed(records)
        else:
            self.program.run(topic, records)
            self.drain(topic)
        host = self.program.remote(topic)
        bundle = host.bundle(self._clock.now_ms()) if host is not None else None
        if host is None or bundle is None:
            if host is not None:
                self.drain(host.topic)  # what needed no program has gone on
            source.done(len(records))
            self._done(source, len(records), records[-1].offset)
            return len(records)
        waiting = self._submit(host, bundle)
        self._away.append(Away(waiting, host, source, len(records), records[-1].offset, source.hand_out(len(records)), time.monotonic()))
        return 0

    def _submit(self, host: RemoteHost | CallHost, bundle: Bundle) -> Waiting:
        self._bundles += 1
        return self._remote.submit(host, self.id.partition, self._lease, self._bundles, bundle, self.on_answer)

    def _fire(self, source: Input | None) -> bool:
        """Hand out timers that are due where no record is at hand to take them along; source: the input that goes on. Whether any were."""
        now_ms = self._clock.now_ms()
        taking = None if source is None or source.replay else self.program.remote(source.tp.topic)
        for host in self.program.remotes:
            if host is not taking and host.any_due(now_ms):
                bundle = host.bundle(now_ms)
                assert bundle is not None
                self._away.append(Away(self._submit(host, bundle), host, None))
                return True
        return False

    @property
    def due(self) -> int:
        """The time of the clock, ms, from which there is something to do without any record; very late when there never is."""
        due = self.program.due
        if self._cuts and not self._away:
            due = min(due, *(host.due for host in self.program.remotes))
        return due

    def _is_cut(self, source: Input) -> bool:
        """Whether records of an input may be sent to a program, until whose answer they do not count as processed."""
        return self._cuts and (source.replay or self.program.remote(source.tp.topic) is not None)

    def _may_follow(self, source: Input) -> bool:
        """Whether a bundle may be handed out while others are away: a full one, so that a trickle is gathered meanwhile, of a node that keeps nothing
        that the others could change, and whose programs are so quick that one which takes them one by one has the last in half its time."""
        host = None if source.replay or not self._ahead else self.program.remote(source.tp.topic)
        return (isinstance(host, RemoteHost) and host.stateless and self.suspect is None and len(self._away) < MOST_AWAY
                and source.buffered >= host.node.bundle_rows and self._took * MOST_AWAY < host.node.timeout_ms / 2000)

    def _bundled(self, source: Input, below: int | None, equal: bool) -> list[Record]:
        """Records for one bundle: as many as it may have, in rows and in bytes; replayed ones one by one, as they are of several topics."""
        host = None if source.replay else self.program.remote(source.tp.topic)
        records = source.take(1 if host is None else host.node.bundle_rows, below, equal)
        size = 0
        for n, record in enumerate(records):
            size += len(record.value or b"") + len(record.key or b"")
            if size > BUNDLE_BYTES and n:
                return records[:n]
        return records

    def _back(self, away: Away, result: Result) -> int:
        """Apply what a bundle gave; records processed."""
        if away.source is not None:
            self._note.begin(Note(self.name, {away.source.tp.topic: (away.last - away.count + 1, away.last)}, careful=self.suspect is not None))
        away.host.apply(result)
        self.drain(away.host.topic)
        self._note.end()
        if away.source is None:  # as a punctuation: the next commit commits the positions, whether they moved or not
            self.touched = True
            self.program.expire()
            return 0
        self._took = time.monotonic() - away.since
        away.source.came_back(away.position)
        self._done(away.source, away.count, away.last)
        return away.count

    def _done(self, source: Input, count: int, last: int) -> None:
        self.program.expire()
        self.processed += count
        self.since += count
        self.last = source.tp.topic, last

    def on_answer(self) -> None:
        """Set by the runner: the loop has something to do."""
        raise NotImplementedError

    @property
    def waits_for(self) -> str:
        """Why the oldest bundle is not answered; empty when none is away, or a program has it."""
        return self._away[0].waiting.reason if self._away else ""

    @property
    def away(self) -> bool:
        """Whether bundles are with programs, or wait for one."""
        return bool(self._away)

    def end(self) -> None:
        """Nothing of what is away is wanted any more; plug-ins are told that the task ends. Raises what they raise."""
        while self._away:
            self._remote.forget(self._away.popleft().waiting)
        self.program.close()
