"""The stream relation `topology.dead_letter`: its name, columns and formats. runtime/dead_letter.py writes its records."""

from __future__ import annotations

from penstock.plan.nodes import Format, TopicRef
from penstock.types.schema import Column, Schema
from penstock.types.sqltype import BIGINT, BYTES, INT, STRING, TIMESTAMP

OUTPUT = "dead_letter"
"""Name behind the topology's; no node may have it."""

SCHEMA = Schema((
    Column("REASON", STRING), Column("NODE", STRING), Column("TOPIC", STRING), Column("PARTITION", INT), Column("OFFSET", BIGINT),
    Column("ERROR_TIME", TIMESTAMP), Column("RECORD_TIME", TIMESTAMP), Column("RECORD_KEY", BYTES), Column("RECORD_VALUE", BYTES),
    Column("RECORD_HEADERS", STRING),
))

RETENTION_MS = 7 * 24 * 3_600_000


def topic_ref(topic: str) -> TopicRef:
    """The dead letters' topic as a reader sees it: no key, JSON values, one partition."""
    return TopicRef(topic, 1, Format("NONE"), Format("JSON"))
