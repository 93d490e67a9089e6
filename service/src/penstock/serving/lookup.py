"""Lookups by key: one key, or many of one table. Answers come from committed state only; a missing key is no row.

The whole read of a key that is on this node is synchronous: serialise the key, hash it to its partition, one short LMDB read transaction.
What other nodes have is fetched first, in one call a node, then read in the same way. A caller that wants to read its own writes waits before
(serving/freshness.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from penstock.catalog.port import CatalogState
from penstock.catalog.view import Served, resolve
from penstock.errors import RequestError
from penstock.serving.cluster.remote import Snapshot, Span, Wanted
from penstock.serving.columns import View, view
from penstock.serving.committed import Away
from penstock.serving.freshness import Goal, wait_catalog, wait_for
from penstock.serving.gateway import Gateway
from penstock.serving.history import not_versioned, too_old
from penstock.serving.positions import Position, decode, merge
from penstock.serving.rows import Row
from penstock.serving.tables import Table, Tables, fetch_away, windows_of
from penstock.state.port import Stamp

MAX_KEYS = 10_000
DEFAULT_WAIT = 5.0

Key = tuple[tuple[object, ...], int, int]
"""Values of the key columns, first and last window start (ignored without windows)."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh an answer must be. tokens and offsets (topic, partition, offset) must be included within max_wait seconds. stale
    accepts a task that is restoring or does not run, a standby too, when its last commit is at most so many ms old; None does not. until:
    monotonic time of the caller's deadline."""

    tokens: Sequence[str] = ()
    offsets: Sequence[tuple[str, int, int]] = ()
    max_wait: float = DEFAULT_WAIT
    stale: int | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Rows in the view's layout, for each the place of its key in the request, and the token of the commits that were read. owner: of one key that
    was read elsewhere, the address of the node that has it."""

    view: View
    rows: list[Row]
    places: list[int]
    token: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class _Search:
    """What a lookup looks for. keys: key bytes and bounds of windows; hashed: the partition of each."""

    table: Table
    view: View
    keys: Sequence[tuple[bytes, int, int]]
    hashed: Sequence[int]
    stale: int | None
    as_of: int | None

    def places(self) -> list[Sequence[int]]:
        """For each key the partitions in which it is looked for, the likely one first."""
        everywhere = range(self.table.partitions) if self.table.foreign else ()
        return [(place, *(p for p in everywhere if p != place)) for place in self.hashed]

    def wanted(self) -> Mapping[int, Sequence[Span]]:
        """By partition the entries that are read."""
        found: dict[int, Wanted] = {}
        for (key, low, high), places in zip(self.keys, self.places(), strict=True):
            for p in places:
                notes = found.setdefault(p, Wanted())
                if self.as_of is None:
                    _rows(self.table, notes, key, low, high)
                else:
                    assert self.table.history is not None
                    self.table.history.at(notes, key, self.as_of)
        return {p: list(notes.spans) for p, notes in found.items()}


@dataclass
class Lookups:
    """Reads of tables by key."""

    gateway: Gateway
    tables: Tables
    _views: dict[tuple[str, int, tuple[str, ...]], View] = field(default_factory=dict)
    _state: CatalogState | None = None  # the one of _tables
    _tables: dict[str, Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._nowhere = Position(self.gateway.log.log_id)

    async def resolve(self, name: str, freshness: Freshness) -> tuple[Table, Position]:
        """The table, once the catalog includes the tokens; and what the tokens say together. Raises RequestError."""
        position = self._nowhere
        if freshness.tokens:
            position = merge([decode(t, self.gateway.log.log_id, "consistency.at_least.positions") for t in freshness.tokens],
                             self.gateway.log.log_id)
            if position.catalog > self.gateway.registry.state.position:
                await wait_catalog(self.gateway, position.catalog, freshness.max_wait)
        table = self.known(name)
        if table is None:
            table = self.tables.get(resolve(self.gateway.registry.state, name))
            await warm(self.gateway, table)
            self._tables[name] = table
        return table, position

    def known(self, name: str) -> Table | None:
        """The table, when a lookup has resolved it in this state of the catalog."""
        state = self.gateway.registry.state
        if state is not self._state:
            self._state, self._tables = state, {}
        return self._tables.get(name)

    async def fresh(self, table: Table, position: Position, keys: Sequence[Key], freshness: Freshness) -> None:
        """Wait until what is read for these keys includes the position. Raises RequestError."""
        if freshness.tokens or freshness.offsets:
            partitions = table.awaited([table.partition_of(table.key_bytes(key)) for key, _, _ in keys])
            await wait_for(self.gateway, Goal(table.served.name, table.stage, partitions), position, freshness.offsets,
                           freshness.max_wait)

    def get(self, table: Table, keys: Sequence[Key], columns: Sequence[str], stale: int | None, as_of: int | None = None) -> Found:
        """Rows of each key, in the order of keys, from what is committed now; as_of: those of a versioned table that were valid at this
        time. Raises RequestError, and Away when another node has some of it."""
        chosen = self.view_of(table.served, columns)
        if len(keys) == 1 and not table.foreign and as_of is None:
            return self._one(table, chosen, *keys[0], stale)
        return self._read(self._search(table, keys, chosen, stale, as_of))

    async def find(self, table: Table, keys: Sequence[Key], columns: Sequence[str], fresh: Freshness, as_of: int | None = None) -> Found:
        """As get, wherever the rows are. Raises RequestError."""
        try:
            return self.get(table, keys, columns, fresh.stale, as_of)
        except Away as away:
            found = await self._anywhere(self._search(table, keys, self.view_of(table.served, columns), fresh.stale, as_of), fresh.until)
            one = len(keys) == 1 and not table.foreign
            return replace(found, owner=self.gateway.cluster.public_address(away.node)) if one else found

    async def select(self, table: Table, keys: Sequence[Key], chosen: View, fresh: Freshness) -> Found:
        """Rows of each key as a view of the caller's shows them, those for which its condition holds. Raises RequestError."""
        search = self._search(table, keys, chosen, fresh.stale, None)
        try:
            return self._read(search)
        except Away:
            return await self._anywhere(search, fresh.until)

    @staticmethod
    def _search(table: Table, keys: Sequence[Key], chosen: View, stale: int | None, as_of: int | None) -> _Search:
        if len(keys) > MAX_KEYS:
            raise RequestError("INVALID_ARGUMENT", f"{len(keys)} keys; at most {MAX_KEYS} in one call", {"field": "keys"})
        if as_of is not None and table.history is None:
            raise not_versioned(table.served.name)
        wanted = [(table.key_bytes(key), low, high) for key, low, high in keys]
        return _Search(table, chosen, wanted, [table.partition_of(key) for key, _, _ in wanted], stale, as_of)

    def view_of(self, served: Served, columns: Sequence[str]) -> View:
        """The view of these columns, made once."""
        at = (served.name, served.epoch, tuple(columns))
        known = self._views.get(at)
        if known is None:
            if len(self._views) > 1000:
                self._views.clear()
            known = self._views[at] = view(served, columns, "", {})
        return known

    def _one(self, table: Table, chosen: View, values: tuple[object, ...], low: int, high: int, stale: int | None) -> Found:
        """What most calls ask for: one key, which is in its partition or nowhere."""
        key = table.key_bytes(values)
        partition = table.partition_of(key)
        snapshot = self.tables.snapshot(table, partition, stale)
        try:
            found = _rows(table, snapshot, key, low, high)
            token = self._token(table, {partition: snapshot.stamp})
        finally:
            snapshot.close()
        return Found(chosen, [chosen.pick(row) for row in found], [0] * len(found), token)

    async def _anywhere(self, search: _Search, until: float | None) -> Found:
        """Fetch what other nodes have, then read. A task that moves meanwhile is looked for anew."""
        while True:
            fetched = await fetch_away(self.gateway, self.tables, search.table, search.wanted(), search.stale, until)
            try:
                return self._read(search, fetched)
            except Away:
                continue

    def _read(self, search: _Search, fetched: Mapping[int, Snapshot] | None = None) -> Found:
        table, chosen = search.table, search.view
        snapshots: dict[int, Snapshot] = dict(fetched or {})
        rows: list[Row] = []
        indexes: list[int] = []
        try:
            for index, ((key, low, high), at) in enumerate(zip(search.keys, search.places(), strict=True)):
                if search.as_of is None:
                    found = next((f for p in at if (f := _rows(table, self._snapshot(search, snapshots, p), key, low, high))), [])
                else:
                    found = _version(table, [self._snapshot(search, snapshots, p) for p in at], key, search.as_of)
                if chosen.keep is not None:
                    found = list(filter(chosen.keep, found))
                rows.extend(map(chosen.pick, found))
                indexes.extend([index] * len(found))
            token = self._token(table, {p: s.stamp for p, s in snapshots.items()})
        finally:
            for snapshot in snapshots.values():
                snapshot.close()
        return Found(chosen, rows, indexes, token)

    def _snapshot(self, search: _Search, snapshots: dict[int, Snapshot], partition: int) -> Snapshot:
        snapshot = snapshots.get(partition)
        if snapshot is None:
            snapshot = snapshots[partition] = self.tables.snapshot(search.table, partition, search.stale)
        return snapshot

    def _token(self, table: Table, stamps: Mapping[int, Stamp | None]) -> str:
        """The token of what was read. That of one partition is kept until its stamp changes: most lookups read the same commit."""
        if len(stamps) == 1:
            (partition, stamp), = stamps.items()
            known = table.tokens.get(partition)
            if stamp is not None and known is not None and known[0] == stamp.inputs and known[1] == stamp.changelogs:
                return known[2]
            token = token_of(self.gateway, table, stamps)
            if stamp is not None:
                table.tokens[partition] = (stamp.inputs, stamp.changelogs, token)
            return token
        return token_of(self.gateway, table, stamps)


