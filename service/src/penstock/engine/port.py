"""What the engine offers: a sub-topology compiled to Python for one task, fed with records, flushed and asked for its outputs.

Pure: no I/O, no await. The runtime (and testing/) binds it to stores and outputs and drives it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from penstock.clock import Clock
from penstock.log.port import Record
from penstock.plan.resolved import Settings, SubTopology
from penstock.state.port import Store

if TYPE_CHECKING:
    from penstock.engine.processors.calls import CallHost
    from penstock.engine.processors.remote import RemoteHost


class Output(Protocol):
    """Where a sink or repartition writes: one object a topic. Generated code binds `rows.append` once and appends a tuple
    (key bytes, value bytes, timestamp ms, headers) for each record; the owner drains `rows` after each run (clearing that same list) and
    chooses partitions in one go (murmur2 of the key as Kafka's producer; a null key goes to the task's own partition modulo the count)."""

    topic: str
    rows: list[tuple[bytes | None, bytes | None, int, Sequence[tuple[str, bytes | None]]]]


class RoutedOutput(Protocol):
    """Where a sink writes that names the topic of each row: (topic, key bytes, value bytes, timestamp ms, headers, the record to blame when
    there is no such topic). The owner drains `rows` after each run."""

    node: str
    rows: list[tuple[str | None, bytes | None, bytes | None, int, Sequence[tuple[str, bytes | None]], Record]]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be processed at a node."""

    node: str
    topic: str
    partition: int
    record: Record
    reason: str


def _unseen(node: str, timestamp: int, columns: Mapping[str, object]) -> None:
    """Nobody looks."""


@dataclass(frozen=True)
class Bindings:
    """What a compiled task is bound to.

    stores: by store name. outputs: by topic. routed: by node name. bad: called for a record that raised; the row is dropped there (effects
    of earlier nodes stay). expression_error: called with (node, exception) when a column became null through an error. late: called with the node's name
    for a record dropped as late. peek: called with (node, rowtime, columns) for a row that a Peek shows.
    """

    topology: str
    partition: int
    stores: Mapping[str, Store]
    outputs: Mapping[str, Output]
    bad: Callable[[BadRecord], None]
    expression_error: Callable[[str, Exception], None]
    late: Callable[[str], None]
    clock: Clock
    peek: Callable[[str, int, Mapping[str, object]], None] = _unseen
    routed: Mapping[str, RoutedOutput] = field(default_factory=dict)


class Held(Protocol):
    """State of an operator outside of generated code. kept: a scalar that is stored with each commit."""

    kept: int

    def expire(self) -> None:
        """Forget what the semantics allow; called between runs."""


class Program(Protocol):
    """One task, compiled and bound."""

    source: str  # the generated Python, as EXPLAIN prints it

    @property
    def due(self) -> int:
        """The time of the clock, ms, from which `punctuate` has something to do; very late when it never has."""

    def open(self) -> None:
        """Start plug-ins, once, when stores and scalars are restored. Raises RequestError when one cannot start."""

    def close(self) -> None:
        """Tell plug-ins that the task ends; what they raise is raised."""

    def punctuate(self, now_ms: int) -> bool:
        """Call punctuations by the clock that are due; whether there were any. As `run`, it writes outputs and stores."""

    def run(self, topic: str, records: Sequence[Record]) -> None:
        """Process records of one input topic in order, each through all nodes depth first. The caller merges its inputs by timestamp."""

    @property
    def remotes(self) -> Collection[RemoteHost | CallHost]:
        """All of what `remote` gives."""

    def remote(self, topic: str) -> RemoteHost | CallHost | None:
        """Where `run` gathers the records of a topic for programs elsewhere; what came of them is applied there. None for any other topic."""

    def expire(self) -> None:
        """Forget windows and rows that the semantics allow to forget; called from time to time between runs."""

    def read_too(self, topic: str, like: str) -> None:
        """From now on `run` takes records of a topic that came later; they are read as those of `like`."""

    def flush(self, deadline: float) -> bool:
        """Forward dirty aggregates (LATEST_PER_COMMIT) downstream in topological order until time.monotonic() > deadline; True when
        nothing is left. With EVERY there never is."""

    def scalars(self) -> Mapping[str, int]:
        """Stream time and other operator scalars by node name, to be stored with a commit."""

    def restore_scalars(self, scalars: Mapping[str, int]) -> None: ...


class Compile(Protocol):
    """engine.compile.compile_sub."""

    def __call__(self, sub: SubTopology, settings: Settings, bindings: Bindings) -> Program: ...
