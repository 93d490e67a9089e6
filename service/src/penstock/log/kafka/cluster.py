"""A Kafka cluster as one client sees it: brokers, leaders, coordinators, and a connection for each (broker, lane).

Requests of one connection are answered in order, and a broker parks long polls (Fetch, JoinGroup); so whoever may wait at the broker uses
a lane of its own. Every failure to get an answer is a LogUnavailable; `retry` repeats those within a bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiokafka.conn import AIOKafkaConnection, create_conn  # type: ignore[import-untyped]
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError  # type: ignore[import-untyped]

from penstock.errors import LogError, LogUnavailable, UnknownTopic
from penstock.log.kafka import codes
from penstock.log.kafka.protocol import FIND_COORDINATOR, METADATA, Call
from penstock.log.kafka.security import Security
from penstock.log.kafka.wake import happens
from penstock.log.port import TopicPartition

logger = logging.getLogger(__name__)
T = TypeVar("T")

GROUP, TRANSACTION = 0, 1
"""Kinds of coordinators."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_REFRESH_SECONDS = 60.0
_IDLE_MS = 300_000
_CONNECT_SECONDS = 10.0
_LAST_MOMENT = 1.0
_NO_ID = bytes(16)
_CONFIRM_SECONDS = 2.0
_BROKEN = (KafkaError, OSError, TimeoutError, RuntimeError)
"""Raised by a request on a connection that broke. RuntimeError: by uvloop, of one that was closed since we looked."""
_TOPIC_IS_NEW = 1.0
"""Seconds in which a topic that the brokers do not know may be one whose creation has not reached them."""


@dataclass(frozen=True, slots=True)
class TopicMeta:
    """A topic in the metadata. leaders: node by partition, -1 where there is none."""

    name: str
    topic_id: str
    internal: bool
    leaders: tuple[int, ...]


@dataclass(slots=True)
class _Brokers:
    """Addresses by node id."""

    by_node: dict[int, tuple[str, int]] = field(default_factory=dict)


