"""Which topics a sub-topology reads: those of its plan, and what sources with a pattern find among the topics that exist now. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.engine.graph import Graph
from penstock.log.port import TopicInfo
from penstock.plan.nodes import Repartition, SourceStream, StartAt
from penstock.plan.replay import replay_topic
from penstock.plan.resolved import ResolvedPlan, SubTopology


@dataclass(frozen=True, slots=True)
class InputTopic:
    """A topic that is read. like: the topic of the plan whose records are read in the same way, itself for one of the plan. start: where a new
    topology begins; a topic that came later is read from its beginning."""

    topic: str
    partitions: int
    start: StartAt
    like: str
    replay: bool = False  # its records are wrapped ones of other topics (plan/replay.py)


def planned(sub: SubTopology) -> tuple[InputTopic, ...]:
    """The topics of the plan, in its order."""
    found: dict[str, InputTopic] = {}
    for node in Graph(sub).sources():
        if isinstance(node, Repartition):
            found[node.topic.topic] = InputTopic(node.topic.topic, sub.partitions, StartAt(), node.topic.topic)
        else:
            for topic in node.reads:
                found[topic.topic] = InputTopic(topic.topic, topic.partitions or sub.partitions, node.start.of(topic.topic), topic.topic)
    return tuple(found.values())


def replays(plan: ResolvedPlan, subs: Sequence[str], topics: Mapping[str, TopicInfo]) -> Mapping[int, Sequence[InputTopic]]:
    """Replay topics that exist, of these sub-topologies."""
    found: dict[int, Sequence[InputTopic]] = {}
    for n, sub in enumerate(plan.subs):
        topic = replay_topic(plan, sub)
        if sub.name in subs and topic in topics:
            found[n] = [InputTopic(topic, sub.partitions, StartAt(), topic, replay=True)]
    return found


def follows(sub: SubTopology) -> bool:
    """Whether its topics may become more."""
    return any(isinstance(node, SourceStream) and node.pattern for node in sub.nodes)


@dataclass(frozen=True, slots=True)
class Found:
    """inputs: by sub-topology. left_out: why topics that match are not read, a sentence each."""

    inputs: Mapping[int, Sequence[InputTopic]]
    left_out: Sequence[str]


def discover(plan: ResolvedPlan, topics: Mapping[str, TopicInfo]) -> Found:
    """What is to be read now. A topic belongs to the source that the plan reads it with, else to the first one that matches; one that is gone
    is no longer read by a pattern. Left out is what the service or this topology writes."""
    fixed = {n: planned(sub) for n, sub in enumerate(plan.subs)}
    known = {i.topic for inputs in fixed.values() for i in inputs}
    written = {topic for sub in plan.subs for topic in sub.written}
    fresh = sorted(t for t in topics if t not in known and t not in written and not t.startswith(("__", f"{plan.service_id}-")))
    inputs: dict[int, list[InputTopic]] = {}
    left_out: list[str] = []
    for n, sub in enumerate(plan.subs):
        gone = {t.topic for node in sub.nodes if isinstance(node, SourceStream) and node.pattern for t in node.reads if t.topic not in topics}
        inputs[n] = [i for i in fixed[n] if i.topic not in gone]
        for node in sub.nodes:
            if not isinstance(node, SourceStream) or not node.pattern:
                continue
            matching = [t for t in fresh if re.fullmatch(node.pattern, t)]
            fresh = [t for t in fresh if t not in matching]
            for topic in matching:
                number = topics[topic].partitions
                if number == sub.partitions or (number < sub.partitions and not sub.stores and len(fixed[n]) == len(node.reads)):
                    inputs[n].append(InputTopic(topic, number, StartAt(), node.topic.topic))
                else:
                    left_out.append(f"topic {topic} matches {node.name} and is not read: it has {number} partitions, and the sub-topology "
                                    f"{sub.name} {sub.partitions} tasks")
    return Found(inputs, left_out)
