"""Notices between the processes of a node: "look again", by Unix datagrams in <data>/run, so that nobody polls.

Each process has one socket. A notice is one byte; those of one turn of the event loop go out together, once to each process. Nothing here
ever blocks or fails its caller: a notice that cannot be delivered is tried again a little later, the socket of a process that is gone is
removed, and everyone who waits for notices looks by himself from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from pathlib import Path

KINDS = {"log": b"l", "board": b"b", "registry": b"r", "nudge": b"n"}
_BY_BYTE = {code[0]: kind for kind, code in KINDS.items()}
RETRY = 0.01
SCAN_EVERY = 1.0
"""Seconds between looks for new sockets; a directory that has not changed is not read."""


class _Waiter:
    """Implements runtime.board_port.Waiter."""

    def __init__(self, all_of_kind: set[_Waiter]) -> None:
        self._all = all_of_kind
        self._heard = asyncio.Event()
        all_of_kind.add(self)

    def tell(self) -> None:
        self._heard.set()

    async def wait(self, timeout: float) -> bool:
        if not self._heard.is_set():
            try:
                async with asyncio.timeout(timeout):
                    await self._heard.wait()
            except TimeoutError:
                return False
        self._heard.clear()
        return True

    def close(self) -> None:
        self._all.discard(self)


class SocketNotices:
    """Implements runtime.board_port.Notices. Belongs to one event loop; send may be called from any thread."""

    def __init__(self, run: Path, process: str) -> None:
        """run: the directory of the sockets. process: this process's name; a socket that an earlier process left there is replaced."""
        run.mkdir(parents=True, exist_ok=True)
        self._loop = asyncio.get_running_loop()
        self._dir = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._own = f"{process}.sock"
        self._peers: list[str] = []
        self._scanned = 0.0
        self._changed = -1
        self._waiters: dict[str, set[_Waiter]] = {kind: set() for kind in KINDS}
        self._lock = threading.Lock()
        self._pending: set[str] = set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._own, dir_fd=self._dir)
        self._socket.bind(self._path(self._own))
        self._loop.add_reader(self._socket.fileno(), self._receive)

    def _path(self, name: str) -> str:
        """By the directory's descriptor: a data directory with a long path is over the 107 bytes of a socket address."""
        return f"/proc/self/fd/{self._dir}/{name}"

    def send(self, what: str) -> None:
        with self._lock:
            first = not self._pending
            self._pending.add(what)
        if first:
            with contextlib.suppress(RuntimeError):  # the loop has ended: so have those who would hear it
                self._loop.call_soon_threadsafe(self._flush)

    def subscribe(self, what: str) -> _Waiter:
        return _Waiter(self._waiters[what])

    def _flush(self) -> None:
        with self._lock:
            kinds, self._pending = self._pending, set()
        if self._dir < 0:
            return
        for kind in kinds:
            self._tell(kind)
        missed = set()
        for peer in self._others():
            for kind in kinds:
                if not self._deliver(peer, KINDS[kind]):
                    missed.add(kind)
        if missed:
            self._loop.call_later(RETRY, self._again, missed)

    def _again(self, kinds: set[str]) -> None:
        for kind in kinds:
            self.send(kind)

    def _deliver(self, peer: str, code: bytes) -> bool:
        """False: its buffer is full now."""
        try:
            self._socket.sendto(code, self._path(peer))
        except BlockingIOError:
            return False
        except (ConnectionRefusedError, FileNotFoundError):  # nobody listens there any more
            self._peers = [p for p in self._peers if p != peer]
            with contextlib.suppress(OSError):
                os.unlink(peer, dir_fd=self._dir)
            self._changed = -1
        except OSError:
            return True  # no memory for it now, or the like; who waits looks by himself
        return True

    def _others(self) -> list[str]:
        now = time.monotonic()
        if now - self._scanned >= SCAN_EVERY or self._changed < 0:
            self._scanned = now
            changed = os.fstat(self._dir).st_mtime_ns
            if changed != self._changed:
                self._changed = changed
                self._peers = [n for n in os.listdir(self._dir) if n.endswith(".sock") and n != self._own]
        return list(self._peers)

    def _receive(self) -> None:
        heard: set[int] = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                heard.update(self._socket.recv(16))
        for code in heard:
            if code in _BY_BYTE:
                self._tell(_BY_BYTE[code])

    def _tell(self, kind: str) -> None:
        for waiter in tuple(self._waiters[kind]):
            waiter.tell()

    def close(self) -> None:
        if self._dir >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._own, dir_fd=self._dir)
            os.close(self._dir)
            self._dir = -1
