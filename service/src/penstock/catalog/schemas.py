"""The schema registry of a process: the configured one over REST, else the service's own in the log."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from penstock.catalog.schema_topic import TopicSchemas, open_schema_topic
from penstock.config import ServeConfig
from penstock.errors import RequestError
from penstock.formats import schemas
from penstock.log.port import Log
from penstock.plan.nodes import TopicRef
from penstock.plan.resolved import ResolvedPlan
from penstock.schemas.port import NoRegistry, Registry
from penstock.schemas.settings import parse
from penstock.types.schema import Schema


@dataclass(frozen=True)
class SchemaAccess:
    """registry: for everything that may block, in a thread. own: the service's own, where none is configured."""

    registry: Registry
    own: TopicSchemas | None = None

    async def pinned(self, plan: ResolvedPlan) -> ResolvedPlan:
        """The plan with its topics' formats tied to registered schemas. RequestError."""
        from penstock.schemas import pinning  # with all formats, for which a worker has no room

        return await asyncio.to_thread(pinning.pin_plan, plan, self.registry) if pinning.plan_needs(plan) else plan

    async def inferred(self, topic: TopicRef, schema: Schema, relation: str) -> tuple[TopicRef, Schema]:
        """A declaration with the columns that the registry knows, where it leaves some out. RequestError."""
        from penstock.schemas import pinning  # as above

        if pinning.infers(topic, schema):
            topic, schema = await asyncio.to_thread(pinning.infer, topic, schema, self.registry)
        if not schema.columns:
            raise RequestError("INVALID_SCHEMA", f"{relation} has no columns", {"relation": relation})
        return topic, schema

    async def tied(self, topic: TopicRef, schema: Schema, relation: str) -> TopicRef:
        """A declared topic with its formats tied to registered schemas. RequestError."""
        from penstock.schemas import pinning  # as above

        if not pinning.needs(topic, schema):
            return topic
        return await asyncio.to_thread(pinning.pin_topic, topic, schema, relation, self.registry, False)

    async def close(self) -> None:
        """Stop following the own registry."""
        if self.own is not None:
            await self.own.close()


NO_SCHEMAS = SchemaAccess(NoRegistry())
"""Where nothing is configured, as in tests of other things."""


async def open_schemas(config: ServeConfig, log: Log) -> SchemaAccess:
    """Open it; readers that this process makes from now on ask it. LogUnavailable, ConfigError."""
    settings = parse(config.schema_registry)
    if settings is not None:
        from penstock.schemas.client import RestRegistry

        access = SchemaAccess(RestRegistry(settings))
    else:
        own = TopicSchemas(await open_schema_topic(log, config.service_id))
        access = SchemaAccess(own, own)
    schemas.install(access.registry.by_id)
    return access
