"""A plug-in's instance in one task, and the context that it sees (plugins/processor.py)."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from penstock.engine.failure import FATAL, Failures, FlushedRecord, PluginError
from penstock.engine.port import Bindings, Held
from penstock.engine.processors.columns import Keys, Values
from penstock.engine.processors.schedules import Schedule, Schedules
from penstock.engine.processors.stores import KeyValueRows, SessionRows, WindowRows
from penstock.errors import RequestError
from penstock.log.port import Record as LogRecord
from penstock.plan import nodes as n
from penstock.plugins import installed
from penstock.plugins.processor import Headers, Processor, Punctuation, Punctuator, Record, milliseconds

TRACEBACK = 6_000
"""Characters of a traceback that a dead letter keeps, its end."""


class Output:
    """A way out: columns, and the generated function behind it."""

    def __init__(self, node: n.ProcessorOutput) -> None:
        what = f"output {node.output} of {node.inputs[0]}"
        self.node = node
        self.keys = Keys(what, node.schema, node.key_format)
        self.values = Values(what, node.schema.value)
        self.send: Callable[..., None] = _unbound


def _unbound(*arguments: object) -> None:
    raise AssertionError("an output that no function is bound to")


class ProcessorHost:
    """Calls the plug-in, and is its Context."""

    def __init__(self, node: n.Processor, outputs: Sequence[n.ProcessorOutput], bindings: Bindings, failures: Failures,
                 wall: Schedules, stream: Schedules, held: dict[str, Held], time: Callable[[], int]) -> None:
        """held: where schedules by stream time are kept. time: stream time of the task."""
        self.node, self.topology, self.partition = node.name, bindings.topology, bindings.partition
        self.config: Mapping[str, str] = dict(node.config)
        self.outputs = {o.output: Output(o) for o in outputs}
        self.stream_time = time
        self._plan, self._bindings, self._failures = node, bindings, failures
        self._wall, self._stream, self._held = wall, stream, held
        self._stores = {s.name: s for s in node.stores}
        self._instance: Processor | None = None
        self._record: LogRecord | FlushedRecord = FlushedRecord(None, -1)
        self._at = -1
        self._schedules = 0

    # ---- life
    def open(self) -> None:
        """Make the instance. Raises RequestError PLUGIN_FAILED, UNKNOWN_PROCESSOR."""
        made = installed.processor(self._plan.processor)
        try:
            self._instance = made()
            self._instance.init(self)
        except FATAL:
            raise
        except Exception as e:
            raise RequestError("PLUGIN_FAILED", f"{self.node}: processor {self._plan.processor} does not start: {_told(e)}", {"node": self.node}) from e

    def close(self) -> None:
        """Tell the instance that it ends."""
        instance, self._instance = self._instance, None
        if instance is not None:
            instance.close()

    # ---- calls from generated code
    def receiver(self, name: str) -> Callable[..., None]:
        """The function that takes records of one input: (key, value, timestamp, headers, record to blame)."""

        def receive(key: Any, value: Any, timestamp: int, headers: Headers, record: LogRecord | FlushedRecord) -> None:
            before = self._record, self._at
            self._record, self._at = record, timestamp
            try:
                assert self._instance is not None, "not opened"
                self._instance.process(Record(key, value, timestamp, headers, name), self)
            except FATAL:
                raise
            except Exception as e:
                if self._failures.passes(e):
                    raise
                raise PluginError(_told(e)) from e
            finally:
                self._record, self._at = before

        return receive

    def _punctuate(self, punctuator: Punctuator, now: int) -> None:
        before = self._record, self._at
        self._record, self._at = FlushedRecord(None, now), now
        try:
            punctuator(now, self)
        except FATAL:
            raise
        except Exception as e:
            self._failures.blame(self.node, e if self._failures.passes(e) else PluginError(_told(e)), self._record)
        finally:
            self._record, self._at = before

    # ---- the context
    @property
    def topic(self) -> str:
        """Topic of the record in process."""
        return self._failures.topic if self._record.offset >= 0 else ""

    @property
    def offset(self) -> int:
        """Its offset."""
        return self._record.offset

    def system_time(self) -> int:
        """The clock."""
        return self._bindings.clock.now_ms()

    def forward(self, record: Record, output: str | None = None) -> None:
        """To the nodes behind one output, or all."""
        if output is not None and output not in self.outputs:
            raise ValueError(f"{self.node} has no output {output}; it has {', '.join(self.outputs) or 'none'}")
        if record.timestamp < 0:
            raise ValueError(f"{self.node}: a record has the timestamp {record.timestamp}")
        for way in self.outputs.values() if output is None else (self.outputs[output],):
            present = record.value is not None
            value = way.values.to_tuple(record.value or {})
            way.send(self._record, record.timestamp, record.headers, way.keys.to_bytes(record.key), present, *way.keys.to_tuple(record.key), *value)

    def schedule(self, interval: int | timedelta, kind: Punctuation, punctuator: Punctuator) -> Schedule:
        """Call a punctuator every so often."""
        step = milliseconds(interval)
        if step < 1:
            raise ValueError(f"{self.node}: an interval is at least 1 ms, not {step}")
        self._schedules += 1
        if kind is Punctuation.WALL_CLOCK:
            return self._wall.add("", self.system_time() + step, step, lambda now: self._punctuate(punctuator, now))
        name = f"{self.node}.punctuation.{self._schedules}"
        made = self._stream.add(name, 0, step, lambda now: self._punctuate(punctuator, now))
        self._held[name] = made
        return made

    def _store(self, name: str, kind: n.StoreKind) -> tuple[n.ProcessorStore, Any]:
        found = self._stores.get(name)
        if found is None or found.spec.kind is not kind:
            there = ", ".join(f"{s.name} ({s.spec.kind.value})" for s in self._stores.values()) or "none"
            raise ValueError(f"{self.node} has no store {name} of kind {kind.value}; it has {there}")
        return found, self._bindings.stores[found.spec.name]

    def key_value(self, name: str) -> KeyValueRows:
        """A key-value store."""
        declared, store = self._store(name, n.StoreKind.KEY_VALUE)
        return KeyValueRows(self.node, declared, lambda: self._at, store)

    def window(self, name: str) -> WindowRows:
        """A window store."""
        declared, store = self._store(name, n.StoreKind.WINDOW)
        return WindowRows(self.node, declared, lambda: self._at, store)

    def session(self, name: str) -> SessionRows:
        """A session store."""
        declared, store = self._store(name, n.StoreKind.SESSION)
        return SessionRows(self.node, declared, lambda: self._at, store)


def _told(error: Exception) -> str:
    """The error with its traceback, but for the frame that called the plug-in."""
    frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
    text = "".join(traceback.format_exception(type(error), error, frames))
    return f"{type(error).__name__}: {error}\n{text[-TRACEBACK:]}"
