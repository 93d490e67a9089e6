"""Programs that dial in to process rows, and the bundles that the workers of this node have for them.

A bundle is with one program at a time. When its time is over, or its program goes, it is given to another, and what the first one answers
later is dropped. The result goes to the worker as a whole; nothing is kept here that a restart of the gateway could lose.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from penstock_client.gen.penstock.v1 import processor_service_pb2 as pb
from penstock_client.gen.penstock.v1 import row_pb2
from penstock_client.rows import column_decoder

from penstock.engine.processors.bundles import Bundle, InvalidResult, OutputRows, Result, Rows, Shape, check, plain
from penstock.engine.processors.timers import Timer, TimerChange, TimerClock
from penstock.runtime.remote_port import BUFFER, Answer, Forget, Waits, Work, receive, send, socket_path
from penstock.security.principal import Access, Need, Principal
from penstock.serving.rows import DELETE, UPSERT, RowLayout, layout
from penstock.types.schema import Column

log = logging.getLogger("penstock.programs")

BACK_OFF = (0.1, 5.0)
CLOCKS = {TimerClock.STREAM_TIME: pb.TIMER_CLOCK_STREAM_TIME, TimerClock.WALL_CLOCK: pb.TIMER_CLOCK_WALL_CLOCK}
_CLOCKS = {value: clock for clock, value in CLOCKS.items()} | {pb.TIMER_CLOCK_UNSPECIFIED: TimerClock.STREAM_TIME}
MOST_WAITING = 1000
"""Responses that may wait for a program that does not read."""


@dataclass(eq=False)
class Program:
    """A connection. timers: whether it fires them. principal: who it is; its rows are those of topologies that it may write to. outgoing: responses to
    be sent, then None. silent: a bundle's time was over, and nothing was heard since."""

    processors: frozenset[str]
    max_in_flight: int
    build: str
    timers: bool
    principal: Principal
    outgoing: asyncio.Queue[pb.ProcessResponse | None] = field(default_factory=asyncio.Queue)
    given: dict[tuple[int, int], Ask] = field(default_factory=dict)
    nodes: dict[Shape, int] = field(default_factory=dict)
    silent: bool = False

    def serves(self, shape: Shape) -> bool:
        """Whether bundles of this node are for it."""
        return shape.processor in self.processors and (self.timers or not shape.timers) and self.principal.may(Need(Access.WRITE, shape.topology))

    @property
    def free(self) -> bool:
        """Whether it takes one more bundle."""
        return len(self.given) < self.max_in_flight and not self.silent and self.outgoing.qsize() < MOST_WAITING


@dataclass(eq=False)
class Ask:
    """A worker's bundle. left: indices of its rows that are still to be processed; poison: the others, with the reason. timers, bad_timers: likewise
    of its timers."""

    work: Work
    worker: asyncio.StreamWriter
    left: list[int]
    timers: list[int]
    poison: dict[int, str] = field(default_factory=dict)
    bad_timers: dict[int, str] = field(default_factory=dict)
    attempt: int = 0
    program: Program | None = None
    timer: asyncio.TimerHandle | None = None
    said: str = ""
    over: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """How programs name it."""
        return self.work.lease, self.work.number

    def bundle(self) -> Bundle:
        """What is left of it."""
        whole = self.work.bundle
        if not self.poison and not self.bad_timers:
            return whole
        return Bundle(whole.input.without(self.left), whole.state, [whole.timers[i] for i in self.timers])

    def causes(self) -> list[int]:
        """What its timers and rows are in the whole bundle."""
        first = len(self.work.bundle.timers)
        return [*self.timers, *(first + i for i in self.left)]

    def blame(self, text: str, rows: Collection[int], timers: Collection[int]) -> None:
        """Some of what is left are bad records; indices in what is left."""
        self.poison.update({self.left[i]: text for i in rows})
        self.bad_timers.update({self.timers[i]: text for i in timers})
        self.left = [i for i in self.left if i not in self.poison]
        self.timers = [i for i in self.timers if i not in self.bad_timers]


