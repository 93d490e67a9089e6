"""The registry over the embedded log, and what may be done to the catalog."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from penstock.catalog import changes, codec, internal, register
from penstock.catalog.port import Desired, RelationEntry
from penstock.catalog.registry import open_registry
from penstock.catalog.view import CatalogRelations, find, resolve, topology
from penstock.clock import SystemClock
from penstock.errors import RequestError
from penstock.log.embedded import open_embedded
from penstock.log.port import Log, TopicConfig
from penstock.plan.nodes import Format, RelationKind, TopicRef
from penstock.plan.relations import Relations
from penstock.plan.resolved import ResolvedPlan
from penstock.planner import plan_topology
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import DOUBLE, STRING
from penstock_client.builder import Topology
from penstock_client.gen.penstock.v1 import topology_pb2

STREAM = RelationEntry(
    "Purchases", RelationKind.STREAM, Schema((Column("CUSTOMER", STRING, Role.KEY), Column("PRICE", DOUBLE))),
    TopicRef("purchases", 2, Format("KAFKA"), Format("JSON")), None, "", 0,
)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    opened = await open_embedded(tmp_path / "log", process="test")
    await opened.create_topic("purchases", TopicConfig(2))
    yield opened
    await opened.close()


def counting(name: str = "counts", relation: str = "purchases") -> topology_pb2.Topology:
    t = Topology(name)
    t.stream(relation).group_by("CUSTOMER").aggregate(N="COUNT(*)").to(f"{name}_table")
    return t.message()


async def _as_planned(plan: ResolvedPlan) -> ResolvedPlan:
    """These sources begin at the beginning."""
    return plan


async def registered(log: Log, registry: object, definition: topology_pb2.Topology, planned: list[str] | None = None) -> object:
    def plan_on(relations: Relations, incarnation: int) -> ResolvedPlan:
        if planned is not None:
            planned.append(definition.name)
        return plan_topology(definition, relations, service_id="s", incarnation=incarnation)

    return await register.register(log, registry, definition.name, definition.SerializeToString(deterministic=True), plan_on,  # type: ignore[arg-type]
                                   _as_planned, SystemClock())


async def test_two_processes_agree_and_a_third_reads_it_all(log: Log) -> None:
    a, b = await open_registry(log, "s"), await open_registry(log, "s")
    await a.change(lambda s: changes.declare(s, STREAM))
    await asyncio.gather(*(r.change(lambda s, n=n: [*changes.declare(s, RelationEntry(f"r{n}", *_rest(STREAM)))])
                           for n, r in enumerate([a, b] * 5)))
    assert await b.changed(0, 1.0)
    c = await open_registry(log, "s")
    assert (await a.refresh()).relations == (await b.refresh()).relations == c.state.relations
    epochs = [r.epoch for r in c.state.relations.values()]
    assert len(epochs) == 11 == len(set(epochs))
    for r in (a, b, c):
        await r.close()


def _rest(entry: RelationEntry) -> tuple[object, ...]:
    return entry.kind, entry.schema, entry.topic, entry.window, entry.owner_topology, 0


async def test_life_of_a_topology(log: Log) -> None:
    registry = await open_registry(log, "s")
    await registry.change(lambda s: changes.declare(s, STREAM))
    entry = await registered(log, registry, counting())
    assert await registered(log, registry, counting()) == entry, "an equal definition is answered as the first time"
    state = registry.state
    assert find(state, "COUNTS_TABLE") is not None and find(state, "counts.nothing") is None
    assert resolve(state, "counts.dead_letter").kind is RelationKind.STREAM
    assert set(await log.topics()) >= {t.topic for t in entry.plan.internal} | {"counts_table"}  # type: ignore[attr-defined]

    with pytest.raises(RequestError) as refused:
        await registry.change(lambda s: changes.drop(s, "purchases"))
    assert refused.value.reason == "RELATION_IN_USE" and refused.value.metadata["readers"] == "counts"
    other = counting()
    other.nodes[0].name = other.nodes[0].name + "x"
    other.nodes[1].inputs[0] = other.nodes[0].name
    with pytest.raises(RequestError) as refused:
        await registered(log, registry, other)
    assert refused.value.reason == "NAME_TAKEN"

    with pytest.raises(RequestError) as refused:
        await register.reset(log, registry, "counts", _plan(counting()), _as_planned, "")
    assert refused.value.reason == "TOPOLOGY_NOT_PAUSED"
    await registry.change(lambda s: changes.set_desired(s, "counts", Desired.PAUSED))
    again = await register.reset(log, registry, "Counts", _plan(counting()), _as_planned, "")
    assert again.incarnation > entry.incarnation and again.version == 2 and again.desired is Desired.PAUSED  # type: ignore[attr-defined]
    gone = {t.topic for t in entry.plan.internal}  # type: ignore[attr-defined]
    assert not gone & set(await log.topics())
    assert resolve(registry.state, "counts_table").epoch == again.incarnation

    with pytest.raises(RequestError) as refused:
        await register.delete(log, registry, "counts", "wrong", False)
    assert refused.value.reason == "ETAG_MISMATCH"
    await register.delete(log, registry, "counts", changes.etag_of(again), True)
    assert find(registry.state, "counts_table") is None
    assert set(await log.topics()) == {"purchases", "s-registry"}
    await registry.change(lambda s: changes.drop(s, "purchases"))
    assert not registry.state.relations
    await registry.close()


def _plan(definition: topology_pb2.Topology) -> register.Plan:
    return lambda relations, n: plan_topology(definition, relations, service_id="s", incarnation=n)


async def test_a_refused_topology_creates_nothing(log: Log) -> None:
    registry = await open_registry(log, "s")
    before = set(await log.topics())
    with pytest.raises(RequestError) as refused:
        await registered(log, registry, counting(relation="purchasse"))
    assert refused.value.reason == "UNKNOWN_RELATION"
    assert set(await log.topics()) == before and not registry.state.topologies
    await registry.close()


async def test_declarations(log: Log) -> None:
    registry = await open_registry(log, "s")
    state = await registry.change(lambda s: changes.declare(s, STREAM))
    assert changes.declare(state, STREAM) == []
    with pytest.raises(RequestError) as refused:
        changes.declare(state, RelationEntry("PURCHASES", RelationKind.TABLE, *_rest(STREAM)[1:]))
    assert refused.value.reason == "NAME_TAKEN"
    with pytest.raises(RequestError) as refused:
        resolve(state, "purchase")
    assert refused.value.reason == "UNKNOWN_RELATION" and refused.value.metadata["candidates"] == "Purchases"
    relations = CatalogRelations(state, await log.topics())
    assert relations.topic_partitions("purchases") == 2 and relations.topic_partitions("nothing") is None
    await registry.close()


async def test_an_entry_of_a_newer_version_is_refused_and_nothing_else(log: Log) -> None:
    registry = await open_registry(log, "s")
    await registry.change(lambda s: changes.declare(s, STREAM))
    await registered(log, registry, counting("counts"))
    await registered(log, registry, counting("others"))
    key, value = codec.encode(registry.state.topologies["counts"])
    assert value is not None
    batch = log.builder()
    for k, v in ((key, b"\xff" + value[1:]), (b"view:later", b"\x01"), (b"relation:strange", b"\xff")):
        batch.append(0, k, v, ())
    await log.append("s-registry", 0, batch)
    state = await registry.refresh()
    assert set(state.topologies) == {"others"} and set(state.unreadable) == {"topology:counts", "view:later", "relation:strange"}
    for refused in (lambda: topology(state, "Counts"), lambda: resolve(state, "counts.agg"), lambda: resolve(state, "strange"),
                    lambda: changes.declare(state, replace(STREAM, name="Strange")), lambda: changes.drop(state, "Purchases")):
        with pytest.raises(RequestError) as error:
            refused()
        assert error.value.reason == "UNSUPPORTED" and "newer version" in error.value.message, error.value
    await registry.change(lambda s: changes.set_desired(s, "others", Desired.PAUSED))
    assert registry.state.topologies["others"].desired is Desired.PAUSED
    batch = log.builder()
    batch.append(0, key, value, ())
    await log.append("s-registry", 0, batch)
    assert set((await registry.refresh()).topologies) == {"counts", "others"}
    await registry.close()


async def test_nodes_that_register_the_same_at_once_leave_its_topics_alone(log: Log) -> None:
    """The one that loses must not take back what the other one has made under the same name."""
    registries = [await open_registry(log, "s") for _ in range(3)]
    await registries[0].change(lambda s: changes.declare(s, STREAM))
    for _ in range(5):
        await asyncio.gather(*(registered(log, r, counting("same")) for r in registries))
        for r in registries:
            entry = (await r.refresh()).topologies["same"]
            assert set(internal.made_with(entry.plan)) <= set(await log.topics())
        await register.delete(log, registries[0], "same", "", False)
    for r in registries:
        await r.close()


async def test_registrations_and_declarations_at_one_node_make_nothing_in_vain(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = await open_registry(log, "s")
    await registry.change(lambda s: changes.declare(s, STREAM))
    made: list[str] = []
    planned: list[str] = []
    create = log.create_topic

    async def slow(topic: str, config: TopicConfig) -> None:
        made.append(topic)
        await asyncio.sleep(0.02)
        await create(topic, config)

    async def client(n: int) -> None:
        for name in (f"{n}a", f"{n}b"):
            await registry.change(lambda s, name=name: changes.declare(s, replace(STREAM, name=f"s{name}")))
            await registered(log, registry, counting(f"t{name}"), planned)

    monkeypatch.setattr(log, "create_topic", slow)
    await asyncio.gather(*(client(n) for n in range(4)))
    assert len(registry.state.topologies) == 8 and set(made) <= set(await log.topics()), made
    assert max(Counter(planned).values()) <= 2, "who has lost once is next"
    await registry.close()
