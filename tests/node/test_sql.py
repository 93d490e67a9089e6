"""SQL on a real node, from the command line: scripts, queries that Ctrl-C ends, the shell, files that are applied again, restarts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from penstock.cli.sql_runner import SqlRunner
from penstock.cli.sql_shell import completions, shell
from penstock_client import Client
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from real import PENSTOCK, RealNode

STREAM = "CREATE STREAM {0} (k STRING KEY, v INT) WITH (kafka_topic='{0}', partitions=2, value_format='JSON');"


def test_scripts(shared: RealNode, tmp_path: Path) -> None:
    (tmp_path / "inner.sql").write_text(STREAM.format("sql_a") + "\nINSERT INTO sql_a VALUES ('x', ${n});")
    (tmp_path / "outer.sql").write_text("RUN SCRIPT 'inner.sql';\nSET 'auto.offset.reset' = 'earliest';\nSELECT k, v + 1 AS w FROM sql_a EMIT CHANGES LIMIT 1;\n")
    done = shared.cli("sql", "--json", "-D", "n=41", "-f", str(tmp_path / "outer.sql"))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1] == {"K": "x", "W": 42} and lines[0]["relation"]["name"] == "SQL_A"
    assert "(1 row)" in shared.cli("sql", "SHOW VARIABLES; SHOW TOPICS; DEFINE a = 'b'; SHOW VARIABLES;").stdout
    wrong = shared.cli("sql", "SHOW STREAMS;\nSELECT frm x;")
    assert (wrong.returncode, wrong.stdout) == (1, "") and "line 2:13: Syntax Error" in wrong.stderr and "^" in wrong.stderr
    unknown = shared.cli("sql", "SELECT nothing FROM sql_a;")
    assert unknown.returncode == 1 and "line 1:8: SELECT column 'NOTHING'" in unknown.stderr
    assert shared.cli("sql", "-", stdin="SHOW STREAMS;").returncode == 0


def test_files_are_applied_again(shared: RealNode, tmp_path: Path) -> None:
    file = tmp_path / "shop.sql"
    file.write_text(STREAM.format("sql_b") + "CREATE STREAM sql_c AS SELECT * FROM sql_b WHERE v > 1;")
    first, again = (shared.cli("apply", str(file)) for _ in range(2))
    assert first.stdout.startswith("done: Stream SQL_B created") and again.stdout.count("unchanged: ") == 2
    file.write_text(STREAM.format("sql_b") + "CREATE STREAM sql_c AS SELECT * FROM sql_b WHERE v > 2;")
    other = shared.cli("apply", str(file))
    assert other.returncode == 1 and "WHERE v > 1" in other.stderr and "WHERE v > 2" in other.stderr


def test_ctrl_c_ends_a_query(shared: RealNode) -> None:
    shared.cli("sql", STREAM.format("sql_d"))
    with subprocess.Popen([*PENSTOCK, "sql", "SELECT * FROM sql_d EMIT CHANGES;"], stdout=subprocess.PIPE, text=True,
                          preexec_fn=_heeds_ctrl_c, env={**os.environ, "PENSTOCK_ADDRESS": shared.address}) as query:
        try:
            assert query.stdout is not None and query.stdout.readline().split() == ["K", "V"]
            query.send_signal(signal.SIGINT)
            assert query.wait(20) == 130
        finally:
            query.kill()


def _heeds_ctrl_c() -> None:
    """What a shell starts in the background ignores it, and so do its children: these tests too may run there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_shell(shared: RealNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PENSTOCK_SQL_HISTORY", str(tmp_path / "history"))
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()), Client(shared.address) as client:
        for line in (STREAM.format("sql_e"), "SELECT *\r FROM nothing;", "SHOW\r STREAMS;", "help", "exit"):
            keys.send_text(f"{line}\r")
        shell(SqlRunner(client, False), shared.address)
    said = capsys.readouterr()
    assert "Stream SQL_E created" in said.out and "SQL_E" in said.out.split("NAME", 1)[1] and "RUN SCRIPT" in said.out
    assert "line 2:7: NOTHING does not exist" in said.err and "^" in said.err
    assert "FROM nothing;" in (tmp_path / "history").read_text()


def test_completion() -> None:
    assert [c.text for c in completions("or", ["ORDERS", "other"])] == ["orders", "OR", "ORDER"] or [
        c.text for c in completions("or", ["ORDERS", "other"])] == ["orders", "or", "order"]
    assert [c.text for c in completions("SEL", [])] == ["SELECT"] and not list(completions("", ["A"]))


def test_statements_outlive_the_node(tmp_path: Path) -> None:
    with RealNode(tmp_path) as node:
        node.client.sql(STREAM.format("s") + "CREATE TYPE money AS DECIMAL(10, 2); CREATE TABLE t AS SELECT k, SUM(v) AS total FROM s GROUP BY k;")
        done, = node.client.sql("INSERT INTO s VALUES ('x', 7);")
        assert [dict(r) for r in node.client.query("SELECT * FROM t;", at_least=done.position)] == [{"K": "x", "TOTAL": 7}]
        assert node.stop() == 0
        node.start()
        assert [r.name for r in node.client.sql("SHOW TYPES;")[0].rows or ()] == ["MONEY"]
        query, = node.client.sql("SHOW QUERIES;")[0].rows or ()
        assert query.query == "CREATE TABLE t AS SELECT k, SUM(v) AS total FROM s GROUP BY k"
        done, = node.client.sql("INSERT INTO s VALUES ('x', 1);")
        assert [dict(r) for r in node.client.query("SELECT * FROM t WHERE k = 'x';", at_least=done.position)] == [{"K": "x", "TOTAL": 8}]
        assert node.stop() == 0
