"""The asynchronous client, on grpc.aio. It belongs to the event loop in which it is made."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakSet

import grpc

from penstock_client import appends, lookups, model, operations
from penstock_client.aio_appender import AsyncAppender
from penstock_client.aio_streams import AsyncScan, AsyncSubscription
from penstock_client.backups import Restored, requests, restored
from penstock_client.builder import Start
from penstock_client.channel import DEFAULT_ADDRESS, Connecting, Keepalive, Raw
from penstock_client.declare import Binding, Columns
from penstock_client.declare import relation as declaration
from penstock_client.errors import ClosedError, from_rpc
from penstock_client.gen.penstock.v1 import append_service_pb2, catalog_service_pb2, registry_service_pb2, relation_pb2
from penstock_client.gen.penstock.v1.sql_service_pb2 import ExecuteRequest, ExecuteResponse
from penstock_client.lookups import Freshness, Instant
from penstock_client.nodes import Nodes, addresses_of
from penstock_client.position import AtLeast
from penstock_client.retry import NO_RETRY, Retry
from penstock_client.row import Batch, Row
from penstock_client.security import Tls, Token
from penstock_client.sql import EXECUTE, QueryWanted, SqlResult, SqlSession
from penstock_client.subscribing import SubscriptionState, Wanted

T = TypeVar("T")


class AsyncClient:
    """A connection to a service; opened at the first call, closed by close() or the end of an `async with`.

    address: `host:port`, or several nodes of a service, by comma or as a list: the client uses one of them, and the next when that one is
    gone; a node that drains names it another. timeout: seconds for a unary call, all its attempts together. retry: of calls that may be repeated.
    tls: True, or Tls(ca, cert, key) with files of one's own; None speaks plain text. token: goes with every call; a function such as
    TokenFile(path) is asked each time, also when a stream's credentials have expired. credentials: of grpc, instead of tls. keepalive: None is
    Keepalive(). options: more grpc channel arguments. The trace context of the application's OpenTelemetry goes with every call.
    """

    def __init__(
        self,
        address: str | Sequence[str] = DEFAULT_ADDRESS,
        *,
        timeout: float = 30.0,
        retry: Retry | None = None,
        tls: Tls | bool | None = None,
        token: Token | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        keepalive: Keepalive | None = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self.address = address if isinstance(address, str) else ",".join(address)
        self._timeout = timeout
        self._retry = retry or Retry()
        connecting = Connecting(tls, token, credentials, keepalive, options)
        self._channel = Nodes(addresses_of(address), lambda to: connecting.channel(to, grpc.aio))
        self._closing = asyncio.Event()
        self._open: WeakSet[AsyncSubscription | AsyncScan | AsyncAppender] = WeakSet()
        self._schemas: dict[str, model.Relation] = {}
        self.session = SqlSession()
        """Properties (SET), variables (DEFINE) and the last position of this client's SQL."""
        self.raw = Raw(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def with_timeout(self, seconds: float) -> Self:
        """This client with another timeout for its calls, on the same connections: what closes one closes both."""
        other = copy.copy(self)
        other._timeout = seconds
        return other

    async def close(self) -> None:
        """End every call, subscription and appender of this client at once."""
        self._closing.set()
        for part in list(self._open):
            await part.close()
        for channel in self._channel.channels():
            await channel.close(None)

    # Topologies

    async def register_topology(
        self, topology: operations.Definition, *, wait: float | None = None, validate_only: bool = False
    ) -> model.TopologyInfo:
        """Register a definition; an equal one again is answered as the first time. wait: seconds to wait until it runs."""
        return await self._run(operations.register(topology, validate_only, wait))

    async def update_topology(
        self, topology: operations.Definition, *, validate_only: bool = False, allow_rebuild: bool = False, allow_drop: bool = False,
        rebuild_added_columns: bool = False, etag: str = "", wait: float | None = None,
    ) -> model.TopologyUpdate:  # fmt: skip
        """Give a topology another definition; it goes on with the state that stays meaningful. What would be computed anew or dropped needs
        leave: UpdateNeedsLeaveError. validate_only says what would become of each node. wait: seconds to wait until it runs."""
        return await self._run(operations.update(topology, etag, validate_only, allow_rebuild, allow_drop, rebuild_added_columns, wait))

    async def topology(self, name: str) -> model.TopologyInfo:
        """One registered topology. UnknownTopologyError."""
        return await self._run(operations.get_topology(name))

    async def topologies(self) -> list[model.TopologyInfo]:
        """All registered topologies by name."""
        return await self._pages(operations.list_topologies)

    async def delete_topology(self, name: str, *, etag: str = "", delete_topics: bool = False) -> str:
        """Stop it and delete its state; the topics of its sinks too if asked. The position."""
        return await self._run(operations.delete_topology(name, etag, delete_topics))

    async def pause_topology(self, name: str) -> model.TopologyInfo:
        """Stop processing at a commit; lookups go on."""
        return await self._run(operations.pause(name))

    async def resume_topology(self, name: str) -> model.TopologyInfo:
        """Go on where it was paused, and try failed tasks again."""
        return await self._run(operations.resume(name))

    async def reset_topology(self, name: str, *, etag: str = "", start: Start = "") -> model.TopologyInfo:
        """Forget state and positions of a paused topology, which begins anew: at start, or as its definition says."""
        return await self._run(operations.reset(name, etag, start))

    async def replay_dead_letters(
        self, topology: str, *, where: str = "", reason: str = "", validate_only: bool = False
    ) -> model.Replay:
        """Have dead letters processed again, each once, by the tasks that failed on them. where: an expression over the columns of
        `topology.dead_letter`; reason: a part of the letters' reason. validate_only counts and replays nothing."""
        return await self._run(operations.replay(topology, where, reason, validate_only))

    async def explain(self, topology: str | operations.Definition, *, source: bool = False) -> str:
        """The plan of a registered topology or of a definition, as text; with the generated Python if asked."""
        return await self._run(operations.explain(topology, source))

    # Catalog and cluster

    async def create_stream(self, name: str, columns: Columns, binding: Binding | None = None) -> model.Relation:
        """Declare a stream over a topic, which is created when missing unless the binding says otherwise."""
        return await self.create_relation(declaration(name, "STREAM", columns, binding))

    async def create_table(self, name: str, columns: Columns, binding: Binding | None = None) -> model.Relation:
        """Declare a table over a topic; it needs key columns."""
        return await self.create_relation(declaration(name, "TABLE", columns, binding))

    async def create_relation(self, relation: relation_pb2.Relation, *, validate_only: bool = False) -> model.Relation:
        """Declare a relation by its message; an equal one again is answered as the first time."""
        return await self._run(operations.create_relation(relation, validate_only))

    async def relation(self, name: str) -> model.Relation:
        """A relation by its catalog name or `topology.node`. UnknownRelationError."""
        return await self._run(operations.get_relation(name))

    async def relations(self, *, include_nodes: bool = False) -> list[model.Relation]:
        """All relations by name; materialised nodes and dead-letter streams too if asked."""
        return await self._pages(lambda token: operations.list_relations(include_nodes, token))

    async def drop_relation(self, name: str, *, etag: str = "", delete_topic: bool = False) -> str:
        """Forget a declared relation. RelationInUseError while topologies read or write it. The position."""
        self._schemas.pop(name, None)
        return await self._run(operations.drop_relation(name, etag, delete_topic))

    async def topics(self, *, include_internal: bool = False) -> list[model.Topic]:
        """Topics of the log by name."""
        return await self._run(operations.list_topics(include_internal))

    async def functions(self) -> list[model.Function]:
        """Functions of expressions by name."""
        return await self._run(operations.list_functions())

    async def function(self, name: str) -> model.Function:
        """One function. UnknownFunctionError."""
        return await self._run(operations.get_function(name))

    async def create_function(self, function: catalog_service_pb2.RemoteFunction) -> model.Function:
        """Declare a function that programs compute (declare.function). NameTakenError when one of the name is declared otherwise, unless the version is
        greater."""
        return await self._run(operations.create_function(function))

    async def drop_function(self, name: str) -> str:
        """Forget a declared function; topologies that call it go on. The position."""
        return await self._run(operations.drop_function(name))

    async def cluster(self) -> model.Cluster:
        """The service and its nodes."""
        return await self._run(operations.describe_cluster())

    async def tasks(self, topology: str = "") -> list[model.Task]:
        """Tasks with their states, of one topology or of all."""
        return await self._run(operations.list_tasks(topology))

    async def drain_node(self, node: str) -> None:
        """Take a node out of the service: its tasks and clients go to others, then its processes end. UnknownServiceNodeError."""
        await self._run(operations.drain_node(node))

    async def backup_registry(self) -> bytes:
        """What is registered, as a file that restore_registry takes."""
        try:
            return b"".join([part.chunk async for part in self.raw.registry.BackupRegistry(registry_service_pb2.BackupRegistryRequest(), timeout=self._timeout)])
        except grpc.RpcError as broken:
            raise from_rpc(broken) from None

    async def restore_registry(self, backup: bytes, *, replace: bool = False, validate_only: bool = False) -> Restored:
        """Bring a backup back into an empty registry, or with replace in the place of what it has. RegistryNotEmptyError."""
        try:
            return restored(await self.raw.registry.RestoreRegistry(requests(backup, replace, validate_only), timeout=self._timeout))
        except grpc.RpcError as broken:
            raise from_rpc(broken) from None

    # Append

    async def append(
        self,
        relation: str,
        rows: appends.Rows,
        *,
        as_json: bool = False,
        skip_invalid: bool = False,
        producer_id: str = "",
        sequence: int = 0,
    ) -> model.Appended:
        """Write one row or one batch of rows, all or nothing unless skip_invalid. Rows are mappings by column name, ROWTIME included if
        wanted. They are sent typed by the relation's schema, which is asked for once; as_json leaves the casts to the service.
        Without producer_id a call whose outcome is unknown raises; with it and a sequence (1, 2, 3...) it is repeated, exactly once."""
        listed = appends.as_list(rows)
        content = appends.as_json(listed) if as_json else appends.typed(await self._relation(relation), listed)
        return await self._append(relation, content, skip_invalid, producer_id, sequence)

    async def append_records(
        self,
        relation: str,
        records: Iterable[append_service_pb2.RawRecord],
        *,
        skip_invalid: bool = False,
        producer_id: str = "",
        sequence: int = 0,
    ) -> model.Appended:
        """Write records as bytes in the relation's own formats; the service checks them."""
        return await self._append(relation, appends.raw(records), skip_invalid, producer_id, sequence)

    async def _append(self, relation: str, content: Any, skip_invalid: bool, producer_id: str, sequence: int) -> model.Appended:
        message = appends.batch(relation, content, sequence, skip_invalid)
        return await self._run(appends.operation(message, producer_id, skip_invalid))

    async def appender(self, relation: str, *, producer_id: str = "", as_json: bool = False, skip_invalid: bool = False) -> AsyncAppender:
        """A stream of appends: many batches on their way at once, resent after a broken connection without writing twice. A producer_id of
        your own lets a new process go on after `last_sequence`."""
        appender = AsyncAppender(
            self._channel, relation, None if as_json else await self._relation(relation), producer_id, skip_invalid, self._retry
        )
        self._open.add(appender)
        await appender.open()
        return appender

    async def _relation(self, name: str) -> model.Relation:
        known = self._schemas.get(name)
        if known is None:
            known = self._schemas[name] = await self.relation(name)
        return known

    # Lookups

    async def get(
        self, relation: str, key: Any, *, columns: Sequence[str] = (), at_least: AtLeast | None = None,
        max_wait: float | None = None, stale: float | None = None, at: Instant | None = None,
    ) -> Row | None:  # fmt: skip
        """The row of a key (a tuple for several key columns), None when there is none. at_least: positions that the answer includes,
        waiting max_wait seconds for it (default 5). at: the ROWTIME at which it was valid, of a versioned table. PositionNotReachedError."""
        fresh = Freshness(at_least, max_wait, stale)
        return lookups.only(await self._run(lookups.get(relation, key, columns, None, fresh, at)))

    async def get_windows(
        self, relation: str, key: Any, *, start_from: Instant | None = None, start_to: Instant | None = None,
        columns: Sequence[str] = (), at_least: AtLeast | None = None, max_wait: float | None = None, stale: float | None = None,
    ) -> Batch:  # fmt: skip
        """The rows of a key in a windowed table, those whose window starts within the bounds, both inclusive."""
        windows = lookups.window_range(start_from, start_to)
        return await self._run(lookups.get(relation, key, columns, windows, Freshness(at_least, max_wait, stale)))

    async def batch_get(
        self, relation: str, keys: Iterable[Any], *, columns: Sequence[str] = (), at_least: AtLeast | None = None,
        max_wait: float | None = None, stale: float | None = None, at: Instant | None = None,
    ) -> list[Row | None]:  # fmt: skip
        """For each key its row or None, at most 10000. Of a windowed table a key ends with its window's start."""
        fresh = Freshness(at_least, max_wait, stale)
        return await self._run(lookups.batch_get(await self._relation(relation), keys, columns, fresh, at))

    def scan(
        self, relation: str, *, where: str = "", parameters: Mapping[str, Any] | None = None, prefix: Any = None, from_key: Any = None,
        to_key: Any = None, start_from: Instant | None = None, start_to: Instant | None = None, columns: Sequence[str] = (),
        limit: int = 0, at_least: AtLeast | None = None, max_wait: float | None = None, stale: float | None = None, cursor: str = "",
    ) -> AsyncScan:  # fmt: skip
        """Rows of a table: an iterator of rows. Bounds of keys are inclusive, tuples for several columns. Its position after the end starts
        a subscription without a gap."""
        windows = lookups.window_range(start_from, start_to)
        fresh = Freshness(at_least, max_wait, stale)
        state = lookups.ScanState(
            relation, where, parameters, prefix, from_key, to_key, windows, columns, limit, fresh, cursor
        )
        scan = AsyncScan(self._channel, state, self._retry)
        self._open.add(scan)
        return scan

    def subscribe(
        self, relation: str, *, where: str = "", parameters: Mapping[str, Any] | None = None, columns: Sequence[str] = (),
        start: Start = "", until: str = "", limit: int = 0, partitions: Sequence[int] = (), max_batch_rows: int = 0,
        max_linger: float | None = None, progress_interval: float | None = None,
    ) -> AsyncSubscription:  # fmt: skip
        """Rows as they come: an endless iterator of rows that resumes by itself. start: `snapshot` (default for tables), `latest` (default
        for streams), `earliest`, a token to start after, or a time. until: `end` or a token."""
        wanted = Wanted(
            relation, where, parameters, columns, start, until, limit, partitions, max_batch_rows, max_linger, progress_interval
        )
        subscription = AsyncSubscription(self._channel, SubscriptionState(wanted, self._retry))
        self._open.add(subscription)
        return subscription

    # SQL

    async def sql(
        self, text: str, *, parameters: Mapping[str, Any] | None = None, apply: bool = False, validate_only: bool = False
    ) -> list[SqlResult]:  # fmt: skip
        """Execute a script; the results of its statements. The first error is raised; earlier statements stay done. SET and DEFINE hold for later
        calls: see `session`. parameters: values of `:name` in INSERT INTO ... VALUES. apply: statements that were executed before, in the same
        words, are answered as done."""
        return [result async for result in self.sql_results(text, parameters=parameters, apply=apply, validate_only=validate_only)]

    async def sql_results(
        self, text: str, *, parameters: Mapping[str, Any] | None = None, apply: bool = False, validate_only: bool = False
    ) -> AsyncIterator[SqlResult]:  # fmt: skip
        """As sql, each result when it is there. A statement waits up to 10 s until the query that it starts runs."""
        call: Any = self._channel.unary_stream(
            EXECUTE, request_serializer=ExecuteRequest.SerializeToString, response_deserializer=ExecuteResponse.FromString
        )
        try:
            async for response in call(self.session.request(text, apply, validate_only, parameters)):
                yield self.session.take(response)
        except grpc.RpcError as broken:
            raise from_rpc(broken) from None

    def query(
        self, text: str, *, parameters: Mapping[str, Any] | None = None, resume: str = "", limit: int = 0, at_least: AtLeast | None = None,
        max_wait: float | None = None, progress_interval: float | None = None,
    ) -> AsyncSubscription:  # fmt: skip
        """The rows of a SELECT or PRINT: an iterator of rows. A pull query ends by itself; a push query (EMIT CHANGES) goes on over broken
        connections, or after the token `resume`. parameters: values of `:name`. at_least: positions that a pull query's answer includes."""
        wanted = QueryWanted(text, self.session, parameters, resume, limit, at_least, max_wait, progress_interval)
        subscription = AsyncSubscription(self._channel, SubscriptionState(wanted, self._retry))
        self._open.add(subscription)
        return subscription

    # How calls are made

    async def _pages(self, page: Callable[[str], operations.Operation[tuple[list[T], str]]]) -> list[T]:
        out: list[T] = []
        token = ""
        while True:
            items, token = await self._run(page(token))
            out.extend(items)
            if not token:
                return out

    async def _run(self, operation: operations.Operation[T]) -> T:
        """The result of a unary call, repeated while that helps and the deadline allows."""
        deadline = time.monotonic() + self._timeout + operation.extra
        retry = self._retry if operation.idempotent else NO_RETRY
        attempt = 1
        while True:
            if self._closing.is_set():
                raise ClosedError("the client is closed")
            address, channel, timeout = self._channel.toward(operation.place, max(0.001, deadline - time.monotonic()))
            call = channel.unary_unary(
                operation.method,
                request_serializer=type(operation.request).SerializeToString,
                response_deserializer=operation.response.FromString,
            )
            try:
                response = await call(operation.request, timeout=timeout)
                if operation.place is not None:
                    self._channel.answered(operation.place, address, response.owner)
                return operation.read(response)
            except grpc.RpcError as broken:
                error = from_rpc(broken)
            except grpc.aio.UsageError as broken:
                # grpc says so when the channel was closed meanwhile.
                raise ClosedError("the client is closed") from broken
            if self._closing.is_set():
                raise ClosedError("the client is closed") from error
            if self._channel.missed(operation.place, address, error):
                continue
            self._channel.leave(address, error)
            wait = retry.again(attempt, error)
            if wait is None or time.monotonic() + wait >= deadline:
                raise error
            await asyncio.sleep(wait)
            attempt += 1
