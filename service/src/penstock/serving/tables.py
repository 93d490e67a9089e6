"""Tables as lookups and pushes read them: the store behind a relation, and the row view over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.catalog.port import TopologyEntry
from penstock.catalog.view import Served
from penstock.engine.rowview import RowView, row_view
from penstock.errors import RequestError, StateError
from penstock.log.records import murmur2
from penstock.plan.nodes import Node, RelationKind, SourceTable, StoreKind, StoreSpec, ToTable, stores_of
from penstock.plan.resolved import SubTopology
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.serving.cluster.remote import Fetched, Snapshot, Span, fetch
from penstock.serving.committed import ANY_AGE, Away, Unreadable, age_of, committed, shown
from penstock.serving.gateway import Gateway
from penstock.serving.graph import Stage, stage
from penstock.serving.history import History
from penstock.serving.rows import Row
from penstock.state.keys import MAX_START, SESSION_SIZE, START_SIZE, session_bounds, session_key, window_key
from penstock.state.port import Value
from penstock.state.reader import LmdbSnapshot
from penstock.types.sqltype import SqlType

RETRY_SECONDS = 0.2


@dataclass(frozen=True)
class Table:
    """A materialised relation. foreign: another producer's partitioner may have placed the keys, so that a key that is not where our
    hash says is looked for everywhere. copied: a global table, whole in every worker; it is read as one partition."""

    served: Served
    owner: TopologyEntry
    sub: SubTopology
    spec: StoreSpec
    rows: RowView
    stage: Stage
    foreign: bool
    key_types: tuple[SqlType, ...]
    windowed: bool
    history: History | None = None
    copied: bool = False
    tokens: dict[int, tuple[Mapping[str, int], Mapping[str, int], str]] = field(default_factory=dict)

    @property
    def partitions(self) -> int:
        """Number of tasks."""
        return 1 if self.copied else self.sub.partitions

    def awaited(self, places: Sequence[int]) -> Sequence[int]:
        """Partitions of its inputs that a read of these of its own depends on."""
        return range(self.sub.partitions) if self.copied or self.foreign else sorted(set(places))

    def partition_of(self, key: bytes) -> int:
        """Where the partitioner of Kafka's producers puts a key."""
        return (murmur2(key) & 0x7FFFFFFF) % self.partitions

    def places(self, keys: Sequence[Sequence[object]] | None) -> Sequence[int]:
        """Partitions that hold these keys, all of them where keys are not known or others have placed them."""
        if not keys or self.foreign:
            return range(self.partitions)
        return sorted({self.partition_of(self.key_bytes(k)) for k in keys})

    def key_bytes(self, key: Sequence[object]) -> bytes:
        """The serialised key. Raises INVALID_KEY."""
        if len(key) != len(self.key_types):
            raise RequestError("INVALID_KEY", f"the key of {self.served.name} has {len(self.key_types)} columns, {len(key)} were given",
                               {"relation": self.served.name, "expected": ", ".join(str(c.type) for c in self.served.schema.key)})
        if None in key:
            raise RequestError("INVALID_KEY", f"no row of {self.served.name} has a null in its key", {"relation": self.served.name})
        return self.rows.encode_key(key)

    def base_row(self, store_key: bytes, value: Value) -> Row | None:
        """The base row (serving/columns.py) of a stored entry; None when the table, a filtered one, does not have it."""
        row = self.rows.decode(store_key, value)
        if row is None:
            return None
        window = (row.window_start, row.window_end) if self.windowed else ()
        return (*row.key, *window, *row.values, row.timestamp)

    def bare_row(self, store_key: bytes, timestamp: int) -> Row:
        """The base row of a deleted entry: key, window and time, nulls else."""
        key, start, end = self.rows.decode_key(store_key)
        window = (start, end) if self.windowed else ()
        return (*key, *window, *self._nulls, timestamp)

    @property
    def _nulls(self) -> tuple[None, ...]:
        return (None,) * len(self.served.schema.value)


class Tables:
    """Tables by relation, made once for each epoch."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._known: dict[str, Table] = {}

    def get(self, served: Served) -> Table:
        """The table of a relation. Raises NOT_A_TABLE."""
        known = self._known.get(served.name)
        if known is not None and served.owner is not None and _same_plan(known.owner, served.owner):
            return known
        table = self._known[served.name] = _table(served)
        return table

    def snapshot(self, table: Table, partition: int, stale: int | None = None) -> LmdbSnapshot:
        """A committed view of one partition. stale: answer also when the task does not run, if its last commit is at most so many ms old.
        Raises NOT_SERVING, and Away when another node has it."""
        if table.copied:
            return self._copy(table, stale)
        try:
            return committed(self._gateway, table.owner, table.sub, partition, stale)
        except Unreadable as e:
            raise unreadable(table, partition, e, stale) from e

    def away(self, table: Table, partition: int, stale: int | None) -> str:
        """The node that must be asked for a partition; empty when it is here, or nowhere."""
        try:
            self.snapshot(table, partition, stale).close()
        except Away as e:
            return e.node
        except RequestError:
            return ""
        return ""

    def _copy(self, table: Table, stale: int | None) -> LmdbSnapshot:
        task = self._gateway.tasks.copy(table.owner.name, table.owner.incarnation, table.sub.name)
        if task is None or task.state is not TaskState.RUNNING and stale is None:
            raise not_serving(table, 0, task, "no worker of this node has read it yet")
        try:
            snapshot = self._gateway.stores.snapshot(table.owner, table.sub, 0, task.worker)
        except StateError as e:
            raise not_serving(table, 0, task, str(e)) from e
        if stale is not None and task.state is not TaskState.RUNNING and (age := age_of(self._gateway.clock.now_ms(), snapshot.stamp)) > stale:
            snapshot.close()
            raise not_serving(table, 0, task, f"what it has read is {shown(age)}, at most {stale} ms old is accepted",
                              staleness_ms=str(min(age, ANY_AGE)), max_staleness_ms=str(stale))
        return snapshot


async def fetch_away(gateway: Gateway, tables: Tables, table: Table, wanted: Mapping[int, Sequence[Span]], stale: int | None,
                     until: float | None) -> Mapping[int, Fetched]:
    """Of what is wanted of a table's partitions that which other nodes have. Raises NOT_SERVING."""
    away = {p: node for p in wanted if (node := tables.away(table, p, stale))}
    try:
        return await fetch(gateway, table.owner, table.sub, {p: (node, wanted[p]) for p, node in away.items()}, stale, until)
    except Unreadable as e:
        raise unreadable(table, next(iter(away)), e, stale) from e


