"""One child process as the supervisor sees it: started, watched, restarted with back-off, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from penstock.config import ServeConfig
from penstock.node.child_args import HIDDEN, Child
from penstock.node.control import STALL

log = logging.getLogger("penstock.node")

BACK_OFF = (0.2, 10.0)
STABLE = 30.0
"""Seconds after which a process counts as well; the next restart is at once again."""
START_WITHIN = 120.0
"""Seconds until the first sign of life (imports on a slow disk)."""


class Process:
    """Keeps one child running until told to stop."""

    def __init__(self, name: str, module: str, index: int, config: Callable[[], ServeConfig], lock: int, run: Path) -> None:
        """module: what `python -m` starts. config: asked for at each start. lock: a descriptor the child inherits.
        run: where <name>.pid is written."""
        self.name = name
        self.ready = asyncio.Event()
        self.said = ""
        self.failure = ""
        self.failed_code = 0
        self.ended = asyncio.Event()
        self.asks_end = asyncio.Event()
        self.others = False
        self.drained = asyncio.Event()
        self.restarts = 0
        self._module, self._index, self._config, self._lock = module, index, config, lock
        self._pid_file = run / f"{name}.pid"
        self._stopping = asyncio.Event()
        self._line: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._alive_at = 0.0
        self._keeper = asyncio.create_task(self._keep(), name=f"keep-{name}")

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    def drain(self) -> None:
        """Ask it to take no more work; `drained` says that it has none left."""
        self._say(b'{"drain": true}\n')

    def stop(self) -> None:
        """Ask it to end in order."""
        self._stopping.set()
        self._say(b'{"stop": true}\n')

    def _say(self, message: bytes) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.send(message)

    def kill(self) -> None:
        """End it now."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()  # type: ignore[union-attr]

    async def _keep(self) -> None:
        pause = BACK_OFF[0]
        try:
            while not self._stopping.is_set():
                started = time.monotonic()
                try:
                    ending = _ending(await self._once())
                except OSError as e:  # no memory or no descriptor for a process now
                    ending = f"it cannot be started: {e}"
                if self._stopping.is_set():
                    return
                if time.monotonic() - started >= STABLE:
                    pause = BACK_OFF[0]
                self.restarts += 1
                log.warning("%s ended (%s); starting it again in %.1f s", self.name, ending, pause)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stopping.wait()
                pause = min(BACK_OFF[1], pause * 2)
        finally:
            self._pid_file.unlink(missing_ok=True)
            self.ended.set()

    async def _once(self) -> int:
        """One life of the process; its exit code, negative for a signal."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        config = self._config()
        child = Child(self.name, self._index, theirs.fileno(), config.shown())
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, *child.to_args(), pass_fds=(theirs.fileno(), self._lock), start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, env={**os.environ, "MALLOC_ARENA_MAX": "2", HIDDEN: config.hidden()})
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        try:
            self._pid_file.write_text(f"{process.pid}\n")
        except OSError as e:  # on a full disk; people miss it, nothing else does
            log.warning("%s cannot be written: %s", self._pid_file, e)
        self._line = ours
        self._alive_at = time.monotonic() + START_WITHIN - STALL
        listener = asyncio.create_task(self._listen(ours))
        watchdog = asyncio.create_task(self._watch())
        try:
            if self._stopping.is_set():
                self.stop()
            return await process.wait()
        finally:
            self.ready.clear()
            watchdog.cancel()
            await asyncio.gather(listener, watchdog, return_exceptions=True)
            self._line = None
            ours.close()

    async def _listen(self, line: socket.socket) -> None:
        """What the child says, until it ends."""
        loop = asyncio.get_running_loop()
        rest = b""
        with contextlib.suppress(OSError):
            while data := await loop.sock_recv(line, 4096):
                *lines, rest = (rest + data).split(b"\n")
                for text in lines:
                    self._heard(json.loads(text))

    def _heard(self, message: dict[str, object]) -> None:
        if "alive" in message:
            self._alive_at = max(self._alive_at, time.monotonic()) if not self.ready.is_set() else time.monotonic()
        if "ready" in message:
            self.said = str(message["ready"])
            self._alive_at = time.monotonic()
            self.failure = ""
            self.ready.set()
        if "end" in message:
            self.others = bool(message["others"])
            self.asks_end.set()
        if "drained" in message:
            self.drained.set()
        if "failed" in message:
            self.failure = str(message["failed"])
            self.failed_code = int(str(message["code"]))

    async def _watch(self) -> None:
        """Kill a process whose event loop makes no progress; progress of records is the worker's own affair."""
        while True:
            await asyncio.sleep(1.0)
            silent = time.monotonic() - self._alive_at
            if silent > STALL:
                log.error("%s shows no sign of life for %.0f s: killing it", self.name, silent)
                self.kill()
                return


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
