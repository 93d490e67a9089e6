"""The command line against a scripted service: what it prints, errors, exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parent))

from fake_service import (
    FakeService,
    event,
    expression_status,
    fail,
    rows_event,
    spend_relation,
    spend_rows,
    spend_schema,
    status,
    stream,
)
from penstock.cli import keys, output
from penstock.cli.failure import Failure, underlined
from penstock.cli.main import app
from penstock.cli.node import read_properties
from penstock.cli.writing import batches
from penstock_client import Column, Kind, SqlType
from penstock_client.errors import ExpressionPlace
from penstock_client.gen.penstock.v1 import (
    append_service_pb2 as append,
)
from penstock_client.gen.penstock.v1 import (
    catalog_service_pb2 as catalog,
)
from penstock_client.gen.penstock.v1 import (
    cluster_service_pb2 as cluster,
)
from penstock_client.gen.penstock.v1 import (
    lookup_service_pb2 as lookup,
)
from penstock_client.gen.penstock.v1 import (
    row_pb2,
)
from penstock_client.gen.penstock.v1 import (
    subscription_service_pb2 as subscription,
)
from penstock_client.gen.penstock.v1 import (
    topology_service_pb2 as topologies,
)

COMPLETED = event(end=subscription.End(reason=subscription.END_REASON_COMPLETED, position={"value": "p9"}))
TOPOLOGY = """
topology: purchases
nodes:
  purchases: {stream: purchases}
  big: {from: purchases, filter: "price >"}
  out: {from: big, sink: big}
