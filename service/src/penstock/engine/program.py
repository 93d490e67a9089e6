"""A compiled sub-topology, bound to one task (engine/port.py, Program)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.engine.failure import Failures
from penstock.engine.port import Held
from penstock.engine.processors.calls import CallHost
from penstock.engine.processors.host import ProcessorHost
from penstock.engine.processors.remote import RemoteHost
from penstock.engine.processors.schedules import Schedules
from penstock.engine.windows.stream_time import expired_before
from penstock.log.port import Record
from penstock.state.port import WindowStore

Run = Callable[[Sequence[Record]], None]


class Expiry:
    """A window store and how far behind stream time its windows are forgotten."""

    __slots__ = ("time", "retention", "store")

    def __init__(self, time: str, retention: int, store: WindowStore) -> None:
        self.time, self.retention, self.store = time, retention, store


@dataclass(frozen=True, slots=True)
class Plugins:
    """Plug-ins of the program, their schedules by the clock, and where scalars are put before they start."""

    hosts: Sequence[ProcessorHost | RemoteHost | CallHost] = ()
    wall: Schedules = field(default_factory=lambda: Schedules({}))
    saved: dict[str, int] = field(default_factory=dict)


class Compiled:
    """Runs generated functions. Stream times live in globals of the generated module, where its code reads and sets them."""

    def __init__(self, source: str, module: dict[str, Any], readers: dict[str, Sequence[Run]],
                 flushes: Sequence[Callable[[float], bool]], times: Mapping[str, str], expiries: Sequence[Expiry],
                 held: Mapping[str, Held], failures: Failures, samples: Sequence[str] = (), plugins: Plugins = Plugins()) -> None:  # noqa: B008 - frozen
        self.source = source
        self._module = module
        self._readers = readers
        self._flushes = flushes
        self._times = times
        self._expiries = expiries
        self._held = held
        self._failures = failures
        self._samples = samples
        self._plugins = plugins
        self._remotes = {host.topic: host for host in plugins.hosts if isinstance(host, RemoteHost | CallHost)}

    def open(self) -> None:
        """Start the plug-ins, when stores and scalars are as the last commit left them. Raises RequestError."""
        for host in self._plugins.hosts:
            host.open()

    def close(self) -> None:
        """Tell the plug-ins that it ends."""
        for host in self._plugins.hosts:
            host.close()

    @property
    def due(self) -> int:
        """The time of the clock, ms, from which `punctuate` has something to do."""
        return self._plugins.wall.next

    def punctuate(self, now_ms: int) -> bool:
        """Call what is due by the clock; whether anything was."""
        return self._plugins.wall.fire(now_ms)

    def run(self, topic: str, records: Sequence[Record]) -> None:
        """Process records of one input topic in order. Several sources of one topic see each record in turn."""
        self._failures.topic = topic
        for sample in self._samples:
            self._module[sample] = True
        readers = self._readers[topic]
        if len(readers) == 1:
            readers[0](records)
        else:
            for record in records:
                for read in readers:
                    read((record,))

    def expire(self) -> None:
        """Forget what the semantics allow. Where groups wait to be sent on `flush` does it, or they would be taken for deleted."""
        if (self._expiries or self._held) and not self._flushes:
            self._expire()

    @property
    def remotes(self) -> Collection[RemoteHost | CallHost]:
        """All of what gathers records."""
        return self._remotes.values()

    def remote(self, topic: str) -> RemoteHost | CallHost | None:
        """Where `run` gathers the records of a topic instead of processing them."""
        return self._remotes.get(topic)

    def read_too(self, topic: str, like: str) -> None:
        """A topic that came later is read as one that is known."""
        self._readers[topic] = self._readers[like]

    def flush(self, deadline: float) -> bool:
        """Send on changed groups, topologically first first; True when none is left."""
        if not all(flush(deadline) for flush in self._flushes):
            return False
        if self._expiries or self._held:
            self._expire()
        return True

    def _expire(self) -> None:
        """Only when no group waits to be sent on: it would be taken for deleted."""
        for expiry in self._expiries:
            expiry.store.expire(expired_before(self._module[expiry.time], expiry.retention))
        for held in self._held.values():
            held.expire()

    def scalars(self) -> Mapping[str, int]:
        """Stream times by node, and what operators keep."""
        return {node: self._module[name] for node, name in self._times.items()} | {name: held.kept for name, held in self._held.items()}

    def restore_scalars(self, scalars: Mapping[str, int]) -> None:
        """Stream times as a commit stored them."""
        for node, value in scalars.items():
            if node in self._times:
                self._module[self._times[node]] = value
            elif node in self._held:
                self._held[node].kept = value
            else:
                self._plugins.saved[node] = value
