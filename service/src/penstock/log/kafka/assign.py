"""Who runs which task of a topology: a pure, versioned function of what the members say. No I/O, no clock, no randomness.

The leader of a consumer group calls it between JoinGroup and SyncGroup. Its one safety rule: what a member claims is given to nobody else;
a claimed task moves in two steps, `give_up` now and to its new owner once the claim was released.

    claims      stay where they are
    unclaimed   at once: to whom it was promised, else to a copy that is nearly complete, else to whoever has room (KIP-441)
    balance     from the fullest member to the emptiest, then from node to node. A claimed task moves only to a copy that is nearly complete;
                until there is one its owner keeps it, and the next owner follows its changelog (a warm-up)
    standbys    copies on other nodes, if possible in other racks; those that exist stay
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from penstock.log.port import USUAL, Placement, TaskWork

VERSION = 2
"""What a text of this program says at most. Fields are only ever added at the end, with a default: an older member passes over what it does
not know, and what an older one leaves out has its default. So members of all versions share a group, whoever leads it."""
Task = tuple[int, int]
"""(sub-topology, partition)."""

_NO_COPY = 1 << 60


class Up(msgspec.Struct, frozen=True, array_like=True):
    """What a member publishes when it joins.

    slot: its stable name on its node. producers: "transactional id|producer id|epoch" of its open producers. claims: task -> generation in
    which it was last confirmed. lags: records that the copy of a task's state on its disk misses. nonce: makes the text differ, since a
    follower's JoinGroup with unchanged metadata starts no rebalance. rack: of its node.
    """

    version: int
    slot: str
    node: str
    producers: tuple[str, ...]
    claims: dict[Task, int]
    lags: dict[Task, int] = {}
    draining: bool = False
    nonce: int = 0
    rack: str = ""

    @property
    def key(self) -> str:
        """Its stable name in the group."""
        return f"{self.node}/{self.slot}"


class Down(msgspec.Struct, frozen=True, array_like=True):
    """What the leader answers to one member. active and give_up are what the member may commit for in this generation. members: slot, node
    and producers of each. routing: owner's key by task. pending: some task is between two owners, so ask again soon. standby: tasks whose
    changelogs the member follows. warming: those that it follows in order to get them. promised: next owner's key of the tasks that are given
    up."""

    version: int
    active: tuple[Task, ...]
    give_up: tuple[Task, ...]
    fences: tuple[str, ...]
    pending: bool
    members: dict[str, tuple[str, str, tuple[str, ...]]]
    routing: tuple[tuple[Task, str], ...]
    standby: tuple[Task, ...] = ()
    warming: tuple[Task, ...] = ()
    promised: tuple[tuple[Task, str], ...] = ()


@dataclass(slots=True)
class _Draft:
    """The plan in the making. order: members in a stable order that differs from group to group, so that small groups spread."""

    work: Mapping[Task, TaskWork]
    members: Mapping[str, Up]
    settings: Placement
    order: list[str]
    live: list[str]  # members that take tasks: those not draining, unless all are
    owner: dict[Task, str] = field(default_factory=dict)
    load: dict[str, int] = field(default_factory=dict)
    give_up: dict[Task, str] = field(default_factory=dict)  # to whom
    warming: dict[Task, str] = field(default_factory=dict)  # where
    copies: dict[tuple[str, Task], int] = field(default_factory=dict)  # records missing, by (node, task)

    def place(self, task: Task, member: str) -> None:
        """It is this member's."""
        self.owner[task] = member
        self.load[member] += self.work[task].weight

    def node_share(self, member: str, load: Mapping[str, int]) -> float:
        """Load of a member of its node, on average."""
        mates = [m for m in self.live if self.members[m].node == self.members[member].node]
        return sum(load[m] for m in mates) / max(1, len(mates))

    def lag(self, member: str, task: Task) -> int:
        """Records that the copy on a member's node misses."""
        return self.copies.get((self.members[member].node, task), _NO_COPY)

    def ready(self, member: str, task: Task) -> bool:
        """Whether the task can go on there with hardly a pause."""
        return not self.work[task].state or self.lag(member, task) <= self.settings.acceptable_lag


def assign(group: str, work: Mapping[Task, TaskWork], members: Mapping[str, Up], previous: Down | None,
           settings: Placement = USUAL) -> dict[str, Down]:
    """The plan of each member (by member id). previous: the last plan this leader has seen, for stickiness and fences."""
    order = sorted(members, key=lambda m: (_hash(group, members[m].key), m))
    draft = _Draft(work, members, settings, order, [m for m in order if not members[m].draining] or order, load=dict.fromkeys(order, 0))
    tasks = sorted(work)
    _honour_claims(draft)
    _find_copies(draft, previous)
    _place_unclaimed(draft, tasks, previous)
    _balance(draft, tasks)
    standbys = _place_standbys(draft, tasks)
    return _plans(draft, tasks, previous, standbys)


