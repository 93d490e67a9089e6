"""Topics, groups and records: create, describe, delete."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial

from penstock.errors import LogUnavailable, RequestError
from penstock.log.kafka import codes
from penstock.log.kafka.cluster import GROUP, Cluster, TopicMeta
from penstock.log.kafka.protocol import CREATE_TOPICS, DELETE_GROUPS, DELETE_RECORDS, DELETE_TOPICS, DESCRIBE_CONFIGS
from penstock.log.kafka.wire import by_topic
from penstock.log.port import REPLICATION, TopicConfig, TopicInfo, TopicPartition, TopicShape

_PATIENCE = 20.0
_TIMEOUT_MS = 10_000
_TOPIC = 2  # resource type of DescribeConfigs
_DESCRIBED = ["cleanup.policy", "retention.ms", "max.message.bytes"]
_SETTLED_SECONDS = 10.0
_AT_ONCE = 200
_IN_SYNC, _SAFE = "min.insync.replicas", 3
"""From so many replicas on a write is acknowledged only when two have it: then no acknowledged record is lost with a broker, and one may be away."""
_FUTURE = "message.timestamp.after.max.ms"
"""Since Kafka 4.0 a broker refuses records more than an hour ahead of its clock; event time may be. Brokers before 3.6 do not know it."""


class Admin:
    """What the cluster's brokers and controller are asked for."""

    def __init__(self, cluster: Cluster, replication: int = REPLICATION) -> None:
        """replication: of topics whose number of replicas nobody gives."""
        self._cluster = cluster
        self._replication = replication

    async def create_topic(self, name: str, config: TopicConfig) -> TopicInfo:
        """Create it and wait until it has leaders; an existing one is answered as it is. Where there are fewer brokers than replicas wanted,
        and nobody asked for that number, there is one on each broker."""
        replicas = config.replicas or self._replication
        configs = {
            "cleanup.policy": "compact" if config.compact else "delete",
            "retention.ms": str(config.retention_ms),
            "delete.retention.ms": str(config.delete_retention_ms),
            _FUTURE: str(2**63 - 1),
            **({"segment.bytes": str(config.segment_bytes)} if config.segment_bytes else {}),
        }

        async def attempt() -> None:
            nonlocal replicas
            safe = {_IN_SYNC: "2"} if replicas >= _SAFE else {}
            topic: tuple[object, ...] = (name, config.partitions, replicas, [], list((configs | safe).items()))
            answer = await self._cluster.send_any(CREATE_TOPICS([topic], _TIMEOUT_MS, False))
            _, code, message = answer.topics[0]
            if code == codes.INVALID_CONFIG and _FUTURE in configs:
                del configs[_FUTURE]
                raise LogUnavailable(f"topic {name}: trying again without {_FUTURE}")
            if code == codes.INVALID_REPLICATION_FACTOR and not config.replicas and replicas > 1:
                replicas = min(replicas - 1, max(1, self._cluster.brokers))
                raise LogUnavailable(f"topic {name}: trying again with {replicas} replicas")
            if code in (37, codes.INVALID_REPLICATION_FACTOR, 40, 44):  # partitions, replication factor, configuration, policy
                raise RequestError("INVALID_ARGUMENT", f"topic {name}: {message or codes.name(code)}", {"field": "topic"})
            if code and code != codes.TOPIC_EXISTS:
                raise codes.error(code, f"creating topic {name}{f' ({message})' if message else ''}")

        await self._cluster.retry(_PATIENCE, attempt)
        return await self._when_ready(name)

    async def delete_topics(self, names: Sequence[str]) -> None:
        """Delete those that exist, and wait until no broker that is asked knows them."""
        if not names:
            return

        async def attempt() -> None:
            answer = await self._cluster.send_any(DELETE_TOPICS(list(names), _TIMEOUT_MS))
            for name, code in answer.topics:
                if code and code != codes.UNKNOWN_TOPIC:
                    raise codes.error(code, f"deleting topic {name}")

        await self._cluster.retry(_PATIENCE, attempt)
        deadline = time.monotonic() + _SETTLED_SECONDS
        while await self._cluster.describe(names):
            if time.monotonic() > deadline:
                raise LogUnavailable(f"deleted topics are still there: {', '.join(names)}")
            await asyncio.sleep(0.02)
        await self._cluster.refresh()

    async def topics(self, names: Sequence[str] | None) -> dict[str, TopicInfo]:
        """All that are not Kafka's own, or those of the names that exist."""
        if names is not None and not names:
            return {}
        metas = await self._cluster.retry(_PATIENCE, lambda: self._cluster.describe(names))
        metas = {n: m for n, m in metas.items() if not m.internal}
        configs = await self._configs(list(metas)) if metas else {}
        return {n: _info(m, configs.get(n, {})) for n, m in metas.items()}

    async def shapes(self, names: Sequence[str]) -> dict[str, TopicShape]:
        """Those of the names that exist, a few at a time: the event loop reads each answer in one turn."""
        found: dict[str, TopicShape] = {}
        for first in range(0, len(names), _AT_ONCE):
            some = names[first:first + _AT_ONCE]
            metas = await self._cluster.retry(_PATIENCE, partial(self._cluster.describe, some))
            found |= {n: TopicShape(m.topic_id, len(m.leaders)) for n, m in metas.items()}
        return found

    async def delete_records(self, before: Mapping[TopicPartition, int]) -> None:
        """Forget what is before these offsets."""
        todo = dict(before)

        async def attempt() -> None:
            for node, tps in (await self._cluster.leaders(todo)).items():
                rows = by_topic({tp: (tp.partition, todo[tp]) for tp in tps})
                answer = await self._cluster.send(node, DELETE_RECORDS(rows, _TIMEOUT_MS))
                for topic, partitions in answer.topics:
                    for partition, _, code in partitions:
                        if code in codes.LEADER_MOVED:
                            await self._cluster.refresh()
                        if code:
                            raise self._cluster.error(code, f"deleting records of {topic}[{partition}]", topic)
                        todo.pop(TopicPartition(topic, partition), None)

        if todo:
            await self._cluster.retry(_PATIENCE, attempt)

    async def delete_group(self, group: str) -> None:
        """Forget a group without members and its offsets; one that does not exist is fine."""

        async def attempt() -> None:
            answer = await self._cluster.ask_coordinator(GROUP, group, DELETE_GROUPS([group]))
            for _, code in answer.groups:
                if code in codes.COORDINATOR_MOVED:
                    self._cluster.forget_coordinator(GROUP, group)
                if code and code != codes.NO_SUCH_GROUP:
                    raise codes.error(code, f"deleting group {group}")

        await self._cluster.retry(_PATIENCE, attempt)

    async def _when_ready(self, name: str) -> TopicInfo:
        deadline = time.monotonic() + _SETTLED_SECONDS
        while True:
            found = await self._cluster.describe([name])
            if name in found and found[name].leaders and min(found[name].leaders) >= 0:
                return _info(found[name], (await self._configs([name])).get(name, {}))
            if time.monotonic() > deadline:
                raise LogUnavailable(f"topic {name} was created but has no leaders yet")
            await asyncio.sleep(0.02)

    async def _configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        async def attempt() -> dict[str, dict[str, str]]:
            answer = await self._cluster.send_any(DESCRIBE_CONFIGS([(_TOPIC, n, _DESCRIBED) for n in names], False))
            found = {}
            for code, _, _, name, entries in answer.resources:
                if code in (0, codes.UNKNOWN_TOPIC):
                    found[name] = {e[0]: e[1] for e in entries or ()}
                else:
                    raise codes.error(code, f"the configuration of topic {name}", name)
            return found

        return await self._cluster.retry(_PATIENCE, attempt)


def _info(meta: TopicMeta, config: Mapping[str, str]) -> TopicInfo:
    retention = config.get("retention.ms", "-1")
    return TopicInfo(meta.name, meta.topic_id, len(meta.leaders), "compact" in config.get("cleanup.policy", ""), int(retention),
                     int(config.get("max.message.bytes", "0")))
