"""Tasks' environments as the gateway reads them: opened at the first read, the least used closed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

from penstock.catalog.port import TopologyEntry
from penstock.plan.nodes import StoreSpec
from penstock.plan.resolved import SubTopology
from penstock.runtime.layout import Layout
from penstock.state.codec import packer
from penstock.state.lmdb import MAP_SIZE
from penstock.state.port import Value
from penstock.state.reader import LmdbSnapshot, LmdbStateReader

MOST = 512
"""Environments held open: each takes a descriptor pair and an address range of the map's size."""

CHECK_SECONDS = 0.05
"""A file is only replaced when its whole directory was lost: a look for each lookup would cost a tenth of it."""

_At = tuple[str, int, int, str, int | str]
"""Topology, incarnation, edition, sub-topology, partition or worker."""


@lru_cache(4096)
def _packer(spec: StoreSpec) -> Callable[[Value], bytes]:
    return packer(spec)


def pack(sub: SubTopology, store: str) -> Callable[[Value], bytes]:
    """The function that packs a store's values for another node."""
    return _packer(next(spec for spec in sub.stores if spec.name == store))


class Stores:
    """Readers by task."""

    def __init__(self, layout: Layout, size: int = MAP_SIZE, most: int = MOST) -> None:
        """size: the most that a task's stores may take, as the workers have it."""
        self._layout = layout
        self._size = size
        self._most = most
        self._open: OrderedDict[_At, LmdbStateReader] = OrderedDict()

    def snapshot(self, entry: TopologyEntry, sub: SubTopology, partition: int, worker: str = "") -> LmdbSnapshot:
        """A short read transaction on a task's stores, or on a global table's copy in a worker; close it soon. Raises StateError when there
        is no environment."""
        at = (entry.name, entry.incarnation, entry.plan.edition, sub.name, worker or partition)
        reader = self._open.get(at)
        if reader is None:
            self._close([a for a in self._open if (*a[:2], *a[3:]) == (*at[:2], *at[3:])])  # an edition before: it is the same environment
            path = self._layout.global_table(entry.name, entry.incarnation, sub.name, worker) if worker else \
                self._layout.task(entry.name, entry.incarnation, sub.name, partition)
            reader = self._open[at] = LmdbStateReader(path, sub.stores, map_size=self._size, check_every=CHECK_SECONDS)
            while len(self._open) > self._most:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(at)
        return reader.snapshot()

    def keep(self, live: set[tuple[str, int, int]]) -> None:
        """Close the environments of topologies (name, incarnation, edition) that are no longer registered."""
        self._close([a for a in self._open if a[:3] not in live])

    def _close(self, which: list[_At]) -> None:
        for at in which:
            self._open.pop(at).close()

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.popitem()[1].close()
