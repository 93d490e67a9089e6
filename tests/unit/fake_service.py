"""A service of scripted answers on a free port, for tests of the client and of the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from penstock_client.gen.penstock.v1 import (
    append_service_pb2,
    append_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    cluster_service_pb2,
    cluster_service_pb2_grpc,
    errors_pb2,
    lookup_service_pb2,
    lookup_service_pb2_grpc,
    relation_pb2,
    row_pb2,
    subscription_service_pb2,
    subscription_service_pb2_grpc,
    topology_service_pb2,
    topology_service_pb2_grpc,
    types_pb2,
)
from penstock_client.rows import encode_batch
from penstock_client.types import Kind, SqlType

STRING, DOUBLE = SqlType(Kind.STRING), SqlType(Kind.DOUBLE)


def status(code: grpc.StatusCode, reason: str, message: str, **metadata: str) -> status_pb2.Status:
    """A status as the service makes it."""
    info = any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=f"ERROR_REASON_{reason}", domain="penstock.v1", metadata=metadata))
    return status_pb2.Status(code=code.value[0], message=message, details=[info])


def expression_status(message: str, field: str, node: str, start: int, end: int) -> status_pb2.Status:
    """The status of a bad expression."""
    out = status(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_EXPRESSION", message, node=node)
    out.details.add().Pack(errors_pb2.ExpressionError(field=field, node=node, start=start, end=end, message=message))
    return out


def spend_schema() -> row_pb2.RowSchema:
    """CUSTOMER STRING KEY, TOTAL DOUBLE."""
    return row_pb2.RowSchema(id=7, schema=_schema(), table=True)


def _schema() -> types_pb2.Schema:
    string = types_pb2.Type(sql="STRING", kind=types_pb2.TYPE_KIND_STRING)
    double = types_pb2.Type(sql="DOUBLE", kind=types_pb2.TYPE_KIND_DOUBLE)
    return types_pb2.Schema(
        columns=[
            types_pb2.Column(name="CUSTOMER", type=string, role=types_pb2.COLUMN_ROLE_KEY),
            types_pb2.Column(name="TOTAL", type=double, role=types_pb2.COLUMN_ROLE_VALUE),
        ]
    )


def spend_relation() -> relation_pb2.Relation:
    """The table that every test sees."""
    return relation_pb2.Relation(
        name="SPEND", kind=relation_pb2.RELATION_KIND_TABLE, schema=_schema(), topic=relation_pb2.TopicBinding(topic="spend"), lookup=True
    )


def spend_rows(*rows: tuple[str, float | None]) -> row_pb2.RowBatch:
    """A batch of SPEND."""
    columns: list[list[Any]] = [list(c) for c in zip(*rows, strict=True)] if rows else [[], []]
    return encode_batch([STRING, DOUBLE], columns, len(rows))


def event(**parts: Any) -> subscription_service_pb2.SubscribeResponse:
    """One message of a subscription."""
    return subscription_service_pb2.SubscribeResponse(event=subscription_service_pb2.Event(**parts))


def rows_event(position: str, *rows: tuple[str, float | None]) -> subscription_service_pb2.SubscribeResponse:
    """A batch with its position."""
    return event(rows=subscription_service_pb2.Rows(batch=spend_rows(*rows), position={"value": position}))


Script = Callable[[Any, grpc.ServicerContext], Any]


class FakeService(
    append_service_pb2_grpc.AppendServiceServicer,
    catalog_service_pb2_grpc.CatalogServiceServicer,
    cluster_service_pb2_grpc.ClusterServiceServicer,
    lookup_service_pb2_grpc.LookupServiceServicer,
    subscription_service_pb2_grpc.SubscriptionServiceServicer,
    topology_service_pb2_grpc.TopologyServiceServicer,
):
    """Answers each call of a method by the next of its scripts; requests are kept. An exception of type status is sent as such."""

    def __init__(self) -> None:
        self.scripts: dict[str, list[Script]] = {"GetRelation": [lambda r, c: catalog_service_pb2.GetRelationResponse(relation=spend_relation())]}
        self.requests: dict[str, list[Any]] = {}
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        append_service_pb2_grpc.add_AppendServiceServicer_to_server(self, self._server)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(self, self._server)
        cluster_service_pb2_grpc.add_ClusterServiceServicer_to_server(self, self._server)
        lookup_service_pb2_grpc.add_LookupServiceServicer_to_server(self, self._server)
        subscription_service_pb2_grpc.add_SubscriptionServiceServicer_to_server(self, self._server)
        topology_service_pb2_grpc.add_TopologyServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def stop(self) -> None:
        """End it."""
        self._server.stop(0).wait()

    def on(self, method: str, *scripts: Script) -> None:
        """Set the answers of a method; the last repeats."""
        self.scripts[method] = list(scripts)

    def answer(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        """Run the next script."""
        seen = self.requests.setdefault(method, [])
        seen.append(request)
        scripts = self.scripts[method]
        return scripts[min(len(seen), len(scripts)) - 1](request, context)


def fail(problem: status_pb2.Status) -> Script:
    """A script that fails the call."""

    def script(request: Any, context: grpc.ServicerContext) -> Any:
        context.abort_with_status(rpc_status.to_status(problem))

    return script


def stream(*messages: Any, then: status_pb2.Status | None = None, hold: bool = False) -> Script:
    """A script that sends messages, then ends, fails, or holds the call open until the client leaves."""

    def script(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from messages
        if then is not None:
            context.abort_with_status(rpc_status.to_status(then))
        while hold and context.is_active():
            time.sleep(0.01)

    return script


def _method(name: str) -> Any:
    return lambda self, request, context: self.answer(name, request, context)


for _services in (
    append_service_pb2, catalog_service_pb2, cluster_service_pb2, lookup_service_pb2, subscription_service_pb2, topology_service_pb2,
):  # fmt: skip
    for _service in _services.DESCRIPTOR.services_by_name.values():
        for _rpc in _service.methods:
            setattr(FakeService, _rpc.name, _method(_rpc.name))
