"""Windows of every kind: their pure rules, and random records through the compiled code against a recount in plain Python."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.engine.windows.closing import Waiting
from penstock.engine.windows.hopping import starts_of
from penstock.engine.windows.session import touched as sessions_touched
from penstock.errors import TaskFailed
from penstock.plan.nodes import StoreKind, StoreSpec
from penstock.plan.resolved import Updates
from penstock.planner.definition import relation_of, topology_of
from penstock.state.keys import session_key, window_key
from penstock.state.memory import MemoryTaskState
from penstock.testing import TopologyTestDriver
from penstock.testing.relations import relation_info

RELATIONS = [relation_info(relation_of({"stream": "s", "columns": ["K STRING KEY", "V BIGINT"]}))]
COMMIT = "commit"
steps = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 1 << 20), st.integers(0, 120)) | st.just(COMMIT), max_size=40)
modes = st.sampled_from(list(Updates))
graces = st.sampled_from([0, 5, 30, 200])
quick = settings(max_examples=60, deadline=None)
Steps = list[Any]
LONG = "1h"


def run(window: dict[str, Any], given_steps: Steps, updates: Updates, emit: str = "changes") -> TopologyTestDriver:
    nodes = {"s": {"stream": "s"}, "g": {"from": "s", "group_by": "k"},
             "a": {"from": "g", "aggregate": {"N": "COUNT(*)", "S": "SUM(v)"}, "window": window, "emit": emit}, "out": {"from": "a", "sink": "o"}}
    driver = TopologyTestDriver(topology_of({"topology": "t", "nodes": nodes}), RELATIONS, updates=updates)
    for step in given_steps:
        if step == COMMIT:
            driver.commit()
        else:
            key, value, at = step
            driver.append("s", key=key, value={"V": value}, timestamp=at)
    assert driver.dead_letters == []
    return driver


def table(driver: TopologyTestDriver) -> dict[Any, Any]:
    """(key, start, end) -> (count, sum, time)."""
    return {(row.key[0], row.window_start, row.window_end): (*row.values, row.timestamp) for row in driver.read_store("a")}


def sent(driver: TopologyTestDriver) -> list[tuple[Any, Any]]:
    """((key, start, end), (count, sum, time) or None) in order."""
    return [((r.key, r.window_start, r.window_end), None if r.value is None else (*r.value.values(), r.timestamp))  # type: ignore[attr-defined]
            for r in driver.read_output("o")]


def last_sent(driver: TopologyTestDriver) -> dict[Any, Any]:
    kept = dict(sent(driver))
    return {key: value for key, value in kept.items() if value is not None}


def fold(members: list[tuple[int, int]]) -> tuple[int, int, int]:
    """Of (value, time) pairs."""
    return len(members), sum(v for v, _ in members), max(at for _, at in members)


def records(given_steps: Steps) -> list[tuple[str, int, int]]:
    return [s for s in given_steps if s != COMMIT]


def accepted(given_steps: Steps, size: int, advance: int, grace: int) -> tuple[dict[Any, Any], int]:
    """Windows with their records, and stream time at the end."""
    found: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    now = -1
    for key, value, at in records(given_steps):
        now = max(now, at)
        for start in range(0, at + 1, advance):
            if start + size > at and start + size > now - grace:
                found[(key, start, start + size)].append((value, at))
    return {k: fold(v) for k, v in found.items()}, now


@given(st.integers(0, 500), st.integers(1, 60), st.integers(1, 60), st.integers(-100, 500))
def test_starts_of_hopping_windows(at: int, size: int, advance: int, since: int) -> None:
    advance = min(size, advance)
    every = [s for s in range(0, at + 1, advance) if s + size > at]
    assert list(starts_of(at, size, advance)) == every
    assert list(starts_of(at, size, advance, since)) == [s for s in every if s + size > since]


@quick
@given(steps, modes, graces, st.sampled_from([(10, 5), (10, 4), (7, 7), (30, 10)]))
def test_hopping_windows(given_steps: Steps, updates: Updates, grace: int, shape: tuple[int, int]) -> None:
    size, advance = shape
    driver = run({"hopping": f"{size}ms", "advance": f"{advance}ms", "grace": f"{grace}ms", "retention": LONG}, given_steps, updates)
    wanted, _ = accepted(given_steps, size, advance, grace)
    assert table(driver) == wanted
    assert last_sent(driver) == wanted


@quick
@given(steps, modes, graces, st.sampled_from([(10, 5), (10, 10), (30, 10)]))
def test_final_windows_leave_once_in_order_and_stay(given_steps: Steps, updates: Updates, grace: int, shape: tuple[int, int]) -> None:
    size, advance = shape
    kind = {"tumbling": f"{size}ms"} if size == advance else {"hopping": f"{size}ms", "advance": f"{advance}ms"}
    driver = run({**kind, "grace": f"{grace}ms", "retention": LONG}, given_steps, updates, "final")
    every, now = accepted(given_steps, size, advance, grace)
    wanted = {k: v for k, v in every.items() if k[2] <= now - grace}
    found = sent(driver)
    assert table(driver) == wanted
    assert dict(found) == wanted and len(found) == len(wanted)
    closed_by: list[tuple[int, int, str]] = []
    seen = -1
    for _, _, at in records(given_steps):
        fresh = sorted((k[1], k[0]) for k in wanted if seen - grace < k[2] <= at - grace)
        closed_by += [(start, start + size, key) for start, key in fresh]
        seen = max(seen, at)
    assert [(k[1], k[2], k[0]) for k, _ in found] == closed_by


def naive_sessions(given_steps: Steps, gap: int, grace: int) -> tuple[dict[Any, Any], int]:
    """Sessions as sets of records, united one by one; (key, start, end) -> result, and the number of late records."""
    kept: dict[str, list[list[tuple[int, int]]]] = defaultdict(list)
    now, late = -1, 0
    for key, value, at in records(given_steps):
        now = max(now, at)
        near = [s for s in kept[key] if min(t for _, t in s) - gap <= at <= max(t for _, t in s) + gap]
        united = [r for s in near for r in s] + [(value, at)]
        if max(t for _, t in united) < now - grace - gap:
            late += 1
            continue
        kept[key] = [s for s in kept[key] if s not in near] + [united]
    return {(k, min(t for _, t in s), max(t for _, t in s)): fold(s) for k, each in kept.items() for s in each}, late


@quick
@given(steps, modes, graces, st.sampled_from([1, 5, 20]))
def test_sessions(given_steps: Steps, updates: Updates, grace: int, gap: int) -> None:
    driver = run({"session": f"{gap}ms", "grace": f"{grace}ms", "retention": LONG}, given_steps, updates)
    wanted, late = naive_sessions(given_steps, gap, grace)
    assert table(driver) == wanted
    assert last_sent(driver) == wanted, "whoever keeps the last record of each key has the sessions, merged ones being deleted"
    assert len(driver.late) == late


@quick
@given(steps, modes, st.sampled_from([1, 5, 20]))
def test_final_sessions(given_steps: Steps, updates: Updates, gap: int) -> None:
    """With a grace longer than all of the input nothing is late, and a last record far away closes everything."""
    far = [*given_steps, ("z", 1, 10_000)]
    driver = run({"session": f"{gap}ms", "grace": "500ms", "retention": LONG}, far, updates, "final")
    wanted = {k: v for k, v in naive_sessions(given_steps, gap, 500)[0].items()}
    assert dict(sent(driver)) == wanted == table(driver)
    assert [(k[2], k[1], k[0]) for k, _ in sent(run({"session": f"{gap}ms", "grace": "500ms", "retention": LONG}, far, updates, "final"))] == sorted(
        (k[2], k[1], k[0]) for k in wanted)


@given(st.lists(st.integers(0, 60), max_size=12, unique=True), st.integers(0, 60), st.integers(1, 9))
def test_touched_sessions_by_comparison(times: list[int], at: int, gap: int) -> None:
    bounds: list[tuple[int, int]] = []
    for t in sorted(times):
        if bounds and t - bounds[-1][1] <= gap:
            bounds[-1] = (bounds[-1][0], t)
        else:
            bounds.append((t, t))
    windows = [session_key(b"", s, e) for s, e in bounds]
    near = [(s, e) for s, e in bounds if s - gap <= at <= e + gap]
    found, start, end = sessions_touched(windows, at, gap, 0)
    assert found == [session_key(b"", s, e) for s, e in near]
    assert (start, end) == (min([at, *(s for s, _ in near)]), max([at, *(e for _, e in near)]))


def windows_of(times: list[int], size: int) -> set[tuple[int, int]]:
    """Sliding windows that are not empty: one that ends with each record, one that begins behind each."""
    lefts = {(t - size, t) for t in times}
    rights = {(t + 1, t + 1 + size) for t in times if any(t < other <= t + 1 + size for other in times)}
    return lefts | rights


@quick
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 1 << 20), st.integers(20, 120)) | st.just(COMMIT), max_size=40), modes,
       st.sampled_from([1, 5, 20]))
def test_sliding_windows(given_steps: Steps, updates: Updates, size: int) -> None:
    """In whatever order records come, the windows are those of their times, each with all records between its ends."""
    driver = run({"sliding": f"{size}ms", "grace": "500ms", "retention": LONG}, given_steps, updates)
    wanted = {}
    for key in ("a", "b"):
        members = [(v, at) for k, v, at in records(given_steps) if k == key]
        for start, end in windows_of([at for _, at in members], size):
            wanted[(key, start, end)] = fold([m for m in members if start <= m[1] <= end])
    assert table(driver) == wanted
    assert last_sent(driver) == wanted


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b""]), st.integers(0, 50)), max_size=20, unique=True), st.data())
def test_waiting_windows_are_rebuilt_from_the_stores(windows: list[tuple[bytes, int]], data: st.DataObject) -> None:
    opened, results = StoreSpec("open", StoreKind.WINDOW, ("n",), 1), StoreSpec("results", StoreKind.WINDOW, ("n",), 2)
    state = MemoryTaskState([opened, results])
    first = Waiting(state.store("open"), state.store("results"), 8)
    for key, start in windows:
        state.store("open").put(window_key(key, start), (start, 1))
        first.add(window_key(key, start))
    before = data.draw(st.integers(0, 60))
    ordered = sorted((start, key) for key, start in windows)
    left = list(first.due(before))
    assert left == [window_key(key, start) for start, key in ordered if start < before]
    for key_bytes in left:
        state.store("results").put(key_bytes, (0, 1))
    again = Waiting(state.store("open"), state.store("results"), 8)
    assert list(again.due(100)) == [window_key(key, start) for start, key in ordered if start >= before] == list(first.due(100))


def test_a_suppress_that_is_full_stops_its_task() -> None:
    """KIP-328, shutDownWhenFull: what is due leaves first, nothing leaves early."""
    driver = TopologyTestDriver("""
topology: t
nodes:
  t: {table: {columns: [K STRING KEY, V BIGINT], partitions: 1}}
  held: {from: t, suppress: {until: 10ms, max_records: 2, when_full: stop}}
  out: {from: held, sink: held_out}
""", updates=Updates.EVERY)
    for number, key in enumerate("abab"):
        driver.append("t", key=key, value={"V": number}, timestamp=number)
    driver.append("t", key="c", value={"V": 4}, timestamp=10)
    assert [(r.key, r.value) for r in driver.read_output("held_out")] == [("a", {"V": 2})]
    with pytest.raises(TaskFailed, match="held: more waits than its bound of 2 keys"):
        driver.append("t", key="d", value={"V": 5}, timestamp=10)
    assert driver.read_output("held_out") == [] and driver.dead_letters == []
