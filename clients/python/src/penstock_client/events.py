"""What a subscription tells beside rows (a Batch): where it is, and what happened to the connection."""

from __future__ import annotations

from dataclasses import dataclass

from penstock_client._error import PenstockError
from penstock_client.row import Batch, RowSchema


@dataclass(frozen=True, slots=True)
class SchemaChanged:
    """Columns of the rows that follow; comes first."""

    schema: RowSchema


@dataclass(frozen=True, slots=True)
class Progress:
    """Nothing was missed up to here, and nothing came."""

    position: str


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Snapshot or history is complete; what follows is live."""

    position: str


@dataclass(frozen=True, slots=True)
class FellBehind:
    """This reader was too slow for live rows; what follows is history again, nothing left out. About how many rows wait."""

    position: str
    rows_behind: int


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection is gone; the next attempt comes after `delay` seconds and goes on after `position`. An empty position means from the
    start: a snapshot then comes again, and rows that were deleted meanwhile do not arrive as deletes. error is None for a planned end."""

    position: str
    delay: float
    error: PenstockError | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event. reason is COMPLETED or RELATION_DELETED."""

    reason: str
    position: str
    message: str


Event = SchemaChanged | Batch | Progress | CaughtUp | FellBehind | Reconnecting | Ended
"""Any of them."""
__all__ = [
    "Batch", "CaughtUp", "Ended", "Event", "FellBehind", "Progress", "Reconnecting", "SchemaChanged",
]  # fmt: skip
