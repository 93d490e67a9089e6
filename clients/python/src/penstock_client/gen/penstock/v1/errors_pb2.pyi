from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_UNKNOWN_RELATION: _ClassVar[ErrorReason]
    ERROR_REASON_POSITION_NOT_REACHED: _ClassVar[ErrorReason]
    ERROR_REASON_POSITION_EXPIRED: _ClassVar[ErrorReason]
    ERROR_REASON_UNKNOWN_TOPOLOGY: _ClassVar[ErrorReason]
    ERROR_REASON_UNKNOWN_TOPIC: _ClassVar[ErrorReason]
    ERROR_REASON_MISSING_TOPIC: _ClassVar[ErrorReason]
    ERROR_REASON_UNKNOWN_COLUMN: _ClassVar[ErrorReason]
    ERROR_REASON_UNKNOWN_FUNCTION: _ClassVar[ErrorReason]
    ERROR_REASON_UNKNOWN_NODE: _ClassVar[ErrorReason]
    ERROR_REASON_DUPLICATE_NODE: _ClassVar[ErrorReason]
    ERROR_REASON_CYCLE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_TOPOLOGY: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_EXPRESSION: _ClassVar[ErrorReason]
    ERROR_REASON_TYPE_MISMATCH: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_FORMAT: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_SCHEMA: _ClassVar[ErrorReason]
    ERROR_REASON_CO_PARTITIONING: _ClassVar[ErrorReason]
    ERROR_REASON_UNSUPPORTED: _ClassVar[ErrorReason]
    ERROR_REASON_NAME_TAKEN: _ClassVar[ErrorReason]
    ERROR_REASON_ETAG_MISMATCH: _ClassVar[ErrorReason]
    ERROR_REASON_RELATION_IN_USE: _ClassVar[ErrorReason]
    ERROR_REASON_RELATION_READ_ONLY: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_A_TABLE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_ROW: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_KEY: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_RANGE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_ARGUMENT: _ClassVar[ErrorReason]
    ERROR_REASON_ROW_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_REQUEST_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_SEQUENCE_GAP: _ClassVar[ErrorReason]
    ERROR_REASON_PRODUCER_FENCED: _ClassVar[ErrorReason]
    ERROR_REASON_MALFORMED_TOKEN: _ClassVar[ErrorReason]
    ERROR_REASON_FOREIGN_TOKEN: _ClassVar[ErrorReason]
    ERROR_REASON_RELATION_REPLACED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_CURSOR: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_SERVING: _ClassVar[ErrorReason]
    ERROR_REASON_LOG_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_STATE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_DRAINING: _ClassVar[ErrorReason]
    ERROR_REASON_CREDENTIALS_MISSING: _ClassVar[ErrorReason]
    ERROR_REASON_CREDENTIALS_INVALID: _ClassVar[ErrorReason]
    ERROR_REASON_PERMISSION_DENIED: _ClassVar[ErrorReason]
    ERROR_REASON_DEADLINE_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_TOPOLOGY_NOT_PAUSED: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_UNKNOWN_RELATION: ErrorReason
ERROR_REASON_POSITION_NOT_REACHED: ErrorReason
ERROR_REASON_POSITION_EXPIRED: ErrorReason
ERROR_REASON_UNKNOWN_TOPOLOGY: ErrorReason
ERROR_REASON_UNKNOWN_TOPIC: ErrorReason
ERROR_REASON_MISSING_TOPIC: ErrorReason
ERROR_REASON_UNKNOWN_COLUMN: ErrorReason
ERROR_REASON_UNKNOWN_FUNCTION: ErrorReason
ERROR_REASON_UNKNOWN_NODE: ErrorReason
ERROR_REASON_DUPLICATE_NODE: ErrorReason
ERROR_REASON_CYCLE: ErrorReason
ERROR_REASON_INVALID_TOPOLOGY: ErrorReason
ERROR_REASON_INVALID_EXPRESSION: ErrorReason
ERROR_REASON_TYPE_MISMATCH: ErrorReason
ERROR_REASON_INVALID_FORMAT: ErrorReason
ERROR_REASON_INVALID_SCHEMA: ErrorReason
ERROR_REASON_CO_PARTITIONING: ErrorReason
ERROR_REASON_UNSUPPORTED: ErrorReason
ERROR_REASON_NAME_TAKEN: ErrorReason
ERROR_REASON_ETAG_MISMATCH: ErrorReason
ERROR_REASON_RELATION_IN_USE: ErrorReason
ERROR_REASON_RELATION_READ_ONLY: ErrorReason
ERROR_REASON_NOT_A_TABLE: ErrorReason
ERROR_REASON_INVALID_ROW: ErrorReason
ERROR_REASON_INVALID_KEY: ErrorReason
ERROR_REASON_INVALID_RANGE: ErrorReason
ERROR_REASON_INVALID_ARGUMENT: ErrorReason
ERROR_REASON_ROW_TOO_LARGE: ErrorReason
ERROR_REASON_REQUEST_TOO_LARGE: ErrorReason
ERROR_REASON_SEQUENCE_GAP: ErrorReason
ERROR_REASON_PRODUCER_FENCED: ErrorReason
ERROR_REASON_MALFORMED_TOKEN: ErrorReason
ERROR_REASON_FOREIGN_TOKEN: ErrorReason
ERROR_REASON_RELATION_REPLACED: ErrorReason
ERROR_REASON_INVALID_CURSOR: ErrorReason
ERROR_REASON_NOT_SERVING: ErrorReason
ERROR_REASON_LOG_UNAVAILABLE: ErrorReason
ERROR_REASON_STATE_FULL: ErrorReason
ERROR_REASON_DRAINING: ErrorReason
ERROR_REASON_CREDENTIALS_MISSING: ErrorReason
ERROR_REASON_CREDENTIALS_INVALID: ErrorReason
ERROR_REASON_PERMISSION_DENIED: ErrorReason
ERROR_REASON_DEADLINE_EXCEEDED: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_TOPOLOGY_NOT_PAUSED: ErrorReason

class ExpressionError(_message.Message):
    __slots__ = ("field", "node", "start", "end", "message")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    field: str
    node: str
    start: int
    end: int
    message: str
    def __init__(self, field: _Optional[str] = ..., node: _Optional[str] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...
