"""Joins through the compiled code, against naive recounts in plain Python; any commits in between."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.plan.resolved import Updates
from penstock.planner.definition import relation_of, topology_of
from penstock.testing import TopologyTestDriver
from penstock.testing.relations import relation_info

REFERRING = [relation_info(relation_of(r)) for r in (
    {"table": "l", "columns": ["K STRING KEY", "F BIGINT", "A BIGINT"]}, {"table": "r", "columns": ["N BIGINT KEY", "B BIGINT"]})]
TABLES = [relation_info(relation_of(r)) for r in (
    {"table": "l", "columns": ["K STRING KEY", "A BIGINT"]}, {"table": "r", "columns": ["K STRING KEY", "B BIGINT"]})]
STREAMS = [relation_info(relation_of(r)) for r in (
    {"stream": "l", "columns": ["K STRING KEY", "A BIGINT"]}, {"stream": "r", "columns": ["K STRING KEY", "B BIGINT"]})]
COMMIT = "commit"
quick = settings(max_examples=80, deadline=None)
kinds = st.sampled_from(["inner", "left", "right", "full"])
changes = st.tuples(st.sampled_from("lr"), st.sampled_from("ab"), st.none() | st.integers(0, 9), st.integers(0, 40))
Steps = list[Any]


def keeps(kind: str, side: int) -> bool:
    return kind == "full" or kind == ("left", "right")[side]


def joined(kind: str, left: Any, right: Any) -> Any:
    """The result of two rows (value, time) or None."""
    if (left is None and (right is None or not keeps(kind, 1))) or (right is None and not keeps(kind, 0)):
        return None
    return left and left[0], right and right[0]


@quick
@given(st.lists(changes | st.just(COMMIT), max_size=40), kinds)
def test_tables_by_key(steps: Steps, kind: str) -> None:
    """Every record that leaves, in order, and the table at the end."""
    nodes = {"l": {"table": "l"}, "r": {"table": "r"}, "j": {"from": ["l", "r"], "table_join": {"kind": kind, "columns": ["a", "b"]}},
             "out": {"from": "j", "sink": "o"}}
    driver = TopologyTestDriver(topology_of({"topology": "t", "nodes": nodes}), TABLES)
    tables: dict[str, dict[str, Any]] = {"l": {}, "r": {}}
    wanted = []
    for step in steps:
        if step == COMMIT:
            driver.commit()
            continue
        to, key, value, at = step
        driver.append(to, key=key, value=None if value is None else {"AB"["lr".index(to)]: value}, timestamp=at)
        old, new = tables[to].get(key), None if value is None else (value, at)
        tables[to][key] = new
        other = tables["r" if to == "l" else "l"].get(key)
        if other is None and (not keeps(kind, "lr".index(to)) or (old is None and new is None)):
            continue
        pair = joined(kind, tables["l"].get(key), tables["r"].get(key))
        later = at if other is None else max(at, other[1])
        wanted.append((key, None if pair is None else {"A": pair[0], "B": pair[1]}, later))
    assert [(r.key, r.value, r.timestamp) for r in driver.read_output("o")] == wanted
    final = {k: pair for k in "ab" if (pair := joined(kind, tables["l"].get(k), tables["r"].get(k))) is not None}
    assert {row.key[0]: row.values for row in driver.read_store("j")} == final


@quick
@given(st.lists(changes | st.just(COMMIT), max_size=40), kinds, st.sampled_from(list(Updates)))
def test_what_is_aggregated_from_a_join_adds_up(steps: Steps, kind: str, updates: Updates) -> None:
    """Filters before and after the join, then a group by the joined value: what was added is what is taken back."""
    nodes = {"l": {"table": "l"}, "r": {"table": "r"}, "some": {"from": "l", "filter": "a > 2"},
             "j": {"from": ["some", "r"], "table_join": {"kind": kind, "columns": ["a", "b"]}},
             "kept": {"from": "j", "filter": "b IS NULL OR b < 7"}, "g": {"from": "kept", "group_by": "b"},
             "sums": {"from": "g", "aggregate": {"N": "COUNT(*)", "S": "SUM(a)"}}}
    driver = TopologyTestDriver(topology_of({"topology": "t", "nodes": nodes}), TABLES, updates=updates)
    tables: dict[str, dict[str, Any]] = {"l": {}, "r": {}}
    for step in steps:
        if step == COMMIT:
            driver.commit()
            continue
        to, key, value, at = step
        driver.append(to, key=key, value=None if value is None else {"AB"["lr".index(to)]: value}, timestamp=at)
        tables[to][key] = None if value is None or (to == "l" and value <= 2) else (value, at)
    wanted: dict[Any, Any] = {}
    for key in "ab":
        pair = joined(kind, tables["l"].get(key), tables["r"].get(key))
        if pair is not None and pair[1] is not None and pair[1] < 7:
            count, total = wanted.get(pair[1], (0, 0))
            wanted[pair[1]] = (count + 1, total + (pair[0] or 0))
    assert {row.key[0]: row.values for row in driver.read_store("sums") if row.values[0]} == wanted


class Streams:
    """Two streams joined record by record out of plain lists, after Kafka Streams 4.1 but for KAFKA-19536."""

    def __init__(self, kind: str, before: int, after: int, grace: int) -> None:
        self.kind, self.reach, self.grace = kind, (after, before), grace
        self.now = -1
        self.rows: tuple[list[Any], list[Any]] = ([], [])  # (time, key, value) of each side in order of arrival
        self.newest = [0, 0]
        self.waiting: list[Any] = []  # (time, right first, key, value)
        self.looked = float("inf")
        self.out: list[Any] = []

    def emit(self, key: Any, at: int, left: Any, right: Any) -> None:
        self.out.append((key, {"A": left, "B": right}, at))

    def alone(self, side: int, key: Any, at: int, value: Any) -> None:
        self.emit(key, at, *((value, None) if side == 0 else (None, value)))

    def append(self, side: int, key: Any, value: Any, at: int) -> None:
        self.now = max(self.now, at)
        if key is not None:
            self.newest[side] = max(self.newest[side], at)
        if value is None or key is None:
            if value is not None and keeps(self.kind, side):
                self.alone(side, key, at, value)
            return
        if at == self.now and self.kind != "inner":
            self.leave(side)
        own, other = self.rows[side], self.rows[1 - side]
        ahead, back = self.reach[side], self.reach[1 - side]
        oldest = self.newest[1 - side] - sum(self.reach) - self.grace
        met = sorted([r for r in other if r[1] == key and at - back <= r[0] <= at + ahead and r[0] > oldest], key=lambda r: r[0])
        for time, _, found in met:
            self.waiting = [w for w in self.waiting if w[:3] != (time, side, key)]
            self.emit(key, max(at, time), *((value, found) if side == 0 else (found, value)))
        own.append((at, key, value))
        if not met and keeps(self.kind, side):
            if at + ahead + self.grace < self.now:
                self.alone(side, key, at, value)
            else:
                self.waiting.append((at, 1 - side, key, value))
                self.looked = min(self.looked, at)

    def leave(self, side: int) -> None:
        if self.looked + self.reach[side] + self.grace >= self.now:
            return
        self.looked = float("inf")
        open_sides: set[int] = set()
        for row in sorted(self.waiting, key=lambda w: w[:3]):
            self.looked = row[0]
            if len(open_sides) == 2:
                break
            if row[0] + self.reach[1 - row[1]] + self.grace >= self.now:
                open_sides.add(row[1])
                continue
            self.waiting.remove(row)
            self.alone(1 - row[1], row[2], row[0], row[3])


records = st.tuples(st.sampled_from("lr"), st.sampled_from(["a", "b", None]), st.none() | st.integers(0, 9), st.integers(0, 60))


@settings(max_examples=300, deadline=None)
@given(st.lists(records | st.just(COMMIT), max_size=50), kinds, st.integers(0, 15), st.integers(0, 15), st.integers(0, 15))
def test_streams_by_key_and_time(steps: Steps, kind: str, before: int, after: int, grace: int) -> None:
    """Every record that leaves, in order."""
    join = {"kind": kind, "before": f"{before}ms", "after": f"{after}ms", "grace": f"{grace}ms", "columns": ["a", "b"]}
    nodes = {"l": {"stream": "l"}, "r": {"stream": "r"}, "j": {"from": ["l", "r"], "stream_join": join}, "out": {"from": "j", "sink": "o"}}
    driver = TopologyTestDriver(topology_of({"topology": "t", "nodes": nodes}), STREAMS)
    naive = Streams(kind, before, after, grace)
    for step in steps:
        if step == COMMIT:
            driver.commit()
        else:
            to, key, value, at = step
            driver.append(to, key=key, value=None if value is None else {"AB"["lr".index(to)]: value}, timestamp=at)
            naive.append("lr".index(to), key, value, at)
    assert [(r.key, r.value, r.timestamp) for r in driver.read_output("o")] == naive.out
    assert driver.dead_letters == []


@quick
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 40)) | st.just(COMMIT), max_size=30))
def test_a_stream_joined_with_itself(steps: Steps) -> None:
    """Each row meets itself, and each pair of rows meets twice."""
    nodes = {"l": {"stream": "l"}, "j": {"from": ["l", "l"], "stream_join": {"within": "10ms", "grace": "1h", "columns": ["left.a AS a", "right.a AS b"]}},
             "out": {"from": "j", "sink": "o"}}
    driver = TopologyTestDriver(topology_of({"topology": "t", "nodes": nodes}), STREAMS)
    rows: list[Any] = []
    wanted = []
    for step in steps:
        if step == COMMIT:
            driver.commit()
            continue
        key, value, at = step
        driver.append("l", key=key, value={"A": value}, timestamp=at)
        near = sorted((r for r in rows if r[0] == key and abs(r[2] - at) <= 10), key=lambda r: r[2])
        wanted += [(key, {"A": value, "B": other}, max(at, t)) for _, other, t in near]
        rows.append(step)
        near = sorted((r for r in rows if r[0] == key and abs(r[2] - at) <= 10), key=lambda r: r[2])
        wanted += [(key, {"A": other, "B": value}, max(at, t)) for _, other, t in near]
    assert [(r.key, r.value, r.timestamp) for r in driver.read_output("o")] == wanted


lefts = st.tuples(st.just("l"), st.sampled_from("abc"), st.none() | st.tuples(st.none() | st.integers(1, 3), st.integers(0, 2)), st.integers(0, 40))
rights = st.tuples(st.just("r"), st.integers(1, 3), st.none() | st.integers(0, 9), st.integers(0, 40))


@quick
@given(st.lists(lefts | rights | st.just(COMMIT), max_size=40), st.sampled_from(["inner", "left"]), st.sampled_from([1, 3]), st.sampled_from(list(Updates)))
def test_a_foreign_key(steps: Steps, kind: str, partitions: int, updates: Updates) -> None:
    """The table at the end, what was sent last of each key, and what is aggregated from it."""
    nodes = {"l": {"table": "l"}, "r": {"table": "r"}, "j": {"from": ["l", "r"], "table_join": {"kind": kind, "foreign_key": "f", "columns": ["a", "b"]}},
             "out": {"from": "j", "sink": "o"}, "g": {"from": "j", "group_by": "b"}, "sums": {"from": "g", "aggregate": {"N": "COUNT(*)"}}}
    driver = TopologyTestDriver(topology_of({"topology": "t", "nodes": nodes}), REFERRING, partitions=partitions, updates=updates)
    left: dict[str, Any] = {}
    right: dict[int, Any] = {}
    for step in steps:
        if step == COMMIT:
            driver.commit()
            continue
        to, key, value, at = step
        row = None if value is None else {"F": value[0], "A": value[1]} if to == "l" else {"B": value}
        driver.append(to, key=key, value=row, timestamp=at)
        (left if to == "l" else right)[key] = value
    wanted = {}
    for key, value in left.items():
        if value is not None and (kind == "left" or right.get(value[0]) is not None):
            wanted[key] = (value[1], right.get(value[0]))
    assert {row.key[0]: row.values for row in driver.read_store("j")} == wanted
    last = {r.key: r.value for r in driver.read_output("o")}
    assert {k: (v["A"], v["B"]) for k, v in last.items() if v is not None} == wanted
    counts: dict[Any, int] = {}
    for _, b in wanted.values():
        if b is not None:
            counts[b] = counts.get(b, 0) + 1
    assert {row.key[0]: row.values[0] for row in driver.read_store("sums") if row.values[0]} == counts
    assert driver.dead_letters == []
