"""A TCP proxy on this machine that can refuse, delay and cut. It runs on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Proxy:
    """Passes connections on to a target. `address` is where it listens."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None] | None] = set()
        self._refusing = False
        self._delay = 0.0
        self._flows = asyncio.Event()
        self._flows.set()
        self.address = self._call(self._start())

    def close(self) -> None:
        """Cut everything and stop listening."""
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self) -> None:
        """Close every connection."""
        self._call(self._cut())

    def refuse(self, seconds: float = 0) -> None:
        """Close connections, and new ones at once; for a time, or until accept()."""
        self._refusing = True
        self.cut()
        if seconds:
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self.accept)

    def accept(self) -> None:
        """Serve again."""
        self._refusing = False

    def delay(self, seconds: float) -> None:
        """Hold back what the target sends."""
        self._delay = seconds

    def hold(self, held: bool = True) -> None:
        """Pass nothing on in either direction, with every connection open; or go on."""
        self._loop.call_soon_threadsafe(self._flows.clear if held else self._flows.set)

    def reset(self) -> None:
        """As at the beginning."""
        self.accept()
        self.hold(False)
        self.delay(0)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _stop(self) -> None:
        self._server.close()
        self._flows.set()
        await self._cut()
        await asyncio.gather(*(task for task in self._serving if task is not None))

    async def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        self._serving.add(task := asyncio.current_task())
        try:
            await asyncio.gather(self._pass(reader, far_writer, False), self._pass(far_reader, writer, True))
        finally:
            self._writers -= both
            self._serving.discard(task)
            for one in both:
                one.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delayed: bool) -> None:
        """Bytes from one side to the other until either ends, then both are closed."""
        try:
            while data := await reader.read(1 << 16):
                if delayed and self._delay:
                    await asyncio.sleep(self._delay)
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # an end that was cut is an end
        finally:
            writer.transport.abort()
