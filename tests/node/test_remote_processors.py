"""Remote processors on a real node: programs that dial in compute rows and keep state, exactly once, while they and workers come and go."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
from penstock_client import Client, Topology
from penstock_client.declare import Binding
from penstock_client.gen.penstock.v1 import processor_service_pb2 as pb
from penstock_client.processing import Bundle, Clock, Context, RetryBundle, Timer
from penstock_client.row import Row
from penstock_client.worker import METHOD, Worker
from real import RealNode, wait_for

KEYS = [f"c{i:02}" for i in range(20)]


def total(row: Row, context: Context) -> None:
    """Running totals, with a row for each purchase."""
    if row["PRICE"] is None:
        raise ValueError(f"no price for {row['CUSTOMER']}")
    sum_before = (context.state("totals") or {"TOTAL": 0})["TOTAL"]
    context.put("totals", {"TOTAL": sum_before + row["PRICE"]})
    context.send("sums", {"TOTAL": sum_before + row["PRICE"], "AT": row["PRICE"]})


def declare(client: Client, name: str, processor: str, **settings: object) -> None:
    """Topology `name` from stream `name`_in to `name`_out."""
    client.create_stream(f"{name}_in", "CUSTOMER STRING KEY, PRICE BIGINT", Binding(partitions=4))
    t = Topology(name)
    sums = t.stream(f"{name}_in").process_remotely(
        processor, {"sums": "CUSTOMER STRING KEY, TOTAL BIGINT, AT BIGINT"}, {"totals": "TOTAL BIGINT"}, keeps_key=True, name="sum", **settings)["sums"]
    sums.to(f"{name}_out")
    client.register_topology(t, wait=20)


def out(client: Client, name: str) -> list[Row]:
    return list(client.subscribe(f"{name}_out", start="earliest", until="end"))


def running_totals(rows: Sequence[Row]) -> None:
    """Each row continues its key's total: none is lost, none comes twice, all are in order."""
    at: Counter[str] = Counter()
    for row in rows:
        at[row["CUSTOMER"]] += row["AT"]
        assert row["TOTAL"] == at[row["CUSTOMER"]], row


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    with RealNode(tmp_path_factory.mktemp("remote"), workers=2) as started:
        yield started


def test_exactly_once_while_programs_and_workers_are_killed(node: RealNode) -> None:
    client = node.client
    declare(client, "shop", "total")
    expected: Counter[str] = Counter()

    def append(n: int) -> str:
        batch = [{"CUSTOMER": KEYS[(n * 7 + i) % len(KEYS)], "PRICE": i % 9} for i in range(300)]
        for row in batch:
            expected[str(row["CUSTOMER"])] += int(str(row["PRICE"]))
        return client.append("shop_in", batch).position

    append(0)
    wait_for(lambda: {t.state for t in client.tasks("shop") if t.sub_topology == "sum-rows"} == {"WAITING_FOR_WORKER"}, 20, "the tasks to say what they wait for")
    assert "no program serves total" in next(t.state_reason for t in client.tasks("shop") if t.sub_topology == "sum-rows")
    token = ""
    with Worker(node.address, {"total": total}):
        for n in range(1, 12):
            token = append(n)
            if n == 4:
                os.kill(node.pids("w")["w0"], signal.SIGKILL)
            with Worker(node.address, {"total": total}):  # one that goes in the middle of its bundles
                time.sleep(0.05)
        rows = {key: client.get("shop.sum.totals", key, at_least=token, max_wait=30) for key in KEYS}
    assert {key: row["TOTAL"] for key, row in rows.items() if row is not None} == dict(expected)
    found = out(client, "shop")
    assert len(found) == 12 * 300
    running_totals(found)


def test_bad_rows_and_bundles(node: RealNode) -> None:
    client, tries = node.client, Counter[str]()

    def picky(row: Row, context: Context) -> None:
        tries[row["CUSTOMER"]] += 1
        if row["CUSTOMER"] == "later" and tries["later"] < 3:
            raise RetryBundle("the other service is away")
        if row["CUSTOMER"] == "never":
            raise RetryBundle("always")
        total(row, context)

    declare(client, "picky", "picky", max_attempts=4)
    with Worker(node.address, {"picky": picky}):
        client.append("picky_in", [{"CUSTOMER": "a", "PRICE": 1}, {"CUSTOMER": "b", "PRICE": None}, {"CUSTOMER": "a", "PRICE": 2}])
        client.append("picky_in", [{"CUSTOMER": "later", "PRICE": 5}])
        client.append("picky_in", [{"CUSTOMER": "never", "PRICE": 5}])
        letters = node.dead_letters("picky", 2)
        wait_for(lambda: len(out(client, "picky")) == 3, 20, "what was good")
    assert sorted((letter.NODE, letter.REASON.splitlines()[0]) for letter in letters) == [
        ("sum", "ValueError: no price for b"), ("sum", "always (attempt 4 of 4)")]
    running_totals(out(client, "picky"))


