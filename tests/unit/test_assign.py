"""The assignor of tasks: a table of situations, then invariants over random histories."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.log.kafka.assign import VERSION, Down, Task, Up
from penstock.log.kafka.assign import assign as assign_work
from penstock.log.port import USUAL, Placement, TaskWork


def up(slot: str, claims: dict[Task, int] | None = None, *, node: str = "n0", lags: dict[Task, int] | None = None, draining: bool = False,
       rack: str = "") -> Up:
    return Up(VERSION, slot, node, (f"t-{slot}|1|0",), claims or {}, lags or {}, draining, rack=rack)


def assign(group: str, tasks: list[Task], members: dict[str, Up], previous: Down | None, placement: Placement = USUAL) -> dict[str, Down]:
    return assign_work(group, dict.fromkeys(tasks, TaskWork()), members, previous, placement)


def tasks(n: int) -> list[Task]:
    return [(0, p) for p in range(n)]


def counts(plan: dict[str, Down]) -> list[int]:
    return sorted(len(d.active) + len(d.give_up) for d in plan.values())


def test_new_group_is_split_evenly() -> None:
    plan = assign("g", tasks(7), {m: up(m) for m in "abc"}, None)
    assert counts(plan) == [2, 2, 3]
    assert sorted(t for d in plan.values() for t in d.active) == tasks(7)
    assert not any(d.give_up or d.pending for d in plan.values())


def test_claims_stay_and_a_new_member_gets_what_is_given_up() -> None:
    first = assign("g", tasks(4), {"a": up("a", dict.fromkeys(tasks(4), 1)), "b": up("b")}, None)
    assert len(first["a"].active) == 2 and len(first["a"].give_up) == 2 and first["b"].active == ()
    assert first["b"].pending
    kept = dict.fromkeys(first["a"].active, 2)
    second = assign("g", tasks(4), {"a": up("a", kept), "b": up("b")}, first["a"])
    assert second["a"].active == first["a"].active and second["b"].active == first["a"].give_up
    assert not second["a"].pending


def test_newer_claim_wins() -> None:
    plan = assign("g", tasks(1), {"a": up("a", {(0, 0): 3}), "b": up("b", {(0, 0): 4})}, None)
    assert plan["b"].active == ((0, 0),) and plan["a"].active == ()


def test_vanished_members_tasks_go_at_once_and_it_is_fenced() -> None:
    before = assign("g", tasks(4), {"a": up("a"), "b": up("b")}, None)
    plan = assign("g", tasks(4), {"a": up("a", dict.fromkeys(before["a"].active, 1))}, before["a"])
    assert sorted(plan["a"].active) == tasks(4)
    assert plan["a"].fences == ("t-b|1|0",)


def test_restarted_slot_gets_its_own_tasks_back_and_is_not_fenced() -> None:
    before = assign("g", tasks(4), {"a1": up("a"), "b1": up("b")}, None)
    members = {"a2": up("a"), "b1": up("b", dict.fromkeys(before["b1"].active, 1))}
    plan = assign("g", tasks(4), members, before["b1"])
    assert plan["a2"].active == before["a1"].active and plan["a2"].fences == ()


def test_best_copy_of_the_state_goes_first() -> None:
    plan = assign("g", tasks(2), {"a": up("a", lags={(0, 1): 5}), "b": up("b", lags={(0, 0): 9, (0, 1): 70})}, None)
    assert plan["b"].active == ((0, 0),) and plan["a"].active == ((0, 1),)


def test_draining_member_gives_everything_up() -> None:
    members = {"a": up("a", {(0, 0): 1, (0, 1): 1}, draining=True), "b": up("b", {(0, 2): 1})}
    plan = assign("g", tasks(3), members, None)
    assert set(plan["a"].give_up) == {(0, 0), (0, 1)} and plan["a"].active == ()
    alone = assign("g", tasks(3), {"a": up("a", dict.fromkeys(tasks(3), 1), draining=True)}, None)
    assert sorted(alone["a"].active) == tasks(3)


@pytest.mark.parametrize("foreign", [{(9, 9): 1}, {(0, 7): 2}])
def test_claims_of_tasks_that_are_gone_are_ignored(foreign: dict[Task, int]) -> None:
    plan = assign("g", tasks(2), {"a": up("a", foreign)}, None)
    assert sorted(plan["a"].active) == tasks(2)


def test_a_task_moves_only_to_a_copy_that_is_nearly_complete() -> None:
    claims = dict.fromkeys(tasks(4), 1)
    first = assign("g", tasks(4), {"a": up("a", claims), "b": up("b", node="n1")}, None)
    assert len(first["a"].active) == 4 and len(first["b"].warming) == 2 and not first["a"].pending
    half = up("b", node="n1", lags={first["b"].warming[0]: 10_000, first["b"].warming[1]: 10_001})
    second = assign("g", tasks(4), {"a": up("a", claims), "b": half}, first["a"])
    assert second["a"].give_up == first["b"].warming[:1] and second["b"].warming == first["b"].warming and second["a"].pending
    kept = {t: 2 for t in tasks(4) if t not in second["a"].give_up}
    third = assign("g", tasks(4), {"a": up("a", kept), "b": half}, second["b"])
    assert third["b"].active == second["a"].give_up and third["b"].warming == first["b"].warming[1:]


def test_tasks_without_state_move_at_once() -> None:
    work = dict.fromkeys(tasks(4), TaskWork(state=False))
    plan = assign_work("g", work, {"a": up("a", dict.fromkeys(tasks(4), 1)), "b": up("b", node="n1")}, None, Placement(standbys=1))
    assert len(plan["a"].give_up) == 2 and not plan["b"].warming and not any(d.standby for d in plan.values())


def test_only_so_many_are_copied_at_once() -> None:
    members = {"a": up("a", dict.fromkeys(tasks(20), 1)), "b": up("b", node="n1")}
    assert len(assign("g", tasks(20), members, None, Placement(max_warmups=3))["b"].warming) == 3


def test_a_vanished_owners_tasks_go_to_their_standbys_though_others_have_room() -> None:
    claims = {(0, 0): 1, (0, 1): 1}
    members = {"a": up("a", claims, lags={(0, 2): 50, (0, 3): 9_000}), "b": up("b", node="n1", lags={(0, 3): 20_000})}
    plan = assign("g", tasks(4), members, None)
    assert sorted(plan["a"].active) == tasks(4)
    assert plan["b"].warming


def test_a_nodes_other_worker_takes_over_from_its_disk() -> None:
    before = assign("g", tasks(4), {m: up(m, node=n) for m, n in (("a", "n0"), ("b", "n0"), ("c", "n1"), ("d", "n1"))}, None)
    left = {m: up(m, dict.fromkeys(before[m].active, 1), node=n) for m, n in (("b", "n0"), ("c", "n1"), ("d", "n1"))}
    assert set(before["a"].active) <= set(assign("g", tasks(4), left, before["b"])["b"].active)


def test_who_starts_again_during_a_round_keeps_its_tasks_though_copies_are_complete() -> None:
    before = assign("g", tasks(4), {m: up(m, node=m) for m in "ab"}, None, Placement(standbys=1))
    other = up("b", dict.fromkeys(before["b"].active, 1), node="b", lags=dict.fromkeys(before["b"].standby, 0))
    again = assign("g", tasks(4), {"a": up("a", node="a"), "b": other}, before["b"], Placement(standbys=1))
    assert {m: d.active for m, d in again.items()} == {m: d.active for m, d in before.items()}


def test_who_starts_again_and_leads_knows_from_its_disk_where_tasks_were() -> None:
    work = {(s, p): TaskWork(1 + s, state=s == 1) for s in range(2) for p in range(4)}
    own, others = [(1, 0), (1, 2)], [(0, 0), (0, 1), (1, 1), (1, 3)]
    members = {"a": up("a", node="a", lags=dict.fromkeys(own, 10_000)),
               "b": up("b", dict.fromkeys(others, 1), node="b", lags=dict.fromkeys(own, 0))}
    plan = assign_work("g", work, members, None, Placement(standbys=1))
    assert sorted(plan["a"].active) == [(0, 2), (0, 3), *own] and not plan["b"].give_up


def test_few_tasks_spread_over_nodes_first() -> None:
    members = {f"{n}{w}": up(f"w{w}", node=n) for n in ("n0", "n1", "n2") for w in range(2)}
    for group in ("g", "h", "i", "j"):
        plan = assign(group, tasks(3), members, None)
        assert {m[:2] for m, d in plan.items() if d.active} == {"n0", "n1", "n2"}


def test_weights_are_balanced() -> None:
    work = {t: TaskWork(weight=3 if t[1] < 2 else 1) for t in tasks(8)}
    plan = assign_work("g", work, {m: up(m, node=m) for m in "ab"}, None)
    assert sorted(sum(work[t].weight for t in d.active) for d in plan.values()) == [6, 6]


def test_standbys_are_on_other_nodes_and_racks() -> None:
    where = {"a": ("n0", "r0"), "b": ("n0", "r0"), "c": ("n1", "r0"), "d": ("n2", "r1"), "e": ("n3", "r1")}
    members = {m: up(m, node=n, rack=r) for m, (n, r) in where.items()}
    plan = assign("g", tasks(10), members, None, Placement(standbys=2))
    owner = {t: m for m, d in plan.items() for t in d.active}
    for task in tasks(10):
        copies = [m for m, d in plan.items() if task in d.standby]
        assert len({where[m][0] for m in (owner[task], *copies)}) == 3
        assert {where[m][1] for m in (owner[task], *copies)} == {"r0", "r1"}
    sizes = [len(d.standby) for d in plan.values()]
    assert sum(sizes) == 20 and max(sizes) <= 6


def test_a_topology_may_want_other_standbys_than_the_nodes_say() -> None:
    members = {m: up(m, node=m) for m in "abc"}
    for own, by_nodes, found in ((2, 0, 2), (0, 1, 0), (None, 1, 1)):
        plan = assign_work("g", dict.fromkeys(tasks(4), TaskWork(standbys=own)), members, None, Placement(standbys=by_nodes))
        assert [sum(task in d.standby for d in plan.values()) for task in tasks(4)] == [found] * 4


def test_texts_of_the_first_version_are_understood_and_understand() -> None:
    old_up = msgspec.msgpack.encode([1, "w0", "n0", ["t|1|0"], {(0, 0): 4}, {}, False, 7])
    assert msgspec.msgpack.decode(old_up, type=Up).rack == ""
    old_down = msgspec.msgpack.encode([1, [(0, 0)], [], [], False, {"m": ["w0", "n0", []]}, [[(0, 0), "w0"]]])
    assert msgspec.msgpack.decode(old_down, type=Down).standby == ()
    new = assign("g", tasks(2), {"m": up("w0"), "o": up("w0", node="n1")}, None, Placement(standbys=1))["m"]
    fields = msgspec.msgpack.decode(msgspec.msgpack.encode(new))
    assert fields[1] == [list(t) for t in new.active] and fields[4] is False, "an older member reads the first seven"


def test_three_hundred_topologies_on_three_nodes() -> None:
    """They spread, and each is a group of its own: registering one moves no other, since the plan of a group depends on its members only."""
    members = {n: up("w0", node=n) for n in ("n0", "n1", "n2")}
    load = Counter(m for i in range(300) for m, d in assign(f"topology-{i}", tasks(4), members, None).items() for _ in d.active)
    assert sum(load.values()) == 1200 and max(load.values()) - min(load.values()) < 120


EVENTS = st.lists(st.tuples(st.sampled_from(["join", "die", "drain", "settle", "rejoin", "restart"]), st.integers(0, 5)), max_size=14)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 12), EVENTS, st.integers(0, 2), st.integers(1, 4), st.booleans())
def test_histories(count: int, events: list[tuple[str, int]], standbys: int, warmups: int, weighted: bool) -> None:
    """Whatever happens: every task has exactly one owner, nobody is given a claimed task of another, no two members of a node have a task's
    store open, and when nothing happens any more the plan is balanced, keeps what it can, and stands still."""
    work = {t: TaskWork(1 + (t[1] % 3 if weighted else 0), state=t[1] % 4 != 3) for t in tasks(count)}
    placement = Placement(standbys=standbys, max_warmups=warmups)
    members: dict[str, Up] = {"m0": up("m0", node="n0")}
    previous: Down | None = None
    for generation, (what, which) in enumerate([*events, *[("settle", 99)] * (6 * count + 10)], start=1):
        name = f"m{which}"
        if what == "join" and name not in members:
            members[name] = up(name, node=f"n{which % 3}", rack=f"r{which % 2}")
        elif what == "die" and len(members) > 1:
            members.pop(name, None)
        elif what == "drain" and name in members:
            members[name] = _with(members[name], draining=True)
        elif what == "restart" and name in members:
            members[name] = _with(members[name], claims={})
        plan = assign_work("g", work, members, previous, placement)
        _check(plan, members, work)
        previous = next(iter(plan.values()))
        for m, down in plan.items():
            kept = down.active if what == "settle" else (*down.active, *down.give_up)
            followed = {*down.standby, *down.warming}
            lags = {t: lag for t, lag in members[m].lags.items() if t in followed} | dict.fromkeys(followed, 0 if what == "settle" else 50_000)
            members[m] = _with(members[m], claims=dict.fromkeys(kept, generation), lags=lags)
    final = assign_work("g", work, members, previous, placement)
    assert not any(d.give_up or d.warming for d in final.values())
    assert {m: set(d.active) for m, d in final.items()} == {m: set(u.claims) for m, u in members.items()}
    assert {m: set(d.standby) for m, d in final.items()} == {m: set(u.lags) for m, u in members.items()}
    live = [m for m in members if not members[m].draining] or list(members)
    loads = {m: sum(work[t].weight for t in final[m].active) for m in live}
    assert max(loads.values()) - min(loads.values()) <= max(w.weight for w in work.values())
    assert sum(loads.values()) == sum(w.weight for w in work.values())
    nodes = {members[m].node for m in live}
    for task in (t for t in work if work[t].state):
        owner = next(m for m, d in final.items() if task in d.active)
        assert sum(task in d.standby for d in final.values()) == min(standbys, len(nodes | {members[owner].node}) - 1)


def _check(plan: dict[str, Down], members: dict[str, Up], work: dict[Task, TaskWork]) -> None:
    owned = Counter(t for d in plan.values() for t in (*d.active, *d.give_up))
    assert owned == Counter(list(work))
    newest = {t: max(u.claims[t] for u in members.values() if t in u.claims) for u in members.values() for t in u.claims}
    for member, mine in members.items():
        for other, down in plan.items():
            valid = {t for t, g in mine.claims.items() if g == newest[t]}
            assert other == member or not valid & {*down.active, *down.give_up}
        assert set(plan[member].give_up) <= set(mine.claims)
    for task in work:
        holders = [members[m].node for m, d in plan.items() if task in {*d.active, *d.give_up, *d.standby, *d.warming}]
        assert len(holders) == len(set(holders)), "one store a node"


def _with(member: Up, **changes: object) -> Up:
    values = {f: getattr(member, f) for f in member.__struct_fields__} | changes
    return Up(**values)
