"""Shapes of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from penstock.log.port import TopicPartition

T = TypeVar("T")


def by_topic(rows: Mapping[TopicPartition, T]) -> list[tuple[str, list[T]]]:
    """[(topic, [row, ...]), ...], the nesting of nearly every request."""
    topics: dict[str, list[T]] = {}
    for tp, row in rows.items():
        topics.setdefault(tp.topic, []).append(row)
    return list(topics.items())
