"""The cluster as one gateway sees it: the nodes, and for each task whether it is here, on another node, or nowhere.

On the embedded log, and as long as no other node is there, everything is here. With others, only a task that runs here is: what an earlier
owner left behind on this node's disk may be old.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from penstock.clock import Clock
from penstock.log.port import Log, Record
from penstock.log.state_topic import StateTopic
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.serving.cluster.published import CONFIG, Change, Claim, NodeEntry, TaskKey, encode, entry_of, topic_name
from penstock.serving.cluster.signs import Signs
from penstock.serving.cluster.table import OWNING, SILENT, STANDBY, Holder, Member, RoutingTable, apply

FORGOTTEN = 600.0
"""Seconds after which a silent node is no longer shown."""

NodesTopic = StateTopic[RoutingTable, Change]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A task is not here. node: who has it; empty: nobody who can be asked, for `why`."""

    node: str
    why: str = ""


class Cluster:
    """See the module docstring. node: this one's id. topic: where nodes publish themselves; None on the embedded log."""

    def __init__(self, node: str, topic: NodesTopic | None = None) -> None:
        self.node = node
        self.topic = topic
        self._none = RoutingTable(0)
        self._held: set[TaskKey] = set()
        self._seen = self._none
        self._others: Mapping[str, Member] = {}

    @property
    def table(self) -> RoutingTable:
        """What is known now."""
        return self._none if self.topic is None else self.topic.state

    @property
    def others(self) -> Mapping[str, Member]:
        """The other nodes that have not left, by id, silent ones included."""
        table = self.table
        if table is not self._seen:
            self._seen = table
            self._others = {n: m for n, m in table.members.items() if n != self.node}
            if self._others:
                self._held.difference_update(task for task, holder in table.owners.items() if holder.node != self.node)
        return self._others

    def alive(self, node: str) -> bool:
        """Whether another node has given a sign of life."""
        return self.silence(node) <= SILENT

    def heard(self, node: str) -> bool:
        """Whether another node's last sign of life is not old, whatever the reason: for those who ask what is known, not whom to ask."""
        return time.monotonic() - self.table.members[node].heard <= SILENT

    def silence(self, node: str) -> float:
        """Seconds in which this node's own signs of life came through and a node's did not: while the log does not answer nobody is heard, and
        nobody is the worse for it."""
        members = self.table.members
        if node not in members:
            return math.inf
        own = members.get(self.node)
        return (time.monotonic() if own is None else own.heard) - members[node].heard

    def address(self, node: str) -> str:
        """Where other nodes reach a node; empty when it is not known."""
        member = self.table.members.get(node)
        return "" if member is None else member.entry.peer_address or member.entry.address

    def public_address(self, node: str) -> str:
        """Where clients reach a node; empty when it is not known."""
        member = self.table.members.get(node)
        return "" if member is None else member.entry.address

    def place(self, task: TaskKey, local: TaskEntry | None) -> Elsewhere | None:
        """Where a task's committed rows are; None: here. local: what this node's boards say of it."""
        if not self.others:
            return self._alone(task, local)
        holder = self.table.owners.get(task)
        if holder is not None and holder.node == self.node:
            holder = None  # the boards are newer
        if local is not None and local.state.value in OWNING and (holder is None or not _newer(holder, local)):
            return None
        if holder is None:
            return Elsewhere("", "" if local is not None else "no node has it now")
        if not self.alive(holder.node):
            return Elsewhere("", _silent(holder.node))
        return Elsewhere(holder.node)

    def _alone(self, task: TaskKey, local: TaskEntry | None) -> Elsewhere | None:
        """Nobody else can have gone on with it since it ran here last; whether it has run here since this process began is another matter:
        before, other nodes may have been there."""
        if self.topic is None or task in self._held:
            return None
        if local is not None and local.state.value in OWNING:
            self._held.add(task)
            return None
        return Elsewhere("", "" if local is not None else "no worker has opened it yet")

    def seen_here(self, claim: Claim) -> None:
        """A task runs here, as the boards say."""
        if claim.state in OWNING:
            self._held.add(claim.task)

    def copies(self, task: TaskKey) -> Sequence[str]:
        """Other nodes that are alive and have a copy of a task's state, or restore it: for those who take old rows."""
        table = self.table
        holders = [*([table.owners[task]] if task in table.owners else ()), *table.standbys.get(task, ())]
        return [h.node for h in holders if h.node != self.node and self.alive(h.node)]

    def standbys(self, task: TaskKey) -> Sequence[str]:
        """The nodes that follow a task's changelog."""
        return [h.node for h in self.table.standbys.get(task, ()) if h.node == self.node or self.alive(h.node)]

    def tasks(self, local: Iterable[TaskEntry], topology: str = "") -> dict[TaskKey, tuple[str, TaskEntry]]:
        """Node and entry of every task, of one topology or of all; SILENT on a node that is. local: what this node's boards say."""
        found: dict[TaskKey, tuple[str, TaskEntry]] = {}
        silent = {node for node in self.others if not self.heard(node)}
        for task, holder in self.table.owners.items():
            entry = entry_of(holder.claim) if holder.node != self.node and (not topology or task[0] == topology) else None
            if entry is not None and holder.node in silent:
                entry = replace(entry, state=TaskState.SILENT, state_reason=_silent(holder.node))
            if entry is not None:
                found[task] = holder.node, entry
        for entry in local:
            task = entry.topology, entry.incarnation, entry.sub, entry.partition
            known = found.get(task)
            if entry.state.value != STANDBY and (known is None or not _outranks(known[1], entry)):
                found[task] = self.node, entry
        return found

    def elsewhere_alive(self) -> Sequence[str]:
        """Addresses of other nodes that take clients."""
        return [m.entry.address for n, m in sorted(self.others.items()) if m.entry.state == "SERVING" and self.alive(n)]

    def doubles(self) -> dict[str, tuple[NodeEntry, NodeEntry]]:
        """Ids under which two processes run, with the later and the earlier life of each."""
        return {node: (m.entry, m.double) for node, m in self.table.members.items() if m.double is not None}

    async def close(self) -> None:
        """Stop following the topic."""
        if self.topic is not None:
            await self.topic.close()


def _silent(node: str) -> str:
    return f"node {node}, which had it, is silent"


def _newer(holder: Holder, local: TaskEntry) -> bool:
    return holder.claim.state in OWNING and holder.claim.claim > local.claim


def _outranks(one: TaskEntry, other: TaskEntry) -> bool:
    return (one.claim, one.state.value in OWNING) > (other.claim, other.state.value in OWNING)


async def open_nodes(log: Log, service_id: str, clock: Clock) -> NodesTopic:
    """Follow the topic of the nodes; read to its end when this returns. Raises LogUnavailable."""
    signs = Signs(clock)

    def applied(table: RoutingTable, records: Sequence[Record], position: int) -> RoutingTable:
        return apply(table, records, position, signs.heard)

    topic: NodesTopic = StateTopic(log, topic_name(service_id), None, clock, empty=RoutingTable, apply=applied, encode=encode, notice="nodes",
                                   config=CONFIG)
    await topic.start()
    signs.live()
    return topic
