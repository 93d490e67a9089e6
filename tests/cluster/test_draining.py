"""`penstock drain`: a node's tasks and clients go to others, then it ends by itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import grpc
import pytest
from broker import Broker
from counting import Load, Watch, declare, outcome
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nodes import ClusterNode, several
from penstock_client import Client
from served import PENSTOCK, wait_for
from support import unique


def serving(node: ClusterNode, service: str = "") -> bool:
    with grpc.insecure_channel(node.address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@pytest.mark.timeout(240)
def test_a_node_drains(kafka_broker: Broker, tmp_path: Path) -> None:
    with several(tmp_path, kafka_broker.bootstrap, unique("d").replace("-", ""), 2, session_ms=10_000) as nodes:
        declare(nodes)
        wait_for(lambda: set(nodes.running_tasks("counting").values()) == {0, 1}, 40, lambda: nodes.running_tasks("counting"))
        assert all(serving(n, s) for n in nodes for s in ("", "liveness"))
        watch, load = Watch(kafka_broker.bootstrap, outcome(nodes)), Load([nodes[0]])
        client = Client(f"{nodes[1].address},{nodes[0].address}", timeout=20)
        names = {n.address: n.id for n in client.cluster().nodes}
        subscription = client.subscribe("counts_out")
        first = next(iter(subscription))
        drained = subprocess.run([*PENSTOCK, "drain", names[nodes[1].address], "--json"], capture_output=True, text=True, timeout=60, check=False,
                                 env={**os.environ, "PENSTOCK_ADDRESS": nodes[0].address})
        assert json.loads(drained.stdout) == {"drained": names[nodes[1].address], "gone": True}, drained.stderr + nodes[1].log[-3000:]
        wait_for(lambda: not nodes[1].running, 15, "the end of the drained node")
        assert nodes[1].exit_code == 0
        assert {n.id for n in client.cluster().nodes} == {names[nodes[0].address]}
        assert set(nodes.running_tasks("counting").values()) == {0}
        rows = {first.SHOP: first.C}
        for row in subscription:  # which goes on at the other node
            assert row.C > rows.get(row.SHOP, 0), row
            rows[row.SHOP] = row.C
            if len(rows) > 5 and sum(rows.values()) > 50:
                break
        client.close()
        watch.check(load.stop())
        refused = subprocess.run([*PENSTOCK, "drain", "nobody"], capture_output=True, text=True, timeout=30, check=False,
                                 env={**os.environ, "PENSTOCK_ADDRESS": nodes[0].address})
        assert refused.returncode == 1 and "there is no node 'nobody'" in refused.stderr
