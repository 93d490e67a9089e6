"""CatalogService: relations, topics, functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import grpc
from penstock_client.gen.penstock.v1 import catalog_service_pb2 as pb
from penstock_client.gen.penstock.v1 import catalog_service_pb2_grpc

from penstock.api.convert import check_columns, page, position, relation_entry, relation_message
from penstock.api.host import Host
from penstock.catalog import changes, internal
from penstock.catalog.port import RelationEntry
from penstock.catalog.view import Served, everything, functions_of, resolve
from penstock.errors import RequestError
from penstock.expr.catalog import describe, list_functions
from penstock.expr.functions.registry import Description
from penstock.expr.remote import RemoteFunction
from penstock.log.port import RETENTION_MS, TopicConfig
from penstock.plan.nodes import RelationKind
from penstock.planner.convert import millis
from penstock.planner.functions import remote_function
from penstock.planner.names import valid_name
from penstock.security.principal import Access, Need, caller

METHODS = dict.fromkeys(("CreateRelation", "GetRelation", "ListRelations", "DropRelation", "ListTopics", "ListFunctions", "GetFunction",
                         "CreateFunction", "DropFunction"), "unary")


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """See the proto file for what each method does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def CreateRelation(self, request: pb.CreateRelationRequest, context: grpc.aio.ServicerContext) -> pb.CreateRelationResponse:
        gateway = self._host.gateway
        name = request.relation.name
        if not valid_name(name):
            raise RequestError("INVALID_ARGUMENT", f"{name!r} is no name of a relation: a letter, then letters, digits or _, at most 64",
                               {"field": "relation.name"})
        entry = await self._with_schemas(relation_entry(request.relation, name, 0), request.validate_only)
        state = await gateway.registry.refresh()
        changes.declare(state, entry)  # refuses before a topic is created
        entry = await self._with_topic(entry, request)
        if request.validate_only:
            checked = Served(entry.name, entry.kind, entry.schema, entry.topic, entry.window, 0)
            return pb.CreateRelationResponse(relation=relation_message(state, checked))
        state = await gateway.registry.change(lambda s: changes.declare(s, entry))
        return pb.CreateRelationResponse(relation=relation_message(state, resolve(state, name)), position=position(gateway.catalog_token()))

    async def GetRelation(self, request: pb.GetRelationRequest, context: grpc.aio.ServicerContext) -> pb.GetRelationResponse:
        state = self._host.gateway.registry.state
        return pb.GetRelationResponse(relation=relation_message(state, resolve(state, request.name)))

    async def ListRelations(self, request: pb.ListRelationsRequest, context: grpc.aio.ServicerContext) -> pb.ListRelationsResponse:
        state = self._host.gateway.registry.state
        by_name = {s.name: s for s in everything(state, request.include_nodes) if caller().sees(s.name)}
        names, following = page(by_name, request.page_size, request.page_token)
        return pb.ListRelationsResponse(relations=[relation_message(state, by_name[n]) for n in names], next_page_token=following)

    async def DropRelation(self, request: pb.DropRelationRequest, context: grpc.aio.ServicerContext) -> pb.DropRelationResponse:
        gateway = self._host.gateway
        before = gateway.registry.state.relations.get(request.name.lower())
        if request.delete_topic and before is not None:
            caller().require([Need(Access.ADMIN, before.topic.topic)], "CatalogService/DropRelation")
        state = await gateway.registry.change(lambda s: changes.drop(s, request.name, request.etag))
        if request.delete_topic and before is not None and all(r.topic.topic != before.topic.topic for r in state.relations.values()):
            await gateway.log.delete_topics([before.topic.topic])
            gateway.topics.forget(before.topic.topic)
        return pb.DropRelationResponse(position=position(gateway.catalog_token()))

    async def ListTopics(self, request: pb.ListTopicsRequest, context: grpc.aio.ServicerContext) -> pb.ListTopicsResponse:
        gateway = self._host.gateway
        state = gateway.registry.state
        users: dict[str, list[str]] = {}
        for relation in state.relations.values():
            users.setdefault(relation.topic.topic, []).append(relation.name)
        own = internal.of_service(state, gateway.service_id)
        topics = sorted((await gateway.log.topics()).values(), key=lambda t: t.name)
        return pb.ListTopicsResponse(topics=[
            pb.TopicInfo(name=t.name, partitions=t.partitions, relations=sorted(users.get(t.name, ())))
            for t in topics if caller().sees(t.name) and (request.include_internal or (t.name not in own and not t.name.startswith("__")))
        ])

    async def ListFunctions(self, request: pb.ListFunctionsRequest, context: grpc.aio.ServicerContext) -> pb.ListFunctionsResponse:
        return pb.ListFunctionsResponse(functions=[function_message(d) for d in list_functions(self._declared())])

    async def GetFunction(self, request: pb.GetFunctionRequest, context: grpc.aio.ServicerContext) -> pb.GetFunctionResponse:
        return pb.GetFunctionResponse(function=function_message(describe(request.name, self._declared())))

    async def CreateFunction(self, request: pb.CreateFunctionRequest, context: grpc.aio.ServicerContext) -> pb.CreateFunctionResponse:
        gateway, function = self._host.gateway, remote_function(request.function)
        await gateway.registry.change(lambda s: changes.declare_function(s, function))
        return pb.CreateFunctionResponse(function=function_message(describe(function.name, self._declared())), position=position(gateway.catalog_token()))

    async def DropFunction(self, request: pb.DropFunctionRequest, context: grpc.aio.ServicerContext) -> pb.DropFunctionResponse:
        gateway = self._host.gateway
        await gateway.registry.change(lambda s: changes.drop_function(s, request.name))
        return pb.DropFunctionResponse(position=position(gateway.catalog_token()))

    def _declared(self) -> Iterable[RemoteFunction]:
        return functions_of(self._host.gateway.registry.state).values()

    async def _with_topic(self, entry: RelationEntry, request: pb.CreateRelationRequest) -> RelationEntry:
        """The declaration with its topic's partitions; the topic is created where the request says so. Raises MISSING_TOPIC."""
        gateway, binding = self._host.gateway, request.relation.topic
        topic = entry.topic.topic
        present = (await gateway.log.topics([topic])).get(topic)
        spec = binding.create
        if present is None and not binding.HasField("create"):
            raise RequestError("MISSING_TOPIC", f"{entry.name}: topic {topic} does not exist; topic.create would make it",
                               {"relation": entry.name, "topic": topic})
        if present is not None and spec.partitions and spec.partitions != present.partitions:
            raise RequestError("INVALID_ARGUMENT", f"topic {topic} exists with {present.partitions} partitions, not {spec.partitions}",
                               {"field": "relation.topic.create.partitions"})
        partitions = present.partitions if present is not None else spec.partitions or self._host.config.default_partitions
        if present is None and not request.validate_only:
            table = entry.kind is RelationKind.TABLE
            retention = millis(spec.retention) if spec.HasField("retention") else -1 if table else RETENTION_MS
            await gateway.log.create_topic(topic, TopicConfig(partitions, table, retention, replicas=spec.replicas))
        return replace(entry, topic=replace(entry.topic, partitions=partitions))

    async def _with_schemas(self, entry: RelationEntry, validate_only: bool) -> RelationEntry:
        """The declaration with what the schema registry knows: columns that it leaves out, schemas of its formats."""
        access = self._host.gateway.schemas
        topic, schema = await access.inferred(entry.topic, entry.schema, entry.name)
        if entry.kind is RelationKind.TABLE and not schema.key:
            raise RequestError("INVALID_SCHEMA", f"table {entry.name} needs a key column", {"relation": entry.name})
        check_columns(topic, schema, entry.name)
        return replace(entry, topic=topic if validate_only else await access.tied(topic, schema, entry.name), schema=schema)


def function_message(d: Description) -> pb.FunctionInfo:
    """A function as the API documents it."""
    return pb.FunctionInfo(name=d.name, kind=f"FUNCTION_KIND_{d.kind}", signatures=[f"{d.name}{s}" for s in d.signatures], description=d.text)