def _honour_claims(draft: _Draft) -> None:
    """Two members claim one task only when one of them was expelled and does not know it yet: the newer generation is right."""
    newest = dict[Task, tuple[int, str]]()
    for member in draft.order:
        for task, generation in draft.members[member].claims.items():
            if task in draft.work and generation > newest.get(task, (-1, ""))[0]:
                newest[task] = generation, member
    for task, (_, member) in newest.items():
        draft.place(task, member)


def _find_copies(draft: _Draft, previous: Down | None) -> None:
    """What one member of a node has on its disk, all of the node have; the owner's own is complete, and a vanished owner's."""
    node_of = _nodes_of(previous)
    for task, key in previous.routing if previous else ():
        if task in draft.work and task not in draft.owner and key in node_of:
            draft.copies[node_of[key], task] = 0
    for member in draft.order:
        for task, lag in draft.members[member].lags.items():
            at = draft.members[member].node, task
            draft.copies[at] = min(lag, draft.copies.get(at, _NO_COPY))
    for task, member in draft.owner.items():
        draft.copies[draft.members[member].node, task] = 0


def _nodes_of(plan: Down | None) -> Mapping[str, str]:
    """Node of each member of a plan, by Up.key."""
    return {f"{node}/{slot}": node for slot, node, _ in plan.members.values()} if plan else {}


