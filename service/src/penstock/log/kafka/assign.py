"""Who runs which task of a topology: a pure, versioned function of what the members say. No I/O, no clock, no randomness.

The leader of a consumer group calls it between JoinGroup and SyncGroup. Its one safety rule: what a member claims is given to nobody else;
a claimed task moves in two steps, `give_up` now and to its new owner once the claim was released. Warm copies (standbys) are to come: the
members' lags are already weighed, the plan has no warm-ups.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

VERSION = 1
Task = tuple[int, int]
"""(sub-topology, partition)."""

_NO_COPY = 1 << 60


class Up(msgspec.Struct, frozen=True, array_like=True):
    """What a member publishes when it joins.

    slot: its stable name. producers: "transactional id|producer id|epoch" of its open producers. claims: task -> generation in which it was
    last confirmed. lags: records that its copy of a task's state misses. nonce: makes the text differ, since a follower's JoinGroup with
    unchanged metadata starts no rebalance.
    """

    version: int
    slot: str
    node: str
    producers: tuple[str, ...]
    claims: dict[Task, int]
    lags: dict[Task, int] = {}
    draining: bool = False
    nonce: int = 0


class Down(msgspec.Struct, frozen=True, array_like=True):
    """What the leader answers to one member. active and give_up are what the member may commit for in this generation. members: slot, node
    and producers of each. routing: slot by task. pending: some task is on the move, so ask again soon."""

    version: int
    active: tuple[Task, ...]
    give_up: tuple[Task, ...]
    fences: tuple[str, ...]
    pending: bool
    members: dict[str, tuple[str, str, tuple[str, ...]]]
    routing: tuple[tuple[Task, str], ...]


@dataclass(slots=True)
class _Draft:
    """The plan in the making. order: members in a stable order that differs from group to group, so that small groups spread."""

    order: list[str]
    live: list[str]  # members that take tasks: those not draining, unless all are
    owner: dict[Task, str] = field(default_factory=dict)
    load: dict[str, int] = field(default_factory=dict)

    def give(self, task: Task, member: str) -> None:
        if (before := self.owner.get(task)) is not None:
            self.load[before] -= 1
        self.owner[task] = member
        self.load[member] += 1


def assign(group: str, tasks: Sequence[Task], members: Mapping[str, Up], previous: Down | None) -> dict[str, Down]:
    """The plan of each member (by member id). previous: the last plan this leader has seen, for stickiness and fences."""
    order = sorted(members, key=lambda m: (_hash(group, members[m].slot), m))
    draft = _Draft(order, [m for m in order if not members[m].draining] or order, load=dict.fromkeys(order, 0))
    tasks = sorted(tasks)
    _honour_claims(draft, tasks, members)
    _place_unclaimed(draft, tasks, members, previous)
    give_up = _balance(draft, tasks, members)
    return _plans(draft, tasks, members, previous, give_up)


def _honour_claims(draft: _Draft, tasks: Sequence[Task], members: Mapping[str, Up]) -> None:
    """Two members claim one task only when one of them was expelled and does not know it yet: the newer generation is right."""
    wanted, newest = set(tasks), dict[Task, int]()
    for member in draft.order:
        for task, generation in members[member].claims.items():
            if task in wanted and generation > newest.get(task, -1):
                newest[task] = generation
                draft.give(task, member)


def _place_unclaimed(draft: _Draft, tasks: Sequence[Task], members: Mapping[str, Up], previous: Down | None) -> None:
    """At once, to whoever has room: the best copy of its state first, then its last slot, then that slot's node, then the least loaded."""
    slot_of = dict(previous.routing) if previous else {}
    node_of = {slot: node for slot, node, _ in previous.members.values()} if previous else {}
    room = -(-len(tasks) // len(draft.live))
    for task in tasks:
        if task in draft.owner:
            continue
        slot = slot_of.get(task, "")
        draft.give(task, min(draft.live, key=lambda m: (
            draft.load[m] >= room, members[m].lags.get(task, _NO_COPY), members[m].slot != slot,
            members[m].node != node_of.get(slot), draft.load[m], draft.order.index(m))))


def _balance(draft: _Draft, tasks: Sequence[Task], members: Mapping[str, Up]) -> set[Task]:
    """Move tasks from the fullest (and from all who drain) to the emptiest until they differ by one. What is claimed is only given up;
    its next owner gets it in the rebalance that its release starts. Returns the tasks given up."""
    target = dict(draft.load)
    given_up: set[Task] = set()
    while True:
        draining = [m for m in draft.order if m not in draft.live and target[m]]
        source = draining[0] if draining else max(draft.live, key=lambda m: (target[m], -draft.order.index(m)))
        sink = min(draft.live, key=lambda m: (target[m], draft.order.index(m)))
        if not draining and target[source] - target[sink] <= 1:
            return given_up
        candidates = [t for t in tasks if draft.owner[t] == source and t not in given_up]
        task = min(candidates, key=lambda t: (t in members[source].claims, members[sink].lags.get(t, _NO_COPY), t))
        if task in members[source].claims:
            given_up.add(task)
        else:
            draft.give(task, sink)
        target[source] -= 1
        target[sink] += 1


def _plans(draft: _Draft, tasks: Sequence[Task], members: Mapping[str, Up], previous: Down | None, given_up: set[Task]) -> dict[str, Down]:
    table = {m: (members[m].slot, members[m].node, members[m].producers) for m in draft.order}
    present = {p.split("|")[0] for m in draft.order for p in members[m].producers}
    before = [p for _, _, producers in previous.members.values() for p in producers] if previous else []
    fences = tuple(sorted(p for p in before if p.split("|")[0] not in present))
    routing = tuple((t, members[draft.owner[t]].slot) for t in tasks)
    return {
        m: Down(VERSION, tuple(t for t in tasks if draft.owner[t] == m and t not in given_up),
                tuple(t for t in tasks if draft.owner[t] == m and t in given_up), fences, bool(given_up), table, routing)
        for m in draft.order
    }


def _hash(*parts: str) -> int:
    return zlib.crc32("/".join(parts).encode())
