"""The requests of a producer to its transaction coordinator (KIP-98, KIP-447, KIP-360), each repeated while repeating helps.

Transactions of the first version are spoken: partitions and groups are announced before they are written to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from penstock.errors import AssignmentLost, Fenced, LogError, LogUnavailable
from penstock.log.kafka import codes
from penstock.log.kafka.cluster import GROUP, TRANSACTION, Cluster
from penstock.log.kafka.protocol import (
    ADD_OFFSETS,
    ADD_PARTITIONS,
    DESCRIBE_TRANSACTIONS,
    END_TXN,
    INIT_PRODUCER_ID,
    TXN_OFFSET_COMMIT,
    Call,
)
from penstock.log.kafka.token import KafkaToken, StaleToken
from penstock.log.kafka.wire import by_topic
from penstock.log.port import CommittedOffset, TopicPartition

TIMEOUT_MS = 15_000
"""After so long the broker aborts an open transaction by itself; a vanished owner's open transaction blocks its successor for that long and
up to 10 s more, unless it is fenced."""

PATIENCE = 12.0
"""How long requests of a transaction are repeated, in seconds: below its timeout, since later it is gone anyway."""

_OPERATION_NOT_ATTEMPTED = 55


class Transaction:
    """A transactional id as this process holds it."""

    def __init__(self, cluster: Cluster, transactional_id: str) -> None:
        self.id = transactional_id
        self.producer_id, self.epoch = -1, -1
        self._cluster = cluster
        self._lane = ("transaction", id(self))
        self._partitions: set[TopicPartition] = set()
        self._groups: set[str] = set()

    @property
    def identity(self) -> str:
        """"transactional id|producer id|epoch", what fence() takes."""
        return f"{self.id}|{self.producer_id}|{self.epoch}"

    @property
    def open(self) -> bool:
        """Whether anything has been announced since the last end."""
        return bool(self._partitions or self._groups)

    async def start(self, patience: float = 40.0) -> None:
        """Take the id over: fences its predecessor and returns when what that had open is aborted."""

        async def attempt() -> None:
            answer = await self._ask(INIT_PRODUCER_ID(self.id, TIMEOUT_MS, -1, -1))
            self._check(answer.error, f"taking over {self.id}")
            self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch

        await self._cluster.retry(patience, attempt)

    async def add_partitions(self, tps: Iterable[TopicPartition]) -> None:
        """Announce partitions that will be written to."""
        new = [tp for tp in tps if tp not in self._partitions]
        if not new:
            return
        call = ADD_PARTITIONS(self.id, self.producer_id, self.epoch, by_topic({tp: tp.partition for tp in new}))

        async def attempt() -> None:
            answer = await self._ask(call)
            bad = {TopicPartition(t, p): code for t, ps in answer.topics for p, code in ps if code}
            for tp, code in sorted(bad.items(), key=lambda x: x[1] == _OPERATION_NOT_ATTEMPTED):
                self._check(code, f"announcing {tp.topic}[{tp.partition}]", tp.topic)

        await self._repeat(attempt)
        self._partitions.update(new)

    async def commit_offsets(self, group: str, token: KafkaToken | None, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        """Offsets of a group, in this transaction, fenced by the token. Without one only a group without members takes them.
        Raises StaleToken (the transaction stays usable), AssignmentLost."""
        if group not in self._groups:
            await self._repeat(lambda: self._add_group(group))
            self._groups.add(group)
        generation, member = (token.generation, token.member) if token is not None else (-1, "")
        tags: dict[int, bytes] = {}
        rows = by_topic({tp: (tp.partition, o.offset, -1, o.metadata, tags) for tp, o in offsets.items()})
        call = TXN_OFFSET_COMMIT(self.id, group, self.producer_id, self.epoch, generation, member, None, [(t, ps, tags) for t, ps in rows])

        async def attempt() -> None:
            answer = await self._cluster.ask_coordinator(GROUP, group, call, self._lane)
            for topic, partitions, _ in answer.topics:
                for _, code, _ in partitions:
                    if code in codes.COORDINATOR_MOVED:
                        self._cluster.forget_coordinator(GROUP, group)
                    if code in (codes.ILLEGAL_GENERATION, codes.REBALANCING):
                        raise StaleToken(f"offsets of {group}: {codes.name(code)}")
                    if code in (codes.UNKNOWN_MEMBER, codes.FENCED_INSTANCE):
                        raise AssignmentLost(f"offsets of {group}: {codes.name(code)}")
                    if code == codes.UNSTABLE_OFFSETS:
                        raise LogUnavailable(f"offsets of {group}: {codes.name(code)}")
                    if code:
                        raise self._cluster.error(code, f"offsets of {group}", topic)

        await self._repeat(attempt)

    async def end(self, commit: bool) -> None:
        """Commit or abort. After LogUnavailable the outcome is unknown. Visible to readers a little later, when markers are written."""
        if not self.open:
            return
        doubtful: LogUnavailable | None = None

        async def attempt() -> None:
            nonlocal doubtful
            try:
                answer = await self._ask(END_TXN(self.id, self.producer_id, self.epoch, commit))
                if answer.error in codes.DOUBTFUL:
                    raise codes.error(answer.error, f"ending the transaction of {self.id}")
            except LogUnavailable as error:
                doubtful = error
                raise
            self._check(answer.error, f"ending the transaction of {self.id}")

        try:
            await self._repeat(attempt)
        except Fenced as error:
            if doubtful is not None:  # an earlier attempt may have ended it before the newer producer came
                raise LogUnavailable(f"{error}, after {doubtful}") from error
            raise
        self._partitions.clear()
        self._groups.clear()

    async def abort_once(self) -> None:
        """Abort what is open, without repeating. Fenced when a newer producer took the id."""
        if self.open:
            answer = await self._ask(END_TXN(self.id, self.producer_id, self.epoch, False))
            self._check(answer.error, f"aborting the transaction of {self.id}")

    def close(self) -> None:
        """Close this id's connections."""
        self._cluster.drop_lane(self._lane)

    async def _add_group(self, group: str) -> None:
        answer = await self._ask(ADD_OFFSETS(self.id, self.producer_id, self.epoch, group))
        self._check(answer.error, f"announcing group {group}")

    async def _ask(self, call: Call) -> Any:
        return await self._cluster.ask_coordinator(TRANSACTION, self.id, call, self._lane)

    def _check(self, code: int, what: str, topic: str = "") -> None:
        if code in codes.COORDINATOR_MOVED:
            self._cluster.forget_coordinator(TRANSACTION, self.id)
        if code:
            raise self._cluster.error(code, what, topic)

    async def _repeat(self, attempt: Callable[[], Awaitable[None]]) -> None:
        await self._cluster.retry(PATIENCE, attempt)