def _same_plan(one: TopologyEntry, other: TopologyEntry) -> bool:
    return (one.incarnation, one.plan.edition) == (other.incarnation, other.plan.edition)


def _table(served: Served) -> Table:
    p = served.published
    if served.kind is not RelationKind.TABLE or p is None or served.owner is None or not p.store:
        what = "a stream" if served.kind is RelationKind.STREAM else "a table that no topology materialises under this name"
        raise RequestError("NOT_A_TABLE", f"{served.name} is {what}; lookups need a materialised table, such as the topology.node of one",
                           {"relation": served.name})
    plan = served.owner.plan
    sub, copied = plan.sub(p.sub), plan.is_global(p.sub)
    spec = next(s for s in sub.stores if s.name == p.store)
    owner = next(n for n in sub.nodes if spec in stores_of(n))
    return Table(served, served.owner, sub, spec, row_view(plan, p), stage(served.owner, sub),
                 isinstance(owner, SourceTable) and not copied, tuple(c.type for c in served.schema.key), served.window is not None,
                 _history(owner, sub), copied)


def _history(owner: Node, sub: SubTopology) -> History | None:
    if not isinstance(owner, SourceTable | ToTable) or owner.history is None or sub.scalars is None:
        return None
    return History(owner.store.name, owner.history, sub.scalars.name, owner.name.encode())


def unreadable(table: Table, partition: int, why: Unreadable, stale: int | None) -> RequestError:
    """The refusal while a task cannot be read."""
    more = {} if why.staleness is None else {"staleness_ms": str(min(why.staleness, ANY_AGE)), "max_staleness_ms": str(stale)}
    return _not_serving(table, partition, why.state, why.detail, **more)


def not_serving(table: Table, partition: int, task: TaskEntry | None, detail: str = "", **more: str) -> RequestError:
    """The same, of a task as the boards say it."""
    state = task.state.value if task is not None else "UNKNOWN"
    reason = "; ".join(text for text in (task.state_reason if task is not None else "", detail) if text)
    return _not_serving(table, partition, state, reason, **more)


def _not_serving(table: Table, partition: int, state: str, reason: str, **more: str) -> RequestError:
    name = f"{table.owner.name}/{table.sub.name}-{partition}"
    return RequestError("NOT_SERVING", f"task {name} cannot be read now ({state}): {reason}", {
        "relation": table.served.name, "topology": table.owner.name, "task": name, "state": state, "detail": reason, **more,
    }, retry_after=RETRY_SECONDS)


def window_bounds(start_from: int | None, start_to: int | None, relation: str) -> tuple[int, int]:
    """Inclusive bounds of window starts. Raises INVALID_RANGE."""
    low, high = max(0, start_from or 0), (1 << 63) - 1 if start_to is None else start_to
    if start_to is not None and start_from is not None and start_to < start_from:
        raise RequestError("INVALID_RANGE", "windows.start_to is before windows.start_from", {"relation": relation, "field": "windows"})
    return low, high


def windows_of(snapshot: Snapshot, spec: StoreSpec, key: bytes, low: int, high: int) -> Iterator[tuple[bytes, Value]]:
    """The windows of one key whose start lies within bounds, both inclusive, in order of start."""
    if high < 0:
        return
    if spec.kind is StoreKind.SESSION:
        yield from _sessions_of(snapshot, spec, key, low, high)
        return
    size = len(key) + START_SIZE
    for store_key, value in snapshot.range(spec.name, window_key(key, low), window_key(key, high + 1)):
        # Keys that begin with this one and go on lie between: they are longer.
        if len(store_key) == size:
            yield store_key, value


def _sessions_of(snapshot: Snapshot, spec: StoreSpec, key: bytes, low: int, high: int) -> Iterator[tuple[bytes, Value]]:
    """Sessions are kept by their end. Those of one key do not overlap, so they are in order of start as well."""
    size = len(key) + SESSION_SIZE
    for store_key, value in snapshot.range(spec.name, session_key(key, 0, low), session_key(key, 0, MAX_START)):
        if len(store_key) != size:
            continue
        start, _ = session_bounds(store_key)
        if start > high:
            return
        if start >= low:
            yield store_key, value