class Cluster:
    """Belongs to one event loop; close() after use. Connects at the first request, or at open()."""

    def __init__(self, security: Security, client_id: str, request_timeout: float = 15.0) -> None:
        """request_timeout: seconds after which a connection that does not answer is given up."""
        self.security = security
        self.cluster_id = ""
        self._client_id = client_id
        self._timeout = request_timeout
        self._brokers = _Brokers()
        self._topics: dict[str, TopicMeta] = {}
        self._wanted: set[str] = set()
        self._missing: set[str] = set()
        self._coordinators: dict[tuple[int, str], int] = {}
        self._conns: dict[tuple[int, Hashable], AIOKafkaConnection] = {}
        self._connecting: dict[tuple[int, Hashable], asyncio.Lock] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._trouble = "not connected yet"
        self._wake = asyncio.Event()
        self._closed = False
        self._background: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------------------------------------ life
    async def open(self, patience: float = 10.0) -> None:
        """Reach any broker within patience seconds, else LogUnavailable."""
        try:
            await self.retry(patience, self.refresh)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every connection, after a last moment for what goes on in the background."""
        if self._background:
            await asyncio.wait(self._background, timeout=_LAST_MOMENT)
        self._closed = True
        tasks = [t for t in (self._keeper, self._refreshing, *self._background) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for conn in list(self._conns.values()):
            conn.close()
        self._conns.clear()

    def healthy(self) -> str:
        """Empty when the brokers answered the last time, else why not."""
        return self._trouble

    @property
    def brokers(self) -> int:
        """How many brokers are there, as last seen."""
        return len(self._brokers.by_node)

    async def _keep(self) -> None:
        """Refresh the metadata from time to time, at once when a connection broke, and often while nobody answers."""
        while True:
            await happens(self._wake, 1.0 if self._trouble else _REFRESH_SECONDS)
            self._wake.clear()
            with contextlib.suppress(LogError):  # healthy() tells
                await self.refresh()
            await asyncio.sleep(0.1)

    # ------------------------------------------------------------------------------------------------ requests
    async def retry(self, seconds: float, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat attempt while it raises LogUnavailable, for about so many seconds; the last error is raised then."""
        deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
        while True:
            try:
                return await attempt()
            except LogUnavailable:
                if self._closed or time.monotonic() + pause > deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def send(self, node: int, call: Call, lane: Hashable = "main", timeout: float | None = None) -> Any:
        """One request to one broker; its response struct. Raises LogUnavailable when there is no answer in time."""
        conn = await self._connection(node, lane, timeout or self._timeout)
        try:
            return await conn.send(call)
        except IncompatibleBrokerVersion as error:
            raise LogError(f"the broker is too old or too new: {error}") from error
        except _BROKEN as error:
            self._broken(node, lane, conn)
            raise LogUnavailable(f"broker {node} does not answer: {error or type(error).__name__}") from error

    async def send_all(self, node: int, calls: Sequence[Call], lane: Hashable = "main") -> list[Any]:
        """Several requests to one broker at once; their response structs in order. Raises LogUnavailable when one has no answer in time."""
        conn = await self._connection(node, lane, self._timeout)
        answers: list[Any] = []
        try:
            answers = [conn.send(call) for call in calls]
            return [await answer for answer in answers]
        except IncompatibleBrokerVersion as error:
            raise LogError(f"the broker is too old or too new: {error}") from error
        except _BROKEN as error:
            self._broken(node, lane, conn)
            await asyncio.gather(*[a for a in answers if inspect.getcoroutinestate(a) == inspect.CORO_CREATED], return_exceptions=True)
            raise LogUnavailable(f"broker {node} does not answer: {error or type(error).__name__}") from error
        finally:
            for answer in answers:
                answer.close()

    async def send_any(self, call: Call) -> Any:
        """One request to any broker that answers."""
        if not self._brokers.by_node:
            await self.refresh()
        last: LogError = LogUnavailable("no broker is known")
        for node in self._shuffled():
            try:
                return await self.send(node, call)
            except LogUnavailable as error:
                last = error
        raise last

    async def ask_coordinator(self, kind: int, key: str, call: Call, lane: Hashable = "main", timeout: float | None = None) -> Any:
        """One request to the coordinator of a group or transactional id."""
        node = await self.coordinator(kind, key)
        try:
            return await self.send(node, call, lane, timeout)
        except LogUnavailable:
            self.forget_coordinator(kind, key)
            raise

    def coordinator_now(self, kind: int, key: str) -> int:
        """The coordinator as known, -1 when it is not."""
        return self._coordinators.get((kind, key), -1)

    async def coordinator(self, kind: int, key: str) -> int:
        """The node that coordinates the group or transactional id. Raises LogUnavailable while there is none."""
        node = self._coordinators.get((kind, key))
        if node is None:
            answer = await self.send_any(FIND_COORDINATOR(key, kind))
            if answer.error:
                raise codes.error(answer.error, f"the coordinator of {key}")
            self._brokers.by_node[answer.node] = (answer.host, answer.port)
            node = self._coordinators[kind, key] = answer.node
        return node

    def forget_coordinator(self, kind: int, key: str) -> None:
        """Look it up again at the next request."""
        self._coordinators.pop((kind, key), None)

    def drop_lane(self, lane: Hashable) -> None:
        """Close the connections of a lane."""
        for key in [k for k in self._conns if k[1] == lane]:
            self._conns.pop(key).close()
        for key in [k for k in self._connecting if k[1] == lane and not self._connecting[k].locked()]:
            del self._connecting[key]

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Something to be done in the background whose failure harms nobody; ends with the cluster."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(_retrieve)

    # ------------------------------------------------------------------------------------------------ metadata
    def leader_now(self, tp: TopicPartition) -> int:
        """The partition's leader as known, -1 when it is not; then refresh()."""
        self._wanted.add(tp.topic)
        meta = self._topics.get(tp.topic)
        return meta.leaders[tp.partition] if meta is not None and tp.partition < len(meta.leaders) else -1

    def error(self, code: int, what: str, topic: str = "") -> LogError:
        """As codes.error; but a broker that does not know a topic which the metadata has is one that has just started, or the topic is
        being deleted, which the next look at the metadata tells: ask again."""
        if code == codes.UNKNOWN_TOPIC and topic in self._topics:
            self._wake.set()
            return LogUnavailable(f"{what}: the broker does not know the topic yet")
        return codes.error(code, what, topic)

    def known(self, topic: str) -> TopicMeta | None:
        """The topic as last seen."""
        return self._topics.get(topic)

    def missing(self, topic: str) -> bool:
        """The brokers said that there is none. Not being known is less: an answer under way may be of a time before anybody asked for it."""
        return topic in self._missing

    async def leaders(self, tps: Iterable[TopicPartition], patience: float = 20.0) -> dict[int, list[TopicPartition]]:
        """Partitions by leader; waits while one has none. Raises UnknownTopic when a topic stays unknown for a second, LogUnavailable."""
        tps, start, pause = list(tps), time.monotonic(), _FIRST_PAUSE
        self._missing -= {tp.topic for tp in tps}  # what was said before counts no more
        while True:
            missing = [tp for tp in tps if self.leader_now(tp) < 0]
            if not missing:
                break
            await self.retry(patience, self.refresh)
            waited = time.monotonic() - start
            unknown = [tp for tp in missing if self.missing(tp.topic) or tp.topic in self._topics and tp.partition >= len(self._topics[tp.topic].leaders)]
            if unknown and waited > _TOPIC_IS_NEW:
                raise UnknownTopic(unknown[0].topic)
            if waited > patience:
                raise LogUnavailable(f"no leader for {missing[0].topic}[{missing[0].partition}]")
            if any(self.leader_now(tp) < 0 for tp in missing):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        found: dict[int, list[TopicPartition]] = {}
        for tp in tps:
            found.setdefault(self.leader_now(tp), []).append(tp)
        return found

    async def refresh(self) -> None:
        """Ask for the metadata of the topics in use; concurrent callers share one request."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())
            self._refreshing.add_done_callback(_retrieve)
        await asyncio.shield(self._refreshing)

    async def describe(self, names: Iterable[str] | None) -> dict[str, TopicMeta]:
        """The topics that exist, of these names or all, as a broker sees them now."""
        answer = await self._ask_metadata(None if names is None else list(names))
        return {t[1]: _topic(t) for t in answer.topics if t[0] == 0}

    async def _refresh(self) -> None:
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="kafka-metadata")
        wanted = list(self._wanted)
        answer = await self._ask_metadata(wanted)
        for t in answer.topics:
            if t[0] in (0, 5):
                self._topics[t[1]] = _topic(t)
                self._missing.discard(t[1])
            elif t[0] == codes.UNKNOWN_TOPIC:
                self._topics.pop(t[1], None)
                self._wanted.discard(t[1])
                self._missing.add(t[1])

    async def _ask_metadata(self, names: list[str] | None) -> Any:
        call = METADATA(None if names is None else [(_NO_ID, n, {}) for n in names], False, False, False)
        try:
            try:
                answer = await (self.send_any(call) if self._brokers.by_node else self._ask_bootstrap(call))
            except LogUnavailable:
                answer = await self._ask_bootstrap(call)  # every broker may have got a new address
        except LogUnavailable as error:
            self._trouble = str(error)
            raise
        self._trouble = ""
        self.cluster_id = answer.cluster_id or self.cluster_id
        if answer.brokers:
            self._brokers.by_node = {b[0]: (b[1], b[2]) for b in answer.brokers}
        answer.topics = await self._confirmed(answer.topics)
        return answer

    async def _confirmed(self, topics: list[Any]) -> list[Any]:
        """What one broker said of topics; those that it does not know are asked for at the others. A broker that has just started, or lags
        behind the controller, takes a topic for missing that is there, and a task would fail for it."""
        found = {t[1]: t for t in topics}
        if len(self._brokers.by_node) > 1:
            for node in list(self._brokers.by_node):
                missing = [name for name, t in found.items() if t[0] == codes.UNKNOWN_TOPIC]
                if not missing:
                    break
                with contextlib.suppress(LogUnavailable, TimeoutError):
                    async with asyncio.timeout(_CONFIRM_SECONDS):
                        answer = await self.send(node, METADATA([(_NO_ID, n, {}) for n in missing], False, False, False), "confirm", _CONFIRM_SECONDS)
                    found |= {t[1]: t for t in answer.topics if t[0] != codes.UNKNOWN_TOPIC}
        return list(found.values())

    async def _ask_bootstrap(self, call: Call) -> Any:
        problem: Exception = LogUnavailable("no bootstrap server is named")
        for host, port in self.security.bootstrap:
            try:
                conn = await self._connect(host, port, self._timeout)
            except (KafkaError, OSError, TimeoutError) as error:
                problem = error
                continue
            try:
                return await conn.send(call)
            except IncompatibleBrokerVersion as error:
                raise LogError(f"the broker is too old or too new: {error}") from error
            except _BROKEN as error:
                problem = error
            finally:
                conn.close()
        servers = ", ".join(f"{h}:{p}" for h, p in self.security.bootstrap)
        raise LogUnavailable(f"Kafka does not answer at {servers}: {problem or type(problem).__name__}")

    # ------------------------------------------------------------------------------------------------ connections
    def _shuffled(self) -> list[int]:
        """Nodes, those with an open connection first."""
        return sorted(self._brokers.by_node, key=lambda n: (n, "main") not in self._conns)

    async def _connection(self, node: int, lane: Hashable, timeout: float) -> AIOKafkaConnection:
        key = (node, lane)
        conn = self._conns.get(key)
        if conn is not None and conn.connected():
            return conn
        lock = self._connecting.setdefault(key, asyncio.Lock())
        async with lock:  # one for each connection: a broker that does not accept delays nobody else
            conn = self._conns.get(key)
            if conn is not None and conn.connected():
                return conn
            if self._closed:
                raise LogUnavailable("closed")
            address = self._brokers.by_node.get(node)
            if address is None:
                self._wake.set()
                raise LogUnavailable(f"broker {node} is not known")
            try:
                conn = await self._connect(*address, timeout)
            except (KafkaError, OSError, TimeoutError) as error:
                self._wake.set()
                raise LogUnavailable(f"broker {node} at {address[0]}:{address[1]}: {error or type(error).__name__}") from error
            self._conns[key] = conn
            return conn

    async def _connect(self, host: str, port: int, timeout: float) -> AIOKafkaConnection:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await create_conn(host, port, client_id=self._client_id, request_timeout_ms=int(timeout * 1000), max_idle_ms=_IDLE_MS,
                                     **self.security.connection)

    def _broken(self, node: int, lane: Hashable, conn: AIOKafkaConnection) -> None:
        """Answers could be out of step after a timeout, so the connection is closed in any case."""
        conn.close()
        if self._conns.get((node, lane)) is conn:
            del self._conns[node, lane]
        self._wake.set()


def _topic(t: Any) -> TopicMeta:
    leaders = dict.fromkeys(range(len(t[4])), -1) | {p[1]: p[2] for p in t[4]}
    return TopicMeta(t[1], t[2].hex(), t[3], tuple(leaders[p] for p in sorted(leaders)))


def _retrieve(task: asyncio.Task[None]) -> None:
    """Those who wait get the error; when nobody waits it is not lost on anybody."""
    if not task.cancelled():
        task.exception()
