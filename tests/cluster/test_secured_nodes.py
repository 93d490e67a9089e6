"""Two nodes with TLS: clients by tokens, the nodes among each other by their certificates on a port of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from broker import Broker
from certificates import Authority
from nodes import several
from penstock.security.tokens import new_token
from penstock_client import Client, Tls, Topology
from penstock_client.declare import Binding
from penstock_client.errors import PermissionDeniedError
from ports import free_ports
from served import wait_for
from support import unique

KEYS = [f"k{n}" for n in range(12)]


def test_nodes_answer_for_each_other_by_certificate(kafka_broker: Broker, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (root, root_line), (reader, reader_line) = new_token("root"), new_token("shop")
    lines = [f"root {root_line} admin:*", f"shop {reader_line} reader:spend", *(f"{n} certificate:{n} node" for n in ("n0", "n1"))]
    principals = tmp_path / "principals"
    principals.write_text("".join(f"{line}\n" for line in lines))
    with several(tmp_path, kafka_broker.bootstrap, unique("m").replace("-", ""), 0, "--tokens", str(principals), "--tls-ca", str(authority.path)) as nodes:
        for name, port in zip(("n0", "n1"), free_ports(2), strict=True):
            own = authority.issue(name)
            nodes.add(1, "--node-id", name, "--tls-cert", str(own.cert), "--tls-key", str(own.key), "--peer-listen", f"127.0.0.1:{port}")

        def client(number: int, token: str) -> Client:
            return Client(nodes[number].address, timeout=30, tls=Tls(authority.path), token=token)

        with client(0, root) as first, client(1, root) as second, client(1, reader) as shop:
            first.create_stream("orders", "K STRING KEY, N BIGINT", Binding(topic=f"orders-{nodes.service_id}", partitions=4))
            spend = Topology("spending")
            spend.stream("orders").group_by("K").count("C", name="spend")
            first.register_topology(spend, wait=30)
            wait_for(lambda: set(nodes.running_tasks("spending").values()) == {0, 1}, 40, lambda: nodes.running_tasks("spending"))
            token = first.append("orders", [{"K": k, "N": 1} for k in KEYS]).position
            for asked in (first, second):
                rows = [asked.get("spending.spend", k, at_least=token, max_wait=20) for k in KEYS]
                assert [(r.K, r.C) for r in rows if r] == [(k, 1) for k in KEYS]
            assert {n.id: n.state for n in second.cluster().nodes} == {"n0": "SERVING", "n1": "SERVING"}
            with pytest.raises(PermissionDeniedError):
                shop.append("orders", [{"K": "k", "N": 1}])
