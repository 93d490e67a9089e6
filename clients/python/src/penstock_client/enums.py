"""Values of the API's enums as their names, which an application reads."""

from __future__ import annotations

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper


def name_of(enum: EnumTypeWrapper, number: int, prefix: str) -> str:
    """The name without its prefix; UNSPECIFIED for a value of a newer service."""
    return enum.Name(number).removeprefix(prefix) if number in enum.values() else "UNSPECIFIED"
