"""The heartbeats of all groups of a worker, by one timer: those that are due go out together, to each coordinator over one connection without
waiting for each other's answers. A worker may be a member of hundreds of groups at rest.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from penstock.errors import LogError
from penstock.log.kafka.cluster import GROUP, Cluster
from penstock.log.kafka.protocol import Call
from penstock.log.kafka.wake import happens

_TOGETHER = 0.002
"""Seconds between two looks: what becomes due meanwhile is asked along."""


class Member(Protocol):
    """A membership of a group."""

    name: str

    def beat_at(self, now: float) -> float:
        """Monotonic seconds at which its next heartbeat is due; infinity: it has none to send, or one is under way."""

    def beat(self, now: float) -> Call | None:
        """One is under way from now on; None: it has to join again instead."""

    def answered(self, call: Call, answer: Any) -> None:
        """The coordinator's answer to that heartbeat."""

    def unanswered(self, call: Call, error: LogError) -> None:
        """There is no answer to it."""


class Heartbeats:
    """Belongs to one event loop."""

    def __init__(self, cluster: Cluster, members: Callable[[], Iterable[Member]]) -> None:
        self._cluster, self._members = cluster, members
        self._changed = asyncio.Event()

    def look(self) -> None:
        """Something may be due earlier than it was."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._changed.clear()
            now, following = time.monotonic(), math.inf
            due: dict[int, list[tuple[Member, Call]]] = {}
            for member in self._members():
                at = member.beat_at(now)
                if at > now:
                    following = min(following, at)
                elif (call := member.beat(now)) is not None:
                    due.setdefault(self._cluster.coordinator_now(GROUP, member.name), []).append((member, call))
            for node, beats in due.items():
                for together in [beats] if node >= 0 else [[beat] for beat in beats]:
                    self._cluster.spawn(self._ask(node, together))
            await happens(self._changed, following - now if following < math.inf else None)
            await asyncio.sleep(_TOGETHER)

    async def _ask(self, node: int, beats: list[tuple[Member, Call]]) -> None:
        """To one coordinator; below 0: of one group whose coordinator is not known."""
        try:
            if node < 0:
                node = await self._cluster.coordinator(GROUP, beats[0][0].name)
            answers = await self._cluster.send_all(node, [call for _, call in beats])
        except LogError as error:
            for member, call in beats:
                self._cluster.forget_coordinator(GROUP, member.name)
                member.unanswered(call, error)
        else:
            for (member, call), answer in zip(beats, answers, strict=True):
                member.answered(call, answer)
        self.look()
