"""Read your writes: wait until a table includes given positions of the log.

A position names next offsets of topics. From each topic the way to the table leads through sub-topologies, of this and of other
topologies. When a task's committed input has passed the target, what it had produced by then (its board says so) are the targets of the
next stage. Parts that the table does not depend on are ignored. Whoever waits nudges the workers to commit early. A task of another node is
waited for there, by a call of that node.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from penstock_client.gen.penstock.internal.v1 import node_service_pb2 as pb

from penstock.errors import RequestError, StateError
from penstock.log.port import TopicPartition
from penstock.runtime.board_port import TaskEntry
from penstock.serving.cluster.cluster import Elsewhere
from penstock.serving.cluster.peers import Unreachable
from penstock.serving.cluster.remote import stage_ref
from penstock.serving.gateway import Gateway, serving_copy
from penstock.serving.graph import Stage, with_found
from penstock.serving.positions import Position

LOOK_AGAIN = 0.05
"""Seconds after which the board is read also without a notice, which may be lost."""
AT_ONCE = 2.0
"""Seconds that another node is asked to wait; then it is looked anew where the task is."""
GRACE = 0.5


@dataclass(frozen=True, slots=True)
class Goal:
    """The table's stage and the partitions that will be read."""

    relation: str
    stage: Stage
    partitions: Sequence[int]


async def wait_catalog(gateway: Gateway, position: int, max_wait: float) -> None:
    """Wait until the catalog includes a registry position. Raises POSITION_NOT_REACHED."""
    start = time.monotonic()
    while gateway.registry.state.position < position:
        left = start + max_wait - time.monotonic()
        if left <= 0 or not await gateway.registry.changed(gateway.registry.state.position, left):
            raise _not_reached("", start, "the catalog")


async def wait_for(gateway: Gateway, goal: Goal, position: Position, extra: Iterable[tuple[str, int, int]], max_wait: float) -> None:
    """Wait until the goal includes the position and the extra records (topic, partition, offset of the record). Raises
    POSITION_NOT_REACHED, FOREIGN_TOKEN."""
    start = time.monotonic()
    extra = list(extra)
    relevant = with_found(gateway.ways.to(gateway.registry.state, goal.stage), (*position.topics, *(topic for topic, _, _ in extra)))
    targets = await _targets(gateway, relevant, position)
    for topic, partition, offset in extra:
        if topic in relevant:
            tp = TopicPartition(topic, partition)
            targets[tp] = max(targets.get(tp, 0), offset + 1)
    if targets:
        await _walk(gateway, goal, relevant, targets, start, max_wait)


async def _targets(gateway: Gateway, relevant: Mapping[str, list[Stage]], position: Position) -> dict[TopicPartition, int]:
    mine = {t: p for t, p in position.topics.items() if t in relevant}
    infos = await gateway.topics.get(mine) if mine else {}
    targets = {}
    for topic, p in mine.items():
        info = infos.get(topic)
        if info is None or info.topic_id != p.topic_id:
            gateway.topics.forget(topic)
            raise RequestError("FOREIGN_TOKEN", f"topic {topic} was recreated since the position was given", {"field": "consistency.at_least"})
        targets.update({TopicPartition(topic, n): offset for n, offset in p.offsets.items()})
    return targets


async def _walk(gateway: Gateway, goal: Goal, relevant: Mapping[str, list[Stage]], targets: dict[TopicPartition, int], start: float,
                max_wait: float) -> None:
    """Stage by stage. A topic is walked again when a later stage raised its target, at most once for each stage (cycles)."""
    hops = sum(len(s) for s in relevant.values())
    walked: dict[TopicPartition, int] = {}
    pending = list(targets)
    while pending:
        tp = pending.pop(0)
        walked[tp] = walked.get(tp, 0) + 1
        for stage in relevant.get(tp.topic, ()):
            last = stage.at == goal.stage.at
            if last and tp.partition not in goal.partitions and not stage.outputs & set(relevant):
                continue
            produced = await _reached(gateway, stage, tp, targets[tp], start + max_wait)
            if produced is None:
                raise _not_reached(goal.relation, start, f"{stage.entry.name}/{stage.sub.name}-{tp.partition}")
            for name, offset in produced.items():
                following = parse_tp(name)
                if following.topic in stage.outputs and following.topic in relevant and offset > targets.get(following, 0):
                    targets[following] = offset
                    if walked.get(following, 0) <= hops and following not in pending:
                        pending.append(following)


