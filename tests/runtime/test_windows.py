"""Windows of every kind live through a crash, a restart and the loss of their store."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness import Bench
from penstock.log.port import TopicConfig
from penstock_client import hopping, session, sliding, tumbling
from penstock_client.builder import Topology
from penstock_client.declare import Binding


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    b = Bench(tmp_path)
    await b.open()
    b.input = "readings"
    await b.log.create_topic(b.input, TopicConfig(1))
    yield b
    if b._worker is not None and not b._worker.done():
        await b.stop()
    await b.close()


WINDOWS = {"hop": hopping(0.01, 0.005, grace=0.02, retention=3600), "ses": session(0.01, grace=0.02, retention=3600),
           "sli": sliding(0.01, grace=0.02, retention=3600), "tum": tumbling(milliseconds=10, grace=0.02, retention=3600)}


def windows(bench: Bench) -> Topology:
    t = Topology("windows", updates="EVERY")
    grouped = t.stream(columns="K STRING KEY, V BIGINT", binding=Binding(topic=bench.input, create=False), name="input").group_by("K")
    for name, window in WINDOWS.items():
        for emit in ("changes", "final"):
            table = grouped.window(window).aggregate(n="COUNT(*)", total="SUM(V)", emit=emit, name=f"{name}_{emit}")
            table.to(f"{name}_{emit}_out")
            if emit == "changes":
                table.suppress("window_close", name=f"{name}_held").to(f"{name}_held_out")
    return t


async def rows(bench: Bench, name: str, count: int) -> list[tuple[str, int, int, object]]:
    """(key, start, end or 0, value) of an output."""
    found = await bench.read(f"{name}_out", count)
    adds = WINDOWS[name[:3]]
    wide = 16 if adds.HasField("gap") else 8
    return [(k[:-wide].decode(), int.from_bytes(k[-8:], "big"), int.from_bytes(k[-16:-8], "big") if wide == 16 else 0, v)
            for k, v in found if k is not None]


def n(count: int, total: int) -> dict[str, int]:
    return {"n": count, "total": total}


@pytest.mark.parametrize("loss", ["crash", "restart", "rebuild"])
async def test_windows_go_on(bench: Bench, tmp_path: Path, loss: str) -> None:
    await bench.register(windows(bench))
    await bench.start()
    await bench.append(bench.input, [("k", {"V": 1}, 100), ("k", {"V": 2}, 108), ("j", {"V": 4}, 112)])
    assert await rows(bench, "ses_changes", 4) == [("k", 100, 100, n(1, 1)), ("k", 100, 100, None), ("k", 100, 108, n(2, 3)), ("j", 112, 112, n(1, 4))]
    assert await rows(bench, "sli_changes", 4) == [("k", 90, 0, n(1, 1)), ("k", 101, 0, n(1, 2)), ("k", 98, 0, n(2, 3)), ("j", 102, 0, n(1, 4))]
    assert len(await rows(bench, "hop_changes", 6)) == 6
    if loss == "crash":
        await bench.crash()
    else:
        await bench.stop()
    if loss == "rebuild":
        shutil.rmtree(tmp_path / "state")
    await bench.start()
    # 118 touches the session; 80 is older than grace allows, so stream time was kept; 145 closes what ends by 125
    await bench.append(bench.input, [("k", {"V": 8}, 118), ("k", {"V": 16}, 80), ("j", {"V": 32}, 145)])
    assert (await rows(bench, "ses_changes", 7))[4:] == [("k", 100, 108, None), ("k", 100, 118, n(3, 11)), ("j", 145, 145, n(1, 32))]
    assert (await rows(bench, "hop_changes", 10))[6:] == [
        ("k", 110, 0, n(1, 8)), ("k", 115, 0, n(1, 8)), ("j", 140, 0, n(1, 32)), ("j", 145, 0, n(1, 32))]
    assert (await rows(bench, "sli_changes", 7))[4:] == [("k", 109, 0, n(1, 8)), ("k", 108, 0, n(2, 10)), ("j", 135, 0, n(1, 32))]
    assert await rows(bench, "tum_final", 3) == [("k", 100, 0, n(2, 3)), ("j", 110, 0, n(1, 4)), ("k", 110, 0, n(1, 8))]
    assert await rows(bench, "hop_final", 7) == [
        ("k", 95, 0, n(1, 1)), ("k", 100, 0, n(2, 3)), ("j", 105, 0, n(1, 4)), ("k", 105, 0, n(1, 2)), ("j", 110, 0, n(1, 4)),
        ("k", 110, 0, n(1, 8)), ("k", 115, 0, n(1, 8))]
    await bench.append(bench.input, [("j", {"V": 64}, 400)])
    assert await rows(bench, "ses_final", 3) == [("j", 112, 112, n(1, 4)), ("k", 100, 118, n(3, 11)), ("j", 145, 145, n(1, 32))]
    assert (await rows(bench, "tum_final", 4))[3:] == [("j", 140, 0, n(1, 32))]
    for name, count in (("tum", 4), ("hop", 9), ("ses", 3)):
        assert await rows(bench, f"{name}_held", count) == await rows(bench, f"{name}_final", count), "suppressed until closed is as final"
    assert await rows(bench, "sli_final", 7) == [
        ("k", 90, 0, n(1, 1)), ("k", 98, 0, n(2, 3)), ("k", 101, 0, n(1, 2)), ("j", 102, 0, n(1, 4)), ("k", 108, 0, n(2, 10)),
        ("k", 109, 0, n(1, 8)), ("j", 135, 0, n(1, 32))]
    await bench.stop()