class Raw:
    """A connection that answers as it is told."""

    def __init__(self, address: str, processor: str) -> None:
        import grpc

        self._requests: list[pb.ProcessRequest] = [pb.ProcessRequest(hello=pb.WorkerHello(processors=[processor]))]
        self._more = threading.Condition()
        self._channel = grpc.insecure_channel(address)
        self._call = self._channel.stream_stream(METHOD, pb.ProcessRequest.SerializeToString, pb.ProcessResponse.FromString)(self._sent())

    def _sent(self) -> Iterator[pb.ProcessRequest]:
        while True:
            with self._more:
                self._more.wait_for(lambda: self._requests)
                yield self._requests.pop(0)

    def next(self, kind: str) -> object:
        """The next response, which is of this kind."""
        response = next(self._call)
        assert response.WhichOneof("message") == kind, response
        return getattr(response, kind)

    def send(self, request: pb.ProcessRequest) -> None:
        with self._more:
            self._requests.append(request)
            self._more.notify()

    def close(self) -> None:
        self._call.cancel()
        self._channel.close()


def _row(result: pb.BundleResult, node: pb.ProcessorNode, key: str, cause: int = 0) -> object:
    out = result.outputs.add(output="sums", causes=[cause])
    out.rows.schema_id, out.rows.row_count = node.outputs[0].schema.id, 1
    for _ in range(4):
        out.rows.columns.add()
    out.rows.columns[0].strings.values.append(key)
    return out.rows


def _state(result: pb.BundleResult, node: pb.ProcessorNode) -> None:
    state = result.state.add(name="totals")
    state.rows.schema_id, state.rows.row_count = node.stores[0].schema.id, 1
    state.rows.columns.add().strings.values.append("other")
    state.rows.columns.add().longs.values.append(1)


WRONG: dict[str, tuple[Callable[[pb.BundleResult, pb.ProcessorNode], None], str]] = {
    "output": (lambda r, n: r.outputs.add(output="nowhere").rows.SetInParent(), "there is no output nowhere"),
    "schema": (lambda r, n: r.outputs.add(output="sums").rows.SetInParent(), "rows of the schema"),
    "type": (lambda r, n: _row(r, n, "a").columns[1].strings.values.append("x"), "holds strings"),
    "cause": (lambda r, n: _row(r, n, "a", 7).columns[1].longs.values.append(1), "its cause 7 is no row of the bundle"),
    "key": (lambda r, n: _row(r, n, "other").columns[1].longs.values.append(1), "which the output keeps"),
    "state": (_state, "is none of the bundle's"),
    "stores": (lambda r, n: [_state(r, n), _state(r, n)], "store totals comes twice"),
    "timers": (lambda r, n: r.timers.names.append("t"), "there is no timers"),
}


def test_answers_that_are_not_valid_are_refused_and_nothing_of_them_is_applied(node: RealNode) -> None:
    client = node.client
    declare(client, "strict", "strict")
    raw = Raw(node.address, "strict")
    try:
        described, cases = None, list(WRONG.values())
        for number in range(0, len(cases), 3):  # a few a bundle: after each try it waits longer
            client.append("strict_in", [{"CUSTOMER": "a", "PRICE": 1}])
            described = described or raw.next("node")
            for spoil, why in cases[number:number + 3]:
                bundle = raw.next("bundle")
                result = pb.BundleResult(lease=bundle.lease, bundle=bundle.bundle)
                spoil(result, described)
                raw.send(pb.ProcessRequest(result=result))
                dropped = raw.next("dropped")
                assert dropped.reason == pb.DROP_REASON_INVALID and why in dropped.message, dropped
            bundle = raw.next("bundle")
            good = pb.BundleResult(lease=bundle.lease, bundle=bundle.bundle)
            _row(good, described, "a").columns[1].longs.values.append(41 + number)
            raw.send(pb.ProcessRequest(result=good))
            raw.send(pb.ProcessRequest(result=good))
            assert raw.next("dropped").reason == pb.DROP_REASON_GONE
        wait_for(lambda: [r["TOTAL"] for r in out(client, "strict")] == [41, 44, 47], 20, "the valid rows and no others")
    finally:
        raw.close()