async def _reached(gateway: Gateway, stage: Stage, tp: TopicPartition, target: int, until: float) -> Mapping[str, int] | None:
    """What a stage had produced when it had passed the target, wherever its task is; None when that is not so in time."""
    while True:
        where = away(gateway, stage, tp.partition)
        if where is None or not where.node:
            produced = await reached_here(gateway, stage, tp, target, until)
        else:
            produced = await _reached_there(gateway, where.node, stage, tp, target, until)
        if produced is not None:
            return produced
        if time.monotonic() >= until:
            return None


def away(gateway: Gateway, stage: Stage, partition: int) -> Elsewhere | None:
    """Where a stage's task is, when not here. A global table is everywhere."""
    if stage.copied:
        return None
    key = (*stage.at, partition)
    return gateway.cluster.place(key, gateway.board.task(*key))


async def reached_here(gateway: Gateway, stage: Stage, tp: TopicPartition, target: int, until: float) -> Mapping[str, int] | None:
    """The same of a task of this node; None also as soon as another node has the task."""
    waiter = gateway.notices.subscribe("board")
    try:
        while True:
            entry = _task(gateway, stage, tp.partition)
            where = away(gateway, stage, tp.partition)
            if where is None and _passed(gateway, stage, tp, target, entry):
                return entry.produced if entry is not None else {}
            left = until - time.monotonic()
            if left <= 0 or where is not None and where.node:
                return None
            gateway.notices.send("nudge")
            await waiter.wait(min(LOOK_AGAIN, left))
    finally:
        waiter.close()


async def _reached_there(gateway: Gateway, node: str, stage: Stage, tp: TopicPartition, target: int, until: float) -> Mapping[str, int] | None:
    """The same of a task of another node; None also when that does not have it any more, or does not answer."""
    wait = min(AT_ONCE, until - time.monotonic())
    request = pb.AwaitRequest(stage=stage_ref(stage.entry, stage.sub), topic=tp.topic, partition=tp.partition, offset=target)
    request.max_wait.FromTimedelta(timedelta(seconds=max(0.0, wait)))
    try:
        response = await gateway.peers.call(node, "Await", request, wait + GRACE)
    except Unreachable:
        response = pb.AwaitResponse()
        await asyncio.sleep(LOOK_AGAIN)
    if response.HasField("elsewhere"):
        await asyncio.sleep(LOOK_AGAIN)
    return dict(response.produced) if response.passed else None


def _task(gateway: Gateway, stage: Stage, partition: int) -> TaskEntry | None:
    """The task of a stage that reads a partition; of a global table the copy that lookups read."""
    if stage.copied:
        return serving_copy(gateway.board.tasks(stage.entry.name), *stage.at)
    return gateway.board.task(*stage.at, partition)


def _passed(gateway: Gateway, stage: Stage, tp: TopicPartition, target: int, entry: TaskEntry | None) -> bool:
    if stage.reads(tp.topic):
        return entry is not None and entry.inputs.get(f"{tp.topic}[{tp.partition}]", -1) >= target
    # A changelog of the stage's own: its store says how far it is.
    try:
        snapshot = gateway.stores.snapshot(stage.entry, stage.sub, tp.partition)
    except StateError:
        return False
    try:
        return snapshot.stamp is not None and snapshot.stamp.changelogs.get(tp.topic, 0) >= target
    finally:
        snapshot.close()


def parse_tp(text: str) -> TopicPartition:
    """`topic[partition]` as a TopicPartition."""
    topic, _, rest = text.rpartition("[")
    return TopicPartition(topic, int(rest[:-1]))


def _not_reached(relation: str, start: float, where: str) -> RequestError:
    waited = round((time.monotonic() - start) * 1000)
    return RequestError("POSITION_NOT_REACHED", f"the position was not reached within {waited} ms; {where} is not there yet",
                        {"relation": relation, "waited_ms": str(waited)}, retry_after=0.1)
