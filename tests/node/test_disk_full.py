"""The disk fills up under a running node: it says so, and goes on by itself when there is room; nothing lost, nothing doubled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from penstock.log.records import partitions_of
from penstock_client import Topology
from penstock_client.declare import Binding
from penstock_client.errors import PenstockError
from real import RealNode, wait_for

SIZE = 24 << 20


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB: the directory `small`."""
    path = tmp_path / "small"
    path.mkdir(parents=True)
    yield from mounted(path)


@pytest.fixture
def small_state(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose stores are on a file system of 24 MiB of their own, the log is not."""
    path = tmp_path / "data" / "state"
    path.mkdir(parents=True)
    yield from mounted(path)


def mounted(path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small tmpfs")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


def test_a_full_disk_is_said_and_healed(tmp_path: Path, small: Path) -> None:
    with RealNode(tmp_path, data=small / "data") as node:
        client = node.client
        client.create_stream("parcels", "K STRING KEY, N BIGINT, T STRING", Binding(partitions=1))
        t = Topology("depot", updates="EVERY")
        parcels = t.stream("parcels")
        parcels.select("N").to("parcels_out")
        parcels.group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(N)", "S"), name="c").to("depot_counts")
        client.register_topology(t, wait=20)
        sent = 0

        def rows() -> list[dict[str, object]]:
            return [{"K": f"k{(sent + n) % 50}", "N": sent + n, "T": "x" * 500} for n in range(100)]

        def send() -> str:
            nonlocal sent
            position = client.append("parcels", rows(), producer_id="filler", sequence=sent // 100 + 1).position
            sent += 100
            return position

        for _ in range(5):
            send()
        fill(small / "filler")
        refusal: PenstockError | None = None
        for _ in range(200):
            try:
                send()
            except PenstockError as error:
                refusal = error
                break
        assert refusal is not None, "the disk is full and nobody says so"
        assert refusal.reason in ("LOG_UNAVAILABLE", "STATE_FULL"), refusal
        assert "space" in refusal.message.lower() or "full" in refusal.message.lower(), refusal
        (small / "filler").unlink()

        def again() -> str:
            try:
                return send()
            except PenstockError:
                return ""

        position = wait_for(again, 30, "appends after there is room again")
        for _ in range(3):
            position = send()
        found = {r.K: (r.C, r.S) for r in client.scan("depot_counts", at_least=position, max_wait=40)}
        wanted = {f"k{k}": (len(range(k, sent, 50)), sum(range(k, sent, 50))) for k in range(50)}
        assert found == wanted
        assert [r.N for r in client.subscribe("parcels_out", start="earliest", until="end")] == list(range(sent))
        assert client.topology("depot").state == "RUNNING"
        assert {s for s, _ in node.task_states("depot").values()} == {"RUNNING"}
        assert node.dead_letters("depot", 0) == []
        assert node.stop() == 0


def test_full_stores_fail_their_tasks_until_there_is_room(tmp_path: Path, small_state: Path) -> None:
    with RealNode(tmp_path) as node:
        client = node.client
        client.create_stream("boxes", "K STRING KEY, N BIGINT, T STRING", Binding(partitions=1))
        t = Topology("cellar", updates="EVERY")
        boxes = t.stream("boxes")
        boxes.group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(N)", "S"), ("LATEST_BY_OFFSET(T)", "T"), name="c").to("cellar_counts")
        client.register_topology(t, wait=20)
        t = Topology("attic")
        t.stream("boxes").select("N").to("attic_out")
        client.register_topology(t, wait=20)
        sent, text = 0, "y" * 2000

        def send() -> str:
            nonlocal sent
            rows = [{"K": f"k{sent + n}", "N": sent + n, "T": text} for n in range(100)]
            sent += 100
            return client.append("boxes", rows).position

        assert len(list(client.scan("cellar_counts", at_least=send(), max_wait=20))) == sent
        fill(small_state / "filler")
        for _ in range(10):
            position = send()
        failed = wait_for(lambda: [t.state_reason for t in client.tasks("cellar") if t.state == "FAILED"], 20, "a failed task")
        assert any(word in failed[0].lower() for word in ("full", "space")), failed
        assert client.topology("cellar").state == "FAILED" and client.topology("attic").state == "RUNNING"
        wait_for(lambda: len(list(client.subscribe("attic_out", start="earliest", until="end"))) == sent, 15, "the other topology to go on")
        (small_state / "filler").unlink()
        wait_for(lambda: client.topology("cellar").state == "RUNNING", 40, lambda: node.task_states("cellar"))
        found = {r.K: (r.C, r.S) for r in client.scan("cellar_counts", at_least=position, max_wait=20)}
        assert found == {f"k{n}": (1, n) for n in range(sent)}
        updates = [r.S for r in client.subscribe("cellar_counts", start="earliest", until="end")]
        assert sorted(updates) == list(range(sent))
        assert node.stop() == 0


def test_a_store_of_the_size_that_was_allowed_fails_its_task_until_more_is_allowed(tmp_path: Path) -> None:
    """The map of one task is full, the disk is not: siblings and other topologies go on, a start with more room brings everything back."""
    with RealNode(tmp_path, "--store-size", "2") as node:
        client = node.client
        client.create_stream("boxes", "K STRING KEY, N BIGINT, T STRING", Binding(partitions=2))
        t = Topology("shelf", updates="EVERY")
        t.stream("boxes").group_by("K").aggregate(("COUNT(*)", "C"), ("SUM(N)", "S"), ("LATEST_BY_OFFSET(T)", "T"), name="c").to("shelf_counts")
        client.register_topology(t, wait=20)
        large, small = _keys_of_partition(0, 2000), _keys_of_partition(1, 20)
        rows = [{"K": k, "N": n, "T": "y" * 1000} for n, k in enumerate(large)]
        for at in range(0, len(rows), 100):
            client.append("boxes", rows[at:at + 100])
        failed = wait_for(lambda: [t for t in client.tasks("shelf") if t.state == "FAILED"], 20, "a failed task")
        assert len(failed) == 1 and "2 MiB are full" in failed[0].state_reason and "--store-size" in failed[0].state_reason, failed
        position = client.append("boxes", [{"K": k, "N": 1, "T": ""} for k in small]).position
        wait_for(lambda: all(client.get("shelf_counts", k) is not None for k in small), 20, "the other partition to go on")
        assert sorted(state for state, _ in node.task_states("shelf").values()) == ["FAILED", "RUNNING"]
        opened = node.log.count(f"task shelf-{_incarnation(node)}/boxes-{1 - failed[0].partition}: ")
        assert opened == 1, "the sibling was opened once"
        assert node.stop() == 0
    with RealNode(tmp_path, "--store-size", "64", data=node.data) as again:
        found = {r.K: (r.C, r.S) for r in again.client.scan("shelf_counts", at_least=position, max_wait=30)}
        assert found == {**{k: (1, n) for n, k in enumerate(large)}, **dict.fromkeys(small, (1, 1))}
        updates = [r.K for r in again.client.subscribe("shelf_counts", start="earliest", until="end")]
        assert sorted(updates) == sorted([*large, *small]), "each update once"
        assert again.stop() == 0


def _keys_of_partition(partition: int, count: int) -> list[str]:
    """Keys that Kafka's partitioner puts there, of two partitions."""
    keys = [f"k{n}" for n in range(3 * count + 50)]
    return [k for k, p in zip(keys, partitions_of([k.encode() for k in keys], 2), strict=True) if p == partition][:count]


def _incarnation(node: RealNode) -> int:
    return int(node.log.split("task shelf-")[1].split("/")[0])
