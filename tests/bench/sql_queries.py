"""How much SQL costs: planning a ten-way statement, starting a query, and three hundred queries on one node. By hand: `python tests/bench/sql_queries.py`."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from penstock.planner import plan_topology
from penstock.sql.effects import Start
from penstock.sql.execute import decide
from penstock.sql.script import parse_script
from penstock.testing.sql_engine import SqlEngine
from penstock_client import Client

SOURCE = "CREATE STREAM {0} (k STRING KEY, v INT, w STRING) WITH (kafka_topic='{0}', partitions=1, value_format='JSON');"


def planning(times: int) -> None:
    """CPU of parsing, analysing and planning a join of ten tables, without a node. Each time with other names: no text was seen before."""
    engine = SqlEngine()
    for n in range(10):
        text = f"CREATE TABLE t{n} (k STRING PRIMARY KEY, v INT, w STRING) WITH (kafka_topic='t{n}', partitions=4, value_format='JSON');"
        for p in parse_script(text, engine.session):
            engine.execute(p.statement, p.text)
    found: dict[str, list[float]] = {"parse": [], "analyse": [], "plan": []}
    for i in range(times):
        joins = " ".join(f"JOIN t{n} AS r{i}_{n} ON r{i}_0.k = r{i}_{n}.k" for n in range(1, 10))
        items = ", ".join(f"r{i}_{n}.v + {n} AS v{n}, UCASE(r{i}_{n}.w) AS w{n}" for n in range(10))
        sql = f"CREATE TABLE joined AS SELECT r{i}_0.k AS k, {items} FROM t0 AS r{i}_0 {joins} WHERE r{i}_0.v > 1;"
        begin = time.process_time()
        (parsed,) = parse_script(sql, engine.session)
        read = time.process_time()
        effect = decide(parsed, engine.session, engine.catalog)
        analysed = time.process_time()
        assert isinstance(effect, Start)
        plan_topology(effect.definition, engine.catalog, service_id="bench", incarnation=1, trees=effect.trees)
        end = time.process_time()
        for name, value in (("parse", read - begin), ("analyse", analysed - read), ("plan", end - analysed)):
            found[name].append(value)
    middle = {name: statistics.median(values) * 1000 for name, values in found.items()}
    print(f"ten-way join: {', '.join(f'{name} {ms:.1f} ms' for name, ms in middle.items())}, together {sum(middle.values()):.1f} ms of CPU")


def memory(data: Path) -> dict[str, float]:
    """Private megabytes of each process of the node."""
    found = {}
    for path in sorted((data / "run").glob("*.pid")):
        text = Path(f"/proc/{path.read_text().strip()}/smaps_rollup").read_text()
        found[path.stem] = sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")) / 1024
    return found


def cpu(data: Path) -> float:
    """Seconds of CPU of all processes of the node."""
    ticks = 0
    for path in (data / "run").glob("*.pid"):
        fields = Path(f"/proc/{path.read_text().strip()}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def node(count: int, stateful: int) -> None:
    """Start queries one by one, then the node again with all of them."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    with tempfile.TemporaryDirectory(dir=os.environ.get("PENSTOCK_BENCH_DIR")) as directory:
        data = Path(directory) / "data"
        command = [sys.executable, "-m", "penstock.cli.main", "serve", "--listen", address, "--data", str(data), "--workers", "1", "--partitions", "1"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert server.stdout is not None and server.stdout.readline().startswith("ready")
            with Client(address, timeout=120) as client:
                client.sql(SOURCE.format("s"))
                before, waits = memory(data), []
                for n in range(count):
                    kind = f"CREATE TABLE q{n} AS SELECT k, COUNT(*) AS c, SUM(v) AS t FROM s GROUP BY k;" if n < stateful else (
                        f"CREATE STREAM q{n} AS SELECT k, v + {n} AS v FROM s WHERE v > {n};")
                    begin = time.perf_counter()
                    client.sql(kind)
                    waits.append(time.perf_counter() - begin)
                after = memory(data)
                used = cpu(data)
                time.sleep(10)
                idle = (cpu(data) - used) / 10
                each = {name: (after[name] - before[name]) / count for name in after if name in before}
                print(f"{count} queries, {stateful} with state: a statement answers in {statistics.median(waits) * 1000:.0f} ms (first {waits[0] * 1000:.0f}, "
                      f"worst {max(waits) * 1000:.0f}), each costs {sum(each.values()):.2f} MB ({', '.join(f'{n} {v:.2f}' for n, v in each.items())}), "
                      f"idle {idle * 100:.0f} % of a core")
            server.send_signal(signal.SIGTERM)
            server.wait(60)
            begin = time.perf_counter()
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            assert server.stdout is not None and server.stdout.readline().startswith("ready")
            with Client(address, timeout=120) as client:
                while any(t.state != "RUNNING" for t in client.topologies()):
                    time.sleep(0.2)
            print(f"started again with all of them in {time.perf_counter() - begin:.1f} s, {cpu(data):.1f} s of CPU; {memory(data)}")
        finally:
            server.kill()
            server.wait()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--stateful", type=int, default=100)
    given = parser.parse_args()
    planning(30)
    node(given.queries, given.stateful)


if __name__ == "__main__":
    main()
