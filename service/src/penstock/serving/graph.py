"""Which sub-topologies stand between a topic and a table, over all registered topologies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from penstock.catalog.port import CatalogState, TopologyEntry
from penstock.plan.nodes import Repartition, Sink, SourceStream, SourceTable
from penstock.plan.resolved import SubTopology


@dataclass(frozen=True, slots=True)
class Stage:
    """A sub-topology with the topics at its borders, or a global table. changelogs: of its stores, they name its own commits. patterns: of topics that it reads
    when they come."""

    entry: TopologyEntry
    sub: SubTopology
    inputs: frozenset[str]
    outputs: frozenset[str]
    changelogs: frozenset[str]
    patterns: tuple[str, ...] = ()

    def reads(self, topic: str) -> bool:
        """Whether a topic moves it."""
        return topic in self.inputs or any(re.fullmatch(pattern, topic) for pattern in self.patterns)

    @property
    def copied(self) -> bool:
        """Whether it is a global table."""
        return self.entry.plan.is_global(self.sub.name)

    @property
    def at(self) -> tuple[str, int, str]:
        """Topology, incarnation, sub-topology."""
        return self.entry.name, self.entry.incarnation, self.sub.name


def stages(state: CatalogState) -> list[Stage]:
    """Every sub-topology of every registered topology."""
    return [stage(entry, sub) for entry in state.topologies.values() for sub in entry.plan.subs]


def stage(entry: TopologyEntry, sub: SubTopology) -> Stage:
    """One sub-topology."""
    inputs, outputs = _borders(sub)
    logs = frozenset(s.changelog for s in sub.stores if s.changelog) - inputs
    patterns = tuple(n.pattern for n in sub.nodes if isinstance(n, SourceStream) and n.pattern)
    return Stage(entry, sub, inputs, outputs, logs, patterns)


def output_topics(sub: SubTopology) -> frozenset[str]:
    """Topics that a sub-topology writes, changelogs left out."""
    return _borders(sub)[1]


def _borders(sub: SubTopology) -> tuple[frozenset[str], frozenset[str]]:
    """Input and output topics."""
    inputs: set[str] = set()
    outputs: set[str] = set()
    own = {n.name for n in sub.nodes}
    for node in sub.nodes:
        if isinstance(node, SourceStream | SourceTable):
            inputs |= {t.topic for t in node.reads}
        elif isinstance(node, Sink):
            outputs.add(node.topic.topic)
        elif isinstance(node, Repartition):
            fed = any(i.split(".")[0] in own for i in node.inputs)
            (outputs if fed else inputs).add(node.topic.topic)
    return frozenset(inputs), frozenset(outputs)


def upstream(everything: list[Stage], of: Stage) -> list[Stage]:
    """The stages on whose output this one depends, itself included. Cycles are walked once."""
    found: dict[tuple[str, int, str], Stage] = {of.at: of}
    waiting = [of]
    while waiting:
        reader = waiting.pop()
        for s in everything:
            if s.at not in found and any(map(reader.reads, s.outputs)):
                found[s.at] = s
                waiting.append(s)
    return list(found.values())


class Ways:
    """For each stage, what leads to it: worked out once for each state of the catalog."""

    def __init__(self) -> None:
        self._state: CatalogState | None = None
        self._known: dict[tuple[str, int, str], Mapping[str, list[Stage]]] = {}

    def to(self, state: CatalogState, goal: Stage) -> Mapping[str, list[Stage]]:
        """Stages on the way to the goal, by the topics that move them."""
        if state is not self._state:
            self._state, self._known = state, {}
        known = self._known.get(goal.at)
        if known is None:
            known = self._known[goal.at] = reading(upstream(stages(state), goal))
        return known


def with_found(ways: Mapping[str, list[Stage]], topics: Iterable[str]) -> Mapping[str, list[Stage]]:
    """The ways with those of topics that patterns find."""
    among = {stage.at: stage for stages in ways.values() for stage in stages if stage.patterns}
    found = {t: [s for s in among.values() if s.reads(t)] for t in topics if t not in ways} if among else {}
    return {**ways, **{t: stages for t, stages in found.items() if stages}} if found else ways


def reading(among: list[Stage]) -> Mapping[str, list[Stage]]:
    """Stages by the topics that move them: inputs, and their own changelogs."""
    by_topic: dict[str, list[Stage]] = {}
    for s in among:
        for topic in s.inputs | s.changelogs:
            by_topic.setdefault(topic, []).append(s)
    return by_topic
