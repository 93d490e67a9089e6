"""A registry that was lost and is restored from its backup, on both logs: the topologies go on where they were."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from broker import Broker
from penstock.log.embedded import open_embedded
from penstock.log.kafka.log import open_kafka
from penstock_client import Topology
from penstock_client.declare import function
from real import RealNode, refused


@pytest.mark.parametrize("kind", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_topologies_go_on(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    broker: Broker | None = request.getfixturevalue("kafka_broker") if kind == "kafka" else None
    options = ("--kafka", broker.bootstrap, "--service-id", "backed") if broker is not None else ("--service-id", "backed")

    async def lose_registry() -> None:
        log = await open_kafka(broker.bootstrap, {}, process="p", service="backed") if broker is not None else \
            await open_embedded(tmp_path / "data" / "log", process="p")
        await log.delete_topics(["backed-registry", "backed-schemas"])
        await log.close()

    file = tmp_path / "registry.backup"
    with RealNode(tmp_path, *options) as node:
        node.client.create_stream("backed_up", "K STRING KEY, N INT")
        counts = Topology("backed_counts")
        counts.stream("backed_up").group_by("K").aggregate(C="COUNT(*)").to("backed_totals")
        node.client.register_topology(counts, wait=30)
        token = node.client.append("backed_up", [{"K": "a", "N": 1}, {"K": "a", "N": 2}]).position
        assert node.client.get("backed_totals", "a", at_least=token, max_wait=20)["C"] == 2
        before = node.client.topology("backed_counts")
        node.client.create_function(function("backed_score", "STRING -> BIGINT"))
        assert node.cli("registry", "backup", str(file)).stdout == f"saved: 4 records in {file}\n"
        refused("REGISTRY_NOT_EMPTY", lambda: node.client.restore_registry(file.read_bytes()))
        assert node.stop() == 0
        asyncio.run(lose_registry())
        node.start()
        assert node.client.topologies() == [] and node.client.relations() == []
        dry = node.cli("registry", "restore", str(file), "--dry-run")
        assert dry.stdout.startswith("would restore the backup of ") and not dry.stderr and node.client.topologies() == []
        done = node.cli("registry", "restore", str(file))
        assert done.returncode == 0 and "topologies: backed_counts\nrelations:  backed_totals, backed_up\nfunctions:  1\n" in done.stdout, done.stderr
        token = node.client.append("backed_up", [{"K": "a", "N": 3}, {"K": "b", "N": 4}]).position
        rows = {k: node.client.get("backed_totals", k, at_least=token, max_wait=30)["C"] for k in "ab"}
        assert rows == {"a": 3, "b": 1}
        assert node.client.topology("backed_counts").etag == before.etag
        again = Topology("backed_again")
        again.stream("backed_up").to("backed_copy")
        node.client.register_topology(again, wait=30)
        assert node.stop() == 0
        assert "Traceback" not in node.log, node.log[-3000:]
