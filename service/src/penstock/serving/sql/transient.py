"""Topologies of push queries that need one: made when a client asks, kept for a while after it went so that it can resume, then deleted.

They are bounded in number on each node. A node that starts again finds its own in the registry and gives their clients the same while; those of a
node that is gone for good are another's.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from penstock.catalog import changes, register
from penstock.catalog.port import TopologyEntry
from penstock.errors import LogError, RequestError
from penstock.security.principal import Access
from penstock.serving import states
from penstock.serving.settle import settle
from penstock.serving.sql.catalog import NodeCatalog
from penstock.serving.sql.statements import START_SECONDS, Statements, topology_bytes
from penstock.sql.rows import RichQuery

_log = logging.getLogger("penstock.sql")

LINGER_SECONDS = 60.0
PREFIX = "PUSH_"
_ID = re.compile(rf"{PREFIX}\d+")

Plan = Callable[[NodeCatalog, str, str], RichQuery]
"""(catalog, query id, topic of its result) -> the query."""


def is_transient(name: str) -> bool:
    """Whether a relation of this name is, or was, the result of a push query."""
    return _ID.fullmatch(name) is not None


def gone(name: str) -> RequestError:
    """The refusal of a query that was deleted."""
    return RequestError("QUERY_GONE", f"push query {name} is gone: it is deleted {LINGER_SECONDS:.0f} s after its last client went, or by TERMINATE; "
                        "begin it anew", {"query": name})


@dataclass
class Transients:
    """The push queries of this node with topologies of their own, by id: how many clients each has now. most: how many there may be, those that are
    being deleted not counted."""

    statements: Statements
    most: int
    linger: float = LINGER_SECONDS
    _users: dict[str, int] = field(default_factory=dict)
    _ends: dict[str, asyncio.Task[None]] = field(default_factory=dict)  # of those without a client
    _going: dict[str, asyncio.Task[None]] = field(default_factory=dict)  # that are being deleted

    def adopt(self, node: str = "") -> None:
        """Give the clients of those that a node, this one by default, left behind the time to come back."""
        gateway = self.statements.gateway
        for entry in gateway.registry.state.topologies.values():
            if entry.transient == (node or gateway.node) and entry.name not in (self._users.keys() | self._going.keys()):
                self._users[entry.name] = 0
                self._lingers(entry.name)

    async def begin(self, plan: Plan) -> tuple[TopologyEntry, RichQuery]:
        """Make the topology and wait until it runs. Counts as one client. Raises RequestError, TOO_MANY_QUERIES among them."""
        if len(self._users) >= self.most:
            raise RequestError("TOO_MANY_QUERIES", f"this node runs {self.most} push queries that need topologies of their own, and no more",
                               {"limit": str(self.most)})
        gateway = self.statements.gateway

        async def attempt() -> tuple[TopologyEntry, RichQuery]:
            catalog = await self.statements.catalog(Access.READ)
            name = f"{PREFIX}{catalog.next_number()}"
            query = plan(catalog, name, f"{gateway.service_id}-{name}-result")
            self._users[name] = 1
            try:
                entry = await register.start(gateway.log, gateway.registry, catalog.state, name, topology_bytes(query.definition),
                                             self.statements.planner(query.definition, query.trees), partial(settle, gateway), gateway.clock,
                                             changes.Made(transient=gateway.node))
            except BaseException:
                del self._users[name]
                raise
            return entry, query

        entry, query = await register.until_still(gateway.registry, attempt)
        await states.settled(gateway, entry, START_SECONDS)
        return entry, query

    def attach(self, name: str) -> TopologyEntry:
        """A client comes back. Raises QUERY_GONE."""
        entry = self.statements.gateway.registry.state.topologies.get(name.lower())
        if entry is None or name in self._going:
            raise gone(name)
        if name in self._users:
            self._users[name] += 1
            end = self._ends.pop(name, None)
            if end is not None:
                end.cancel()
        return entry

    def detach(self, name: str, completed: bool) -> None:
        """A client went; completed: it wants no more of it. It may be gone by now: nothing waits for it, and it waits for nothing."""
        if name not in self._users:
            return  # another node's
        self._users[name] -= 1
        if self._users[name]:
            return
        if completed:
            self._end(name)
        else:
            self._lingers(name)

    async def close(self) -> None:
        """Stop waiting; what is there is adopted when the node comes back."""
        tasks = [*self._ends.values(), *self._going.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _lingers(self, name: str) -> None:
        async def wait() -> None:
            await asyncio.sleep(self.linger)
            del self._ends[name]
            self._end(name)

        self._ends[name] = asyncio.create_task(wait(), name=f"linger-{name}")

    def _end(self, name: str) -> None:
        del self._users[name]
        self._going[name] = asyncio.create_task(self._delete(name), name=f"delete-{name}")

    async def _delete(self, name: str) -> None:
        """Tried again until it is gone."""
        gateway = self.statements.gateway
        try:
            while name.lower() in gateway.registry.state.topologies:
                try:
                    await register.delete(gateway.log, gateway.registry, name, "", delete_topics=True)
                except (RequestError, LogError) as e:
                    if isinstance(e, RequestError) and e.reason == "UNKNOWN_TOPOLOGY":
                        return
                    _log.warning("push query %s cannot be deleted now, trying again: %s", name, e)
                    await asyncio.sleep(self.linger)
        finally:
            del self._going[name]