def _place_unclaimed(draft: _Draft, tasks: Sequence[Task], previous: Down | None) -> None:
    """At once. Where a copy is nearly complete the task goes on at once, also when that member has more than its share then."""
    keys = dict(previous.routing) if previous else {}
    promised = dict(previous.promised) if previous else {}
    node_of = _nodes_of(previous)
    heaviest = max((w.weight for w in draft.work.values()), default=1)
    room = -(-sum(w.weight for w in draft.work.values()) // len(draft.live)) + heaviest - 1
    for task in tasks:
        if task in draft.owner:
            continue
        key, weight = keys.get(task, ""), draft.work[task].weight
        last_node = node_of.get(key)

        def cost(m: str, task: Task = task, key: str = key, weight: int = weight, last_node: str | None = last_node) -> tuple[object, ...]:
            up = draft.members[m]
            return (up.key != promised.get(task), not draft.ready(m, task), draft.load[m] + weight > room, up.key != key, draft.lag(m, task), task not in up.lags,
                    up.node != last_node, draft.load[m], draft.node_share(m, draft.load), draft.order.index(m))

        draft.place(task, min(draft.live, key=cost))


def _balance(draft: _Draft, tasks: Sequence[Task]) -> None:
    """Moves that make the loads more equal, until there is none; a task moves once at most. What is not claimed moves at once. What is
    claimed is given up when the next owner's copy is nearly complete, else that one begins to follow; only so many at a time."""
    target = dict(draft.load)
    moved: set[Task] = set()
    while (move := _next_move(draft, tasks, target, moved)) is not None:
        task, source, sink = move
        moved.add(task)
        weight = draft.work[task].weight
        target[source] -= weight
        target[sink] += weight
        if task not in draft.members[source].claims and (draft.ready(sink, task) or not draft.ready(source, task)):
            draft.load[source] -= weight
            draft.place(task, sink)
        elif draft.ready(sink, task):
            draft.give_up[task] = sink
        elif len(draft.warming) < draft.settings.max_warmups:
            draft.warming[task] = sink


def _next_move(draft: _Draft, tasks: Sequence[Task], target: Mapping[str, int], moved: set[Task]) -> tuple[Task, str, str] | None:
    """(task, from, to): first away from who drains, then from the fullest to the emptiest, then from node to node."""
    place = {m: (target[m], draft.node_share(m, target), draft.order.index(m)) for m in draft.order}
    mine: dict[str, list[Task]] = {}
    for task in tasks:
        if task not in moved:
            mine.setdefault(draft.owner[task], []).append(task)
    sinks = sorted(draft.live, key=lambda m: place[m])
    draining = [m for m in draft.order if m not in draft.live and m in mine]
    for source in draining or sorted(draft.live, key=lambda m: (-place[m][0], -place[m][1], place[m][2])):
        for sink in sinks:
            gap = target[source] - target[sink]
            if source == sink or (gap < 0 and not draining):
                break
            useful = [t for t in mine.get(source, ()) if draining or _improves(draft, draft.work[t].weight, source, sink, gap, target)]
            if useful:
                return min(useful, key=lambda t: _reluctance(draft, t, source, sink)), source, sink
    return None


def _improves(draft: _Draft, weight: int, source: str, sink: str, gap: int, target: Mapping[str, int]) -> bool:
    """Loads of members become more equal; or they stay as they are, and those of nodes do."""
    if weight != gap:
        return weight < gap
    if draft.members[source].node == draft.members[sink].node:
        return False
    before = draft.node_share(source, target) - draft.node_share(sink, target)
    after = dict(target)
    after[source] -= weight
    after[sink] += weight
    return before > 0 and abs(draft.node_share(source, after) - draft.node_share(sink, after)) < before


def _reluctance(draft: _Draft, task: Task, source: str, sink: str) -> tuple[object, ...]:
    """Rather what nobody holds yet, then what the next owner has a good copy of, so that a move once begun is gone on with."""
    return task in draft.members[source].claims, not draft.ready(sink, task), draft.lag(sink, task), -draft.work[task].weight, task


def _place_standbys(draft: _Draft, tasks: Sequence[Task]) -> dict[Task, list[str]]:
    """Members that follow each task besides its owner's warm-up. A copy that exists stays, unless its member has many more than others."""
    wanted = {t: count for t in tasks if draft.work[t].state and (count := _wanted(draft, t))}
    chosen: dict[Task, list[str]] = {t: [] for t in wanted}
    follows = dict.fromkeys(draft.live, 0)
    fair = -(-sum(wanted.values()) // len(draft.live))

    def candidates(task: Task) -> Iterable[str]:
        nodes = {draft.members[m].node for m in (draft.owner[task], *chosen[task])}
        next_owner = draft.warming.get(task) or draft.give_up.get(task)  # on its node nobody else may follow: a node has one copy
        return (m for m in draft.live if draft.members[m].node not in nodes
                and (next_owner in (None, m) or draft.members[m].node != draft.members[next_owner].node))

    def strange(task: Task, member: str) -> bool:
        return draft.members[member].rack in {draft.members[m].rack for m in (draft.owner[task], *chosen[task])}

    for number in range(max(wanted.values(), default=0)):
        for keeping in (True, False):  # first all that have a copy, so that none of them is driven out by a new one
            for task, count in wanted.items():
                if len(chosen[task]) > number or count <= number:
                    continue
                found = [m for m in candidates(task) if not keeping or (task in draft.members[m].lags and follows[m] < fair)]
                best = min((strange(task, m) for m in candidates(task)), default=False)
                if keeping:
                    found = [m for m in found if strange(task, m) == best]
                if found:
                    member = min(found, key=lambda m: (strange(task, m), follows[m], draft.lag(m, task), draft.order.index(m)))
                    chosen[task].append(member)
                    follows[member] += 1
    return chosen


def _wanted(draft: _Draft, task: Task) -> int:
    """Standbys of a task."""
    own = draft.work[task].standbys
    return draft.settings.standbys if own is None else own


def _plans(draft: _Draft, tasks: Sequence[Task], previous: Down | None, standbys: Mapping[Task, Sequence[str]]) -> dict[str, Down]:
    members = draft.members
    table = {m: (members[m].slot, members[m].node, members[m].producers) for m in draft.order}
    present = {p.split("|")[0] for m in draft.order for p in members[m].producers}
    before = [p for _, _, producers in previous.members.values() for p in producers] if previous else []
    fences = tuple(sorted(p for p in before if p.split("|")[0] not in present))
    routing = tuple((t, members[draft.owner[t]].key) for t in tasks)
    promised = tuple((t, members[m].key) for t, m in sorted(draft.give_up.items()))
    return {m: Down(VERSION, tuple(t for t in tasks if draft.owner[t] == m and t not in draft.give_up),
                    tuple(t for t in tasks if draft.owner[t] == m and t in draft.give_up), fences, bool(draft.give_up), table, routing,
                    tuple(t for t in tasks if m in standbys.get(t, ())), tuple(t for t in tasks if _warms(draft, m, t)), promised)
            for m in draft.order}


def _warms(draft: _Draft, member: str, task: Task) -> bool:
    """It copies, or goes on following until it has what was given up for it. On the owner's node the owner's own store is there."""
    if draft.members[draft.owner[task]].node == draft.members[member].node or not draft.work[task].state:
        return False
    return draft.warming.get(task) == member or draft.give_up.get(task) == member


def _hash(*parts: str) -> int:
    return zlib.crc32("/".join(parts).encode())
