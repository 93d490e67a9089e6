"""Joins through the compiled code, against naive recounts in plain Python; any commits in between."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.plan.resolved import Updates
from penstock.planner.definition import relation_of, topology_of
from penstock.testing import TopologyTestDriver
from penstock.testing.relations import relation_info

TABLES = [relation_info(relation_of(r)) for r in (
    {"table": "l", "columns": ["K STRING KEY", "A BIGINT"]}, {"table": "r", "columns": ["K STRING KEY", "B BIGINT"]})]
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
