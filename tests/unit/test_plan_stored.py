"""Plans as bytes: nothing is lost, older ones stay readable and run as before, newer ones are refused."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penstock.clock import ManualClock
from penstock.engine.compile import compile_sub
from penstock.engine.port import Bindings
from penstock.plan.explain import explain
from penstock.plan.nodes import RemoteCall, RemoteProcessor, Repartition, RoutedSink, Sink, SourceStream, SourceTable
from penstock.plan.resolved import ResolvedPlan, SubTopology
from penstock.plan.stored import VERSION, UnreadablePlan, dumps, loads
from penstock.state.memory import MemoryTaskState
from penstock.testing.driver import TopologyTestDriver
from penstock.types.sqltype import Kind, SqlType

sys.path.insert(0, str(Path(__file__).parent))

from planning import plan

PLANS = Path(__file__).parents[1] / "plans"
STORED = sorted(PLANS.glob("*/*.plan"))


def writer() -> ModuleType:
    """tests/plans/store.py."""
    spec = importlib.util.spec_from_file_location("store_plans", PLANS / "store.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class EmptyRecord:
    """A record without key and value."""

    offset: int = 0
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Rows:
    """An output that keeps rows."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.rows: list[Any] = []


class Routes(Rows):
    """An engine.port.RoutedOutput likewise."""

    def __init__(self, node: str) -> None:
        super().__init__("")
        self.node = node


def compiled(sub: SubTopology, found: ResolvedPlan) -> str:
    """The generated source, bound to memory and run on a record without key and value of each of its sources' topics."""
    specs = (*sub.stores, *sub.global_stores)
    state = MemoryTaskState(specs)
    outputs = {n.topic.topic: Rows(n.topic.topic) for n in sub.nodes if isinstance(n, Sink | Repartition)}
    bad: list[object] = []
    stores = {spec.name: state.store(spec.name) for spec in specs}
    bindings = Bindings(found.topology, 0, stores, outputs, bad.append, lambda node, error: None, lambda node: None, ManualClock(),
                        routed={n.name: Routes(n.name) for n in sub.nodes if isinstance(n, RoutedSink)})
    program = compile_sub(sub, found.settings, bindings)
    program.open()
    for node in sub.nodes:
        if isinstance(node, SourceStream | SourceTable):
            program.run(node.topic.topic, [EmptyRecord()])
    assert not bad
    return program.source


@pytest.mark.parametrize("path", STORED, ids=[f"{p.parent.name}/{p.stem}" for p in STORED])
def test_plans_of_released_versions_are_read_explained_and_compiled(path: Path) -> None:
    found = loads(path.read_bytes())
    assert explain(found) == path.with_suffix(".txt").read_text()
    for sub in (*found.subs, *found.globals):
        assert sub.name in compiled(sub, found)
    assert loads(dumps(found)) == found


def sample(kind: SqlType, random: Random) -> Any:
    """A value of a type, few different ones."""
    match kind.kind:
        case Kind.STRING:
            return random.choice(("a", "b", "ERROR", "2024-01-02", "unknown"))
        case Kind.BOOLEAN:
            return random.random() < 0.5
        case Kind.DOUBLE:
            return random.randint(0, 40) / 4
        case Kind.DECIMAL:
            return Decimal(random.randint(0, 30)).quantize(Decimal(1).scaleb(-kind.scale))
        case Kind.BYTES:
            return b"ab"
        case Kind.TIME:
            return random.randint(0, 86_399) * 1000
        case Kind.ARRAY:
            assert kind.element is not None
            return [sample(kind.element, random) for _ in range(random.randint(0, 2))]
        case Kind.MAP:
            assert kind.element is not None
            return {"k": sample(kind.element, random)}
        case Kind.STRUCT:
            return {name: sample(field, random) for name, field in kind.fields}
        case _:
            return random.randint(0, 5)


