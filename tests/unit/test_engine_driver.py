"""What cases cannot say: windowed relations of other topologies, failing policies, the state's own failures, restored stream times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import penstock.planner
import pytest
from penstock.clock import ManualClock
from penstock.engine.compile import compile_sub
from penstock.engine.port import BadRecord, Bindings
from penstock.engine.rowview import row_view
from penstock.errors import RequestError, StateError
from penstock.plan.nodes import RelationKind, Sink
from penstock.plan.relations import RelationInfo
from penstock.plan.resolved import Updates
from penstock.planner.definition import load_documents, relation_of, topology_of
from penstock.state.memory import MemoryTaskState
from penstock.testing import TopologyTestDriver
from penstock.testing.driver import TopicRows
from penstock.testing.records import DriverRecord
from penstock.testing.relations import relation_info
from penstock_client.gen.penstock.v1 import relation_pb2

STREAM = relation_info(relation_of({"stream": "s", "columns": ["K STRING KEY", "V BIGINT"]}))
COUNT = {"s": {"stream": "s"}, "g": {"from": "s", "group_by": "k"}, "a": {"from": "g", "aggregate": {"N": "COUNT(*)"}},
         "out": {"from": "a", "sink": "o"}}
TUMBLING = {**COUNT, "a": {"from": "g", "aggregate": {"N": "COUNT(*)"}, "window": {"tumbling": "50ms", "grace": "0ms", "retention": "1h"}}}


def topology(nodes: dict[str, Any]) -> Any:
    return topology_of({"topology": "t", "nodes": nodes})


def windowed(driver: TopologyTestDriver) -> RelationInfo:
    """The sink of a windowed topology, as another topology sees it."""
    sink = next(n for sub in driver.plan.subs for n in sub.nodes if isinstance(n, Sink))
    assert sink.topic.window is not None
    return RelationInfo(sink.relation, RelationKind.TABLE, sink.schema, sink.topic, sink.window)


def test_a_windowed_table_of_another_topology_keeps_its_windows() -> None:
    first = TopologyTestDriver(topology(TUMBLING), [STREAM], updates=Updates.EVERY)
    for at in (10, 20, 60):
        first.append("s", key="a", value={"V": 1}, timestamp=at)
    info = windowed(first)
    second = TopologyTestDriver(topology({"t": {"table": "o"}, "f": {"from": "t", "select": ["n", "windowstart AS ws", "k AS kk"]},
                                          "out": {"from": "f", "sink": "p"}}), [info])
    for record in first.read_output("o"):
        second.append("o", key=record.key, value=record.value, timestamp=record.timestamp, window_start=record.window_start)
    written = [(r.key, r.window_start, r.value) for r in second.read_output("p")]
    assert written == [("a", 0, {"N": 1, "WS": 0, "KK": "a"}), ("a", 0, {"N": 2, "WS": 0, "KK": "a"}), ("a", 50, {"N": 1, "WS": 50, "KK": "a"})]
    assert [(r.key, r.window_start, r.window_end, r.values) for r in second.read_store("t")] == [(("a",), 0, 50, (2,)), (("a",), 50, 100, (1,))]
    assert [(r.window_start, r.values) for r in second.read_store("p")] == [(0, (2, 0, "a")), (50, (1, 50, "a"))]


def test_a_row_view_encodes_the_key_that_the_store_has() -> None:
    driver = TopologyTestDriver(topology(COUNT), [STREAM])
    driver.append("s", key="ä", value={"V": 1}, timestamp=7)
    driver.commit()
    found = next(p for p in driver.plan.published if p.name == "o")
    view = row_view(driver.plan, found)
    value = driver._tasks[0].state.store("a").get(view.encode_key(["ä"]))
    assert value is not None
    assert view.decode("ä".encode(), value) == (("ä",), None, None, (1,), 7)
    assert [c.name for c in view.schema.key] == ["K"]


def bound(nodes: dict[str, Any], updates: Updates, bad: Any) -> tuple[Any, dict[str, TopicRows], MemoryTaskState]:
    plan = TopologyTestDriver(topology(nodes), [STREAM], updates=updates).plan
    (sub,) = plan.subs
    state = MemoryTaskState(sub.stores)
    outputs = {n.topic.topic: TopicRows(n.topic.topic) for n in sub.nodes if isinstance(n, Sink)}
    program = compile_sub(sub, replace(plan.settings, updates=updates), Bindings(
        "t", 3, {s.name: state.store(s.name) for s in sub.stores}, outputs, bad, lambda n, e: None, lambda n: None, ManualClock()))
    return program, outputs, state


def test_what_the_bad_record_hook_raises_stops_the_run_as_it_is() -> None:
    class Stop(Exception):
        pass

    seen: list[BadRecord] = []

    def fail(bad: BadRecord) -> None:
        seen.append(bad)
        raise Stop(bad.reason)

    program, outputs, _ = bound({"s": {"stream": "s"}, "out": {"from": "s", "sink": "o"}}, Updates.EVERY, fail)
    with pytest.raises(Stop, match="malformed"):
        program.run("s", [DriverRecord(0, 5, b"a", b"{", ()), DriverRecord(1, 5, b"a", b"{}", ())])
    assert len(seen) == 1 and (seen[0].node, seen[0].topic, seen[0].partition) == ("s", "s", 3)
    assert outputs["o"].rows == []


def test_a_failing_store_is_not_the_records_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, key: bytes) -> None:
        raise StateError("disk is gone")

    monkeypatch.setattr("penstock.state.cache.CachedStore.load", broken)
    bad: list[BadRecord] = []
    program, _, _ = bound(COUNT, Updates.EVERY, bad.append)
    with pytest.raises(StateError, match="disk is gone"):
        program.run("s", [DriverRecord(0, 5, b"a", b'{"V":1}', ())])
    assert bad == []


def test_stream_time_is_restored() -> None:
    program, outputs, state = bound(TUMBLING, Updates.EVERY, print)
    program.run("s", [DriverRecord(0, 120, b"a", b'{"V":1}', ())])
    assert program.scalars() == {"a": 120}
    again, outputs, _ = bound(TUMBLING, Updates.EVERY, print)
    again.restore_scalars({"a": 120})
    again.run("s", [DriverRecord(1, 60, b"a", b'{"V":1}', ())])
    assert outputs["o"].rows == []


def test_a_flush_goes_on_where_its_deadline_stopped_it() -> None:
    program, outputs, _ = bound(COUNT, Updates.LATEST_PER_COMMIT, print)
    program.run("s", [DriverRecord(i, i, b"%d" % i, b'{"V":1}', ()) for i in range(1000)])
    assert outputs["o"].rows == []
    calls = 1
    while not program.flush(0.0):
        calls += 1
    assert calls > 2
    assert sorted(row[0] for row in outputs["o"].rows) == sorted(b"%d" % i for i in range(1000))  # type: ignore[type-var]
    assert program.flush(0.0)


def test_generated_code_does_not_depend_on_the_partition_nor_on_odd_names() -> None:
    odd = relation_info(relation_of({"stream": "s", "columns": ["`class` STRING KEY", "`key` BIGINT", "`None` BIGINT", "`a b` BIGINT"]}))
    driver = TopologyTestDriver(topology({
        "s": {"stream": "s"}, "f": {"from": "s", "select": ["`key` + `None` AS `r`", "`a b` AS `ts`", "`class` AS `if`"]},
        "out": {"from": "f", "sink": "o"}}), [odd])
    driver.append("s", key="k", value={"key": 1, "None": 2, "a b": 3}, timestamp=1)
    assert [(r.key, r.value) for r in driver.read_output("o")] == [("k", {"r": 3, "ts": 3, "if": "k"})]


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    driver = TopologyTestDriver(topology(COUNT), [STREAM])
    with pytest.raises(RequestError, match="there are: o, s"):
        driver.append("nothing", key="a", value={})
    with pytest.raises(RequestError, match="no column X"):
        driver.append("s", key="a", value={"X": 1})
    with pytest.raises(RequestError, match="no table s"):
        driver.read_store("s")


EXAMPLES = sorted((Path(penstock.planner.__file__).parents[1] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("file", EXAMPLES, ids=[f.stem for f in EXAMPLES])
def test_the_examples_compile(file: Path) -> None:
    documents = load_documents(file.read_text(encoding="utf-8"))
    relations = [relation_info(d) for d in documents if isinstance(d, relation_pb2.Relation)]
    definitions = [d for d in documents if not isinstance(d, relation_pb2.Relation)]
    assert definitions
    for definition in definitions:
        driver = TopologyTestDriver(definition, relations)
        assert all("def read_" in source for source in driver.sources.values())
