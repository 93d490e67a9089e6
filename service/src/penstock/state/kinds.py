"""Which store keeps what a specification asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.plan.nodes import StoreKind, StoreSpec
from penstock.state.cache import CACHE_LIMIT, Backend, CachedSessionStore, CachedStore, CachedWindowStore
from penstock.state.join_rows import CachedJoinStore

_KINDS: Mapping[StoreKind, type[CachedStore]] = {
    StoreKind.KEY_VALUE: CachedStore, StoreKind.WINDOW: CachedWindowStore, StoreKind.SESSION: CachedSessionStore,
    StoreKind.JOIN: CachedJoinStore}


def cached_store(spec: StoreSpec, backend: Backend, older: Mapping[int, Sequence[str]], limit: int = CACHE_LIMIT) -> CachedStore:
    """The store of this spec's kind."""
    return _KINDS[spec.kind](spec, backend, older, limit)
