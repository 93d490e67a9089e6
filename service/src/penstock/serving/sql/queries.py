"""SELECT on a node: pull queries from stores and topics as they are now, push queries that go on.

A push query with WHERE and projection over one relation is a subscription of it, on the shared tail; anything richer is a subscription of the
result of a topology of its own (transient.py). Pull queries look for keys where the condition fixes them, and read the table where it
does not; on a stream they read its topic to the present end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from penstock_client.gen.penstock.v1 import position_pb2, types_pb2
from penstock_client.gen.penstock.v1 import subscription_service_pb2 as pb

from penstock.catalog.view import Served, resolve
from penstock.errors import ExpressionError, RequestError
from penstock.plan.nodes import RelationKind
from penstock.plan.relations import RelationInfo
from penstock.security.principal import Access, Need, caller
from penstock.serving.columns import View
from penstock.serving.freshness import wait_catalog
from penstock.serving.gateway import Gateway
from penstock.serving.lookup import Freshness, Lookups
from penstock.serving.positions import decode, merge
from penstock.serving.rows import Row
from penstock.serving.scan import Query as ScanQuery
from penstock.serving.scan import Range, Scans
from penstock.serving.sql.catalog import NodeCatalog
from penstock.serving.sql.extended import Extended
from penstock.serving.sql.printing import Printing
from penstock.serving.sql.statements import Statements
from penstock.serving.sql.transient import Transients, gone, is_transient
from penstock.serving.sql.views import read_parameters, row_view
from penstock.serving.subscription import Hub, Start, Subscribe
from penstock.sql import settings, tree
from penstock.sql.catalog import InSession, known
from penstock.sql.faults import refuse
from penstock.sql.parameters import Parameters, bound
from penstock.sql.pull import check_where
from penstock.sql.rows import RichQuery, RowQuery, is_plain, not_queryable, plain, refuse_clauses, rich, with_types
from penstock.sql.script import Parsed, at, parse_script
from penstock.sql.session import Session
from penstock.types.sqltype import SqlType

BATCH = 500
LINGER = 0.005
COMPLETED = pb.END_REASON_COMPLETED


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as asked for. catalog: tokens of what it must see. resume: a token, "" for none. limit 0: none. progress: seconds."""

    sql: str
    session: Session
    parameters: Mapping[str, types_pb2.Value] = field(default_factory=dict)
    freshness: Freshness = field(default_factory=Freshness)
    catalog: Sequence[str] = ()
    resume: str = ""
    limit: int = 0
    progress: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One event, and the topology behind the query, "" for none."""

    event: pb.Event
    query_id: str = ""


@dataclass
class Queries:
    """Answers queries."""

    gateway: Gateway
    hub: Hub
    lookups: Lookups
    scans: Scans
    statements: Statements
    transients: Transients
    _views: dict[tuple[object, ...], View] = field(default_factory=dict)

    async def events(self, asked: Asked) -> AsyncIterator[Answer]:
        """Every event, the schema first. Raises RequestError, LogError."""
        parsed = _only(asked.sql, asked.session)
        statement = parsed.statement
        try:
            await self._include(asked)
            if isinstance(statement, tree.Print):
                caller().require([Need(Access.READ, statement.topic)], "SqlService/Query")
                async for event in Printing(self.gateway).events(statement, asked.limit):
                    yield Answer(event)
                return
            assert isinstance(statement, tree.Query)
            rows = self._push(statement, asked) if statement.emit else self._pull(statement, asked)
            async for answer in rows:
                yield answer
        except ExpressionError as error:
            raise at(asked.sql, parsed.start, error) from None

    async def _include(self, asked: Asked) -> None:
        """Wait for the catalog of the tokens."""
        log_id, registry = self.gateway.log.log_id, self.gateway.registry
        tokens = [*asked.catalog, *asked.freshness.tokens, *([asked.resume] if asked.resume else ())]
        if tokens:
            wanted = merge([decode(t, log_id, "positions") for t in tokens], log_id).catalog
            if wanted > registry.state.position:
                await wait_catalog(self.gateway, wanted, asked.freshness.max_wait)

    def _catalog(self, session: Session) -> InSession:
        """The catalog as this process knows it: which topics exist is not asked."""
        return InSession(NodeCatalog(self.gateway.registry.state, {}, self.gateway, Access.READ), session)

    # ---- push

    async def _push(self, query: tree.Query, asked: Asked) -> AsyncIterator[Answer]:
        if asked.resume:
            relation = decode(asked.resume, self.gateway.log.log_id, "resume").relation
            if is_transient(relation):
                async for answer in self._resumed(query, asked, relation):
                    yield answer
                return
        if query.order_by:
            raise refuse("ORDER BY is for pull queries: a push query never ends", query.order_by[0])
        if is_plain(query):
            if query.emit == "FINAL":
                raise refuse("EMIT FINAL is only supported for windowed aggregations.", query)
            parameters = read_parameters(asked.parameters)
            rows = plain(query, self._catalog(asked.session), _types(parameters))
            served = resolve(self.gateway.registry.state, rows.relation)
            view = self._view(served, rows, parameters)
            async for event in self._subscribed(served.name, view, _start(served, asked), None, _limit(query, asked), asked.progress):
                yield Answer(event)
            return
        query = bound(query, read_parameters(asked.parameters))

        def planned(catalog: NodeCatalog, query_id: str, topic: str) -> RichQuery:
            return rich(query, InSession(catalog, asked.session), query_id, topic)

        entry, made = await self.transients.begin(planned)
        async for answer in self._transient(entry.name, made.rows, query, asked):
            yield answer

    async def _resumed(self, query: tree.Query, asked: Asked, name: str) -> AsyncIterator[Answer]:
        query = bound(query, read_parameters(asked.parameters))
        entry = self.transients.attach(name)
        rows = rich(query, self._catalog(asked.session), entry.name, "").rows
        async for answer in self._transient(entry.name, rows, query, asked):
            yield answer

    async def _transient(self, name: str, rows: RowQuery, query: tree.Query, asked: Asked) -> AsyncIterator[Answer]:
        """The result of a topology that counts this client already."""
        completed = False
        try:
            served = resolve(self.gateway.registry.state, name)
            info = RelationInfo(name, served.kind, served.schema, served.topic, served.window)  # type: ignore[arg-type]
            view = row_view(served, with_types(rows, info), {})
            start = Start("after", asked.resume) if asked.resume else Start("earliest")
            async for event in self._subscribed(name, view, start, None, _limit(query, asked), asked.progress):
                completed = event.HasField("end") and event.end.reason == COMPLETED
                yield Answer(event, name)
        except RequestError as error:
            raise (gone(name) if error.reason == "UNKNOWN_RELATION" else error) from None
        finally:
            self.transients.detach(name, completed)

    # ---- pull

    async def _pull(self, query: tree.Query, asked: Asked) -> AsyncIterator[Answer]:
        if asked.resume:
            raise RequestError("INVALID_ARGUMENT", "a pull query has nothing to resume", {"field": "resume"})
        here = self._catalog(asked.session)
        info = known(here, query.source.name)
        extended = asked.session.truth(settings.EXTENDED_PULL)
        if extended and self._needs_more(query, info):
            query = bound(query, read_parameters(asked.parameters))
            async for event in Extended(self.gateway, self.lookups, self.scans).events(query, here, _limit(query, asked), asked.freshness):
                yield Answer(event)
            return
        refuse_clauses(query, info)
        parameters = read_parameters(asked.parameters)
        rows = plain(query, here, _types(parameters))
        served = resolve(self.gateway.registry.state, info.name)
        limit = _limit(query, asked)
        if info.kind is RelationKind.STREAM:
            events = self._subscribed(served.name, self._view(served, rows, parameters), Start("earliest"), "", limit, asked.progress)
        elif served.materialised:
            check_where(query, info, asked.session)
            events = self._table(served, self._view(served, rows, parameters), limit, asked.freshness)
        else:
            raise not_queryable(info.name, query.source)
        async for event in events:
            if event.WhichOneof("event") in ("schema", "rows", "end"):
                yield Answer(event)

    def _needs_more(self, query: tree.Query, info: RelationInfo) -> bool:
        """Whether ksqlDB would refuse it."""
        return not is_plain(query) or info.kind is RelationKind.TABLE and not resolve(self.gateway.registry.state, info.name).materialised

    async def _table(self, served: Served, view: View, limit: int, fresh: Freshness) -> AsyncIterator[pb.Event]:
        where = view.narrow
        table, position = await self.lookups.resolve(served.name, fresh)
        yield pb.Event(schema=view.layout.message)
        token = ""
        if where.nothing or limit < 0:
            pass
        elif where.keys is not None:
            keys = [(key, *where.windows) for key in where.keys]
            await self.lookups.fresh(table, position, keys, fresh)
            found = await self.lookups.select(table, keys, view, fresh)
            rows, token = found.rows[:limit] if limit else found.rows, found.token
            for begin in range(0, len(rows), BATCH):
                yield _rows(view, rows[begin:begin + BATCH])
        else:
            bounds = Range(() if where.low is None else (where.low,), () if where.high is None else (where.high,))
            scan = ScanQuery(view, bounds, where.windows, limit, "", 0)
            await self.scans.fresh(table, scan, position, fresh)
            async for page in self.scans.pages(table, scan, fresh):
                token = page.token
                if page.rows:
                    yield _rows(view, page.rows)
        yield pb.Event(end=pb.End(reason=COMPLETED, position=position_pb2.PositionToken(value=token) if token else None))

    # ---- both

    def _view(self, served: Served, rows: RowQuery, parameters: Parameters) -> View:
        """The view, shared by equal queries without parameters."""
        if parameters:
            return row_view(served, rows, parameters)
        key = (served.name, served.epoch, rows.columns, rows.items, rows.where)
        known_ = self._views.get(key)
        if known_ is None:
            if len(self._views) > 1000:
                self._views.clear()
            known_ = self._views[key] = row_view(served, rows, parameters)
        return known_

    async def _subscribed(self, name: str, view: View, start: Start, until: str | None, limit: int, progress: float) -> AsyncIterator[pb.Event]:
        if limit < 0:
            yield pb.Event(schema=view.layout.message)
            yield pb.Event(end=pb.End(reason=COMPLETED))
            return
        wanted = Subscribe(name, (), "", {}, start, until, limit, (), BATCH, LINGER, progress, view)
        async for event in self.hub.events(wanted):
            yield event


@lru_cache(512)
def _parsed(sql: str, variables: frozenset[tuple[str, str]]) -> tuple[Parsed, ...]:
    return tuple(parse_script(sql, Session({}, dict(variables))))


def _only(sql: str, session: Session) -> Parsed:
    """The one query of the text."""
    found = _parsed(sql, frozenset(session.variables.items()))
    if len(found) != 1 or not isinstance(found[0].statement, tree.Query | tree.Print):
        raise RequestError("INVALID_ARGUMENT", "one SELECT or PRINT is expected here; other statements are executed", {"field": "sql"})
    return found[0]


def _types(parameters: Parameters) -> Mapping[str, SqlType | None]:
    return {name: of for name, (of, _) in parameters.items()}


def _limit(query: tree.Query, asked: Asked) -> int:
    """The smaller limit; 0: none, -1: no row at all."""
    if query.limit == 0:
        return -1
    given = [n for n in (query.limit, asked.limit) if n]
    return min(given) if given else 0


def _start(served: Served, asked: Asked) -> Start:
    if asked.resume:
        return Start("after", asked.resume)
    reset = asked.session.setting(settings.OFFSET_RESET).lower()
    if served.kind is RelationKind.TABLE:
        return Start("latest" if reset == "latest" else "")
    return Start("earliest" if reset == "earliest" else "latest")


def _rows(view: View, rows: list[Row]) -> pb.Event:
    return pb.Event(rows=pb.Rows(batch=view.layout.encode(rows), snapshot=True))
