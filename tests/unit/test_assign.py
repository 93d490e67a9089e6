"""The assignor of tasks: a table of situations, then invariants over random histories."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.log.kafka.assign import VERSION, Down, Task, Up, assign


def up(slot: str, claims: dict[Task, int] | None = None, *, node: str = "n0", lags: dict[Task, int] | None = None, draining: bool = False) -> Up:
    return Up(VERSION, slot, node, (f"t-{slot}|1|0",), claims or {}, lags or {}, draining)


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


EVENTS = st.lists(st.tuples(st.sampled_from(["join", "die", "drain", "release", "rejoin"]), st.integers(0, 5)), max_size=14)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 12), EVENTS)
def test_histories(count: int, events: list[tuple[str, int]]) -> None:
    """Whatever happens: every task has exactly one owner, nobody is given a claimed task of another, and when nothing happens any more the
    plan is balanced, keeps what it can, and stands still."""
    members: dict[str, Up] = {"m0": up("m0", node="n0")}
    previous: Down | None = None
    for generation, (what, which) in enumerate([*events, *[("release", 99)] * (4 * count + 4)], start=1):
        name = f"m{which}"
        if what == "join" and name not in members:
            members[name] = up(name, node=f"n{which % 2}")
        elif what == "die" and len(members) > 1:
            members.pop(name, None)
        elif what == "drain" and name in members:
            members[name] = _with(members[name], draining=True)
        plan = assign("g", tasks(count), members, previous)
        owned = Counter(t for d in plan.values() for t in (*d.active, *d.give_up))
        assert owned == Counter(tasks(count))
        for member, mine in members.items():
            for other, down in plan.items():
                assert other == member or not set(mine.claims) & {*down.active, *down.give_up}
            assert set(plan[member].give_up) <= set(mine.claims)
        previous = next(iter(plan.values()))
        released = {m for m in members if what == "release"}
        for m, down in plan.items():
            kept = down.active if m in released else (*down.active, *down.give_up)
            members[m] = _with(members[m], claims=dict.fromkeys(kept, generation))
    final = assign("g", tasks(count), members, previous)
    assert not any(d.give_up for d in final.values())
    assert {m: set(d.active) for m, d in final.items()} == {m: set(u.claims) for m, u in members.items()}
    live = [m for m in members if not members[m].draining] or list(members)
    sizes = [len(final[m].active) for m in live]
    assert max(sizes) - min(sizes) <= 1 and sum(sizes) == count


def _with(member: Up, **changes: object) -> Up:
    values = {f: getattr(member, f) for f in member.__struct_fields__} | changes
    return Up(**values)