def _version(table: Table, snapshots: Sequence[Snapshot], key: bytes, as_of: int) -> list[Row]:
    """The row that was valid at a time, of the first partition that has one. Raises INVALID_RANGE when that is not known."""
    assert table.history is not None
    since = 0
    for snapshot in snapshots:
        value, known = table.history.at(snapshot, key, as_of)
        since = max(since, known)
        if value is not None:
            row = table.base_row(key, value)
            return [] if row is None else [row]
    if as_of < since:
        raise too_old(table.served.name, since)
    return []


def _rows(table: Table, snapshot: Snapshot, key: bytes, low: int, high: int) -> list[Row]:
    if table.windowed:
        found = [table.base_row(k, v) for k, v in windows_of(snapshot, table.spec, key, low, high)]
        return [row for row in found if row is not None]
    value = snapshot.get(table.spec.name, key)
    row = None if value is None else table.base_row(key, value)
    return [] if row is None else [row]


def token_of(gateway: Gateway, table: Table, stamps: Mapping[int, Stamp | None]) -> str:
    """Inputs and the changelog of the partitions read. Their topics' ids were fetched by `warm`, once, so that a lookup does not wait for
    the log."""
    offsets: dict[str, dict[int, int]] = {}
    for partition, stamp in stamps.items():
        if stamp is None:
            continue
        for name, offset in stamp.inputs.items():
            topic, _, number = name.rpartition("[")
            offsets.setdefault(topic, {})[int(number[:-1])] = offset
        if table.spec.changelog in stamp.changelogs:
            offsets.setdefault(table.spec.changelog, {})[partition] = stamp.changelogs[table.spec.changelog]
    infos = {t: i for t in offsets if (i := gateway.topics.cached(t)) is not None}
    return gateway.token_of(offsets, infos, relation=table.served.name, epoch=table.served.epoch)


async def warm(gateway: Gateway, table: Table) -> None:
    """Have the ids of the topics that this table's tokens name."""
    names = [*table.stage.inputs, *([table.spec.changelog] if table.spec.changelog else [])]
    if any(gateway.topics.cached(n) is None for n in names):
        await gateway.topics.get(names)
