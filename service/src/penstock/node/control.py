"""The line between the supervisor and each of its processes: a socket pair, one JSON object a line.

    child -> supervisor   {"ready": "<what to say>"}   {"failed": "<one line>", "code": <exit code>}   {"alive": true}, once a second
                          {"end": true, "others": <other nodes can take the tasks>}: the node shall end in order  {"drained": true}
    supervisor -> child   {"drain": true}: take no more work, then say "drained"   {"stop": true}

End of file at the child means that the supervisor is gone: the child stops in order. "alive" comes from the child's event loop, so its
absence shows a loop that makes no progress (watchdog); should the supervisor be gone as well, the kernel's alarm ends the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket

BEAT = 1.0
STALL = 20.0
"""Seconds without a sign of life after which a process is killed. On the embedded log a process that is stopped in the middle of a
publication holds the others' writes back until then."""
ALARM = 60
"""Seconds after which the kernel kills a process that does not set its alarm again."""
STOP_WITHIN = 10.0


class ChildLine:
    """The child's end. `stop` is set when the supervisor says so, is gone, or on SIGTERM; `drain` when the supervisor says so."""

    def __init__(self, fd: int) -> None:
        """fd: the inherited socket. Call within the event loop."""
        self.stop = asyncio.Event()
        self.drain = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._loop.add_reader(fd, self._heard)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end)
        self._beat()

    def say(self, **message: object) -> None:
        """Tell the supervisor; never blocks (a supervisor that does not read misses a sign of life)."""
        with contextlib.suppress(OSError):
            self._socket.send(json.dumps(message).encode() + b"\n")

    def ready(self, what: str = "") -> None:
        self.say(ready=what)

    def _beat(self) -> None:
        self.say(alive=True)
        signal.alarm(ALARM)
        self._loop.call_later(BEAT, self._beat)

    def _heard(self) -> None:
        try:
            data = self._socket.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if b"drain" in data:
            self.drain.set()
        if not data or b"stop" in data:
            self._end()
        if not data:
            self._loop.remove_reader(self._socket.fileno())

    def _end(self) -> None:
        if not self.stop.is_set():
            self.stop.set()
            self._loop.call_later(STOP_WITHIN, os._exit, 1)
