"""Heartbeats for a worker that cannot send its own.

A call into C code that holds the interpreter's lock, such as a runaway regular expression, stops every thread of a process, the
membership's too; past the session timeout all its groups would expel it, though it works. So a small process beside the worker knows the
worker's memberships, and sends heartbeats for it as soon as the worker falls silent. It only ever prolongs what the worker has: it joins
nothing, and what a broker answers is the worker's to find out.

It keeps nobody alive who does not work: it ends with the worker (the end of its input), and sends nothing for a worker that is stopped, that
uses no processor time, or that has been silent for longer than a supervisor leaves it alone.

Its input is lines of JSON: first Settings, then a Membership for each change of one ({"group": ..., "gone": true} for one that is over), and an
empty object at least every Settings.patience / 2 seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from penstock.errors import LogError
from penstock.log.kafka import codes, security
from penstock.log.kafka.cluster import GROUP, Cluster
from penstock.log.kafka.protocol import HEARTBEAT

logger = logging.getLogger(__name__)

LONGEST = 25.0
"""Seconds of silence after which nothing is sent any more: a supervisor has ended a worker by then."""
_END_WITHIN = 2.0


class Settings(msgspec.Struct, frozen=True):
    """pid: of the worker. patience: seconds of silence after which heartbeats begin. every: seconds between them."""

    bootstrap: str
    properties: Mapping[str, str]
    client_id: str
    pid: int
    patience: float
    every: float


class Membership(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a heartbeat says; an empty group: only a sign of life."""

    group: str = ""
    generation: int = -1
    member: str = ""
    instance: str = ""
    gone: bool = False


class Pulse:
    """The worker's end. All calls from one thread; none blocks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Membership] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def tell(self, membership: Membership) -> None:
        """It is so from now on."""
        if membership.gone:
            self._known.pop(membership.group, None)
        else:
            self._known[membership.group] = membership
        if self._process is not None:
            self._write(msgspec.json.encode(membership))

    def alive(self) -> None:
        """The worker runs. The process is started by the first call, and again when it has ended."""
        if self._process is not None and self._process.poll() is not None:
            logger.warning("the process that sends heartbeats for this one ended (%s); starting it again", self._process.returncode)
            self._close_input()
        if self._process is None:
            self._start()
        else:
            self._write(b"{}")

    def close(self) -> None:
        """End the process."""
        process = self._process
        if process is not None:
            self._close_input()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_WITHIN)
                return
            process.kill()
            process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "penstock.log.kafka.pulse"], stdin=subprocess.PIPE, start_new_session=True)
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._write(b"\n".join([msgspec.json.encode(self._settings), *map(msgspec.json.encode, self._known.values())]))

    def _write(self, line: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            written = os.write(self._process.stdin.fileno(), line + b"\n")
        except OSError:
            written = -1
        if written != len(line) + 1:  # it hangs or is gone: the next sign of life starts another one
            self._process.kill()

    def _close_input(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process = None


class Work:
    """Whether a process has worked since it was asked last."""

    def __init__(self, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._used = -1

    def seen(self) -> bool:
        """It runs, and has used processor time meanwhile."""
        try:
            state, *rest = self._stat.read_text().rpartition(")")[2].split()
        except OSError:
            return False
        used, before = int(rest[10]) + int(rest[11]), self._used
        self._used = used
        return state not in "TtZX" and used > before >= 0


class Understudy:
    """The helping process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._heard = time.monotonic()
        self._known: dict[str, Membership] = {}
        self._cluster = Cluster(security.parse(settings.bootstrap, settings.properties), settings.client_id, request_timeout=max(1.0, settings.every))
        self._work = Work(settings.pid)

    def hear(self, membership: Membership) -> None:
        """The worker is alive."""
        self._heard = time.monotonic()
        if membership.gone:
            self._known.pop(membership.group, None)
        elif membership.group:
            self._known[membership.group] = membership

    async def run(self) -> None:
        """Step in when it is silent."""
        while True:
            await asyncio.sleep(self._settings.every)
            worked = self._work.seen()
            if worked and self._settings.patience <= time.monotonic() - self._heard < LONGEST:
                await asyncio.gather(*map(self._beat, list(self._known.values())))

    async def _beat(self, m: Membership) -> None:
        try:
            answer = await self._cluster.ask_coordinator(GROUP, m.group, HEARTBEAT(m.group, m.generation, m.member, m.instance or None))
        except LogError:
            return  # the next one comes soon
        if answer.error in codes.COORDINATOR_MOVED:
            self._cluster.forget_coordinator(GROUP, m.group)
        elif answer.error not in (0, codes.REBALANCING):
            self._known.pop(m.group, None)

    async def close(self) -> None:
        """Close the connections."""
        await self._cluster.close()


async def main() -> None:
    """Until the end of the input."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer)
    understudy = Understudy(msgspec.json.decode(await lines.readline(), type=Settings))
    running = asyncio.create_task(understudy.run(), name="understudy")
    try:
        while line := await lines.readline():
            understudy.hear(msgspec.json.decode(line, type=Membership))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await understudy.close()


if __name__ == "__main__":
    asyncio.run(main())