class Programs:
    """All programs of a gateway, and the bundles that wait for one."""

    def __init__(self) -> None:
        self.connected: list[Program] = []
        self._waiting: dict[str, deque[Ask]] = {}
        self._asks: dict[tuple[asyncio.StreamWriter, int], Ask] = {}
        self._server: asyncio.Server | None = None

    # ---- workers
    async def listen(self, run: Path) -> None:
        """Take bundles of this node's workers; a socket that an earlier gateway left is replaced."""
        run.mkdir(parents=True, exist_ok=True)
        with socket_path(run) as path:
            Path(path).unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve_worker, path, limit=BUFFER)

    async def close(self) -> None:
        """Workers send again to the next gateway."""
        if self._server is not None:
            self._server.close()
        for worker in {worker for worker, _ in self._asks}:
            worker.close()

    async def _serve_worker(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                match await receive(reader):
                    case Work() as work:
                        ask = self._asks[writer, work.id] = Ask(work, writer, list(range(len(work.bundle.input))), list(range(len(work.bundle.timers))))
                        self._offer(ask)
                    case Forget(id=number) if (writer, number) in self._asks:
                        self._end(self._asks[writer, number], "the task moved or began anew")
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            # cancelled when the gateway ends: asyncio would log a handler that ends so as an error
            log.debug("a worker's connection ended")
        finally:
            for ask in [a for (w, _), a in self._asks.items() if w is writer]:
                self._end(ask, "the worker that asked is gone")
            writer.close()

    # ---- programs
    def join(self, processors: Sequence[str], max_in_flight: int, build: str, timers: bool, principal: Principal) -> Program:
        """A program that serves these names from now on."""
        made = Program(frozenset(processors), max_in_flight, build, timers, principal)
        self.connected.append(made)
        self._fill(made)
        return made

    def leave(self, program: Program) -> None:
        """Its connection ended: its bundles are given to others."""
        self.connected.remove(program)
        for ask in list(program.given.values()):
            self._take_back(ask)
            self._failed(ask, "the program that had it went away")
        for name in program.processors:
            for ask in self._waiting.get(name, ()):
                self._say(ask, self._why(ask.work.shape))

    def result(self, program: Program, message: pb.BundleResult) -> None:
        """A bundle's result, which is dropped when it is not that program's, or not valid."""
        ask = self._given(program, message.lease, message.bundle)
        if ask is None:
            return
        try:
            result = _result(ask.work.shape, message)
            if ask.work.shape.function:  # each call is the cause of its result
                result = replace(result, outputs=[replace(o, causes=range(len(o.rows))) for o in result.outputs])
            check(ask.work.shape, ask.bundle(), result)
        except (InvalidResult, ValueError) as e:
            self._refuse(program, ask, str(e))
            return
        if ask.poison or ask.bad_timers:
            causes = ask.causes()
            result = replace(result, outputs=[replace(o, causes=[causes[c] for c in o.causes]) for o in result.outputs], poison=dict(ask.poison),
                             bad_timers=dict(ask.bad_timers))
        self._finish(ask, result)

    def failure(self, program: Program, message: pb.BundleFailure) -> None:
        """A bundle that the program could not process."""
        ask = self._given(program, message.lease, message.bundle)
        if ask is None:
            return
        text = message.message or "the program gave no reason"
        for what, given, left in (("row", message.poison_rows, ask.left), ("timer", message.poison_timers, ask.timers)):
            if any(i >= len(left) for i in given):
                self._refuse(program, ask, f"poison {what} {max(given)} is no {what} of the bundle, which has {len(left)}")
                return
        self._take_back(ask)
        if not message.poison_rows and not message.poison_timers:
            self._failed(ask, text)
            return
        ask.blame(text, message.poison_rows, message.poison_timers)
        if ask.left or ask.timers:
            ask.attempt -= 1  # what was wrong with it is gone
            self._offer(ask)
        else:
            self._finish(ask, Result(poison=dict(ask.poison), bad_timers=dict(ask.bad_timers)))
        self._fill(program)

    def extend(self, program: Program, message: pb.BundleExtend) -> None:
        """More time for a bundle."""
        ask = self._given(program, message.lease, message.bundle)
        if ask is not None:
            self._set_timer(ask)

    def drain(self) -> None:
        """Every connection ends."""
        for program in self.connected:
            program.outgoing.put_nowait(None)

    # ---- bundles
    def _given(self, program: Program, lease: int, number: int) -> Ask | None:
        """A bundle that this program has; if it has it no longer, it is told."""
        program.silent = False
        ask = program.given.get((lease, number))
        if ask is None:
            _drop(program, (lease, number), pb.DROP_REASON_GONE, "another program has it, or nobody waits for it")
            self._fill(program)
        return ask

    def _offer(self, ask: Ask, avoid: Program | None = None) -> None:
        """To the program with the least to do, or among those that wait."""
        if ask.over:
            return
        shape = ask.work.shape
        free = [p for p in self.connected if p.serves(shape) and p.free and p is not avoid]
        if free:
            self._give(min(free, key=lambda p: len(p.given)), ask)
        else:
            self._waiting.setdefault(shape.processor, deque()).append(ask)
            self._say(ask, self._why(shape))

    def _why(self, shape: Shape) -> str:
        name = shape.processor
        if any(p.serves(shape) for p in self.connected):
            return f"every program that serves {name} is busy"
        if shape.timers and any(name in p.processors and not p.timers for p in self.connected):
            return f"no program that serves {name} fires timers: start one with a newer client"
        return f"no program serves {name}: start one, it dials in by itself"

    def _fill(self, program: Program) -> None:
        """Give a program what waits for it, first of tasks of which no program has anything."""
        served = {lease for other in self.connected for lease, _ in other.given}
        for name in program.processors:
            queue = self._waiting.get(name, deque())
            for ask in sorted((a for a in queue if a.over or program.serves(a.work.shape)), key=lambda a: a.work.lease in served):
                if not program.free:
                    return
                queue.remove(ask)
                if not ask.over:
                    self._give(program, ask)

    def _give(self, program: Program, ask: Ask) -> None:
        shape = ask.work.shape
        number = program.nodes.get(shape)
        if number is None:
            number = program.nodes[shape] = len(program.nodes) + 1
            program.outgoing.put_nowait(pb.ProcessResponse(node=_node(number, shape)))
        ask.attempt += 1
        ask.program = program
        program.given[ask.key] = ask
        self._set_timer(ask)
        self._say(ask, "")
        response = pb.ProcessResponse()
        _fill_bundle(response.bundle, number, ask)
        program.outgoing.put_nowait(response)

    def _set_timer(self, ask: Ask) -> None:
        if ask.timer is not None:
            ask.timer.cancel()
        ask.timer = asyncio.get_running_loop().call_later(ask.work.timeout_ms / 1000, self._too_late, ask)

    def _too_late(self, ask: Ask) -> None:
        program = ask.program
        assert program is not None
        program.silent = True
        self._take_back(ask)
        _drop(program, ask.key, pb.DROP_REASON_GONE, f"no answer within {ask.work.timeout_ms} ms; it goes to another program")
        log.warning("%s.%s[%d]: a program did not answer within %d ms", ask.work.shape.topology, ask.work.shape.node, ask.work.partition, ask.work.timeout_ms)
        self._failed(ask, f"no answer within {ask.work.timeout_ms} ms", avoid=program)

    def _take_back(self, ask: Ask) -> None:
        if ask.timer is not None:
            ask.timer.cancel()
            ask.timer = None
        if ask.program is not None:
            ask.program.given.pop(ask.key, None)
            ask.program = None

    def _failed(self, ask: Ask, why: str, avoid: Program | None = None) -> None:
        """The bundle as a whole: again, or, when that was tried often enough, its rows are bad records."""
        most = ask.work.max_attempts
        if most and ask.attempt >= most:
            text = f"{why} (attempt {ask.attempt} of {most})"
            ask.blame(text, range(len(ask.left)), range(len(ask.timers)))
            self._finish(ask, Result(poison=dict(ask.poison), bad_timers=dict(ask.bad_timers)))
            return
        self._say(ask, f"attempt {ask.attempt} failed: {why}")
        pause = 0.0 if ask.attempt == 1 else min(BACK_OFF[1], BACK_OFF[0] * 2 ** min(ask.attempt, 10))
        asyncio.get_running_loop().call_later(pause, self._offer, ask, avoid)

    def _refuse(self, program: Program, ask: Ask, why: str) -> None:
        self._take_back(ask)
        _drop(program, ask.key, pb.DROP_REASON_INVALID, why)
        self._failed(ask, f"the answer is not valid: {why}")
        self._fill(program)

    def _finish(self, ask: Ask, result: Result) -> None:
        program = ask.program
        self._take_back(ask)
        ask.over = True
        self._asks.pop((ask.worker, ask.work.id), None)
        send(ask.worker, Answer(ask.work.id, result))
        if program is not None:
            self._fill(program)

    def _end(self, ask: Ask, why: str) -> None:
        """Nobody waits for it any more."""
        program = ask.program
        self._take_back(ask)
        ask.over = True
        self._asks.pop((ask.worker, ask.work.id), None)
        if program is not None:
            _drop(program, ask.key, pb.DROP_REASON_GONE, why)
            self._fill(program)

    def _say(self, ask: Ask, why: str) -> None:
        if ask.said != why and not ask.over:
            ask.said = why
            send(ask.worker, Waits(ask.work.id, why))


def _drop(program: Program, key: tuple[int, int], reason: pb.DropReason, message: str) -> None:
    program.outgoing.put_nowait(pb.ProcessResponse(dropped=pb.BundleDropped(lease=key[0], bundle=key[1], reason=reason, message=message)))


def _columns(columns: tuple[Column, ...]) -> RowLayout:
    return layout(columns, False)


def _node(number: int, shape: Shape) -> pb.ProcessorNode:
    return pb.ProcessorNode(
        id=number, topology=shape.topology, node=shape.node, processor="" if shape.function else shape.processor,
        function=_function(shape) if shape.function else None, config=dict(shape.config), input=_columns(shape.input).message,
        outputs=[pb.NamedSchema(name=name, schema=_columns(columns).message) for name, columns in shape.outputs],
        stores=[pb.NamedSchema(name=name, schema=_columns(columns).message) for name, columns in shape.stores],
        timer_keys=_columns(shape.key).message if shape.timers else None)


def _function(shape: Shape) -> pb.ServedFunction:
    name, _, version = shape.processor.partition("/")
    return pb.ServedFunction(name=name, version=int(version))


def _fill_bundle(message: pb.Bundle, number: int, ask: Ask) -> None:
    """Where it stands: a message that is given to another one's constructor is copied."""
    work, bundle = ask.work, ask.bundle()
    message.node, message.partition, message.lease, message.bundle, message.attempt = number, work.partition, work.lease, work.number, ask.attempt
    message.timeout.FromMilliseconds(work.timeout_ms)
    rows = bundle.input
    kinds = [DELETE if i in rows.gone else UPSERT for i in range(len(rows))] if rows.gone else ()
    _columns(work.shape.input).fill_columns(message.rows, rows.columns, len(rows), kinds)
    if bundle.timers:
        _columns(work.shape.key).fill(message.timers.keys, [timer.key for timer in bundle.timers])
        message.timers.names.extend(timer.name for timer in bundle.timers)
        message.timers.times.extend(timer.at for timer in bundle.timers)
        message.timers.clocks.extend(CLOCKS[timer.clock] for timer in bundle.timers)
    stores = dict(work.shape.stores)
    for name, found in bundle.state.items():
        _columns(stores[name]).fill(message.state.add(name=name).rows, found)


def _result(shape: Shape, message: pb.BundleResult) -> Result:
    """Raises InvalidResult, ValueError."""
    ways, stores = dict(shape.outputs), dict(shape.stores)
    outputs = [OutputRows(o.output, _rows(f"output {o.output}", ways.get(o.output), o.rows), list(o.causes)) for o in message.outputs]
    names = [s.name for s in message.state]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidResult(f"store {twice} comes twice")
    state = {s.name: _rows(f"store {s.name}", stores.get(s.name), s.rows) for s in message.state}
    return Result(outputs, state, timers=_timers(shape, message.timers) if message.HasField("timers") else ())


def _timers(shape: Shape, message: pb.Timers) -> list[TimerChange]:
    keys = _rows("timers", shape.key if shape.timers else None, message.keys)
    count = len(keys)
    for what, given in (("names", message.names), ("times", message.times), ("clocks", message.clocks)):
        if len(given) != count:
            raise InvalidResult(f"timers: {len(given)} {what} for {count} keys")
    unknown = next((clock for clock in message.clocks if clock not in _CLOCKS), None)
    if unknown is not None:
        raise InvalidResult(f"timers: there is no clock {unknown}")
    return [TimerChange(Timer(key, name, at, _CLOCKS[clock]), number in keys.gone)
            for number, (key, name, at, clock) in enumerate(zip(keys.rows, message.names, message.times, message.clocks, strict=True))]


def _rows(what: str, columns: tuple[Column, ...] | None, batch: row_pb2.RowBatch) -> Rows:
    if columns is None:
        raise InvalidResult(f"there is no {what}")
    wanted = _columns(columns)
    if batch.schema_id != wanted.id:
        raise InvalidResult(f"{what}: rows of the schema {batch.schema_id:016x}, not {wanted.id:016x}")
    if len(batch.columns) != len(columns):
        raise InvalidResult(f"{what}: {len(batch.columns)} columns, not {len(columns)}")
    count = batch.row_count
    values = []
    for column, data in zip(columns, batch.columns, strict=True):
        try:
            values.append(column_decoder(column.type, False)(data, count))
        except (ValueError, ArithmeticError) as e:
            raise InvalidResult(f"{what}, column {column.name} ({column.type}): {e}") from e
    if batch.kinds and len(batch.kinds) != count:
        raise InvalidResult(f"{what}: {len(batch.kinds)} kinds for {count} rows")
    return Rows.by_column(values, count, frozenset(i for i, kind in enumerate(batch.kinds) if kind == DELETE), plain(columns))
