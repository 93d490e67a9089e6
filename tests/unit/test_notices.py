"""Notices between processes."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from penstock.node.notices import SocketNotices


async def test_a_notice_reaches_others_and_oneself_once(tmp_path: Path) -> None:
    a, b = SocketNotices(tmp_path, "a"), SocketNotices(tmp_path, "b")
    at_a, at_b, other = a.subscribe("log"), b.subscribe("log"), b.subscribe("board")
    for _ in range(100):
        a.send("log")
    assert await at_b.wait(5) and await at_a.wait(5)
    assert not await at_b.wait(0.05), "coalesced"
    assert not await other.wait(0)
    a.close()
    b.close()
    assert not list(tmp_path.iterdir())


async def test_a_notice_before_the_wait_is_not_lost(tmp_path: Path) -> None:
    a, b = SocketNotices(tmp_path, "a"), SocketNotices(tmp_path, "b")
    waiter = b.subscribe("nudge")
    await asyncio.to_thread(a.send, "nudge")
    await asyncio.sleep(0.1)
    assert await waiter.wait(0)
    waiter.close()
    a.close()
    a.send("nudge")  # after close: nothing happens
    await asyncio.sleep(0.05)
    b.close()


async def test_stale_sockets_go_and_full_ones_do_not_block(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(tmp_path / "dead.sock"))
    dead.close()
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    deaf.bind(str(tmp_path / "deaf.sock"))
    a = SocketNotices(tmp_path, "a")
    for _ in range(300):
        a.send("log")
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert not (tmp_path / "dead.sock").exists() and (tmp_path / "deaf.sock").exists()
    a.close()
    deaf.close()


async def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    run = tmp_path / ("x" * 200)
    a, b = SocketNotices(run, "a"), SocketNotices(run, "b")
    waiter = b.subscribe("registry")
    a.send("registry")
    assert await waiter.wait(5)
    a.close()
    b.close()
