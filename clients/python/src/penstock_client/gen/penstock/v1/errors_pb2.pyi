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
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_UNKNOWN_RELATION: ErrorReason
ERROR_REASON_POSITION_NOT_REACHED: ErrorReason
ERROR_REASON_POSITION_EXPIRED: ErrorReason

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
