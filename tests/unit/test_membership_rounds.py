"""The membership of a group on Kafka against a scripted coordinator: what happens between JoinGroup and SyncGroup."""

from __future__ import annotations

import asyncio
import math
import time
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from penstock.errors import LogError, LogUnavailable
from penstock.log.kafka.assign import VERSION, Down, Task, Up
from penstock.log.kafka.codes import ILLEGAL_GENERATION, REBALANCING
from penstock.log.kafka.heartbeats import Heartbeats
from penstock.log.kafka.membership import KafkaGroup, KafkaMembership, Timing, _assignment, _State
from penstock.log.kafka.protocol import SUBSCRIPTION, Call
from penstock.log.kafka.security import parse
from penstock.log.port import USUAL, TaskId


class Coordinator:
    """Answers JoinGroup at once as the second member of a group, SyncGroup when the test says with what. claims: those of each JoinGroup."""

    def __init__(self) -> None:
        self.claims: list[set[Task]] = []
        self.syncs: asyncio.Queue[asyncio.Future[Any]] = asyncio.Queue()

    async def ask_coordinator(self, kind: int, group: str, call: Call, lane: Any, timeout: float | None = None) -> Any:
        name = type(call.struct).__name__
        if name.startswith("JoinGroup"):
            ((_, published),) = call.struct.protocols
            up = msgspec.msgpack.decode(SUBSCRIPTION.decode(BytesIO(published))[2], type=Up)
            self.claims.append(set(up.claims))
            return SimpleNamespace(error=0, generation=len(self.claims), member="me", leader="other", members=[])
        if name.startswith("SyncGroup"):
            answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self.syncs.put_nowait(answer)
            return await answer
        return SimpleNamespace(error=0)

    async def gives(self, active: set[int], give_up: set[int]) -> None:
        """Answer the next SyncGroup."""
        (await self.syncs.get()).set_result(_plan(active, give_up))

    def drop_lane(self, lane: Any) -> None:
        """There are no connections."""


def _plan(active: set[int], give_up: set[int]) -> Any:
    down = Down(VERSION, tuple((0, p) for p in active), tuple((0, p) for p in give_up), (), bool(give_up), {}, ())
    return SimpleNamespace(error=0, assignment=_assignment(["in"], down))


def _member(coordinator: Coordinator) -> KafkaGroup:
    owner = SimpleNamespace(timing=Timing(heartbeat=5, moving=5), slot="a", node="n0", instance="n0-a", placement=USUAL, cluster=coordinator,
                            sentinel=None, heartbeats=SimpleNamespace(look=lambda: None), pulse=SimpleNamespace(tell=lambda _: None),
                            call=lambda function, *arguments: asyncio.get_running_loop().call_soon(function, *arguments))
    return KafkaGroup(cast(KafkaMembership, owner), "g", ["in"], [TaskId(0, p) for p in range(4)], lambda: "", lambda: None)


def test_what_is_released_during_a_round_is_not_claimed_again_by_its_answer() -> None:
    async def run() -> None:
        coordinator = Coordinator()
        group = _member(coordinator)
        group.start()
        await coordinator.gives(active={0, 1, 2, 3}, give_up=set())
        group.rejoin()
        await coordinator.gives(active={0, 1}, give_up={2, 3})
        first = await _assigned(group, 2)
        group.rejoin()  # another round begins before the tasks are closed
        sync = await coordinator.syncs.get()
        assert coordinator.claims[-1] == {(0, 0), (0, 1), (0, 2), (0, 3)}
        group.release(first.give_up, first)
        await asyncio.sleep(0)
        sync.set_result(_plan({0, 1}, {2, 3}))  # by what was published
        assert (await _assigned(group, 3)).give_up == frozenset()
        await coordinator.gives(active={0, 1}, give_up=set())
        assert coordinator.claims[-1] == {(0, 0), (0, 1)}
        assert group._runner is not None
        group._runner.cancel()
        await asyncio.gather(group._runner, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 10))


async def _assigned(group: KafkaGroup, seq: int) -> Any:
    while group.latest is None or group.latest.seq < seq:  # type: ignore[attr-defined]
        await asyncio.sleep(0.001)
    return group.latest


