"""SqlService: statements and queries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import grpc
from penstock_client.gen.penstock.v1 import sql_service_pb2 as pb
from penstock_client.gen.penstock.v1 import sql_service_pb2_grpc

from penstock.api import audit
from penstock.api.catalog_service import function_message
from penstock.api.convert import relation_message, topology_message, writers
from penstock.api.freshness import freshness
from penstock.api.host import Host
from penstock.api.status import internal, request_error, status_of
from penstock.api.subscription_service import progress_seconds
from penstock.catalog.view import readers, resolve
from penstock.errors import ExpressionError
from penstock.expr.catalog import describe
from penstock.serving import states
from penstock.serving.freshness import wait_catalog
from penstock.serving.positions import decode, merge
from penstock.serving.rows import layout
from penstock.serving.sql.explaining import explanation
from penstock.serving.sql.needs import changed_by, changes_something
from penstock.serving.sql.queries import Asked
from penstock.serving.sql.statements import Outcome
from penstock.serving.sql.views import read_parameters
from penstock.sql import effects
from penstock.sql.script import Parsed, at, parse_script
from penstock.sql.session import Session
from penstock.types import sqltype as t
from penstock.types.schema import Column

METHODS = {"Execute": "stream", "Query": "stream"}
CATALOG_SECONDS = 5.0
ACTION = "SqlService/Execute"


class SqlServicer(sql_service_pb2_grpc.SqlServiceServicer):
    """See the proto file for what each method does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def Execute(self, request: pb.ExecuteRequest, context: grpc.aio.ServicerContext) -> AsyncIterator[pb.ExecuteResponse]:
        session = _session(request.session)
        statements = parse_script(request.sql, session)
        await self._include([p.value for p in request.positions])
        for index, parsed in enumerate(statements):
            response = pb.ExecuteResponse(index=index, statement=parsed.text)
            try:
                session = await self._execute(parsed, session, request, response, context)
            except Exception as e:
                refusal = request_error(e) or internal(e, "Execute")
                if changes_something(parsed.statement):
                    audit.changed(ACTION, [], refusal.reason, context.peer(), statement=parsed.text)
                if isinstance(refusal, ExpressionError):
                    refusal = at(request.sql, parsed.start, refusal)
                response.error.CopyFrom(status_of(refusal))
                yield response
                return
            yield response

    async def Query(self, request: pb.QueryRequest, context: grpc.aio.ServicerContext) -> AsyncIterator[pb.QueryResponse]:
        asked = Asked(request.sql, _session(request.session), request.parameters, freshness(request.consistency, context),
                      [p.value for p in request.positions], request.resume.value,
                      request.limit, progress_seconds(request))
        async for answer in self._host.open.queries.events(asked):
            yield pb.QueryResponse(event=answer.event, query_id=answer.query_id)

    async def _include(self, tokens: Sequence[str]) -> None:
        """Wait for the catalog of these tokens."""
        gateway = self._host.gateway
        if tokens:
            wanted = merge([decode(token, gateway.log.log_id, "positions") for token in tokens], gateway.log.log_id).catalog
            if wanted > gateway.registry.state.position:
                await wait_catalog(gateway, wanted, CATALOG_SECONDS)

    async def _execute(self, parsed: Parsed, session: Session, request: pb.ExecuteRequest, response: pb.ExecuteResponse,
                       context: grpc.aio.ServicerContext) -> Session:
        """Fill in the response; the session of the next statement."""
        done = await self._host.open.statements.execute(parsed, session, apply=request.apply, validate_only=request.validate_only,
                                                          parameters=read_parameters(request.parameters))
        changed = changed_by(done.effect)
        if changed and not request.validate_only:
            audit.changed(ACTION, changed, audit.OK, context.peer(), statement=parsed.text)
        response.message = done.effect.message
        response.unchanged = isinstance(done.effect, effects.Nothing)
        if done.token:
            response.position.value = done.token
        if isinstance(done.effect, effects.Changed):
            session = done.effect.session
            response.session.CopyFrom(_session_message(session))
        elif isinstance(done.effect, effects.Explain | effects.ExplainQuery):
            response.text = await explanation(done.effect, self._host.open.statements, session)
        else:
            self._result(done, response)
        return session

    def _result(self, done: Outcome, response: pb.ExecuteResponse) -> None:
        state = self._host.gateway.registry.state
        match done.effect:
            case effects.Listing(columns=columns, rows=rows):
                response.rows.CopyFrom(_table(columns, rows))
            case effects.Declare(info=info) if info.name.lower() in state.relations:
                response.relation.CopyFrom(relation_message(state, resolve(state, info.name)))
            case effects.Describe(relation=name, extended=extended):
                response.relation.CopyFrom(relation_message(state, resolve(state, name)))
                response.details.CopyFrom(self._details(name, extended))
            case effects.DescribeFunction(name=name):
                response.function.CopyFrom(function_message(describe(name)))
        if done.topology is not None:
            response.topology.CopyFrom(topology_message(done.topology, *states.current(self._host.gateway, done.topology)))

    def _details(self, name: str, extended: bool) -> pb.ResultSet:
        """What DESCRIBE says beside the relation: its statement and its queries; extended: what their tasks do."""
        gateway = self._host.gateway
        state = gateway.registry.state
        served = resolve(state, name)
        reading, writing = readers(state, name), writers(state, served)
        rows: list[tuple[object, ...]] = [("statement", served.name, state.relations[name.lower()].sql)]
        for what, names in (("read by", reading), ("written by", writing)):
            rows += [(what, q, state.topologies[q.lower()].sql) for q in names if not state.topologies[q.lower()].transient]
        if extended:
            for query in dict.fromkeys([*writing, *reading]):
                tasks = states.tasks_of(gateway, state.topologies[query.lower()])
                rows += [("task", f"{query}/{sub}/{partition}", f"{task.state.value}, {task.lag} records behind {task.state_reason}".rstrip())
                         for (sub, partition), task in sorted(tasks.items())]
        return _table(tuple(Column(n, t.STRING) for n in ("WHAT", "NAME", "VALUE")), rows)


def _table(columns: tuple[Column, ...], rows: Sequence[tuple[object, ...]]) -> pb.ResultSet:
    shown = layout(columns, False)
    return pb.ResultSet(schema=shown.message, rows=shown.encode(rows))


def _session(message: pb.SqlSession) -> Session:
    """Raises INVALID_ARGUMENT."""
    return Session.of(message.properties, message.variables)


def _session_message(session: Session) -> pb.SqlSession:
    return pb.SqlSession(properties=session.properties, variables=session.variables)


