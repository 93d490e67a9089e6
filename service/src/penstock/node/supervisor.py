"""A node's life: one gateway and N worker processes, started, watched, restarted and stopped by this process, which does nothing else.

    start   take the data directory, look whether the port is free, raise the descriptor limit, start all, say "ready on ..."
    run     what dies is started again with back-off; what shows no sign of life is killed
    drain   when the gateway is told so: clients and tasks go to other nodes; then stop
    stop    on SIGTERM or SIGINT the gateway takes no more clients, then the workers commit and leave, then the gateway ends, which has told
            other nodes meanwhile where to look; after 10 s the rest is killed. A second signal kills at once
Killed itself, it leaves children that see the end of their control line and stop in order; they hold the data directory until then.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace

from penstock.config import ConfigError, ServeConfig, check
from penstock.log.open import check as check_log
from penstock.node import logs
from penstock.node.data_dir import CannotStart, DataDir, take
from penstock.node.exit_codes import Exit
from penstock.node.process import Process
from penstock.runtime.layout import Layout
from penstock.security.startup import check_files

log = logging.getLogger("penstock.node")

GATEWAY = "penstock.node.gateway"
WORKER = "penstock.node.worker"
DESCRIPTORS = 65536
WORKERS_READY_WITHIN = 8.0
DRAINED_WITHIN = 300.0
"""Seconds in which tasks may move to other nodes, which may have to restore them."""
DRAIN = 2.0
LEAVE = 6.5
STOP = 9.5
"""Seconds from the signal until the gateway's clients, until the workers, and until everything is no longer waited for."""


def run_node(config: ServeConfig) -> int:
    """Run a node until it is told to stop; the exit code (node/exit_codes.py)."""
    logs.configure(config.log_level, config.log_json, "node")
    try:
        check(config)
        check_log(config)
        check_files(config)
        data = take(config)
        _port_is_free(config)
    except ConfigError as e:
        return _refuse(str(e), Exit.USAGE)
    except CannotStart as e:
        return _refuse(str(e), e.code)
    _raise_descriptor_limit()
    return asyncio.run(_Node(replace(config, node_id=config.node_id or data.node.node_id), data).run())


def _refuse(message: str, code: Exit) -> int:
    print(f"penstock: {message}", file=sys.stderr)
    return code


def _port_is_free(config: ServeConfig) -> None:
    """Raises CannotStart. The gateway binds it a moment later; who is faster than that makes it fail with the same words."""
    host, port = config.address
    if port == 0:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as e:
            if e.errno == errno.EADDRINUSE:
                raise CannotStart(f"port {port} on {host} is taken: choose another --listen", Exit.PORT_TAKEN) from e
            raise CannotStart(f"cannot listen on {config.listen}: {e.strerror or e}", Exit.USAGE) from e


def _raise_descriptor_limit() -> None:
    """Environments and segment files need many descriptors; children inherit the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Node:
    """The processes of a node."""

    def __init__(self, config: ServeConfig, data: DataDir) -> None:
        self._config = config
        self._data = data
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        run = Layout(self._config.data).run
        for old in (*run.glob("*.sock"), *run.glob("*.pid")):
            old.unlink(missing_ok=True)
        gateway = Process("gateway", GATEWAY, 0, self._settings, self._data.lock, run)
        workers = [Process(f"w{i}", WORKER, i + 1, self._settings, self._data.lock, run)
                   for i in range(self._config.worker_count)]
        code, why = Exit.OK, ""
        if await self._started(gateway, workers):
            print(f"ready on {self._config.listen}, data in {self._config.data_dir}", flush=True)
            await _first(self._stop, gateway.asks_end)
            if gateway.asks_end.is_set() and gateway.others:
                await self._drain(gateway, workers)
        elif not self._stop.is_set():
            code = Exit(gateway.failed_code) if gateway.failed_code in list(Exit) else Exit.FAILED
            why = f"penstock: the gateway does not start: {gateway.failure}"
            gateway.stop()  # at once: it would be tried again while the workers end
        await self._end(gateway, workers)
        if why:  # the last word, behind what the processes say as they end
            print(why, file=sys.stderr)
        return code

    def _settings(self) -> ServeConfig:
        return self._config

    def _signalled(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _started(self, gateway: Process, workers: Sequence[Process]) -> bool:
        """Wait for the gateway, then a while for the workers (without Kafka they wait for it). False: told to stop, or the gateway said
        that it cannot start."""
        while not gateway.ready.is_set():
            if self._stop.is_set() or gateway.failure:
                return False
            await _first(gateway.ready, self._stop, within=0.1)
        if gateway.said:
            self._config = replace(self._config, listen=gateway.said)
        until = asyncio.get_running_loop().time() + WORKERS_READY_WITHIN
        for worker in workers:
            left = until - asyncio.get_running_loop().time()
            if not worker.ready.is_set() and not self._stop.is_set() and left > 0:
                await _first(worker.ready, self._stop, within=left)
            if not worker.ready.is_set():
                log.warning("worker %s is not ready yet; the node serves meanwhile", worker.name)
        return not self._stop.is_set()

    async def _drain(self, gateway: Process, workers: Sequence[Process]) -> None:
        """Clients and tasks go to other nodes, as soon as those are ready for them. Told to stop meanwhile, what is left is taken from here."""
        log.info("draining: clients and tasks go to other nodes, then this one ends")
        gateway.drain()
        for worker in workers:
            worker.drain()
        until = asyncio.get_running_loop().time() + DRAINED_WITHIN
        for process in [gateway, *workers]:
            await _first(process.drained, process.ended, self._stop, within=max(0.0, until - asyncio.get_running_loop().time()))
            if not process.drained.is_set():
                log.warning("%s did not give everything up; it stops now", process.name)

    async def _end(self, gateway: Process, workers: Sequence[Process]) -> None:
        began = asyncio.get_running_loop().time()
        gateway.drain()
        await _first(gateway.drained, gateway.ended, self._hurry, within=DRAIN)
        for worker in workers:
            worker.stop()
        for worker in workers:
            left = max(0.0, began + LEAVE - asyncio.get_running_loop().time())
            await _first(worker.ended, self._hurry, within=left)
        gateway.stop()
        until = began + STOP
        for process in [gateway, *workers]:
            left = max(0.0, until - asyncio.get_running_loop().time())
            if not await _first(process.ended, self._hurry, within=left) or not process.ended.is_set():
                log.warning("%s does not end: killing it", process.name)
                process.kill()
                await process.ended.wait()


async def _first(*events: asyncio.Event, within: float | None = None) -> bool:
    """Wait until one of the events is set; False after `within` seconds."""
    waits = [asyncio.create_task(e.wait()) for e in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for w in waits:
            w.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