"""


@pytest.fixture
def service() -> Iterator[FakeService]:
    fake = FakeService()
    yield fake
    fake.stop()


def run(service: FakeService | None, *arguments: str, stdin: str = "") -> Result:
    environment = {"PENSTOCK_ADDRESS": service.address if service else "127.0.0.1:1"}
    return CliRunner().invoke(app, list(arguments), input=stdin, env=environment)


def lines(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_version_is_quick() -> None:
    started = time.monotonic()
    out = subprocess.run([sys.executable, "-m", "penstock.cli.main", "version"], capture_output=True, text=True, check=True).stdout
    assert out.startswith("penstock ")
    imported = "import sys, penstock.cli.main; print([m for m in ('grpc', 'penstock_client', 'rich', 'yaml', 'lark') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert time.monotonic() - started < 60  # the list above is what keeps it quick; a busy machine may be slow


def test_completion_prints_a_script() -> None:
    assert "_PENSTOCK_COMPLETE" in run(None, "completion", "bash").stdout
    assert run(None, "completion", "csh").exit_code == 2


# Exit codes and errors


def test_nobody_there() -> None:
    result = run(None, "list")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: cannot reach the service at 127.0.0.1:1: ") and result.stderr.count("\n") == 1


def test_a_wrong_option_is_usage() -> None:
    assert run(None, "list", "--frob").exit_code == 2


def test_a_refusal_is_one_line(service: FakeService) -> None:
    refused = status(grpc.StatusCode.NOT_FOUND, "UNKNOWN_TOPOLOGY", "there is no topology purchase", candidates="purchases")
    service.on("PauseTopology", fail(refused))
    result = run(service, "pause", "purchase")
    assert (result.exit_code, result.stderr) == (1, "error: there is no topology purchase (did you mean purchases?)\n")


def test_a_bad_expression_is_underlined(service: FakeService, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(TOPOLOGY)
    service.on("RegisterTopology", fail(expression_status("an operand is missing", "topology.nodes[1].filter.where", "big", 6, 7)))
    result = run(service, "apply", str(file))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: an operand is missing",
        "  in node big, topology.nodes[1].filter.where",
        "    price >",
        "          ^",
    ]


def test_a_bad_condition_is_underlined(service: FakeService) -> None:
    service.on("Scan", fail(expression_status("no column TOTAAL", "where", "", 0, 6)))
    result = run(service, "scan", "spend", "--where", "TOTAAL > 1")
    assert result.stderr.splitlines()[1:] == ["  in where", "    TOTAAL > 1", "    ^^^^^^"]


@pytest.mark.parametrize(
    ("text", "start", "end", "shown"),
    [("a >", 3, 3, "    a >\n       ^"), ("a\nbb c\nd", 5, 99, "    bb c\n       ^"), ("", 0, 1, ""), ("a", 9, 10, "")],
)
def test_underlining_at_borders(text: str, start: int, end: int, shown: str) -> None:
    assert underlined(ExpressionPlace("where", "", start, end, ""), text) == "\n".join(filter(None, ["  in where", shown]))


def test_a_missing_file_is_usage(service: FakeService) -> None:
    result = run(service, "apply", "nothing.yaml")
    assert (result.exit_code, result.stderr) == (2, "error: cannot read nothing.yaml: No such file or directory\n")


def test_broken_yaml_names_the_line(service: FakeService) -> None:
    result = run(service, "apply", "-", stdin="topology: t\nnodes: [\n")
    assert result.exit_code == 1 and "line" in result.stderr


# Definitions


def test_apply_registers_and_says_the_state(service: FakeService, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("stream: purchases\ncolumns: [customer STRING KEY]\n---\n" + TOPOLOGY)
    registered = topologies.RegisteredTopology(topology={"name": "purchases"}, state=topologies.TOPOLOGY_STATE_RUNNING, relations=["big"])
    service.on("RegisterTopology", lambda r, c: topologies.RegisterTopologyResponse(topology=registered, warnings=["slow"]))
    service.on("CreateRelation", lambda r, c: catalog.CreateRelationResponse(relation=spend_relation()))
    result = run(service, "apply", str(file))
    assert result.stdout.splitlines() == ["table SPEND: declared", "topology purchases: running, publishes big", "  warning: slow"]
    assert service.requests["RegisterTopology"][0].topology.nodes[1].filter.where == "price >"
    assert [item["type"] for item in lines(run(service, "apply", str(file), "--json", "--dry-run"))] == ["relation", "topology"]
    assert service.requests["RegisterTopology"][1].validate_only


def test_list_and_describe(service: FakeService) -> None:
    service.on("ListRelations", lambda r, c: catalog.ListRelationsResponse(relations=[spend_relation()]))
    service.on("ListTopologies", lambda r, c: topologies.ListTopologiesResponse())
    service.on("GetTopology", fail(status(grpc.StatusCode.NOT_FOUND, "UNKNOWN_TOPOLOGY", "no")))
    service.on("GetFunction", fail(status(grpc.StatusCode.NOT_FOUND, "UNKNOWN_FUNCTION", "no")))
    assert run(service, "list", "relations").stdout.splitlines()[1].split() == ["SPEND", "TABLE", "spend", "CUSTOMER", "-"]
    assert "TOPOLOGY" in run(service, "list").stdout
    (shown,) = lines(run(service, "describe", "spend", "--json"))
    assert shown["columns"][0] == {"name": "CUSTOMER", "type": "STRING", "role": "KEY"}
    assert "table SPEND" in run(service, "describe", "spend").stdout


def test_describe_of_nothing(service: FakeService) -> None:
    service.on("GetRelation", fail(status(grpc.StatusCode.NOT_FOUND, "UNKNOWN_RELATION", "no")))
    service.on("GetTopology", fail(status(grpc.StatusCode.NOT_FOUND, "UNKNOWN_TOPOLOGY", "no")))
    service.on("GetFunction", fail(status(grpc.StatusCode.NOT_FOUND, "UNKNOWN_FUNCTION", "no")))
    result = run(service, "describe", "x")
    assert (result.exit_code, result.stderr) == (1, "error: there is no relation, topology or function x\n")


def test_status(service: FakeService) -> None:
    node = cluster.ClusterNode(id="n1", address="h:1", state=cluster.NODE_STATE_DRAINING, version="9")
    service.on("DescribeCluster", lambda r, c: cluster.DescribeClusterResponse(service_id="penstock", log="embedded", log_available=True, nodes=[node]))
    task = cluster.Task(topology="t", sub_topology="s", state=cluster.TASK_STATE_RESTORING, restore_progress=0.25, lag=7)
    service.on("ListTasks", lambda r, c: cluster.ListTasksResponse(tasks=[task]))
    service.on("ListTopologies", lambda r, c: topologies.ListTopologiesResponse())
    shown = run(service, "status").stdout
    assert "t/s/0  RESTORING  7    -       25%" in shown
    assert "n1    h:1      DRAINING  0      9" in shown
    assert [item["type"] for item in lines(run(service, "status", "--json"))] == ["cluster", "task"]


# Rows


def test_append_sends_the_lines(service: FakeService) -> None:
    seen: list[str] = []

    def write(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        next(requests)
        yield append.AppendStreamResponse(opened={"max_in_flight": 4})
        for request in requests:
            rows = list(request.batch.json.rows)
            seen.extend(rows)
            yield append.AppendStreamResponse(ack={"sequence": request.batch.sequence, "appended": len(rows), "position": {"value": "p"}})

    service.on("AppendStream", write)
    result = run(service, "append", "spend", "--json", stdin='{"a":1}\n\n {"a":2} \n')
    assert lines(result) == [{"appended": 2, "position": "p"}] and seen == ['{"a":1}', '{"a":2}']


def test_append_says_which_row_is_wrong(service: FakeService) -> None:
    def refuse(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        next(requests)
        yield append.AppendStreamResponse(opened={"max_in_flight": 4})
        request = next(requests)
        wrong = append.RowError(row=1, error=status(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ROW", "price: no number"))
        yield append.AppendStreamResponse(ack={"sequence": request.batch.sequence, "row_errors": [wrong]})

    service.on("AppendStream", refuse)
    result = run(service, "append", "spend", stdin='{"a":1}\n{"a":2}\n')
    assert (result.exit_code, result.stderr) == (1, "error: row 1: price: no number; 0 rows before its batch were appended\n")


def test_lines_come_in_batches() -> None:
    got = list(batches(io.StringIO("a\n" * 2500)))
    assert sum(map(len, got)) == 2500 and max(map(len, got)) <= 1000


def test_subscribe_prints_rows_and_deletes(service: FakeService) -> None:
    gone = spend_rows(("a", None))
    gone.kinds.append(row_pb2.ROW_KIND_DELETE)
    service.on(
        "Subscribe",
        stream(
            event(schema=spend_schema()),
            rows_event("p1", ("a", 12.5), ("customer-42", 3.0)),
            event(rows=subscription.Rows(batch=gone, position={"value": "p2"})),
            COMPLETED,
        ),
    )
    result = run(service, "subscribe", "spend", "--from", "2024-05-01T12:00:00Z", "--until", "end", "--position")
    assert result.stdout.splitlines() == ["CUSTOMER  TOTAL", "a         12.5", "customer-42  3.0", "a            (deleted)"]
    assert result.stderr == "position p9\n"
    request = service.requests["Subscribe"][0]
    assert request.start.at_time.ToDatetime(tzinfo=UTC) == datetime(2024, 5, 1, 12, tzinfo=UTC) and request.until.current_end
    assert lines(run(service, "subscribe", "spend", "--json"))[-1] == {"CUSTOMER": "a", "$deleted": True}


def test_get(service: FakeService) -> None:
    answer = lookup.GetResponse(schema=spend_schema(), rows=spend_rows(("c042", 12.5)))
    service.on("Get", lambda r, c: answer)
    assert run(service, "get", "spend", "c042", "--at-least", "t1").stdout.splitlines() == ["CUSTOMER  TOTAL", "c042      12.5"]
    assert service.requests["Get"][0].consistency.at_least.positions[0].value == "t1"
    assert lines(run(service, "get", "spend", "c042", "--json")) == [{"CUSTOMER": "c042", "TOTAL": 12.5}]
    result = run(service, "get", "spend", "a", "b")
    assert (result.exit_code, result.stderr) == (2, "error: the key of SPEND is CUSTOMER(STRING): 2 values given\n")


def test_get_as_of_a_time(service: FakeService) -> None:
    service.on("Get", lambda r, c: lookup.GetResponse(schema=spend_schema(), rows=spend_rows(("c042", 12.5))))
    assert lines(run(service, "get", "spend", "c042", "--at", "2024-05-01T12:00:00Z", "--json")) == [{"CUSTOMER": "c042", "TOTAL": 12.5}]
    assert service.requests["Get"][0].as_of.ToDatetime(tzinfo=UTC) == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert not run(service, "get", "spend", "c042").exit_code and not service.requests["Get"][1].HasField("as_of")
    assert run(service, "get", "spend", "c042", "--at", "noon").exit_code == 2


def test_get_of_a_key_without_a_row(service: FakeService) -> None:
    service.on("Get", lambda r, c: lookup.GetResponse(schema=spend_schema(), rows=spend_rows()))
    result = run(service, "get", "spend", "x")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no row\n")


def test_scan_with_bounds(service: FakeService) -> None:
    last = lookup.ScanResponse(schema=spend_schema(), rows=spend_rows(("b", 2.0)), position={"value": "end"})
    service.on("Scan", stream(last))
    result = run(service, "scan", "spend", "--from", "a", "--to", "c", "--where", "TOTAL > 1", "--limit", "5", "--window-from", "1000",
                 "--window-to", "2000", "--json")
    assert lines(result) == [{"CUSTOMER": "b", "TOTAL": 2.0}]
    request = service.requests["Scan"][0]
    assert (request.range.from_key[0].text, request.range.to_key[0].text, request.where, request.limit) == ("a", "c", "TOTAL > 1", 5)
    assert (request.windows.start_from.ToMilliseconds(), request.windows.start_to.ToMilliseconds()) == (1000, 2000)


def test_dead_letters_read_the_stream_from_its_beginning(service: FakeService) -> None:
    service.on("Subscribe", stream(event(schema=spend_schema()), COMPLETED))
    assert run(service, "dead-letters", "purchases").exit_code == 0
    request = service.requests["Subscribe"][0]
    assert request.relation == "purchases.dead_letter" and request.start.earliest and request.until.current_end


# Parts


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        (Kind.STRING, "7", "7"),
        (Kind.BIGINT, "-7", -7),
        (Kind.DOUBLE, "1e3", 1000.0),
        (Kind.DECIMAL, "1.50", Decimal("1.50")),
        (Kind.BOOLEAN, "TRUE", True),
        (Kind.BYTES, "0x00ff", b"\x00\xff"),
        (Kind.TIMESTAMP, "1000", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_key_words(kind: Kind, word: str, value: object) -> None:
    assert keys.value(Column("K", SqlType(kind), "KEY"), word) == value


@pytest.mark.parametrize(("kind", "word"), [(Kind.INT, "x"), (Kind.BOOLEAN, "1"), (Kind.DECIMAL, "x"), (Kind.BYTES, "0xz"), (Kind.ARRAY, "1")])
def test_wrong_key_words(kind: Kind, word: str) -> None:
    of = SqlType(kind, element=SqlType(Kind.INT)) if kind is Kind.ARRAY else SqlType(kind)
    with pytest.raises(Failure):
        keys.value(Column("K", of, "KEY"), word)


def test_json_of_special_values(capsys: pytest.CaptureFixture[str]) -> None:
    output.json_line({"d": Decimal("1.10"), "n": float("nan"), "b": b"\x00", "m": {1: None}, "t": datetime(2024, 1, 1, tzinfo=UTC)})
    assert capsys.readouterr().out == '{"d":1.10,"n":null,"b":"AA==","m":{"1":null},"t":"2024-01-01T00:00:00Z"}\n'


def test_kafka_properties(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text("# comment\nsecurity.protocol=SASL_SSL\nsasl.jaas.config: a=b \\\n  c;\n\n! other\n")
    assert read_properties(file) == {"security.protocol": "SASL_SSL", "sasl.jaas.config": "a=b   c;"}


def test_serve_refuses_an_open_address() -> None:
    result = run(None, "serve", "--listen", "0.0.0.0:7550")
    assert result.exit_code == 2 and "--insecure" in result.stderr
