"""Random inputs through the compiled code, against recounts of all of them at once in plain Python; any commits in between."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.engine.merge import merge_by_timestamp
from penstock.engine.windows.tumbling import accepts, start_of
from penstock.errors import ExpressionError
from penstock.expr.aggregates import NAMES
from penstock.plan.resolved import Updates
from penstock.planner.definition import relation_of
from penstock.testing import TopologyTestDriver
from penstock.testing.records import DriverRecord
from penstock.testing.relations import relation_info

RELATIONS = [relation_info(relation_of(r)) for r in (
    {"stream": "s", "columns": ["K STRING KEY", "G STRING", "V BIGINT"]},
    {"table": "t", "columns": ["K STRING KEY", "G STRING", "V BIGINT"]})]
COMMIT = "commit"
keys = st.sampled_from(["a", "b", "c", None])
groups = st.sampled_from(["x", "y", "z", None])
rows = st.none() | st.fixed_dictionaries({"G": groups, "V": st.none() | st.integers(-5, 5)})
records = st.tuples(keys, rows, st.integers(0, 300))
steps = st.lists(records | st.just(COMMIT), max_size=40)
modes = st.sampled_from(list(Updates))
Steps = list[Any]

AGGREGATES = {"N": "COUNT(*)", "C": "COUNT(v)", "S": "SUM(v)"}
quick = settings(max_examples=60, deadline=None)


def run(nodes: dict[str, Any], given_steps: Steps, updates: Updates, to: str = "s") -> TopologyTestDriver:
    from penstock.planner.definition import topology_of

    driver = TopologyTestDriver(topology_of({"topology": "t", "nodes": nodes}), RELATIONS, updates=updates)
    for step in given_steps:
        if step == COMMIT:
            driver.commit()
        else:
            key, value, at = step
            driver.append(to, key=key, value=value, timestamp=at)
    assert driver.dead_letters == []
    return driver


def table(driver: TopologyTestDriver, name: str) -> dict[Any, Any]:
    """Key (with the window's start) -> (values, time)."""
    return {(*row.key, *([] if row.window_start is None else [row.window_start])): (row.values, row.timestamp)
            for row in driver.read_store(name)}


def last_sent(driver: TopologyTestDriver, name: str) -> dict[Any, Any]:
    """What somebody who keeps the last record of each key of an output holds."""
    kept: dict[Any, Any] = {}
    for record in driver.read_output(name):
        kept[(record.key, *([] if record.window_start is None else [record.window_start]))] = (
            None if record.value is None else (tuple(record.value.values()), record.timestamp))  # type: ignore[attr-defined]
    return {k: v for k, v in kept.items() if v is not None}


def folded(members: list[tuple[Any, int]]) -> Any:
    """The naive aggregate of (value, time) pairs."""
    there = [v for v, _ in members if v is not None]
    return (len(members), len(there), sum(there)), max(at for _, at in members)


@quick
@given(steps, modes)
def test_groups_of_a_stream(given_steps: Steps, updates: Updates) -> None:
    driver = run({"s": {"stream": "s"}, "g": {"from": "s", "group_by": "g"}, "a": {"from": "g", "aggregate": AGGREGATES},
                  "out": {"from": "a", "sink": "o"}}, given_steps, updates)
    expected: dict[Any, Any] = defaultdict(list)
    for _, value, at in (s for s in given_steps if s != COMMIT):
        if value is not None and value["G"] is not None:
            expected[(value["G"],)].append((value["V"], at))
    wanted = {k: folded(v) for k, v in expected.items()}
    assert table(driver, "a") == wanted
    assert last_sent(driver, "o") == wanted


@quick
@given(steps, modes, st.integers(0, 120))
def test_tumbling_windows(given_steps: Steps, updates: Updates, grace: int) -> None:
    driver = run({"s": {"stream": "s"}, "g": {"from": "s", "group_by": "k"},
                  "a": {"from": "g", "aggregate": AGGREGATES, "window": {"tumbling": "50ms", "grace": f"{grace}ms", "retention": "1h"}},
                  "out": {"from": "a", "sink": "o"}}, given_steps, updates)
    expected: dict[Any, Any] = defaultdict(list)
    stream_time, late = -1, 0
    for key, value, at in (s for s in given_steps if s != COMMIT):
        if key is None:
            continue
        stream_time = max(stream_time, at)
        start = at // 50 * 50
        assert start_of(at, 50) == start
        assert accepts(start, 50, grace, stream_time) == (start + 50 > stream_time - grace)
        if start + 50 > stream_time - grace:
            expected[(key, start)].append((None if value is None else value["V"], at))
        else:
            late += 1
    wanted = {k: folded(v) for k, v in expected.items()}
    assert table(driver, "a") == wanted
    assert last_sent(driver, "o") == wanted
    assert len(driver.late) == late


@quick
@given(steps, modes)
def test_groups_of_a_table(given_steps: Steps, updates: Updates) -> None:
    """Undo: whatever moved between groups, the aggregate is that of the table's rows as they are now."""
    driver = run({"t": {"table": "t"}, "f": {"from": "t", "filter": "v IS NULL OR v > -3"}, "g": {"from": "f", "group_by": "g"},
                  "a": {"from": "g", "aggregate": AGGREGATES}, "out": {"from": "a", "sink": "o"}}, given_steps, updates, to="t")
    present: dict[str, Any] = {}
    seen = set()
    for key, value, _ in (s for s in given_steps if s != COMMIT):
        if key is not None:
            present[key] = value
            if value is not None and value["G"] is not None and (value["V"] is None or value["V"] > -3):
                seen.add(value["G"])
    members: dict[Any, Any] = {g: [] for g in seen}
    for value in present.values():
        if value is not None and value["G"] is not None and (value["V"] is None or value["V"] > -3):
            members[value["G"]].append(value["V"])
    wanted = {(g,): (len(vs), len([v for v in vs if v is not None]), sum(v for v in vs if v is not None)) for g, vs in members.items()}
    assert {k: v for k, (v, _) in table(driver, "a").items()} == wanted
    assert {k: v for k, (v, _) in last_sent(driver, "o").items()} == wanted


UNDONE = {"COUNT": "COUNT(v)", "SUM": "SUM(v)", "AVG": "AVG(v)", "COLLECT_LIST": "COLLECT_LIST(v)", "STDDEV_SAMP": "STDDEV_SAMP(v)",
          "STDDEV_SAMPLE": "STDDEV_SAMPLE(v)", "ATTR": "ATTR(v)", "HISTOGRAM": "HISTOGRAM(k)", "SUM_LIST": "SUM_LIST(ARRAY[v, 1])",
          "CORRELATION": "CORRELATION(CAST(v AS DOUBLE), CAST(v * v AS DOUBLE))"}
NOT_UNDONE = {"MIN": "MIN(v)", "MAX": "MAX(v)", "TOPK": "TOPK(v, 2)", "TOPKDISTINCT": "TOPKDISTINCT(v, 2)", "COLLECT_SET": "COLLECT_SET(v)",
              "COUNT_DISTINCT": "COUNT_DISTINCT(v)", "LATEST_BY_OFFSET": "LATEST_BY_OFFSET(v)", "EARLIEST_BY_OFFSET": "EARLIEST_BY_OFFSET(v)"}


@quick
@given(steps, modes)
def test_every_function_with_an_undo_gives_for_a_table_what_its_rows_give_as_a_stream(given_steps: Steps, updates: Updates) -> None:
    nodes = {"t": {"table": "t"}, "s": {"stream": "s"}} | {
        name: node for source in "ts" for name, node in (
            (f"by_{source}", {"from": source, "group_by": "g"}), (f"of_{source}", {"from": f"by_{source}", "aggregate": UNDONE}),
            (f"out_{source}", {"from": f"of_{source}", "sink": f"o_{source}"}))}
    driver = run(nodes, given_steps, updates, to="t")
    present = {key: value for key, value, _ in (s for s in given_steps if s != COMMIT) if key is not None}
    for key, value in present.items():
        driver.append("s", key=key, value=value, timestamp=0)
    found, wanted = table(driver, "of_t"), table(driver, "of_s")
    assert wanted.keys() <= found.keys()
    for group, (values, _) in wanted.items():
        for name, one, other in zip(UNDONE, found[group][0], values, strict=True):
            one, other = (sorted(v, key=str) if isinstance(v, list) else v for v in (one, other))
            assert one == (pytest.approx(other, nan_ok=True) if isinstance(other, float) else other), name


@pytest.mark.parametrize("name", NOT_UNDONE)
def test_a_function_without_an_undo_is_refused_for_a_table(name: str) -> None:
    nodes = {"t": {"table": "t"}, "g": {"from": "t", "group_by": "g"}, "a": {"from": "g", "aggregate": {"X": NOT_UNDONE[name]}}}
    with pytest.raises(ExpressionError, match=f"{name}.*cannot be applied to a table source") as refused:
        run(nodes, [], Updates.EVERY, to="t")
    assert (refused.value.reason, refused.value.node) == ("UNSUPPORTED", "a")


def test_no_function_is_left_out() -> None:
    assert NAMES.keys() - {"PRODUCT", "LONGEST_OF"} == UNDONE.keys() | NOT_UNDONE.keys(), "those of tests/plugins aside"


@quick
@given(steps)
def test_a_table_of_an_aggregate_is_the_same_in_both_modes(given_steps: Steps) -> None:
    """An aggregate of an aggregate: how often each count occurs. Groups that are empty may or may not have been seen on the way."""
    nodes = {"s": {"stream": "s"}, "g": {"from": "s", "group_by": "k"}, "a": {"from": "g", "aggregate": {"N": "COUNT(*)"}},
             "h": {"from": "a", "group_by": "n"}, "b": {"from": "h", "aggregate": {"M": "COUNT(*)"}}, "out": {"from": "b", "sink": "o"}}
    counts: dict[str, int] = defaultdict(int)
    for key, value, _ in (s for s in given_steps if s != COMMIT):
        if key is not None and value is not None:
            counts[key] += 1
    wanted: dict[Any, int] = defaultdict(int)
    for n in counts.values():
        wanted[(n,)] += 1
    for updates in Updates:
        driver = run(nodes, given_steps, updates)
        assert {k: v[0] for k, (v, _) in table(driver, "b").items() if v[0]} == dict(wanted)
        assert {k: v[0] for k, (v, _) in last_sent(driver, "o").items() if v[0]} == dict(wanted)


@quick
@given(st.lists(st.tuples(st.booleans(), records), max_size=40), st.sampled_from(["inner", "left"]))
def test_stream_table_join(given_steps: list[Any], kind: str) -> None:
    from penstock.planner.definition import topology_of

    nodes = {"s": {"stream": "s"}, "t": {"table": "t"}, "j": {"from": ["s", "t"], "join": {"kind": kind, "columns": ["s.v AS a", "t.v AS b"]}},
             "out": {"from": "j", "sink": "o"}}
    driver = TopologyTestDriver(topology_of({"topology": "t", "nodes": nodes}), RELATIONS)
    present: dict[str, Any] = {}
    wanted = []
    for to_stream, (key, value, at) in given_steps:
        driver.append("s" if to_stream else "t", key=key, value=value, timestamp=at)
        if to_stream:
            right = present.get(key) if key is not None else None
            if value is not None and (right is not None or kind == "left"):
                wanted.append((key, {"A": value["V"], "B": None if right is None else right["V"]}, at))
        elif key is not None:
            present[key] = value
    assert [(r.key, r.value, r.timestamp) for r in driver.read_output("o")] == wanted


@given(st.lists(st.lists(st.integers(0, 20), max_size=12), max_size=4))
def test_merge_takes_the_lowest_head_and_keeps_each_order(times: list[list[int]]) -> None:
    inputs = [(f"t{i}", [DriverRecord(n, at, None, None) for n, at in enumerate(ts)]) for i, ts in enumerate(times)]
    merged = [(topic, record.offset, record.timestamp) for topic, part in merge_by_timestamp(inputs) for record in part]
    wanted = []
    heads = {topic: list(part) for topic, part in inputs}
    while any(heads.values()):
        topic = min((t for t in heads if heads[t]), key=lambda t: (heads[t][0].timestamp, int(t[1:])))
        record = heads[topic].pop(0)
        wanted.append((topic, record.offset, record.timestamp))
    assert merged == wanted
