"""The client and the command line against a real node on the embedded log: what the scripted service cannot show."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from penstock_client import AsyncClient, Batch, Binding, CaughtUp, Client, Reconnecting, Topology, errors, tumbling

DAY = datetime(2024, 1, 1, tzinfo=UTC)


class Node:
    """`penstock serve` in a process of its own."""

    def __init__(self, data: Path) -> None:
        self._data = data
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.start()

    def start(self) -> None:
        """Start and wait for its ready line."""
        command = [sys.executable, "-m", "penstock.cli.main", "serve", "--listen", self.address, "--data", str(self._data), "--workers", "1"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("ready on "), line

    def stop(self) -> int:
        """Stop it as an operator does; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    started = Node(tmp_path_factory.mktemp("node") / "data")
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module")
def client(node: Node) -> Iterator[Client]:
    with Client(node.address) as made:
        made.create_stream("purchases", "customer STRING KEY, item STRING, price DOUBLE", Binding(partitions=2))
        shop = Topology("shop")
        purchases = shop.stream("purchases")
        purchases.group_by().aggregate(total="SUM(price)").to("spend")
        purchases.group_by("item").window(tumbling(minutes=1)).aggregate(n="COUNT(*)", name="minutes").to("totals")
        assert made.register_topology(shop, wait=30).state == "RUNNING"
        yield made


def test_every_type_comes_back(client: Client) -> None:
    client.create_stream(
        "everything",
        "k BIGINT KEY, b BOOLEAN, i INT, d DOUBLE, dec DECIMAL(10, 2), s STRING, raw BYTES, da DATE, ti TIME, ts TIMESTAMP, a ARRAY<INT>, "
        "m MAP<STRING, BIGINT>, st STRUCT<X INT, Y STRING>",
    )
    row = {
        "k": 7, "b": True, "i": -3, "d": 1.5, "dec": Decimal("12.30"), "s": "hä", "raw": b"\x00\xff", "da": date(2024, 2, 29),
        "ti": time(1, 2, 3, 4000), "ts": DAY, "a": [1, None, 3], "m": {"a": 1, "b": None}, "st": {"X": 1, "Y": None},
    }  # fmt: skip
    client.append("everything", [{**row, "ROWTIME": DAY}, {"k": 8}])
    client.append("everything", {"k": 9, "dec": Decimal("1.25"), "ts": DAY, "raw": b"abc"}, as_json=True)
    got = {r["k"]: dict(r) for r in client.subscribe("everything", start="earliest", until="end")}
    assert got[7] == {**row, "ROWTIME": int(DAY.timestamp() * 1000)}
    assert {v for name, v in got[8].items() if name not in ("k", "ROWTIME")} == {None}
    assert (got[9]["dec"], got[9]["ts"], got[9]["raw"]) == (Decimal("1.25"), DAY, b"abc")


def test_an_answer_includes_the_write(client: Client) -> None:
    for number in range(1, 20):
        token = client.append("purchases", {"customer": "ryw", "price": 1.0}).position
        row = client.get("spend", "ryw", at_least=token, max_wait=20)
        assert row is not None and row.total == number


def test_windows(client: Client) -> None:
    rows = [{"customer": "w", "item": f"i{n % 2}", "price": 1.0, "rowtime": DAY + timedelta(seconds=20 * n)} for n in range(12)]
    token = client.append("purchases", rows).position
    found = client.get_windows("totals", "i0", start_from=DAY + timedelta(minutes=1), at_least=token, max_wait=20)
    assert [r.n for r in found] == [1, 2, 1]
    assert [r and r.n for r in client.batch_get("totals", [("i0", DAY), ("none", DAY), ("i1", DAY)])] == [2, None, 1]
    with pytest.raises(ValueError, match="use get_windows"):
        client.get("totals", "i0")


def test_a_scan_and_what_follows_it(client: Client) -> None:
    token = client.append("purchases", [{"customer": f"s{n}", "price": float(n)} for n in range(50)]).position
    scan = client.scan("spend", where="total > :least", parameters={"least": 10.0}, at_least=token, max_wait=20)
    found = {r.customer: r.total for r in scan if r.customer.startswith("s")}
    assert found == {f"s{n}": float(n) for n in range(11, 50)}
    client.append("purchases", {"customer": "s1", "price": 100.0})
    with client.subscribe("spend", start=scan.position, where="customer = 's1'") as after:
        assert next(after).total == 101.0


