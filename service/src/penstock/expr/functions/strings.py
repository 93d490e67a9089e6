"""Texts and bytes: joining, cutting, searching, case. Positions count UTF-16 units from 1, as in Java."""

from __future__ import annotations

from penstock.expr.functions.registry import scalar
from penstock.types import java


@scalar("CONCAT", "STRING... -> STRING", text="Joins texts or bytes; nulls are skipped.", arguments=("part",), nulls=True, safe=True)
def concat(*parts: str | None) -> str:
    return "".join(p for p in parts if p is not None)


@scalar("CONCAT", "BYTES... -> BYTES", nulls=True, safe=True)
def concat_bytes(*parts: bytes | None) -> bytes:
    return b"".join(p for p in parts if p is not None)


@scalar("UCASE", "STRING -> STRING", text="The text in upper case.", arguments=("text",), inline="{0}.upper()", safe=True)
def ucase(text: str) -> str:
    return text.upper()


@scalar("LCASE", "STRING -> STRING", text="The text in lower case.", arguments=("text",), inline="{0}.lower()", safe=True)
def lcase(text: str) -> str:
    return text.lower()


@scalar("LEN", "STRING -> INT", text="Length in UTF-16 units, or in bytes.", arguments=("text",), safe=True)
def length(text: str) -> int:
    return java.utf16_length(text)


@scalar("LEN", "BYTES -> INT", inline="len({0})", safe=True)
def length_bytes(value: bytes) -> int:
    return len(value)
