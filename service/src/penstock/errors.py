"""The error tree. Everything that Penstock refuses or fails with is one of these.

PenstockError
 +- RequestError      the caller can mend it; carries an ErrorReason, api/status.py turns it into a google.rpc.Status
 |   +- ExpressionError   an expression is wrong: where (code points) and what was expected
 +- LogError          the log port
 |   +- Fenced            another process owns this producer, task or group membership: stop, drop, start again
 |   +- AssignmentLost    the group membership is gone: drop the tasks, wait for the next assignment
 |   +- LogUnavailable    not reachable now; retrying helps
 |   |   +- RegistryError     the same of the schema registry, without which records of the log cannot be read
 |   +- OffsetOutOfRange  the position is before the log's start or behind its end
 |   +- UnknownTopic      the topic does not exist
 |   +- RecordTooLarge    a batch or record is over the log's limit
 +- TaskFailed        a task cannot go on by itself; the reason is shown, others go on
 +- StateError        a task's store
     +- StoreLost         another owner has written the environment: discard
     +- StoreBusy         another process has it open: it closes it soon, or hangs
     +- StoreFull         disk or map is full; heals when there is room

A record that cannot be processed is no exception of the service: it goes to the dead letter (runtime/dead_letter.py).
"""

from __future__ import annotations

from collections.abc import Mapping


class PenstockError(Exception):
    """Root of every error that Penstock raises on purpose."""


class RequestError(PenstockError):
    """A request that is refused.

    reason: name of a penstock.v1.ErrorReason without the prefix, such as "UNKNOWN_RELATION"; proto/penstock/v1/errors.proto
        says its status code and metadata keys.
    metadata: for ErrorInfo.metadata, text by text.
    retry_after: seconds, where a retry helps.
    """

    def __init__(
        self, reason: str, message: str, metadata: Mapping[str, str] | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after


class ExpressionError(RequestError):
    """An expression that does not parse or does not type. start and end count code points from 0."""

    def __init__(self, message: str, start: int = 0, end: int = 0, reason: str = "INVALID_EXPRESSION", *,
                 field: str = "", node: str = "", metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(reason, message, metadata)
        self.start = start
        self.end = end
        self.field = field
        self.node = node


class LogError(PenstockError):
    """The log refused or failed."""


class Fenced(LogError):
    """Another process owns what this one thought it owned."""


class AssignmentLost(LogError):
    """The group membership of this assignment is gone."""


class LogUnavailable(LogError):
    """The log does not answer; retrying helps."""


class RegistryError(LogUnavailable):
    """The schema registry does not answer, or not as one; retrying helps."""


class OffsetOutOfRange(LogError):
    """The position is not in the log."""

    def __init__(self, topic: str, partition: int, offset: int, earliest: int, end: int) -> None:
        super().__init__(f"{topic}[{partition}]: offset {offset} is outside {earliest}..{end}")
        self.topic, self.partition, self.offset, self.earliest, self.end = topic, partition, offset, earliest, end


class UnknownTopic(LogError):
    """The topic does not exist."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} does not exist")
        self.topic = topic


class RecordTooLarge(LogError):
    """A record or batch is over the log's limit."""


class TaskFailed(PenstockError):
    """A task cannot go on by itself; the reason is shown, others go on."""


class StateError(PenstockError):
    """A task's store failed."""


class StoreLost(StateError):
    """Another owner opened or wrote this environment."""


class StoreBusy(StateError):
    """Another process has this environment open for writing."""


class StoreFull(StateError):
    """Disk or map is full."""


def producer_fenced(producer_id: str) -> RequestError:
    """The refusal of a producer id's earlier stream."""
    return RequestError("PRODUCER_FENCED", f"a newer stream of producer {producer_id} was opened", {"producer_id": producer_id})
