"""The backup of a registry: a file that says when it is damaged, and a restore that gives no incarnation twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from penstock.catalog import backup, changes
from penstock.catalog.port import Desired, RelationEntry, TypeEntry
from penstock.catalog.registry import TopicRegistry, open_registry
from penstock.catalog.restore import decide, restore
from penstock.catalog.schema_topic import TopicSchemas, open_schema_topic
from penstock.errors import RequestError
from penstock.log.embedded import open_embedded
from penstock.log.port import Log, TopicConfig
from penstock.plan.nodes import Format, RelationKind, TopicRef
from penstock.plan.resolved import ResolvedPlan
from penstock.planner import plan_topology
from penstock.testing.relations import FixedRelations, relation_info
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import STRING
from penstock_client.builder import Topology
from penstock_client.gen.penstock.v1 import relation_pb2

ORDERS = RelationEntry("orders", RelationKind.STREAM, Schema((Column("K", STRING, Role.KEY),)), TopicRef("orders", 2, Format("KAFKA"), Format("JSON")),
                       None, "", 0)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    opened = await open_embedded(tmp_path / "log", process="test")
    await opened.create_topic("orders", TopicConfig(2))
    yield opened
    await opened.close()


def plan(name: str, incarnation: int) -> ResolvedPlan:
    declared = relation_pb2.Relation(name="orders", kind=relation_pb2.RELATION_KIND_STREAM)
    column = declared.schema.columns.add(name="K", role="COLUMN_ROLE_KEY")
    column.type.sql = "STRING"
    made = Topology(name)
    made.stream("orders").group_by("K").aggregate(N="COUNT(*)").to(f"{name}_table")
    return plan_topology(made.message(), FixedRelations([relation_info(declared)]), service_id="s", incarnation=incarnation, default_partitions=1)


async def fill(registry: TopicRegistry) -> None:
    await registry.change(lambda s: changes.declare(s, ORDERS))
    await registry.change(lambda s: changes.register(s, "kept", b"", plan("kept", s.position), 1))
    await registry.change(lambda s: [TypeEntry("T", STRING)])
    await registry.change(lambda s: changes.register(s, "push", b"", plan("push", s.position), 1, changes.Made(transient="node")))


async def test_a_registry_comes_back_as_it_was(log: Log) -> None:
    old = await open_registry(log, "s")
    schemas = TopicSchemas(await open_schema_topic(log, "s"))
    await fill(old)
    await schemas.deciding(lambda s: s.register("orders-value", "AVRO", '"string"')[1])
    before = old.state
    file = backup.write(backup.backup_of("s", before, schemas.subjects, 1_000))
    assert backup.write(backup.read(file)) == file and b'"kept"' not in file.splitlines()[0]
    # the registry is lost; a topology that was registered after the backup has left a topic
    await log.create_topic("s-later-90-c-changelog", TopicConfig(1))
    await old.close()
    await schemas.close()
    await log.delete_topics(["s-registry", "s-schemas"])
    new, empty = await open_registry(log, "s"), TopicSchemas(await open_schema_topic(log, "s"))
    try:
        said = await restore(log, new, empty, "s", backup.read(file), False, True)
        assert new.state.position == 0 and said.topologies == ("kept",) and said.relations == ("kept_table", "orders")
        assert set(said.missing) >= {"kept_table"} and "orders" not in said.missing
        await restore(log, new, empty, "s", backup.read(file), False, False)
        assert new.state.topologies == {"kept": before.topologies["kept"]}
        assert new.state.relations == {k: before.relations[k] for k in ("orders", "kept_table")} and new.state.types == before.types
        assert new.state.position >= 91
        assert empty.subjects.versions == schemas.subjects.versions
        with pytest.raises(RequestError, match="1 topologies, 2 relations, 1 types, 1 schemas") as refused:
            await restore(log, new, empty, "s", backup.read(file), False, False)
        assert refused.value.reason == "REGISTRY_NOT_EMPTY"
        await new.change(lambda s: changes.set_desired(s, "kept", Desired.PAUSED))
        await new.change(lambda s: changes.register(s, "extra", b"", plan("extra", s.position), 1))
        await empty.deciding(lambda s: s.register("extra-value", "AVRO", '"int"')[1])
        replaced = await restore(log, new, empty, "s", backup.read(file), True, False)
        assert replaced.forgotten == ("extra", "extra_table")
        assert new.state.topologies == {"kept": before.topologies["kept"]} and set(empty.subjects.versions) == {"orders-value"}
    finally:
        await new.close()
        await empty.close()


async def test_a_file_that_cannot_be_trusted_is_refused(log: Log) -> None:
    registry = await open_registry(log, "s")
    try:
        await fill(registry)
        file = backup.write(backup.backup_of("s", registry.state, None, 1_000))
        for data, said in ((file[:-20], "check sum"), (file.replace(b"orders", b"0rders", 1), "check sum"), (b"", "first line is no JSON"),
                           (b"{}\n", "no backup"), (file.replace(b'"version": 1', b'"version": 2', 1), "of version 2")):
            with pytest.raises(RequestError, match=said):
                backup.read(data)
        half = replace(registry.state, unreadable={"topology:new": "version 02"})
        for half_done in (lambda: backup.backup_of("s", half, None, 1), lambda: decide(backup.read(file), "s", half, None, (), True)):
            with pytest.raises(RequestError, match="cannot read all of it.* topology:new"):
                half_done()
        with pytest.raises(RequestError, match="is of service s, this one is other"):
            await restore(log, registry, None, "other", backup.read(file), True, False)
    finally:
        await registry.close()


def test_parts_are_bounded() -> None:
    assert list(backup.in_parts([(3, "a"), (3, "b"), (9, "c"), (1, "d"), (5, "e")], 6)) == [["a", "b"], ["c"], ["d", "e"]]