async def fence(cluster: Cluster, producer: str, patience: float = 20.0) -> None:
    """End the transaction of exactly this "transactional id|producer id|epoch", and leave a newer process of the same id alone.

    InitProducerId with the expected id and epoch is a compare-and-set (KIP-360), but not while the newer producer has a transaction open:
    that one the broker aborts first and compares then. So the present producer is asked for before. In the instant between the two a
    newer one may still lose a transaction; it starts again then, nothing is wrong."""
    transactional_id, producer_id, epoch = producer.rsplit("|", 2)
    call = INIT_PRODUCER_ID(transactional_id, TIMEOUT_MS, int(producer_id), int(epoch))

    async def attempt() -> None:
        found = await cluster.ask_coordinator(TRANSACTION, transactional_id, DESCRIBE_TRANSACTIONS([transactional_id]))
        code, _, _, _, _, now_id, now_epoch, *_ = found.transactions[0]
        if code in codes.COORDINATOR_MOVED:
            cluster.forget_coordinator(TRANSACTION, transactional_id)
        if code == codes.NO_SUCH_TRANSACTIONAL_ID or not code and (now_id, now_epoch) != (int(producer_id), int(epoch)):
            return
        if code:
            raise codes.error(code, f"looking for {producer}")
        answer = await cluster.ask_coordinator(TRANSACTION, transactional_id, call)
        if answer.error in codes.COORDINATOR_MOVED:
            cluster.forget_coordinator(TRANSACTION, transactional_id)
        if answer.error and answer.error not in (codes.FENCED_EPOCH, codes.PRODUCER_FENCED):  # those: there is a newer one, nothing to do
            raise codes.error(answer.error, f"fencing {producer}")

    await cluster.retry(patience, attempt)


async def new_producer_id(cluster: Cluster, patience: float = 30.0) -> int:
    """A producer id for idempotent writing outside transactions; its epoch is 0."""

    async def attempt() -> int:
        answer = await cluster.send_any(INIT_PRODUCER_ID(None, TIMEOUT_MS, -1, -1))
        if answer.error:
            raise codes.error(answer.error, "a new producer id")
        if answer.producer_epoch != 0:
            raise LogError(f"a new producer id came with epoch {answer.producer_epoch}")
        return int(answer.producer_id)

    return await cluster.retry(patience, attempt)
