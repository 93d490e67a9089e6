"""TxnWriter on Kafka: the sender's batches and a group's offsets in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from penstock.errors import AssignmentLost, LogError, LogUnavailable
from penstock.log.kafka.cluster import Cluster
from penstock.log.kafka.sender import Sender
from penstock.log.kafka.token import KafkaToken, StaleToken
from penstock.log.kafka.transaction import PATIENCE, Transaction
from penstock.log.port import BatchBuilder, CommittedOffset, GroupToken, OffsetsFor, TopicPartition
from penstock.log.records import Builder

_QUEUED_BYTES = 32 * 1024 * 1024
"""send() waits while more than this is on its way."""
_SETTLE_SECONDS = 2.0


def own(batch: BatchBuilder) -> Builder:
    """The builder that Log.builder gave out."""
    if not isinstance(batch, Builder):
        raise TypeError(f"{type(batch).__name__} was not made by Log.builder")
    return batch


class KafkaWriter:
    """One transaction at a time; it begins with the first batch or at commit. After any error only discard() is of use."""

    def __init__(self, cluster: Cluster, transactional_id: str) -> None:
        self._transaction = Transaction(cluster, transactional_id)
        self._cluster = cluster
        self._sender: Sender | None = None
        self.producer = ""  # transactional id|producer id|epoch

    async def start(self) -> None:
        """InitProducerId: fences the predecessor and aborts its transaction."""
        await self._transaction.start()
        self.producer = self._transaction.identity
        self._sender = Sender(self._cluster, self._transaction.id, self._transaction.producer_id, self._transaction.epoch,
                              self._transaction.add_partitions)

    async def send(self, topic: str, partition: int, batch: BatchBuilder) -> None:
        """Queue the batch; waits only while 32 MiB are on their way."""
        sender = self._live()
        sender.send(TopicPartition(topic, partition), own(batch))
        while sender.queued_bytes > _QUEUED_BYTES and sender.failure is None:
            await asyncio.sleep(0.002)

    async def commit(self, group: str, token: GroupToken | None, offsets_for: OffsetsFor) -> Mapping[TopicPartition, int]:
        """1. wait until every batch is acknowledged (any failure refuses the commit)
        2. TxnOffsetCommit with the token's generation and member
        3. EndTxn(commit)

        A token whose generation is over (Kafka's 22, 27: a rebalance went on meanwhile) is renewed and the offsets are sent again in the
        same transaction, if the token's tasks are all still ours in the same epoch; else AssignmentLost. After LogUnavailable the outcome
        is unknown: only the group's stable committed offsets tell."""
        sender = self._live()
        ends = await sender.flush()
        offsets = offsets_for(ends)
        if offsets:
            await self._commit_offsets(group, token, dict(offsets))
        await self._transaction.end(commit=True)
        return ends

    async def abort(self) -> None:
        """Give the open transaction up in an orderly way, waiting for the broker; the writer stays usable."""
        sender = self._live()
        await sender.flush()
        await self._transaction.end(commit=False)

    async def discard(self) -> None:
        """Drop everything at once. What is open is aborted in the background, so that it does not hold readers back until its timeout;
        if that fails, the successor's start or the timeout aborts it."""
        if self._sender is not None:
            self._sender.stop()
            self._cluster.spawn(self._retire(self._sender))
            self._sender = None
        else:
            self._transaction.close()

    async def close(self) -> None:
        """Abort what is open, within the patience of one request, then drop the connections."""
        try:
            if self._sender is not None and self._sender.failure is None and self._transaction.open:
                async with asyncio.timeout(PATIENCE):
                    await self.abort()
        except (LogError, TimeoutError):
            pass  # the successor's start aborts it
        await self.discard()

    async def _retire(self, sender: Sender) -> None:
        """Abort only when no batch is under way any more: one that arrived behind the abort would open a transaction that nobody ends.
        With our own epoch: a newer producer of this id is not touched."""
        try:
            if await sender.settled(_SETTLE_SECONDS):
                await self._transaction.abort_once()
        finally:
            sender.discard()
            self._transaction.close()

    def _live(self) -> Sender:
        if self._sender is None:
            raise LogUnavailable("the writer is not started, or discarded")
        if self._sender.failure is not None:
            raise self._sender.failure
        return self._sender

    async def _commit_offsets(self, group: str, token: GroupToken | None, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        if token is not None and not isinstance(token, KafkaToken):
            raise AssignmentLost(f"{token!r} is no token of Kafka")
        while True:
            try:
                await self._transaction.commit_offsets(group, token, offsets)
                return
            except StaleToken as error:
                if token is None or token.renew is None:
                    raise AssignmentLost(str(error)) from error
                token = await token.renew(token)