def test_groups_at_rest_send_few_heartbeats_and_ask_at_once_when_the_sentinel_has_to_join() -> None:
    """Groups of one worker share its members' comings and goings."""
    async def run() -> None:
        owner = KafkaMembership(parse("127.0.0.1:1", {}), "test", "a", "n0", Timing(session=60_000, heartbeat=1_000), USUAL)
        first, second = (KafkaGroup(owner, name, ["in"], [TaskId(0, 0)], lambda: "", lambda: None) for name in "gh")
        owner._groups = {"g": first, "h": second}
        for group in (first, second):
            group._want_join, group._state = False, _State(latest=cast(Any, object()))
        assert owner.sentinel is first
        joined_long_ago = time.monotonic() - 61
        first._joined = second._joined = joined_long_ago
        now = time.monotonic()
        assert (first._interval(now), second._interval(now)) == (1_000, 15_000)
        second._joined = now
        assert second._interval(now) == 1_000, "others of its members may still be joining"
        first._joined, second._joined, first._beaten, second._beaten = 500.0, 500.0, 600.0, 601.0
        assert (first.beat_at(601.0), second.beat_at(601.0)) == (601.0, 615.0), "what rests beats at the same moments"
        owner.heartbeats = cast(Any, SimpleNamespace(look=lambda: None))
        call = first.beat(601.0)
        assert call is not None and first.beat_at(700.0) == math.inf, "one at a time"
        first.answered(call, SimpleNamespace(error=REBALANCING))
        assert first._want_join and second.beat_at(601.5) == 601.5 and owner.sentinel is second

    asyncio.run(run())


def test_an_answer_to_a_heartbeat_of_before_a_round_says_nothing_of_what_came_of_that() -> None:
    """The generation is refused that the round has replaced meanwhile."""
    async def run() -> None:
        coordinator = Coordinator()
        group = _member(coordinator)
        group.start()
        await coordinator.gives(active={0}, give_up=set())
        first = await _assigned(group, 1)
        call = group.beat(time.monotonic())
        assert call is not None
        group.rejoin()
        await coordinator.gives(active={0}, give_up=set())
        await _assigned(group, 2)
        group.answered(call, SimpleNamespace(error=ILLEGAL_GENERATION))
        assert (group.epoch, group.beating) == (first.epoch, True)
        again = group.beat(time.monotonic())
        assert again is not None
        group.answered(again, SimpleNamespace(error=ILLEGAL_GENERATION))
        assert group.epoch == first.epoch + 1
        assert group._runner is not None
        group._runner.cancel()
        await asyncio.gather(group._runner, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 10))


def test_heartbeats_that_are_due_go_to_each_coordinator_together() -> None:
    """Where a coordinator does not answer, only its groups hear of it, and look for it anew."""
    async def run() -> None:
        cluster, members = Cluster(), [Member(name) for name in "abcd"]
        beats = Heartbeats(cast(Any, cluster), lambda: members)
        beating = asyncio.create_task(beats.run())
        while any(m.heard is None for m in members):
            await asyncio.sleep(0.001)
        assert sorted(cluster.asked) == [(1, ["a", "b"]), (2, ["c"]), (3, ["d"])]
        assert [m.heard for m in members] == ["yes", "yes", "broker 2 does not answer", "yes"]
        assert cluster.known == {"a": 1, "b": 1, "d": 3}
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 10))


class Cluster:
    """Three coordinators, of which the second does not answer, and the third has to be looked for."""

    def __init__(self) -> None:
        self.known = {"a": 1, "b": 1, "c": 2}
        self.asked: list[tuple[int, list[Any]]] = []
        self.spawn = asyncio.ensure_future

    def coordinator_now(self, kind: int, key: str) -> int:
        return self.known.get(key, -1)

    async def coordinator(self, kind: int, key: str) -> int:
        return self.known.setdefault(key, 3)

    def forget_coordinator(self, kind: int, key: str) -> None:
        del self.known[key]

    async def send_all(self, node: int, calls: list[Any]) -> list[str]:
        self.asked.append((node, calls))
        if node == 2:
            raise LogUnavailable("broker 2 does not answer")
        return ["yes"] * len(calls)


class Member:
    """A group that has one heartbeat to send."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: str | None = None
        self.due = 0.0

    def beat_at(self, now: float) -> float:
        return self.due

    def beat(self, now: float) -> Any:
        self.due = math.inf
        return self.name

    def answered(self, call: Any, answer: Any) -> None:
        self.heard = answer

    def unanswered(self, call: Any, error: LogError) -> None:
        self.heard = str(error)
