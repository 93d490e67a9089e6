"""A RemoteCall in a task: rows are gathered with the arguments of the call, which are handed out as bundles, and go on with the results.

As with a RemoteProcessor (remote.py) nothing has happened in the task until the answer is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.engine.failure import Failures, PluginError
from penstock.engine.port import Bindings
from penstock.engine.processors.bundles import RESULT, Bundle, Result, Rows, Shape, hashable, served_function
from penstock.engine.processors.schedules import NEVER
from penstock.log.port import Record
from penstock.plan import nodes as n
from penstock.types.schema import Column

Values = tuple[Any, ...]
Gathered = tuple[Values | None, Record, Values]
"""(arguments, None for a row without a value; record; what goes on: time, headers, key bytes, whether there is a value, columns)"""
MISSING = object()


class Behind:
    """The generated function behind the node."""

    def __init__(self, node: n.RemoteCall) -> None:
        self.node = node
        self.send: Callable[..., None] = _unbound


def _unbound(*arguments: object) -> None:
    raise AssertionError("a call that no function is bound to")


class CallHost:
    """Gathers rows and sends them on. Generated code appends to `gathered`."""

    due = NEVER
    """It has no timers."""

    def __init__(self, node: n.RemoteCall, source: n.Repartition, bindings: Bindings, failures: Failures) -> None:
        self.node, self.topic = node, source.topic.topic
        self.gathered: list[Gathered] = []
        self.outputs = {RESULT: Behind(node)}
        self._failures = failures
        self._known: dict[Any, Any] = {}
        self._results: dict[int, Any] = {}
        self._asked: list[list[int]] = []
        arguments = tuple(Column(f"A{number}", arg.type) for number, arg in enumerate(node.arguments, 1) if arg.type is not None)
        self.shape = Shape(bindings.topology, node.name, served_function(node.function, node.version), (), arguments,
                           ((RESULT, (Column("RESULT", node.result),)),), (), 0)

    def open(self) -> None:
        """Nothing of the user's runs here."""

    def close(self) -> None:
        """What was gathered is gathered again."""
        self.gathered.clear()

    def any_due(self, now_ms: int) -> bool:
        """Never."""
        return False

    def bundle(self, now_ms: int) -> Bundle | None:
        """Arguments of what was gathered since the last one was applied. None when there is nothing to ask; the rows have gone on then."""
        self._results, self._asked = {}, []
        calls: list[Values] = []
        places: dict[Any, int] = {}  # of calls in the bundle, where equal ones are made once
        for at, (arguments, _, _) in enumerate(self.gathered):
            if arguments is None or self.node.null_for_null and None in arguments:
                self._results[at] = None
                continue
            if self.node.cache_rows:
                key = hashable(arguments)
                if (known := self._known.get(key, MISSING)) is not MISSING:
                    self._results[at] = known
                    continue
                if key in places:
                    self._asked[places[key]].append(at)
                    continue
                places[key] = len(calls)
            calls.append(arguments)
            self._asked.append([at])
        if calls:
            return Bundle(Rows(calls), {})
        if self.gathered:
            self._send({})
        return None

    def apply(self, result: Result) -> None:
        """Every row that was gathered goes on with its result, but for those that could not be computed."""
        for output in result.outputs:
            for cause, value in zip(output.causes, output.rows.columns[0] if output.rows else (), strict=True):
                self._results.update(dict.fromkeys(self._asked[cause], value))
                if self.node.cache_rows:
                    self._keep(self.gathered[self._asked[cause][0]][0], value)
        self._send({at: reason for cause, reason in result.poison.items() for at in self._asked[cause]})

    def _keep(self, arguments: Values | None, value: object) -> None:
        self._known[hashable(arguments)] = value
        if len(self._known) > self.node.cache_rows:
            del self._known[next(iter(self._known))]

    def _send(self, bad: Mapping[int, str]) -> None:
        gathered: Sequence[Gathered] = list(self.gathered)
        self.gathered.clear()
        self._failures.topic = self.topic
        send = self.outputs[RESULT].send
        for at, (_, record, row) in enumerate(gathered):
            if at in bad:
                self._failures.blame(self.node.name, PluginError(bad[at]), record)
                continue
            try:
                send(record, *row, self._results[at])
            except Exception as error:
                self._failures.failed(error, record)
