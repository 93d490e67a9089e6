"""Positions of partitions and offsets of groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from penstock.errors import LogError, LogUnavailable
from penstock.log.kafka import codes
from penstock.log.kafka.cluster import GROUP, Cluster
from penstock.log.kafka.protocol import LIST_OFFSETS, OFFSET_COMMIT, OFFSET_FETCH
from penstock.log.kafka.wire import by_topic
from penstock.log.port import CommittedOffset, TopicPartition

_LATEST, _EARLIEST = -1, -2
_ALL, _COMMITTED = 0, 1
_PATIENCE = 15.0
_STABLE_PATIENCE = 45.0
"""An abandoned transaction blocks for its timeout (15 s) and up to 10 s more."""


class Lookups:
    """Answers of leaders and of group coordinators, each repeated while repeating helps."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def earliest(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._offsets(tps, _EARLIEST, _ALL)

    async def ends(self, tps: Sequence[TopicPartition], committed: bool) -> dict[TopicPartition, int]:
        """committed: the last stable offset, which lags a little behind an acknowledged commit; else the high watermark."""
        return await self._offsets(tps, _LATEST, _COMMITTED if committed else _ALL)

    async def offsets_at(self, tps: Sequence[TopicPartition], timestamp: int) -> dict[TopicPartition, int]:
        """The first record with this timestamp (ms) or later, else the last stable offset."""
        found = await self._offsets(tps, timestamp, _COMMITTED)
        if none := [tp for tp, offset in found.items() if offset < 0]:
            found |= await self.ends(none, committed=True)
        return found

    async def committed(self, group: str, tps: Sequence[TopicPartition], stable: bool = True) -> dict[TopicPartition, CommittedOffset]:
        """Stable committed offsets: waits while a transaction on them is undecided (error 88, KIP-447). Not stable: what was decided last."""
        if not tps:
            return {}
        tags: dict[int, bytes] = {}
        topics = [(t, ps, tags) for t, ps in by_topic({tp: tp.partition for tp in tps})]

        async def attempt() -> dict[TopicPartition, CommittedOffset]:
            answer = await self._cluster.ask_coordinator(GROUP, group, OFFSET_FETCH(group, topics, stable))
            self._check(group, {answer.error}, "committed offsets")
            found = {}
            for topic, partitions, _ in answer.topics:
                for partition, offset, _, metadata, code, _ in partitions:
                    self._check(group, {code}, "committed offsets")
                    found[TopicPartition(topic, partition)] = CommittedOffset(offset, metadata or "")
            return found

        return await self._cluster.retry(_STABLE_PATIENCE, attempt)

    async def reset(self, group: str, offsets: Mapping[TopicPartition, CommittedOffset]) -> None:
        """Commit offsets outside any transaction and membership; refused while the group has members."""
        if not offsets:
            return
        rows = by_topic({tp: (tp.partition, o.offset, -1, o.metadata) for tp, o in offsets.items()})

        async def attempt() -> None:
            answer = await self._cluster.ask_coordinator(GROUP, group, OFFSET_COMMIT(group, -1, "", None, rows))
            for _, partitions in answer.topics:
                self._check(group, {code for _, code in partitions}, "setting offsets")

        await self._cluster.retry(_PATIENCE, attempt)

    def _check(self, group: str, found: Collection[int], what: str) -> None:
        for code in found:
            if code in codes.COORDINATOR_MOVED:
                self._cluster.forget_coordinator(GROUP, group)
            if code == codes.UNSTABLE_OFFSETS:
                raise LogUnavailable(f"{what} of {group}: a transaction on them is undecided")
            if code in (codes.UNKNOWN_MEMBER, codes.ILLEGAL_GENERATION, codes.REBALANCING):
                raise LogError(f"{what} of {group}: the group has members")
            if code:
                raise codes.error(code, f"{what} of {group}")

    async def _offsets(self, tps: Sequence[TopicPartition], timestamp: int, isolation: int) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = {}

        async def attempt() -> None:
            todo = [tp for tp in tps if tp not in found]
            for node, of_node in (await self._cluster.leaders(todo)).items():
                rows = by_topic({tp: (tp.partition, timestamp) for tp in of_node})
                answer = await self._cluster.send(node, LIST_OFFSETS(-1, isolation, rows))
                for topic, partitions in answer.topics:
                    for partition, code, _, offset in partitions:
                        if code in codes.LEADER_MOVED or code == codes.UNKNOWN_TOPIC:
                            await self._cluster.refresh()
                        if code:
                            raise self._cluster.error(code, f"the offsets of {topic}[{partition}]", topic)
                        found[TopicPartition(topic, partition)] = offset

        await self._cluster.retry(_PATIENCE, attempt)
        return {tp: found[tp] for tp in tps}