def written(found: ResolvedPlan) -> Mapping[str, Any]:
    """What a plan writes to its topics, but for internal ones, and what its tables hold after 200 random records."""
    random, driver = Random(7), TopologyTestDriver(found, partitions=2)
    sources = {topic.topic: n for sub in (*found.globals, *found.subs) for n in sub.nodes if isinstance(n, SourceStream | SourceTable) for topic in n.reads}
    for number in range(200):
        topic, node = random.choice(list(sources.items()))
        key = [sample(c.type, random) for c in node.schema.key] or None
        value = {c.name: sample(c.type, random) for c in node.schema.value}
        driver.append(topic, key=key, value=None if random.random() < 0.05 else value, timestamp=number * 20_000 + random.randint(0, 30_000),
                      headers=(("trace", b"t"),))
    assert len(driver.dead_letters) < 20, driver.dead_letters
    public = [t for t in driver.topics if t not in sources and not t.startswith(f"{found.service_id}-")]
    tables = {p.name: driver.read_store(p.node) for p in found.published if p.store}
    return {**{topic: driver.records(topic) for topic in public}, **tables, "dead letters": driver.dead_letters}


ALONE = [p for p in STORED if not any(isinstance(n, RemoteProcessor | RemoteCall) for sub in loads(p.read_bytes()).subs for n in sub.nodes)]
"""What a remote processor or function makes of rows is its program's affair."""


@pytest.mark.parametrize("path", ALONE, ids=[f"{p.parent.name}/{p.stem}" for p in ALONE])
def test_plans_of_released_versions_run_as_those_of_this_one(path: Path) -> None:
    old, new = written(loads(path.read_bytes())), written(loads(writer().plans()[path.stem][0]))
    assert len([rows for rows in old.values() if rows]) >= len(old) / 2 and old == new


def test_there_are_stored_plans() -> None:
    assert {p.stem for p in STORED} >= {"everything", "purchases", "wordcount"}


def test_every_kind_of_node_is_among_them() -> None:
    import penstock.plan.stored

    kinds = {type(n).__name__ for p in STORED for sub in loads(p.read_bytes()).subs for n in sub.nodes}
    missing = set(penstock.plan.stored.KINDS) - kinds
    assert not missing


def test_this_version_stores_the_same() -> None:
    """Planning the same topology gives the same bytes, so that an equal registration is seen as equal."""
    first, second = writer().plans(), writer().plans()
    assert first == second


def changed(found: ResolvedPlan, change: Mapping[str, Any]) -> bytes:
    """The stored plan with other entries."""
    data = msgspec.msgpack.decode(dumps(found))
    data["plan"] |= change
    return msgspec.msgpack.encode(data)


SMALL = "p: {stream: purchases}\nf: {from: p, filter: PRICE > 1}"


def test_a_plan_without_a_later_field_gets_its_default() -> None:
    data = msgspec.msgpack.decode(dumps(plan(SMALL)))
    del data["plan"]["external"]
    assert loads(msgspec.msgpack.encode(data)).external == ()


@pytest.mark.parametrize("data", [
    b"", b"\xff", msgspec.msgpack.encode({}), msgspec.msgpack.encode([1]), msgspec.msgpack.encode({"version": VERSION + 1, "plan": {}}),
    msgspec.msgpack.encode({"version": VERSION, "plan": {}}), changed(plan(SMALL), {"colour": "red"}),
    changed(plan(SMALL), {"subs": [{"name": "p", "partitions": 1, "nodes": [{"node": "Teleport"}]}]}),
    changed(plan(SMALL), {"settings": {"updates": "SOMETIMES"}}),
])
def test_what_this_version_does_not_know_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadablePlan):
        loads(data)


STEPS = [
    "filter: PRICE > {n}", "select: ['*', PRICE * {n} AS X{i}]", "explode: [EXPLODE(TAGS) AS TAG{i}, PRICE, TAGS]",
    "partition_by: ROWTIME % {n} AS K{i}", "filter: {{where: PRICE IS NULL, negate: true}}",
]
ENDS = [
    "sink: out", "to_table: {{}}", "branch: {{x: PRICE > {n}, default: y}}",
    "group_by: PRICE}}\nb: {{from: a, aggregate: {{N: COUNT(*), S: SUM(PRICE), T: 'TOPK(PRICE, {n})'}}, window: {{tumbling: {n}s}}",
]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(STEPS), max_size=5), st.sampled_from(ENDS), st.integers(1, 99))
def test_any_plan_is_read_back_equal(steps: list[str], end: str, n: int) -> None:
    lines = ["s0: {stream: purchases}"]
    lines += [f"s{i + 1}: {{from: s{i}, {step.format(n=n, i=i)}}}" for i, step in enumerate(steps)]
    found = plan("\n".join([*lines, f"a: {{from: s{len(steps)}, {end.format(n=n, i=0)}}}"]))
    stored = dumps(found)
    assert loads(stored) == found
    assert dumps(loads(stored)) == stored
