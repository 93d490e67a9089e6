"""A RemoteProcessor in a task: rows are gathered instead of processed, handed out as bundles, and what a bundle gave is applied.

Between the two nothing has happened in the task: a bundle that is lost is gathered again from the same records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from operator import itemgetter
from typing import Any

from penstock.engine.failure import Failures, FlushedRecord, PluginError
from penstock.engine.port import Bindings
from penstock.engine.processors.bundles import ROWTIME, Bundle, OutputRows, Result, Rows, Shape, Values, each_once, plain
from penstock.engine.processors.columns import Keys
from penstock.engine.processors.host import Output
from penstock.engine.processors.schedules import NEVER
from penstock.engine.processors.timers import Timer, Timers
from penstock.log.port import Record
from penstock.plan import nodes as n
from penstock.types.schema import Column, Schema


@dataclass(frozen=True, slots=True)
class Causes:
    """What the timers of a bundle, and then its rows, were made of."""

    records: Sequence[Record | FlushedRecord]
    times: Sequence[int]
    firing: Sequence[Timer]


class RemoteHost:
    """Gathers rows and applies results. Generated code appends to `gathered`, and calls `gather_gone` with those that have no value: the columns of
    `Shape.input` and the record."""

    def __init__(self, node: n.RemoteProcessor, source: n.Repartition, outputs: Sequence[n.ProcessorOutput], bindings: Bindings, failures: Failures) -> None:
        self.node, self.topic = node, source.topic.topic
        self.gathered: list[tuple[Any, ...]] = []
        self._gone: list[int] = []
        self._handed: deque[Causes] = deque()
        self.timers = _timers(node, source, bindings)
        self._plain = plain(source.schema.columns)
        self.outputs = {o.output: Output(o) for o in outputs}
        self._stores = {s.name: (Keys(f"store {s.name} of {node.name}", s.schema, s.key_format), bindings.stores[s.spec.name]) for s in node.stores}
        self._failures = failures
        self.shape = Shape(bindings.topology, node.name, node.processor, node.config, (*_columns(source.schema), ROWTIME),
                           tuple((o.output, (*_columns(o.schema), ROWTIME)) for o in outputs),
                           tuple((s.name, _columns(s.schema)) for s in node.stores), len(source.schema.key), frozenset(o.output for o in outputs if o.keeps_key),
                           self.timers is not None)

    def open(self) -> None:
        """Nothing of the user's runs here."""

    def close(self) -> None:
        """What was gathered is gathered again."""
        self.gathered.clear()
        self._gone.clear()
        self._handed.clear()

    def gather_gone(self, row: tuple[Any, ...]) -> None:
        """A row without a value."""
        self._gone.append(len(self.gathered))
        self.gathered.append(row)

    @property
    def stateless(self) -> bool:
        """Whether no bundle depends on what came of the ones before."""
        return not self._stores and self.timers is None

    @property
    def due(self) -> int:
        """The time of the clock, ms, from which a timer is due; NEVER without one."""
        return NEVER if self.timers is None else self.timers.due_by_clock

    def any_due(self, now_ms: int) -> bool:
        """Whether there is a bundle to be made without any rows."""
        return self.timers is not None and self.timers.any_due(now_ms)

    def bundle(self, now_ms: int) -> Bundle | None:
        """Timers that are due and what was gathered; None when that is nothing. Results are applied in the order of bundles."""
        firing = self.timers.due(now_ms, self.node.bundle_rows) if self.timers is not None else ()
        if not self.gathered and not firing:
            return None
        *columns, records = zip(*self.gathered, strict=True) if self.gathered else ((),) * (len(self.shape.input) + 1)
        rows = Rows.by_column(columns, len(records), frozenset(self._gone), self._plain)
        self.gathered.clear()
        self._gone.clear()
        bundle = Bundle(rows, {}, firing)
        made = self._causes(bundle, records)
        self._handed.append(made)
        return replace(bundle, state=self._state(bundle, made)) if self._stores else bundle

    def _causes(self, bundle: Bundle, records: Sequence[Record]) -> Causes:
        times = bundle.input.columns[-1]
        if self.timers is None or not bundle.timers:
            return Causes(records, times, ())
        fired = [FlushedRecord(self.timers.written(timer), timer.at) for timer in bundle.timers]
        return Causes([*fired, *records], [*(timer.at for timer in bundle.timers), *times], bundle.timers)

    def _state(self, bundle: Bundle, made: Causes) -> dict[str, list[Values]]:
        """What there is of each key, by store."""
        keys = {record.key: columns for record, columns in zip(made.records, bundle.keys(self.shape.keys), strict=True) if record.key is not None}
        return {name: [(*columns, *found[1:]) for key, columns in keys.items() if (found := store.get(key)) is not None]
                for name, (_, store) in self._stores.items()}

    def apply(self, result: Result) -> None:
        """State, timers, outputs and dead letters of the oldest bundle that was handed out, which is done with then."""
        made = self._handed.popleft()
        first = len(made.firing)
        self._failures.topic = self.topic
        if result.state:
            self._put(result.state, {record.key: time for record, time in zip(made.records, made.times, strict=True)})
        if self.timers is not None:
            self.timers.fired(made.firing)
            self.timers.change(result.timers)
            self.timers.advance(max(made.times[first:], default=-1))
        for at, reason in result.bad_timers.items():
            self._failures.blame(self.node.name, PluginError(reason), made.records[at])
        for at, reason in result.poison.items():
            self._failures.blame(self.node.name, PluginError(reason), made.records[first + at])
        if len(result.outputs) == 1:
            self._send(result.outputs[0], made)
        elif result.outputs:
            self._send_in_order(result.outputs, made)

    def _put(self, state: Mapping[str, Rows], newest: Mapping[bytes | None, int]) -> None:
        """newest: by key the time of the last cause that has it."""
        for name, changed in state.items():
            keys, store = self._stores[name]
            for at, row in enumerate(changed.rows):
                key = keys.written(row[:self.shape.keys])
                assert key in newest and key is not None, "checked"
                store.put(key, None if at in changed.gone else (newest[key], *row[self.shape.keys:]))

    def _send(self, out: OutputRows, made: Causes) -> None:
        """One output's rows, in order."""
        send = self._sender(out.output)
        for row in self._rows(out, made):
            try:
                send(*row)
            except Exception as error:
                self._failures.failed(error, row[0])

    def _send_in_order(self, outputs: Sequence[OutputRows], made: Causes) -> None:
        """In the order of causes; of one cause in the order of outputs."""
        sends = [self._sender(out.output) for out in outputs]
        rows = [(cause, number, row) for number, out in enumerate(outputs) for cause, row in zip(out.causes, self._rows(out, made), strict=True)]
        for _, number, row in sorted(rows, key=itemgetter(0, 1)):
            try:
                sends[number](*row)
            except Exception as error:
                self._failures.failed(error, row[0])

    def _sender(self, output: str) -> Callable[..., None]:
        """Takes what `_rows` gives of an output's rows."""
        way = self.outputs[output]
        if output in self.shape.keeps_key:
            return way.send

        def send(record: Record | FlushedRecord, time: int, headers: object, key: Values, present: bool, *columns: object) -> None:
            way.send(record, time, headers, way.keys.written(key), present, *columns)

        return send

    def _rows(self, out: OutputRows, made: Causes) -> Iterable[tuple[Any, ...]]:
        """(record, time, headers, key, whether there is a value, *columns) of an output's rows. key: its bytes, or the columns of one that is not the
        cause's."""
        rows, causes = out.rows, out.causes
        if not rows:
            return ()
        records, times = made.records, made.times
        if not each_once(causes, len(records)):
            records, times = [records[cause] for cause in causes], [times[cause] for cause in causes]
        *columns, own = rows.columns
        if own.count(None) < len(own):
            times = [time if given is None else given for given, time in zip(own, times, strict=True)]
        keys = [record.key for record in records] if out.output in self.shape.keeps_key else rows.key(len(self.outputs[out.output].node.schema.key))
        present = [at not in rows.gone for at in range(len(rows))] if rows.gone else repeat(True)
        return zip(records, times, [record.headers for record in records], keys, present, *columns)


def _timers(node: n.RemoteProcessor, source: n.Repartition, bindings: Bindings) -> Timers | None:
    """Where the node's timers are, when it has any."""
    if node.timers is None:
        return None
    return Timers(bindings.stores[node.timers.name], Keys(f"timers of {node.name}", source.schema, source.topic.key_format))


def _columns(schema: Schema) -> tuple[Column, ...]:
    return (*schema.key, *schema.value)
