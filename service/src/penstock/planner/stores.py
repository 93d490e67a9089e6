"""Store specifications: fields by name, and a fingerprint of them that every stored value carries."""

from __future__ import annotations

import zlib
from dataclasses import replace

from penstock.plan.nodes import StoreKind, StoreSpec, Window


def store(name: str, kind: StoreKind, fields: tuple[tuple[str, str], ...], window: Window | None) -> StoreSpec:
    """A store without its changelog, which the resolver names. fields: (name, type text) in order."""
    retention = window.retention_ms if kind is not StoreKind.KEY_VALUE and window is not None else 0
    return StoreSpec(name, kind, tuple(n for n, _ in fields), fingerprint(fields), retention_ms=retention)


def history_store(spec: StoreSpec, kept_ms: int, fields: tuple[tuple[str, str], ...]) -> StoreSpec:
    """The store of the earlier rows of a versioned table (KIP-889): `[key][valid until, ms] -> (valid from, whether there is a row, value
    columns)`. What was valid until before stream time - kept_ms expires. Each key's entries follow each other without a gap up to the
    present row, or to the time at which that was deleted."""
    made = store(f"{spec.name}-history", StoreKind.WINDOW, (("-there", "BOOLEAN"), *fields), None)
    return replace(made, retention_ms=kept_ms)


def fingerprint(fields: tuple[tuple[str, str], ...]) -> int:
    """CRC-32 of names and types; equal fields have equal ids on every node and day."""
    return zlib.crc32("\n".join(f"{name}\t{kind}" for name, kind in fields).encode())
