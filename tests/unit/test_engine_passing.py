"""Deduplicate against a few lines of Python that say what it does, and what Peek shows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.planner.definition import relation_of
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.relations import relation_info

EVENTS = [relation_info(relation_of({"stream": "events", "columns": ["ID STRING KEY", "KIND STRING", "N INT"]}))]


def reference(records: list[tuple[str | None, int]], within: int, grace: int) -> tuple[list[tuple[str | None, int]], int]:
    """(what passes, how many are late): a record is dropped if one of its key that passed is no further than `within` from it."""
    passed: list[tuple[str | None, int]] = []
    late, newest = 0, -1
    for key, at in records:
        if key is not None:
            newest = max(newest, at)
            if at < newest - grace:
                late += 1
                continue
            if any(k == key and abs(t - at) <= within for k, t in passed):
                continue
        passed.append((key, at))
    return passed, late


RECORDS = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 60)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(RECORDS, st.integers(0, 20), st.integers(0, 30), st.sets(st.integers(0, 39), max_size=5))
def test_deduplicate_is_as_the_reference(records: list[tuple[str | None, int]], within: int, grace: int, commits: set[int]) -> None:
    nodes = f"topology: t\nnodes:\n  events: {{stream: events}}\n  once: {{from: events, deduplicate: {{within: {within}ms, grace: {grace}ms}}}}\n" \
            "  out: {from: once, sink: once_out}"
    driver = TopologyTestDriver(nodes, EVENTS)
    for number, (key, at) in enumerate(records):
        driver.append("events", key=key, value={"N": number}, timestamp=at)
        if number in commits:
            driver.commit()
    passed, late = reference(records, within, grace)
    assert [(r.key, r.timestamp) for r in driver.read_output("once_out")] == passed
    assert len(driver.late) == late and not driver.dead_letters


def test_peek_shows_the_first_row_of_a_chunk_as_often_as_the_clock_allows() -> None:
    driver = TopologyTestDriver("topology: t\nnodes:\n  events: {stream: events}\n  seen: {from: events, peek: {columns: [id, 'N * 2 AS twice'], "
                                "max_per_second: 2}}\n  out: {from: seen, sink: out}", EVENTS)
    for n in range(4):
        driver.append("events", key="a", value={"N": n}, timestamp=n)
    driver.advance_time(1000)
    driver.append("events", key="b", timestamp=9)
    assert driver.peeked == [("seen", {"ID": "a", "TWICE": 0}), ("seen", {"ID": "a", "TWICE": 2}), ("seen", {"ID": "b", "TWICE": None})]
    assert len(driver.read_output("out")) == 5


def test_peek_without_columns_shows_them_all() -> None:
    driver = TopologyTestDriver("topology: t\nnodes:\n  events: {stream: events}\n  seen: {from: events, peek: {}}\n  out: {from: seen, sink: out}", EVENTS)
    driver.append("events", key="a", value={"N": 1}, timestamp=7)
    assert driver.peeked == [("seen", {"ID": "a", "KIND": None, "N": 1, "ROWTIME": 7})]
