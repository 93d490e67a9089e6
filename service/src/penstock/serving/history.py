"""Earlier rows of a versioned table, out of a committed view of its stores (engine/versions.py says how they are kept)."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.engine.versions import row_of
from penstock.errors import RequestError
from penstock.plan.nodes import StoreSpec
from penstock.serving.cluster.remote import Snapshot
from penstock.state.keys import MAX_START, window_key
from penstock.state.port import Value


@dataclass(frozen=True, slots=True)
class History:
    """Of one table: its stores, and the entry of the reserved store that holds its stream time."""

    store: str
    spec: StoreSpec
    scalars: str
    node: bytes

    def at(self, snapshot: Snapshot, key: bytes, time: int) -> tuple[Value | None, int]:
        """The row of key bytes that was valid at a time, and since when rows are known: one before that is not known to be absent."""
        scalar = snapshot.get(self.scalars, self.node)
        known: int = 0 if scalar is None else scalar[1] - self.spec.retention_ms  # type: ignore[assignment, operator]
        present = snapshot.get(self.store, key)
        if present is not None and present[0] <= time:  # type: ignore[operator]
            return present, time
        if time < known:
            return None, known
        low, high = window_key(key, time + 1), window_key(key, MAX_START)
        entry = next((value for found, value in snapshot.range(self.spec.name, low, high) if len(found) == len(low)), None)
        return row_of(entry, time), known


def too_old(relation: str, known: int) -> RequestError:
    """The refusal of a time that lies behind the history."""
    return RequestError("INVALID_RANGE", f"{relation} keeps the rows that were valid since {known} ms; earlier ones are not known",
                        {"relation": relation, "field": "as_of", "earliest": str(known)})


def not_versioned(relation: str) -> RequestError:
    """The refusal of a table without a history."""
    return RequestError("INVALID_ARGUMENT", f"{relation} is not a versioned table: it keeps no row but the present one (give its source_table "
                        "or to_table a history)", {"relation": relation, "field": "as_of"})
