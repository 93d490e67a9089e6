"""What brokers say of topics: how it is read; and that one of them does not know a topic that the others know, since it has just started, or lags
behind the controller."""

from __future__ import annotations

import asyncio
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.struct import Struct
from penstock.errors import LogUnavailable, UnknownTopic
from penstock.log.kafka import codes, security
from penstock.log.kafka.cluster import Cluster
from penstock.log.kafka.protocol import METADATA, Call
from penstock.log.port import TopicPartition

LEADERS = [(0, 0, 2, 0, [], [], [])]


class Brokers(Cluster):
    """Two of them; `knows` says which topics each one has. asked: by broker, how often."""

    def __init__(self, knows: dict[int, set[str]]) -> None:
        super().__init__(security.parse("127.0.0.1:1", {}), "test")
        self.knows = knows
        self.asked = dict.fromkeys(knows, 0)
        self._brokers.by_node = {node: ("127.0.0.1", node) for node in knows}

    async def send(self, node: int, call: Call, lane: object = "main", timeout: float | None = None) -> Any:
        self.asked[node] += 1
        if not self.knows[node]:
            raise LogUnavailable(f"broker {node} is away")
        names = [name for _, name, _ in call.struct.topics]
        topics = [(0, n, bytes(16), False, LEADERS) if n in self.knows[node] else (codes.UNKNOWN_TOPIC, n, bytes(16), False, []) for n in names]
        return SimpleNamespace(cluster_id="c", brokers=[], topics=topics)



async def test_a_topic_is_missing_when_no_broker_knows_it() -> None:
    brokers = Brokers({1: {"other"}, 2: {"new"}})
    assert set(await brokers.describe(["new", "gone"])) == {"new"}
    brokers = Brokers({1: {"new", "gone"}, 2: {"new"}})
    assert set(await brokers.describe(["new", "gone"])) == {"new", "gone"}
    assert brokers.asked == {1: 1, 2: 0}, "the others are asked only for what is missing"
    brokers = Brokers({1: {"new"}, 2: set()})
    assert set(await brokers.describe(["new", "gone"])) == {"new"}, "who is away cannot be asked"


async def test_a_topic_that_the_metadata_has_is_asked_for_again() -> None:
    brokers = Brokers({1: {"new"}, 2: {"new"}})
    with pytest.raises(UnknownTopic):
        raise brokers.error(codes.UNKNOWN_TOPIC, "writing", "new")
    brokers._topics = await brokers.describe(["new"])
    with pytest.raises(LogUnavailable, match="does not know the topic yet"):
        raise brokers.error(codes.UNKNOWN_TOPIC, "writing", "new")


async def test_an_answer_to_an_older_question_does_not_make_a_topic_missing() -> None:
    brokers = Brokers({1: {"old", "new"}})
    release = asyncio.Event()
    answer = brokers.send

    async def late(node: int, call: Call, lane: object = "main", timeout: float | None = None) -> Any:
        found = await answer(node, call, lane, timeout)
        await release.wait()
        return found

    brokers.send = late  # type: ignore[method-assign]
    refreshing = asyncio.create_task(brokers.leaders([TopicPartition("old", 0)]))
    await asyncio.sleep(0.01)
    looking = asyncio.create_task(brokers.leaders([TopicPartition("new", 0)]))
    await asyncio.sleep(1.1)  # longer than a new topic may be unknown
    release.set()
    assert set(await refreshing) == set(await looking) == {2}
    with pytest.raises(UnknownTopic, match="gone"):
        await brokers.leaders([TopicPartition("gone", 0)])
    await brokers.close()


def test_a_metadata_answer_is_read_as_its_schema_says() -> None:
    """With what is rare in it: null texts, no partitions, many replicas, tags of a newer broker."""
    answer: Any = METADATA(None, False, False, False).struct.RESPONSE_TYPE
    tags, many = {7: b"\x03abc"}, list(range(200))  # aiokafka writes a tag's value without its length
    topics = [(0, "orders", bytes(range(16)), False, [(0, 0, 2, 5, [1, 2], [], [], {}), (5, 1, -1, 5, many, many, [9], tags)], -1, {}),
              (3, "none", bytes(16), True, [], -1, tags)]
    text = Struct.encode(answer(9, [(1, "127.0.0.1", 9092, None, {}), (2, "host", 9093, "rack", tags)], "id", 2, topics, 0, tags))
    read = answer.decode(BytesIO(text))
    assert (read.throttle, read.brokers, read.cluster_id, read.controller) == (9, [(1, "127.0.0.1", 9092), (2, "host", 9093)], "id", 2)
    assert read.topics == [(0, "orders", bytes(range(16)), False, [(0, 0, 2), (5, 1, -1)]), (3, "none", bytes(16), True, [])]