def test_a_table_is_whole_when_it_has_caught_up(client: Client) -> None:
    token = client.append("purchases", [{"customer": f"t{n}", "price": 1.0} for n in range(200)]).position
    client.get("spend", "t199", at_least=token, max_wait=20)
    seen: dict[str, float] = {}
    with client.subscribe("spend") as watch:
        for event in watch.events():
            if isinstance(event, Batch):
                seen.update(zip(event.column("customer"), event.column("total"), strict=True))
            if isinstance(event, CaughtUp):
                break
    assert {r.customer: r.total for r in client.scan("spend")} == seen


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda c: c.get("nothing", "x"), errors.UnknownRelationError),
        (lambda c: c.get("purchases", "x"), errors.NotATableError),
        (lambda c: c.get("spend", 5), errors.InvalidKeyError),
        (lambda c: c.get("spend", "x", at_least="garbage"), errors.MalformedTokenError),
        (lambda c: next(c.subscribe("spend", start="garbage")), errors.MalformedTokenError),
        (lambda c: list(c.scan("spend", where="totl > 1")), errors.UnknownColumnError),
        (lambda c: list(c.scan("spend", where="total >")), errors.InvalidExpressionError),
        (lambda c: c.drop_relation("purchases"), errors.RelationInUseError),
        (lambda c: c.append("spend", {"customer": "x"}), errors.RelationReadOnlyError),
        (lambda c: c.append("purchases", {"price": "x"}, as_json=True), errors.InvalidRowError),
        (lambda c: c.append("purchases", {"customer": "x" * 2_000_000}), errors.RowTooLargeError),
        (lambda c: c.append("purchases", {"customer": "x" * 5_000_000}), errors.RequestTooLargeError),
        (lambda c: c.append("purchases", {"customer": "x"}, producer_id="gap", sequence=5), errors.SequenceGapError),
        (lambda c: c.topology("nothing"), errors.UnknownTopologyError),
        (lambda c: c.function("nothing"), errors.UnknownFunctionError),
        (lambda c: c.reset_topology("shop"), errors.TopologyNotPausedError),
        (lambda c: c.register_topology(Topology("shop")), errors.PenstockError),
    ],
)
def test_refusals(client: Client, call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(client)


async def test_the_asynchronous_client(client: Client, node: Node) -> None:
    async with AsyncClient(node.address) as connection:
        async with await connection.appender("purchases") as appender:
            for number in range(20):
                await appender.append({"customer": "async", "price": float(number)})
        row = await connection.get("spend", "async", at_least=appender.position, max_wait=20)
        assert row is not None and row.total == sum(range(20))
        assert [r.customer async for r in connection.scan("spend", where="customer = 'async'")] == ["async"]


def test_the_command_line(client: Client, node: Node) -> None:
    def penstock(*arguments: str, stdin: str = "") -> str:
        command = [sys.executable, "-m", "penstock.cli.main", *arguments]
        environment = {**os.environ, "PENSTOCK_ADDRESS": node.address}
        return subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True, check=True).stdout

    assert penstock("append", "purchases", stdin='{"customer":"cli","price":2.5}\n' * 2) == "appended 2 rows\n"
    token = client.append("purchases", {"customer": "cli", "price": 0.0}).position
    assert penstock("get", "spend", "cli", "--at-least", token).splitlines()[1].split() == ["cli", "5.0"]
    assert penstock("subscribe", "purchases", "--from", "earliest", "--until", "end", "--where", "customer = 'cli'").count("cli") == 3
    assert "RUNNING" in penstock("status") and "group by" in penstock("explain", "shop")


def test_nothing_is_lost_or_doubled_when_the_node_is_restarted(client: Client, node: Node) -> None:
    seen: list[float] = []
    lost: list[Reconnecting] = []
    ready, complete = threading.Event(), threading.Event()
    watch = client.subscribe("purchases", start="latest", where="item = 'restart'", progress_interval=0.2)

    def read() -> None:
        for event in watch.events():
            if isinstance(event, Batch):
                seen.extend(event.column("price"))
                if len(set(seen)) == 100:
                    complete.set()
            elif isinstance(event, Reconnecting):
                lost.append(event)
            ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert ready.wait(10)
    with client.appender("purchases") as appender:
        for number in range(100):
            appender.append({"customer": f"r{number % 7}", "item": "restart", "price": float(number)}, timeout=60)
            if number == 50:
                assert node.stop() == 0
                node.start()
        appender.flush(timeout=60)
    stored = [r.price for r in client.subscribe("purchases", start="earliest", until="end", where="item = 'restart'")]
    assert sorted(stored) == [float(n) for n in range(100)]
    assert complete.wait(20)
    watch.close()
    reader.join(5)
    assert set(seen) == set(stored) and lost
