"""What every part of a gateway shares: the log, the catalog, the node's boards, and small caches over them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from penstock.catalog.port import Registry
from penstock.catalog.schemas import NO_SCHEMAS, SchemaAccess
from penstock.clock import Clock
from penstock.log.port import Log, TopicInfo
from penstock.runtime.board_port import BoardReader, Notices, TaskEntry, TaskState
from penstock.runtime.layout import Layout
from penstock.serving.cluster.cluster import Cluster, NodesTopic
from penstock.serving.cluster.peers import Channels, Peers
from penstock.serving.graph import Ways
from penstock.serving.positions import Position, TopicPosition, encode
from penstock.serving.stores import Stores
from penstock.serving.topic_watch import TopicWatch
from penstock.state.lmdb import MAP_SIZE

TOPICS_FRESH = 5.0
BOARD_FRESH = 0.05


class Topics:
    """Topics by name, at most a few seconds old: tokens need their ids."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._known: dict[str, tuple[float, TopicInfo]] = {}

    async def get(self, names: Iterable[str]) -> Mapping[str, TopicInfo]:
        """Those of the names that exist."""
        now = time.monotonic()
        wanted = list(names)
        stale = [n for n in wanted if n not in self._known or self._known[n][0] < now - TOPICS_FRESH]
        if stale:
            found = await self._log.topics(stale)
            for name in stale:
                if name in found:
                    self._known[name] = (now, found[name])
                else:
                    self._known.pop(name, None)
        return {n: self._known[n][1] for n in wanted if n in self._known}

    def cached(self, name: str) -> TopicInfo | None:
        """What is known without asking."""
        known = self._known.get(name)
        return None if known is None else known[1]

    def forget(self, name: str) -> None:
        """Ask again next time."""
        self._known.pop(name, None)


class TaskStates:
    """The node's tasks as of the last 50 ms: a lookup asks once a key."""

    def __init__(self, board: BoardReader) -> None:
        self._board = board
        self._at = -1.0
        self._tasks: dict[tuple[str, int, str, int], TaskEntry] = {}

    def all(self) -> Iterable[TaskEntry]:
        """Every task of the node."""
        return self._fresh().values()

    def get(self, topology: str, incarnation: int, sub: str, partition: int) -> TaskEntry | None:
        """The newest known entry of a task."""
        return self._fresh().get((topology, incarnation, sub, partition))

    def copy(self, topology: str, incarnation: int, table: str) -> TaskEntry | None:
        """The copy of a global table that answers for the node."""
        return serving_copy(self._fresh().values(), topology, incarnation, table)

    def _fresh(self) -> Mapping[tuple[str, int, str, int], TaskEntry]:
        now = time.monotonic()
        if now - self._at > BOARD_FRESH:
            self._tasks = {(t.topology, t.incarnation, t.sub, t.partition): t for t in self._board.tasks()}
            self._at = now
        return self._tasks


def serving_copy(tasks: Iterable[TaskEntry], topology: str, incarnation: int, table: str) -> TaskEntry | None:
    """Of the workers' copies of a global table the first that is whole, else the first."""
    copies = [t for t in tasks if (t.topology, t.incarnation, t.sub) == (topology, incarnation, table)]
    return min(copies, key=lambda t: (t.state is not TaskState.RUNNING, t.partition), default=None)


@dataclass
class Gateway:
    """One gateway process, once its log is open."""

    service_id: str
    node: str
    log: Log
    registry: Registry
    board: BoardReader
    notices: Notices
    layout: Layout
    clock: Clock
    store_bytes: int = MAP_SIZE
    schemas: SchemaAccess = NO_SCHEMAS
    nodes: NodesTopic | None = None
    channels: Channels | None = None
    cluster: Cluster = field(init=False)
    peers: Peers = field(init=False)
    topics: Topics = field(init=False)
    tasks: TaskStates = field(init=False)
    stores: Stores = field(init=False)
    watch: TopicWatch = field(init=False)
    ways: Ways = field(default_factory=Ways)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.node, self.nodes)
        self.peers = Peers(self.cluster, self.channels)
        self.topics = Topics(self.log)
        self.tasks = TaskStates(self.board)
        self.watch = TopicWatch(self.log, self.registry)
        self.stores = Stores(self.layout, self.store_bytes)

    def catalog_token(self, position: int | None = None) -> str:
        """A token that includes the catalog up to here."""
        return encode(Position(self.log.log_id, self.registry.state.position if position is None else position))

    async def position(self, offsets: Mapping[str, Mapping[int, int]]) -> Position:
        """Next offsets by topic and partition, now; topics that are gone are left out."""
        return self._position_of(offsets, await self.topics.get(offsets), "", 0)

    async def token(self, offsets: Mapping[str, Mapping[int, int]]) -> str:
        """The token of a position."""
        return encode(await self.position(offsets))

    def token_of(self, offsets: Mapping[str, Mapping[int, int]], infos: Mapping[str, TopicInfo], *, relation: str = "",
                 epoch: int = 0) -> str:
        """As token, with the topics given."""
        return encode(self._position_of(offsets, infos, relation, epoch))

    def _position_of(self, offsets: Mapping[str, Mapping[int, int]], infos: Mapping[str, TopicInfo], relation: str, epoch: int) -> Position:
        topics = {t: TopicPosition(infos[t].topic_id, o) for t, o in offsets.items() if t in infos}
        return Position(self.log.log_id, self.registry.state.position, topics, relation, epoch, self.clock.now_ms())

    def close(self) -> None:
        """Close what this object opened."""
        self.stores.close()
