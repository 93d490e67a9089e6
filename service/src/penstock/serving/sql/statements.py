"""Statements carried out on a node.

A statement is decided on the registry's newest state (sql/execute.py) and its effect is written only if the registry has not moved since:
otherwise it is decided anew. Topics are made before the entry that needs them is written, and deleted behind it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.catalog import changes, register
from penstock.catalog.port import CatalogState, Change, Desired, RelationEntry, TopologyEntry
from penstock.catalog.register import Moved
from penstock.catalog.update import go_on
from penstock.catalog.view import CatalogRelations, resolve
from penstock.errors import RequestError
from penstock.expr.ast import Ast
from penstock.log.port import RETENTION_MS, TopicConfig, TopicInfo
from penstock.plan.nodes import RelationKind
from penstock.plan.relations import RelationInfo, Relations
from penstock.plan.resolved import ResolvedPlan
from penstock.planner import plan_topology
from penstock.planner.names import valid_name
from penstock.planner.windows import window_message
from penstock.security.principal import Access, caller
from penstock.serving import states
from penstock.serving.append import Appender, Prepared
from penstock.serving.codec import topic_codec
from penstock.serving.gateway import Gateway
from penstock.serving.rows import column_message
from penstock.serving.settle import settle
from penstock.serving.sql.catalog import NodeCatalog
from penstock.serving.sql.needs import needs_of
from penstock.sql import effects
from penstock.sql.effects import Effect
from penstock.sql.execute import decide
from penstock.sql.faults import refuse
from penstock.sql.parameters import Parameters
from penstock.sql.replace import check_query, check_relation
from penstock.sql.script import Parsed
from penstock.sql.session import Session

START_SECONDS = 10.0
"""How long a statement waits until the query that it starts runs; it is answered in any case."""
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement did: its effect, and the topology behind it where there is one. token includes it."""

    effect: Effect
    token: str
    topology: TopologyEntry | None = None


