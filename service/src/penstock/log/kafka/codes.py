"""Kafka's error codes: their names, and which error of penstock.errors each one becomes.

Codes that a caller answers in its own way (a rebalance, a fenced producer, unstable offsets) are tested there before raise_code is asked.
"""

from __future__ import annotations

from penstock.errors import Fenced, LogError, LogUnavailable, RecordTooLarge, UnknownTopic

UNKNOWN = -1
OFFSET_OUT_OF_RANGE = 1
UNKNOWN_TOPIC = 3
LOADING, COORDINATOR_MISSING, NOT_COORDINATOR = 14, 15, 16
ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCING = 22, 25, 27
TOPIC_EXISTS = 36
INVALID_REPLICATION_FACTOR = 38
INVALID_CONFIG = 40
DUPLICATE_SEQUENCE = 46
FENCED_EPOCH = 47
CONCURRENT_TRANSACTIONS = 51
NO_SUCH_GROUP = 69
MEMBER_ID_REQUIRED = 79
FENCED_INSTANCE = 82
UNSTABLE_OFFSETS = 88
PRODUCER_FENCED = 90
UNKNOWN_TOPIC_ID = 100
NO_SUCH_TRANSACTIONAL_ID = 105

NAMES = {
    -1: "UNKNOWN_SERVER_ERROR", 1: "OFFSET_OUT_OF_RANGE", 2: "CORRUPT_MESSAGE", 3: "UNKNOWN_TOPIC_OR_PARTITION", 5: "LEADER_NOT_AVAILABLE",
    6: "NOT_LEADER_OR_FOLLOWER", 7: "REQUEST_TIMED_OUT", 8: "BROKER_NOT_AVAILABLE", 9: "REPLICA_NOT_AVAILABLE", 10: "MESSAGE_TOO_LARGE",
    12: "OFFSET_METADATA_TOO_LARGE", 13: "NETWORK_EXCEPTION", 14: "COORDINATOR_LOAD_IN_PROGRESS", 15: "COORDINATOR_NOT_AVAILABLE",
    16: "NOT_COORDINATOR", 17: "INVALID_TOPIC", 18: "RECORD_LIST_TOO_LARGE", 19: "NOT_ENOUGH_REPLICAS", 20: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    22: "ILLEGAL_GENERATION", 23: "INCONSISTENT_GROUP_PROTOCOL", 25: "UNKNOWN_MEMBER_ID", 26: "INVALID_SESSION_TIMEOUT",
    27: "REBALANCE_IN_PROGRESS", 29: "TOPIC_AUTHORIZATION_FAILED", 30: "GROUP_AUTHORIZATION_FAILED", 31: "CLUSTER_AUTHORIZATION_FAILED",
    32: "INVALID_TIMESTAMP", 35: "UNSUPPORTED_VERSION", 36: "TOPIC_ALREADY_EXISTS", 37: "INVALID_PARTITIONS", 38: "INVALID_REPLICATION_FACTOR",
    40: "INVALID_CONFIG", 41: "NOT_CONTROLLER", 42: "INVALID_REQUEST", 44: "POLICY_VIOLATION", 45: "OUT_OF_ORDER_SEQUENCE_NUMBER",
    46: "DUPLICATE_SEQUENCE_NUMBER", 47: "INVALID_PRODUCER_EPOCH", 48: "INVALID_TXN_STATE", 49: "INVALID_PRODUCER_ID_MAPPING",
    50: "INVALID_TRANSACTION_TIMEOUT", 51: "CONCURRENT_TRANSACTIONS", 52: "TRANSACTION_COORDINATOR_FENCED",
    53: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", 56: "KAFKA_STORAGE_ERROR", 59: "UNKNOWN_PRODUCER_ID", 68: "NON_EMPTY_GROUP",
    69: "GROUP_ID_NOT_FOUND", 70: "FETCH_SESSION_ID_NOT_FOUND", 71: "INVALID_FETCH_SESSION_EPOCH", 72: "LISTENER_NOT_FOUND", 74: "FENCED_LEADER_EPOCH", 75: "UNKNOWN_LEADER_EPOCH", 78: "OFFSET_NOT_AVAILABLE",
    79: "MEMBER_ID_REQUIRED", 81: "GROUP_MAX_SIZE_REACHED", 82: "FENCED_INSTANCE_ID", 87: "INVALID_RECORD", 88: "UNSTABLE_OFFSET_COMMIT",
    89: "THROTTLING_QUOTA_EXCEEDED", 90: "PRODUCER_FENCED", 100: "UNKNOWN_TOPIC_ID", 105: "TRANSACTIONAL_ID_NOT_FOUND",
}

SESSION_LOST = frozenset({70, 71})
"""The broker has forgotten a fetch session, or an answer of it was lost."""
COORDINATOR_MOVED = frozenset({COORDINATOR_MISSING, NOT_COORDINATOR})
"""Look the coordinator up again."""

LEADER_MOVED = frozenset({5, 6, 9, 56, 72, 74, 75, 76, 78, UNKNOWN_TOPIC_ID})
"""Refresh the metadata and ask again."""

RETRIABLE = LEADER_MOVED | COORDINATOR_MOVED | {UNKNOWN, 7, 8, 13, LOADING, 19, 20, 41, CONCURRENT_TRANSACTIONS, 89}
"""Asking again helps."""

DOUBTFUL = frozenset({UNKNOWN, 7, 13})
"""Answers after which the request may have been carried out; the other retriable ones say that it was not."""

FENCED = frozenset({45, FENCED_EPOCH, 48, 49, 52, 59, PRODUCER_FENCED})
"""The producer id or its epoch is no longer ours, or its state is gone: discard the producer."""

TOO_LARGE = frozenset({10, 18})


def name(code: int) -> str:
    """Kafka's name of the code, with the number."""
    return f"{NAMES.get(code, 'ERROR')} ({code})"


def error(code: int, what: str, topic: str = "") -> LogError:
    """The exception for a code. what: what was asked, for the message."""
    if code == UNKNOWN_TOPIC and topic:
        return UnknownTopic(topic)
    message = f"{what}: {name(code)}"
    if code in TOO_LARGE:
        return RecordTooLarge(message)
    if code in FENCED:
        return Fenced(message)
    if code in RETRIABLE:
        return LogUnavailable(message)
    return LogError(message)


def as_log_error(error: Exception) -> LogError:
    """An error of a background task, for whoever waits for that task: itself, or what could not be foreseen as a LogError."""
    if isinstance(error, LogError):
        return error
    wrapped = LogError(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