class Visits:
    """Counts a customer's rows; when none came for 10 s of stream time they are told, and half a second later of the clock once more."""

    def __call__(self, row: Row, context: Context) -> None:
        context.put("totals", {"TOTAL": (context.state("totals") or {"TOTAL": 0})["TOTAL"] + 1})
        context.set_timer(row["ROWTIME"] + 10_000, "over")

    def on_timer(self, timer: Timer, context: Context) -> None:
        state = context.state("totals") or {"TOTAL": 0}
        context.send("sums", {"TOTAL": state["TOTAL"], "AT": timer.at if timer.name else None})
        if timer.name:
            context.set_timer(int(time.time() * 1000) + 500, clock=Clock.WALL_CLOCK)
        else:
            context.put("totals", None)


def test_timers_are_kept_and_fired_exactly_once(node: RealNode) -> None:
    """While workers are killed between what sets them and what fires them; what they tell is in the log once."""
    client, customers = node.client, 200
    declare(client, "visits", "visits", timers=True)
    names = [f"v{i:03}" for i in range(customers)]
    rows = [{"CUSTOMER": name, "ROWTIME": 1000 + i} for i, name in enumerate(names) for _ in range(3)]
    with Worker(node.address, {"visits": Visits()}):
        token = client.append("visits_in", rows).position
        assert all(client.get("visits.sum.totals", name, at_least=token, max_wait=30) for name in names[:3])
        os.kill(node.pids("w")["w0"], signal.SIGKILL)
        os.kill(node.pids("w")["w1"], signal.SIGKILL)
        # stream time comes to all of them, in each partition
        client.append("visits_in", [{"CUSTOMER": f"late{i}", "ROWTIME": 50_000} for i in range(40)])
        wait_for(lambda: len(out(client, "visits")) >= customers, 40, "those by stream time")
        os.kill(node.pids("w")["w0"], signal.SIGKILL)
        wait_for(lambda: len(out(client, "visits")) >= 2 * customers, 40, "those by the clock")
        wait_for(lambda: client.get("visits.sum.totals", names[0]) is None, 20, "state that a timer deleted to be gone")
    told = out(client, "visits")
    assert Counter(r["CUSTOMER"] for r in told) == Counter(names * 2)
    assert {(r["CUSTOMER"], r["AT"]) for r in told if r["AT"] is not None} == {(name, 11_000 + i) for i, name in enumerate(names)}
    assert all(r["TOTAL"] == 3 for r in told)


def test_programs_that_fire_no_timers_get_no_rows_of_nodes_that_have_them(node: RealNode) -> None:
    client = node.client
    declare(client, "older", "older", timers=True)
    raw = Raw(node.address, "older")
    try:
        client.append("older_in", [{"CUSTOMER": "a", "PRICE": 1}])
        wait_for(lambda: any("fires timers: start one with a newer client" in t.state_reason for t in client.tasks("older")), 20, "the reason")
        with Worker(node.address, {"older": total}):
            wait_for(lambda: len(out(client, "older")) == 1, 20, "the newer program's row")
    finally:
        raw.close()


def test_a_program_that_does_not_answer_is_passed_over(node: RealNode) -> None:
    client = node.client
    declare(client, "slow", "slow", bundle_timeout=0.5)
    raw = Raw(node.address, "slow")
    try:
        client.append("slow_in", [{"CUSTOMER": "a", "PRICE": 1}])
        raw.next("node")
        bundle = raw.next("bundle")
        with Worker(node.address, {"slow": total}):
            wait_for(lambda: len(out(client, "slow")) == 1, 20, "the other program's answer")
            assert raw.next("dropped").bundle == bundle.bundle
    finally:
        raw.close()


def test_whole_bundles_in_columns(node: RealNode) -> None:
    class Doubled:
        def process_bundle(self, bundle: Bundle) -> None:
            for i, (key, price) in enumerate(zip(bundle.keys(), bundle.rows.column("PRICE"), strict=True)):
                bundle.send("sums", {"TOTAL": 2 * price, "AT": price}, i, key={"CUSTOMER": key[0]}, timestamp=7_000 + i)

    client = node.client
    declare(client, "double", "double")
    with Worker(node.address, {"double": Doubled()}):
        client.append("double_in", [{"CUSTOMER": "a", "PRICE": n} for n in range(5)])
        wait_for(lambda: len(out(client, "double")) == 5, 20, "rows")
    assert [r["TOTAL"] for r in out(client, "double")] == [0, 2, 4, 6, 8]