@dataclass
class Statements:
    """Carries out statements."""

    gateway: Gateway
    appender: Appender
    default_partitions: int

    async def catalog(self, access: Access = Access.DESCRIBE) -> NodeCatalog:
        """What statements see now. access: what a relation that they name takes."""
        state = await self.gateway.registry.refresh()
        return NodeCatalog(state, await self.gateway.log.topics(), self.gateway, access)

    async def execute(self, parsed: Parsed, session: Session, *, apply: bool = False, validate_only: bool = False,
                      parameters: Parameters = MappingProxyType({})) -> Outcome:
        """One statement. parameters: values of `:name`. Raises RequestError, LogError; ExpressionErrors name a place in parsed.text."""

        async def attempt() -> tuple[Effect, TopologyEntry | None]:
            catalog = await self.catalog()
            # a declaration may ask the schema registry
            effect = await asyncio.to_thread(decide, parsed, session, catalog, apply=apply, parameters=parameters)
            caller().require(needs_of(effect, catalog.state), "SqlService/Execute")
            if validate_only:
                self._validate(effect, catalog.state, await self.gateway.log.topics())
                return effect, None
            return effect, await self._write(effect, parsed, catalog)

        effect, entry = await register.until_still(self.gateway.registry, attempt)
        return Outcome(effect, "") if validate_only else await self._wait(effect, entry)

    def planner(self, definition: topology_pb2.Topology, trees: Mapping[str, Ast] = MappingProxyType({})) -> Callable[[Relations, int], ResolvedPlan]:
        """What plans a definition. trees: as plan_topology has them."""
        return lambda relations, incarnation: plan_topology(definition, relations, service_id=self.gateway.service_id, incarnation=incarnation,
                                                            default_partitions=self.default_partitions, trees=trees)

    async def planned(self, definition: topology_pb2.Topology, trees: Mapping[str, Ast] = MappingProxyType({})) -> ResolvedPlan:
        """The plan of a definition that is not registered."""
        state = await self.gateway.registry.refresh()
        return self.planner(definition, trees)(CatalogRelations(state, await self.gateway.log.topics()), state.position)

    def _validate(self, effect: Effect, state: CatalogState, topics: Mapping[str, TopicInfo]) -> None:
        if isinstance(effect, effects.Start) and not effect.replaces and not effect.forgets:
            self.planner(effect.definition, effect.trees)(CatalogRelations(state, topics), state.position)

    async def _write(self, effect: Effect, parsed: Parsed, catalog: NodeCatalog) -> TopologyEntry | None:
        """What a statement changes in the registry. The topology that it has started or is about. Raises Moved."""
        state = catalog.state
        match effect:
            case effects.Declare():
                return await self._declare(effect, parsed, state)
            case effects.Start():
                return await self._start(effect, parsed, catalog)
            case effects.Drop():
                await self._drop(effect, state)
            case effects.Terminate():
                await self._terminate(effect, state)
            case effects.Desire():
                return await self._desire(effect, state)
            case effects.PutType():
                await self._change(state, lambda s: changes.put_type(effect.name, effect.type))
        return None

    async def _wait(self, effect: Effect, entry: TopologyEntry | None) -> Outcome:
        """What a statement does, or waits for, when the registry is as it wants."""
        match effect:
            case effects.Declare() if entry is not None:
                await states.settled(self.gateway, entry, START_SECONDS)
                entry = None  # a source table's own
            case effects.Start() if entry is not None:
                await states.settled(self.gateway, entry, START_SECONDS)
            case effects.Insert():
                return Outcome(effect, await self._insert(effect))
            case effects.Await():
                await self._await(effect)
            case effects.AwaitSchema():
                await self._await_schema(effect)
        return Outcome(effect, self.gateway.catalog_token(), entry)

    async def _change(self, state: CatalogState, decide_: Callable[[CatalogState], Sequence[Change]]) -> None:
        """Write what was decided on this state. Raises Moved."""

        def unmoved(now: CatalogState) -> Sequence[Change]:
            if now.position != state.position:
                raise Moved
            return decide_(now)

        await self.gateway.registry.change(unmoved)

    async def _declare(self, effect: effects.Declare, parsed: Parsed, state: CatalogState) -> TopologyEntry | None:
        info = effect.info
        if effect.create is not None:
            table, wanted = info.kind is RelationKind.TABLE, effect.create
            retention = wanted.retention_ms if wanted.retention_ms is not None else -1 if table else RETENTION_MS
            await self.gateway.log.create_topic(info.topic.topic, TopicConfig(wanted.partitions, table, retention, replicas=wanted.replicas))
            self.gateway.topics.forget(info.topic.topic)
        if effect.query_id:
            return await self._materialise(effect, parsed, state)
        present = state.relations.get(info.name.lower())
        source = effect.source or effect.replaces and present is not None and present.source
        topic = await self.gateway.schemas.tied(info.topic, info.schema, info.name)
        entry = RelationEntry(info.name, info.kind, info.schema, topic, info.window, "", state.position, source, parsed.text)
        put = changes.redeclare if effect.replaces else changes.declare
        await self._change(state, lambda s: put(s, entry))
        return None

    async def _materialise(self, effect: effects.Declare, parsed: Parsed, state: CatalogState) -> TopologyEntry:
        """CREATE SOURCE TABLE: a topology of one source, whose store answers pull queries."""
        info = effect.info
        if not valid_name(info.name):
            raise refuse(f"the name of a source table is a letter, then letters, digits or _, at most 64: {info.name}", parsed.statement)
        return await self._register(effect.query_id, _source_table(effect.query_id, info), state, changes.Made(parsed.text, source=True))

    async def _start(self, effect: effects.Start, parsed: Parsed, catalog: NodeCatalog) -> TopologyEntry:
        made = changes.Made(parsed.text, forgets=effect.forgets)
        if not effect.replaces:
            return await self._register(effect.query_id, effect.definition, catalog.state, made, effect.trees)
        old = catalog.state.topologies[effect.replaces.lower()]
        before = catalog.find(effect.publishes)
        assert before is not None
        check_query(topology_pb2.Topology.FromString(old.definition), effect.definition, parsed.statement)

        def fits(plan: ResolvedPlan) -> None:
            new = next(r for r in changes.relations_of(plan) if r.name == effect.publishes)
            check_relation(before, RelationInfo(new.name, new.kind, new.schema, new.topic, new.window, plan.topology), parsed.statement)

        log, registry = self.gateway.log, self.gateway.registry
        return await go_on(log, registry, catalog.state, old, topology_bytes(effect.definition),
                           self.planner(effect.definition, effect.trees), partial(settle, self.gateway), made, fits)

    async def _register(self, name: str, definition: topology_pb2.Topology, state: CatalogState, made: changes.Made,
                        trees: Mapping[str, Ast] = MappingProxyType({})) -> TopologyEntry:
        gateway = self.gateway
        return await register.start(gateway.log, gateway.registry, state, name, topology_bytes(definition), self.planner(definition, trees),
                                    partial(settle, gateway), gateway.clock, made)

    async def _drop(self, effect: effects.Drop, state: CatalogState) -> None:
        gateway, topic = self.gateway, state.relations[effect.relation.lower()].topic.topic
        if effect.query:
            plan = state.topologies[effect.query.lower()].plan
            await self._change(state, lambda s: changes.delete(s, effect.query))
            await register.removed(gateway.log, gateway.registry, plan, False)
        else:
            await self._change(state, lambda s: changes.drop(s, effect.relation))
        if effect.delete_topic and all(r.topic.topic != topic for r in gateway.registry.state.relations.values()):
            await gateway.log.delete_topics([topic])
        gateway.topics.forget(topic)

    async def _terminate(self, effect: effects.Terminate, state: CatalogState) -> None:
        ended = [state.topologies[q.lower()] for q in effect.queries]
        await self._change(state, lambda s: changes.terminate(s, effect.queries))
        for entry in ended:
            await register.removed(self.gateway.log, self.gateway.registry, entry.plan, False)

    async def _desire(self, effect: effects.Desire, state: CatalogState) -> TopologyEntry | None:
        desired = Desired.PAUSED if effect.paused else Desired.RUNNING
        await self._change(state, lambda s: [c for q in effect.queries for c in changes.set_desired(s, q, desired)])
        found = [self.gateway.registry.state.topologies[q.lower()] for q in effect.queries]
        return found[0] if len(found) == 1 else None

    async def _insert(self, effect: effects.Insert) -> str:
        """Append the row; the token that includes it."""
        served = resolve(self.gateway.registry.state, effect.info.name)
        if served.kind is RelationKind.TABLE and served.owner is not None:
            raise RequestError("RELATION_READ_ONLY", f"{served.name} is the result of {served.owner.name}: insert into what that reads",
                               {"relation": served.name, "owner": served.owner.name})
        codec = topic_codec(served)
        key = None if effect.key is None else codec.write_key(list(effect.key))
        value = codec.write_value([effect.value[c.name] for c in codec.value])
        at = self.gateway.clock.now_ms() if effect.timestamp is None else effect.timestamp
        return await self.appender.insert(codec.topic.topic, Prepared(key, value, at))

    async def _await_schema(self, effect: effects.AwaitSchema) -> None:
        end, registry = time.monotonic() + effect.timeout_ms / 1000, self.gateway.schemas.registry
        while await asyncio.to_thread(registry.has, effect.subject, effect.schema_id) is not effect.exists:
            if time.monotonic() >= end:
                what = " ".join([*([f"subject {effect.subject}"] if effect.subject else ()), *([f"id {effect.schema_id}"] if effect.schema_id else ())])
                raise RequestError("ASSERTION_FAILED", f"Schema with {what} {'does not exist' if effect.exists else 'exists'}")
            await asyncio.sleep(min(POLL_SECONDS, max(0.0, end - time.monotonic())))

    async def _await(self, effect: effects.Await) -> None:
        end = time.monotonic() + effect.timeout_ms / 1000
        while complaint := effect.complaint(await self.catalog()):
            if time.monotonic() >= end:
                raise RequestError("ASSERTION_FAILED", complaint)
            await asyncio.sleep(min(POLL_SECONDS, max(0.0, end - time.monotonic())))


def _source_table(name: str, info: RelationInfo) -> topology_pb2.Topology:
    definition = topology_pb2.Topology(name=name)
    inline = definition.nodes.add(name=info.name).source_table.origin.inline
    for column in info.schema:
        inline.schema.columns.add().CopyFrom(column_message(column))
    topic = info.topic
    inline.topic.topic, inline.topic.timestamp_column, inline.topic.timestamp_format = topic.topic, topic.timestamp_column, topic.timestamp_format
    for message, fmt in ((inline.topic.key_format, topic.key_format), (inline.topic.value_format, topic.value_format)):
        message.name = fmt.name
        message.properties.update(dict(fmt.properties))
    if info.window is not None:
        inline.window.CopyFrom(window_message(info.window))
    return definition


def topology_bytes(definition: topology_pb2.Topology) -> bytes:
    """Equal definitions have equal bytes."""
    return definition.SerializeToString(deterministic=True)
