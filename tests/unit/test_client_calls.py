"""Both clients against a scripted service: errors, retries, subscriptions that resume, appends that are resent once, closing."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_status import rpc_status

sys.path.insert(0, str(Path(__file__).parent))

from fake_service import (
    FakeService,
    event,
    expression_status,
    fail,
    rows_event,
    spend_rows,
    spend_schema,
    status,
    stream,
)
from penstock_client import (
    AsyncClient,
    Batch,
    CaughtUp,
    Client,
    ClosedError,
    Ended,
    Reconnecting,
    Retry,
    SchemaChanged,
    TopicOffset,
    Topology,
    UnreachableError,
    errors,
    nodes,
)
from penstock_client.gen.penstock.v1 import (
    append_service_pb2 as append,
)
from penstock_client.gen.penstock.v1 import (
    lookup_service_pb2 as lookup,
)
from penstock_client.gen.penstock.v1 import (
    subscription_service_pb2 as subscription,
)
from penstock_client.gen.penstock.v1 import (
    topology_service_pb2 as topologies,
)
from penstock_client.json_text import json_text

QUICK = Retry(attempts=4, first=0.01, longest=0.02)
GONE = status(grpc.StatusCode.UNAVAILABLE, "NOT_SERVING", "restoring")
EXPIRED = status(grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID", "no principal has this token")
SCHEMA = event(schema=spend_schema())
COMPLETED = event(end=subscription.End(reason=subscription.END_REASON_COMPLETED, position={"value": "p9"}))


@pytest.fixture
def service() -> Iterator[FakeService]:
    fake = FakeService()
    yield fake
    fake.stop()


@pytest.fixture
def client(service: FakeService) -> Iterator[Client]:
    with Client(service.address, retry=QUICK, timeout=5) as made:
        yield made


# Errors and retries


def test_a_reason_becomes_its_class(service: FakeService, client: Client) -> None:
    service.on("GetTopology", fail(status(grpc.StatusCode.NOT_FOUND, "UNKNOWN_TOPOLOGY", "no topology x", topology="x")))
    with pytest.raises(errors.UnknownTopologyError) as caught:
        client.topology("x")
    assert (caught.value.reason, caught.value.code) == ("UNKNOWN_TOPOLOGY", grpc.StatusCode.NOT_FOUND)
    assert caught.value.metadata == {"topology": "x"}


def test_an_expression_error_has_its_place(service: FakeService, client: Client) -> None:
    service.on("RegisterTopology", fail(expression_status("unexpected )", "topology.nodes[1].filter.where", "f", 3, 4)))
    with pytest.raises(errors.InvalidExpressionError) as caught:
        client.register_topology(Topology("t"))
    place = caught.value.expression
    assert place is not None and (place.node, place.start, place.end) == ("f", 3, 4)


def test_a_reason_of_a_newer_service_is_the_root_class(service: FakeService, client: Client) -> None:
    service.on("GetTopology", fail(status(grpc.StatusCode.ABORTED, "SOMETHING_NEW", "hm")))
    with pytest.raises(errors.PenstockError) as caught:
        client.topology("x")
    assert type(caught.value) is errors.PenstockError and caught.value.reason == "SOMETHING_NEW"


def test_unavailable_is_retried_and_other_codes_are_not(service: FakeService, client: Client) -> None:
    found = lambda r, c: topologies.GetTopologyResponse(topology={"topology": {"name": "t"}})  # noqa: E731
    service.on("GetTopology", fail(GONE), fail(GONE), found)
    assert client.topology("t").name == "t"
    assert len(service.requests["GetTopology"]) == 3


def test_a_deletion_is_not_repeated(service: FakeService, client: Client) -> None:
    service.on("DeleteTopology", fail(GONE))
    with pytest.raises(errors.NotServingError):
        client.delete_topology("t")
    assert len(service.requests["DeleteTopology"]) == 1


def test_an_append_is_repeated_only_with_a_producer(service: FakeService, client: Client) -> None:
    written = lambda r, c: append.AppendResponse(ack={"appended": 1, "position": {"value": "p"}})  # noqa: E731
    service.on("Append", fail(GONE), written)
    with pytest.raises(errors.NotServingError):
        client.append("spend", {"customer": "a"})
    service.requests.clear()
    assert client.append("spend", {"customer": "a"}, producer_id="me", sequence=1).position == "p"
    assert len(service.requests["Append"]) == 2


def test_nobody_there_is_unreachable() -> None:
    with Client("127.0.0.1:1", retry=QUICK, timeout=5) as client, pytest.raises(UnreachableError):
        client.cluster()


def test_the_deadline_holds(service: FakeService) -> None:
    service.on("DescribeCluster", lambda r, c: time.sleep(0.6))
    started = time.monotonic()
    with Client(service.address, timeout=0.2) as client, pytest.raises(errors.DeadlineExceededError):
        client.cluster()
    assert time.monotonic() - started < 0.5


def test_another_timeout_shares_the_connection_and_its_end(service: FakeService, client: Client) -> None:
    service.on("DescribeCluster", lambda r, c: time.sleep(0.6))
    hasty = client.with_timeout(0.1)
    with pytest.raises(errors.DeadlineExceededError):
        hasty.cluster()
    client.close()
    client.close()
    with pytest.raises(ClosedError):
        hasty.cluster()


# Append


def test_rows_are_sent_typed(service: FakeService, client: Client) -> None:
    service.on("Append", lambda r, c: append.AppendResponse(ack={"appended": 2}))
    client.append("spend", [{"customer": "a", "TOTAL": 1.5}, {"Customer": "b", "rowtime": 17}])
    (request,) = service.requests["Append"]
    assert list(request.batch.rows.columns) == ["CUSTOMER", "TOTAL", "ROWTIME"]
    assert list(request.batch.rows.batch.columns[0].strings.values) == ["a", "b"]
    assert request.batch.rows.batch.columns[1].validity == b"\x01"


def test_a_wrong_row_is_refused_before_it_is_sent(client: Client) -> None:
    with pytest.raises(ValueError, match="no column prize; there are CUSTOMER, TOTAL, ROWTIME"):
        client.append("spend", {"prize": 1})
    with pytest.raises(TypeError, match="row 1, column TOTAL DOUBLE"):
        client.append("spend", [{"total": 1.0}, {"total": "x"}])


def test_rows_as_json(service: FakeService, client: Client) -> None:
    service.on("Append", lambda r, c: append.AppendResponse(ack={"appended": 1}))
    client.append("spend", {"customer": "ä", "total": Decimal("1.50")}, as_json=True)
    assert list(service.requests["Append"][0].batch.json.rows) == ['{"customer":"ä","total":1.50}']


def test_refused_rows_raise_and_skipped_ones_are_told(service: FakeService, client: Client) -> None:
    wrong = append.RowError(row=1, error=status(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ROW", "TOTAL is no number", row="1"))
    service.on("Append", lambda r, c: append.AppendResponse(ack={"row_errors": [wrong], "appended": 1}))
    with pytest.raises(errors.InvalidRowError, match="row 1: TOTAL is no number"):
        client.append("spend", {"customer": "a"})
    result = client.append("spend", {"customer": "a"}, skip_invalid=True)
    assert (result.appended, result.row_errors[0].row, result.row_errors[0].reason) == (1, 1, "INVALID_ROW")


class Producer:
    """AppendStream of a service that keeps sequences; it breaks the connection instead of each of the first `breaks` acknowledgements behind the batch `after`,
    once because credentials have expired. included: the position that each connection began with."""

    def __init__(self, breaks: int, after: int = 0) -> None:
        self.written: list[int] = []
        self.included: list[str] = []
        self.breaks, self.after = breaks, after

    def __call__(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        self.included.append(next(requests).open.position.value)
        yield append.AppendStreamResponse(opened={"last_sequence": len(self.written), "max_in_flight": 2})
        for request in requests:
            sequence = request.batch.sequence
            duplicate = sequence <= len(self.written)
            if not duplicate:
                assert sequence == len(self.written) + 1
                self.written.append(len(request.batch.rows.batch.columns[0].strings.values))
            if self.breaks and sequence > self.after:
                self.breaks -= 1
                if self.breaks == 1:
                    context.abort_with_status(rpc_status.to_status(EXPIRED))
                context.abort(grpc.StatusCode.UNAVAILABLE, "broken")
            ack = {"sequence": sequence, "appended": 0 if duplicate else 1, "duplicate": duplicate, "position": {"value": f"p{sequence}"}}
            yield append.AppendStreamResponse(ack=ack)


def test_the_appender_writes_each_batch_once(service: FakeService, client: Client) -> None:
    producer = Producer(breaks=3, after=4)
    service.on("AppendStream", producer)
    with client.appender("spend", producer_id="me") as appender:
        for number in range(10):
            appender.append({"customer": f"c{number}"})
        assert appender.flush(timeout=10) == "p10"
    assert producer.written == [1] * 10
    assert producer.included == ["", "p4", "p4", "p4"]
    with client.appender("spend", producer_id="me") as again:
        assert again.last_sequence == 10


async def test_the_asynchronous_appender_writes_each_batch_once(service: FakeService) -> None:
    producer = Producer(breaks=3)
    service.on("AppendStream", producer)
    async with AsyncClient(service.address, retry=QUICK) as client, await client.appender("spend") as appender:
        for number in range(10):
            await appender.append({"customer": f"c{number}"})
        assert await appender.flush(timeout=10) == "p10"
    assert producer.written == [1] * 10


def test_a_refused_batch_ends_the_appender(service: FakeService, client: Client) -> None:
    service.on("AppendStream", fail(status(grpc.StatusCode.ABORTED, "PRODUCER_FENCED", "a newer stream")))
    with pytest.raises(errors.ProducerFencedError), client.appender("spend") as appender:
        appender.append({"customer": "a"})


# Lookups


def test_get(service: FakeService, client: Client) -> None:
    answers = [spend_rows(("a", 2.5)), spend_rows()]
    service.on(
        "Get",
        *(lambda r, c, rows=rows: lookup.GetResponse(schema=spend_schema(), rows=rows, position={"value": "p"}) for rows in answers),
    )
    row = client.get("spend", "a", at_least=["t1", TopicOffset("purchases", 3, 17)], max_wait=2)
    assert row is not None
    assert dict(row) == {"CUSTOMER": "a", "TOTAL": 2.5} and row.total == row["total"] == 2.5 and row.position == "p"
    assert client.get("spend", "b") is None
    wanted = service.requests["Get"][0].consistency.at_least
    assert [p.value for p in wanted.positions] == ["t1"] and wanted.offsets[0].offset == 17 and wanted.max_wait.seconds == 2


def test_batch_get_keeps_the_order_of_keys(service: FakeService, client: Client) -> None:
    response = lookup.BatchGetResponse(schema=spend_schema(), rows=spend_rows(("c", 3.0), ("a", 1.0)), key_indexes=[2, 0])
    service.on("BatchGet", lambda r, c: response)
    assert [r and r.total for r in client.batch_get("spend", ["a", "b", "c"])] == [1.0, None, 3.0]


def test_a_scan_goes_on_at_its_cursor(service: FakeService, client: Client) -> None:
    first = lookup.ScanResponse(schema=spend_schema(), rows=spend_rows(("a", 1.0)), cursor="c1")
    last = lookup.ScanResponse(schema=spend_schema(), rows=spend_rows(("b", 2.0)), cursor="c2", position={"value": "end"})
    service.on("Scan", stream(first, then=GONE), stream(last))
    scan = client.scan("spend", where="TOTAL > :t", parameters={"t": 0.5}, from_key="a")
    assert [r.customer for r in scan] == ["a", "b"] and scan.position == "end"
    assert service.requests["Scan"][1].cursor == "c1"


# Subscriptions


def resuming(service: FakeService) -> None:
    """A subscription that breaks twice; the second connection sends what the first had sent behind its last position."""
    service.on(
        "Subscribe",
        stream(SCHEMA, rows_event("p1", ("a", 1.0), ("b", 2.0)), rows_event("", ("c", 3.0)), then=GONE),
        stream(SCHEMA, rows_event("p2", ("c", 3.0)), event(end=subscription.End(reason=subscription.END_REASON_NODE_DRAINING))),
        stream(SCHEMA, event(caught_up=subscription.CaughtUp(position={"value": "p3"})), rows_event("p4", ("d", 4.0)), COMPLETED),
    )


def test_a_subscription_resumes_by_itself(service: FakeService, client: Client) -> None:
    resuming(service)
    watch = client.subscribe("spend", limit=9)
    assert [r.customer for r in watch] == ["a", "b", "c", "c", "d"]
    starts = [r.start.after.value for r in service.requests["Subscribe"]]
    assert starts == ["", "p1", "p2"] and [r.limit for r in service.requests["Subscribe"]] == [9, 7, 6]


async def test_an_asynchronous_subscription_resumes_by_itself(service: FakeService) -> None:
    resuming(service)
    async with AsyncClient(service.address, retry=QUICK) as client:
        assert [r.customer async for r in client.subscribe("spend")] == ["a", "b", "c", "c", "d"]


def test_events_tell_what_happened(service: FakeService, client: Client) -> None:
    resuming(service)
    kinds = [type(e) for e in client.subscribe("spend").events()]
    assert kinds == [SchemaChanged, Batch, Batch, Reconnecting, Batch, Reconnecting, CaughtUp, Batch, Ended]


def test_the_position_is_there_with_the_last_row_of_its_batch(service: FakeService, client: Client) -> None:
    service.on("Subscribe", stream(SCHEMA, rows_event("p1", ("a", 1.0), ("b", 2.0)), hold=True))
    with client.subscribe("spend") as watch:
        next(watch)
        assert watch.position == ""
        next(watch)
        assert watch.position == "p1"


def test_a_relation_that_was_replaced_raises(service: FakeService, client: Client) -> None:
    service.on("Subscribe", stream(event(end=subscription.End(reason=subscription.END_REASON_RELATION_REPLACED))))
    with pytest.raises(errors.RelationReplacedError):
        next(client.subscribe("spend"))


def test_a_subscription_whose_credentials_expired_goes_on_with_the_next(service: FakeService, client: Client) -> None:
    planned = event(end=subscription.End(reason=subscription.END_REASON_CREDENTIALS_EXPIRED))
    service.on(
        "Subscribe",
        stream(SCHEMA, rows_event("p1", ("a", 1.0)), then=EXPIRED),
        stream(SCHEMA, rows_event("p2", ("b", 2.0)), planned),
        stream(SCHEMA, rows_event("p3", ("c", 3.0)), then=EXPIRED),
        fail(EXPIRED),
    )
    got: list[str] = []
    with pytest.raises(errors.CredentialsInvalidError):
        got += (row.customer for row in client.subscribe("spend"))
    assert [r.start.after.value for r in service.requests["Subscribe"]] == ["", "p1", "p2", "p3"]
    assert got == ["a", "b", "c"]


def test_the_first_connection_is_not_tried_for_ever(service: FakeService, client: Client) -> None:
    service.on("Subscribe", fail(GONE))
    with pytest.raises(errors.NotServingError):
        next(client.subscribe("spend"))
    assert len(service.requests["Subscribe"]) == QUICK.attempts


def test_close_ends_a_waiting_reader_at_once(service: FakeService) -> None:
    service.on("Subscribe", stream(SCHEMA, hold=True))
    client = Client(service.address)
    watch = client.subscribe("spend")
    got: list[Any] = []
    reader = threading.Thread(target=lambda: got.extend(watch))
    reader.start()
    while not service.requests.get("Subscribe"):
        time.sleep(0.005)
    client.close()
    reader.join(2)
    assert not reader.is_alive() and got == []
    with pytest.raises(ClosedError):
        client.cluster()


async def test_close_ends_a_waiting_asynchronous_reader_at_once(service: FakeService) -> None:
    service.on("Subscribe", stream(SCHEMA, hold=True))
    client = AsyncClient(service.address)
    watch = client.subscribe("spend")

    async def read() -> list[Any]:
        return [row async for row in watch]

    reader = asyncio.create_task(read())
    while not service.requests.get("Subscribe"):
        await asyncio.sleep(0.005)
    await client.close()
    assert await asyncio.wait_for(reader, 2) == []


async def test_cancelling_the_reader_cancels(service: FakeService) -> None:
    service.on("Subscribe", stream(SCHEMA, hold=True))
    async with AsyncClient(service.address) as client:
        watch = client.subscribe("spend")
        reader = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0.1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader


def test_both_clients_have_the_same_methods() -> None:
    def shape(of: type) -> dict[str, list[str]]:
        methods = {n: m for n, m in vars(of).items() if callable(m) and not n.startswith("_")}
        return {name: [str(p) for p in inspect.signature(method).parameters.values()] for name, method in methods.items()}

    assert shape(Client) == shape(AsyncClient)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": None, "b": True, "c": [1, 1.5]}, '{"a":null,"b":true,"c":[1,1.5]}'),
        (Decimal("12345678901234567890.10"), "12345678901234567890.10"),
        (datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), '"2024-01-01T00:00:00.000Z"'),
        (b"\x00", '"AA=="'),
        ('ä"', '"ä\\""'),
    ],
)
def test_json_text(value: object, text: str) -> None:
    assert json_text(value) == text


@pytest.mark.parametrize("value", [float("nan"), Decimal("Infinity"), datetime(2024, 1, 1)])  # noqa: DTZ001 - no zone is the point
def test_what_json_does_not_have(value: object) -> None:
    with pytest.raises(ValueError, match="JSON has no|no time zone"):
        json_text(value)


def _row(owner: str = "") -> lookup.GetResponse:
    return lookup.GetResponse(schema=spend_schema(), rows=spend_rows(("a", 1.0)), position={"value": "p"}, owner=owner)


def _lookups(service: FakeService, asynchronous: bool, scenario: Callable[[Callable[..., Awaitable[None]]], Awaitable[None]]) -> None:
    """Play a scenario with a client of either kind. It is given what looks keys up one after the other."""

    async def run(client: Client | AsyncClient) -> None:
        async def lookups(*keys: str) -> None:
            for key in keys:
                found = client.get("spend", key)
                row = await found if inspect.isawaitable(found) else found
                assert row is not None and row["TOTAL"] == 1.0

        await scenario(lookups)

    async def asynchronously() -> None:
        async with AsyncClient(service.address, retry=QUICK) as client:
            await run(client)

    if asynchronous:
        asyncio.run(asynchronously())
    else:
        with Client(service.address, retry=QUICK) as client:
            asyncio.run(run(client))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_lookup_goes_to_the_owner_that_an_answer_named_and_back_when_it_is_gone(service: FakeService, asynchronous: bool) -> None:
    owner = FakeService()
    service.on("Get", lambda r, c: _row(owner.address))
    owner.on("Get", lambda r, c: _row())

    def asked() -> tuple[int, int]:
        return len(service.requests["Get"]), len(owner.requests["Get"])

    async def scenario(lookups: Callable[..., Awaitable[None]]) -> None:
        await lookups("a", "a", "b", "a")
        assert asked() == (2, 2), "the first of each key is passed on, the others go straight"
        owner.stop()
        await lookups("a", "a", "b")
        assert asked() == (5, 2), "and nobody goes back to a node that is gone, though answers still name it"

    _lookups(service, asynchronous, scenario)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_owner_that_says_nothing_is_waited_for_once(service: FakeService, asynchronous: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "FIRST_CALL", 0.1)
    owner, end = FakeService(), threading.Event()
    service.on("Get", lambda r, c: _row(owner.address))
    owner.on("Get", lambda r, c: end.wait(5) and _row())

    async def scenario(lookups: Callable[..., Awaitable[None]]) -> None:
        await lookups("a", "a", "a", "b", "b")
        assert (len(service.requests["Get"]), len(owner.requests["Get"])) == (5, 1)

    _lookups(service, asynchronous, scenario)
    end.set()
    owner.stop()


def test_values_of_a_newer_service_are_unspecified(service: FakeService) -> None:
    service.on("GetTopology", lambda r, c: topologies.GetTopologyResponse(topology=topologies.RegisteredTopology(state=99)))  # type: ignore[arg-type]
    with Client(service.address, retry=QUICK) as client:
        assert client.topology("t").state == "UNSPECIFIED"
