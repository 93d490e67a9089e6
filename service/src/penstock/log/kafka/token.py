"""What a commit on Kafka is fenced by: a generation and a member of a group, frozen when the assignment came (KIP-447).

Never read the membership's current values at commit time: after a loss they are (-1, ""), and a broker accepts those unfenced.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from penstock.errors import LogError


class StaleToken(LogError):
    """The generation is over (22, 27). The transaction is still usable: its offsets can be sent again with a newer token."""


@dataclass(frozen=True, slots=True)
class KafkaToken:
    """Immutable. epoch: the membership's when this was made. renew: the next token that still covers the same tasks in the same epoch,
    waiting for SyncGroup; raises AssignmentLost. A token made by hand, without renew, is never renewed."""

    group: str
    generation: int
    member: str
    epoch: int = 0
    renew: Callable[[KafkaToken], Awaitable[KafkaToken]] | None = field(default=None, compare=False, repr=False)
