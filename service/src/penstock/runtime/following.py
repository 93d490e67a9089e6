"""The topics that a topology reads on this worker: the plan's, those that match its patterns by now, and replay topics."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from penstock.errors import LogError
from penstock.log.port import GroupHandle, TaskId, TopicPartition
from penstock.plan.resolved import ResolvedPlan
from penstock.runtime.context import Context
from penstock.runtime.inputs import InputTopic, discover, follows, planned, replays
from penstock.runtime.opening import start_positions
from penstock.runtime.readers import Consumer
from penstock.runtime.task import Task

log = logging.getLogger("penstock.runner")

EVERY = 1.0
"""Seconds between looks for topics that match a pattern."""


class FollowedInputs:
    """Which topics each sub-topology reads; running tasks take those that come later too."""

    def __init__(self, ctx: Context, plan: ResolvedPlan) -> None:
        self.left_out: Sequence[str] = ()
        """Why topics that match are not read, a sentence each."""
        self._ctx, self._plan = ctx, plan
        self._inputs: Mapping[int, Sequence[InputTopic]] = {n: planned(sub) for n, sub in enumerate(plan.subs)}
        self._replays: tuple[str, ...] = ()  # sub-topologies whose replay topics are read
        self._follows = any(map(follows, plan.subs))
        self._looked = 0.0
        self._owners = self._by_partition()

    def of(self, sub: int) -> Sequence[InputTopic]:
        """What a sub-topology reads now."""
        return self._inputs[sub]

    def topics(self) -> list[str]:
        """Every topic that is read, by name."""
        return sorted({t.topic for topics in self._inputs.values() for t in topics})

    def owner(self, tp: TopicPartition) -> TaskId | None:
        """The task that reads it; a topic that came and went has none."""
        return self._owners.get(tp)

    def looking(self, wanted: tuple[str, ...]) -> bool:
        """Whether topics may be found that are not read yet."""
        return self._follows or self._replays != wanted

    async def follow(self, wanted: tuple[str, ...], group: GroupHandle, tasks: Sequence[Task], reader: Consumer) -> None:
        """Look for topics, when it is time. wanted: sub-topologies with replay topics. tasks: those that run."""
        if not self.looking(wanted) or time.monotonic() - self._looked < EVERY:
            return
        try:
            await self._discover(wanted, group)
            await self._extend(tasks, reader)
        except LogError as e:
            log.warning("topology %s cannot look for topics now: %s", self._plan.topology, e)

    def _by_partition(self) -> dict[TopicPartition, TaskId]:
        return {TopicPartition(t.topic, p): TaskId(n, p) for n, sub in enumerate(self._plan.subs) for p in range(sub.partitions)
                for t in self._inputs[n] if p < t.partitions}

    async def _discover(self, wanted: tuple[str, ...], group: GroupHandle) -> None:
        """What the patterns match now. Offsets decide where a topic is read from, so it does not matter which worker saw it first."""
        self._looked = time.monotonic()
        plan = self._plan
        topics = await self._ctx.log.topics()
        found = discover(plan, topics)
        replayed = replays(plan, wanted, topics)
        inputs = {n: [*given, *replayed.get(n, ())] for n, given in found.inputs.items()}
        named = {plan.subs[n].name for n in replayed}
        missing = [sub.name for sub in plan.subs if sub.name in wanted and sub.name not in named]
        self._replays = () if missing else wanted
        if found.left_out != self.left_out:
            self.left_out = found.left_out
            for why in found.left_out:
                log.warning("topology %s: %s", plan.topology, why)
        if inputs != self._inputs:
            self._inputs = inputs
            self._owners = self._by_partition()
            group.subscribe(self.topics())

    async def _extend(self, tasks: Sequence[Task], reader: Consumer) -> None:
        """Running tasks read what was discovered."""
        for task in tasks:
            wanted = {TopicPartition(t.topic, task.id.partition): t for t in self._inputs[task.id.sub] if task.id.partition < t.partitions}
            fresh = [tp for tp in wanted if tp not in {i.tp for i in task.inputs}]
            if not fresh:
                continue
            committed = await self._ctx.log.committed(self._plan.group, fresh)
            positions = await start_positions(self._ctx, {tp.topic: wanted[tp].start for tp in fresh}, committed)
            for tp in fresh:
                log.info("task %s reads %s[%d] from %d", task.name, tp.topic, tp.partition, positions[tp])
                task.read_too(tp, wanted[tp].like, positions[tp], committed[tp].offset, wanted[tp].replay)
            self._ctx.readers.add(reader, {tp: positions[tp] for tp in fresh})
