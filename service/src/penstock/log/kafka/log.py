"""Log on a Kafka cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.log.kafka import security, transaction
from penstock.log.kafka.admin import Admin
from penstock.log.kafka.append import Appends
from penstock.log.kafka.cluster import Cluster
from penstock.log.kafka.lookups import Lookups
from penstock.log.kafka.membership import KafkaMembership, Timing
from penstock.log.kafka.reader import KafkaReader
from penstock.log.kafka.writer import KafkaWriter
from penstock.log.port import (
    REPLICATION,
    USUAL,
    BatchBuilder,
    CommittedOffset,
    Log,
    LogReader,
    Membership,
    Placement,
    TopicConfig,
    TopicInfo,
    TopicPartition,
    TopicShape,
    TxnWriter,
)
from penstock.log.records import Builder


class KafkaLog:
    """Log. Its parts do the work."""

    def __init__(self, cluster: Cluster, client_id: str, service: str, process: str, timing: Timing, replication: int) -> None:
        self.log_id = cluster.cluster_id
        self._cluster, self._client_id, self._timing = cluster, client_id, timing
        self._lookups, self._admin = Lookups(cluster), Admin(cluster, replication)
        self._appends = Appends(cluster, self._lookups, self._admin, service, process)
        self._memberships: list[KafkaMembership] = []

    # topics
    async def create_topic(self, name: str, config: TopicConfig) -> TopicInfo:
        return await self._admin.create_topic(name, config)

    async def delete_topics(self, names: Sequence[str]) -> None:
        await self._admin.delete_topics(names)

    async def topics(self, names: Sequence[str] | None = None) -> Mapping[str, TopicInfo]:
        return await self._admin.topics(names)

    async def shapes(self, names: Sequence[str]) -> Mapping[str, TopicShape]:
        return await self._admin.shapes(names)

    async def delete_records(self, before: Mapping[TopicPartition, int]) -> None:
        await self._admin.delete_records(before)

    # positions
    async def earliest(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._lookups.earliest(tps)

    async def ends(self, tps: Sequence[TopicPartition], committed: bool = True) -> Mapping[TopicPartition, int]:
        return await self._lookups.ends(tps, committed)

    async def offsets_at(self, tps: Sequence[TopicPartition], timestamp: int) -> Mapping[TopicPartition, int]:
        return await self._lookups.offsets_at(tps, timestamp)

    async def committed(self, group: str, tps: Sequence[TopicPartition], stable: bool = True) -> Mapping[TopicPartition, CommittedOffset]:
        return await self._lookups.committed(group, tps, stable)

    async def reset_offsets(self, group: str, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        await self._lookups.reset(group, offsets)

    async def delete_group(self, group: str) -> None:
        await self._admin.delete_group(group)

    # data
    def builder(self, limit: int = 512 * 1024, transactional: bool = True) -> BatchBuilder:
        return Builder(limit, transactional)

    def reader(self, max_wait: float = 0.5) -> LogReader:
        return KafkaReader(self._cluster, self._lookups, max_wait)

    async def writer(self, transactional_id: str) -> TxnWriter:
        writer = KafkaWriter(self._cluster, transactional_id)
        try:
            await writer.start()
        except BaseException:
            await writer.discard()
            raise
        return writer

    async def append(self, topic: str, partition: int, batch: BatchBuilder, producer_id: str = "", sequence: int = 0) -> tuple[int, bool]:
        tp = TopicPartition(topic, partition)
        ends, duplicate = await self._appends.append({tp: batch}, producer_id, sequence)
        return -1 if duplicate else ends[tp] - batch.count, duplicate

    async def append_many(self, batches: Mapping[TopicPartition, BatchBuilder], producer_id: str = "", sequence: int = 0,
                          epoch: int = 0) -> tuple[Mapping[TopicPartition, int], bool]:
        return await self._appends.append(batches, producer_id, sequence, epoch)

    async def open_producer(self, producer_id: str, epoch: int = 0) -> tuple[int, int]:
        return await self._appends.open_producer(producer_id, epoch)

    async def last_sequence(self, producer_id: str) -> int:
        return await self._appends.last_sequence(producer_id)

    async def compare_and_append(self, topic: str, expected_end: int, batch: BatchBuilder) -> int | None:
        return await self._appends.compare_and_append(topic, expected_end, batch)

    async def fence(self, producer: str) -> None:
        await transaction.fence(self._cluster, producer)

    def membership(self, slot: str, node: str, placement: Placement = USUAL) -> Membership:
        membership = KafkaMembership(self._cluster.security, f"{self._client_id}-membership", slot, node, self._timing, placement)
        self._memberships.append(membership)
        return membership

    def healthy(self) -> str:
        return self._cluster.healthy()

    async def close(self) -> None:
        for membership in self._memberships:
            await membership.close()
        await self._appends.close()
        await self._cluster.close()


async def open_kafka(bootstrap: str, properties: Mapping[str, str], *, process: str, service: str = "penstock",
                     timing: Timing = Timing(), patience: float = 10.0, replication: int = REPLICATION) -> Log:  # noqa: B008 (a frozen value)
    """Connect to a Kafka cluster.

    bootstrap: host:port, comma separated; properties: Kafka's own names (log/kafka/security.py). process: this process's stable name.
    service: namespace of the transactional ids and of the topic that this package uses itself (<service>-append).
    replication: of topics made without a number of replicas, or as many as there are brokers.
    Raises RequestError for properties that cannot be used, LogUnavailable when no broker answers within `patience` seconds.
    """
    client_id = properties.get("client.id", f"{service}-{process}")
    cluster = Cluster(security.parse(bootstrap, properties), client_id)
    await cluster.open(patience)
    return KafkaLog(cluster, client_id, service, process, timing, replication)
