"""Dead letters: a record that cannot be processed is kept with its reason, in the transaction that passes over it.

The topic's value is a JSON object (columns of the stream relation `topology.dead_letter`: plan/dead_letter.py), without a key. What the record
had already caused in nodes before the failing one stays: say so wherever dead letters are explained.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

KEEP = 600_000
"""Bytes of a key or value that are kept: base64 of more would not fit into one record. The reason says when something was cut."""


def encode(*, reason: str, node: str, topic: str, partition: int, offset: int, now_ms: int, timestamp: int, key: bytes | None,
           value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """The value of one dead letter."""
    if len(key or b"") + len(value or b"") > KEEP:
        reason += f" (only the first {KEEP} bytes are kept)"
    return json.dumps({
        "REASON": reason, "NODE": node, "TOPIC": topic, "PARTITION": partition, "OFFSET": offset, "ERROR_TIME": now_ms,
        "RECORD_TIME": timestamp, "RECORD_KEY": _text(key), "RECORD_VALUE": _text(value),
        "RECORD_HEADERS": json.dumps([[k, _text(v)] for k, v in headers]),
    }).encode()


def headers_of(text: str | None) -> list[tuple[str, bytes | None]]:
    """Headers out of the column RECORD_HEADERS."""
    return [(name, None if value is None else base64.b64decode(value)) for name, value in json.loads(text or "[]")]


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data[:KEEP]).decode()
