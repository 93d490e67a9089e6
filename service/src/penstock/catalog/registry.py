"""The registry over one compacted topic of the log, `<service_id>-registry`: the CatalogState that log/state_topic.py keeps alike in every
process of every node."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from penstock.catalog.codec import UnreadableEntry, decode, encode
from penstock.catalog.port import CatalogState, Change
from penstock.clock import Clock, SystemClock
from penstock.log.port import Log, Record
from penstock.log.state_topic import NoticeSender, StateTopic

_log = logging.getLogger(__name__)

TopicRegistry = StateTopic[CatalogState, Change]
"""Implements catalog/port.py Registry."""


def topic_name(service_id: str) -> str:
    """The registry's topic."""
    return f"{service_id}-registry"


async def open_registry(log: Log, service_id: str, notices: NoticeSender | None = None, *,
                        clock: Clock | None = None) -> TopicRegistry:
    """Open the registry of a service and read it to its end. Raises LogUnavailable."""
    registry: TopicRegistry = StateTopic(log, topic_name(service_id), notices, clock or SystemClock(), empty=lambda at: CatalogState(at, {}, {}),
                                         apply=apply, encode=encode, notice="registry")
    await registry.start()
    return registry


def apply(state: CatalogState, records: Sequence[Record], position: int) -> CatalogState:
    """The state after these records of the registry topic. What a newer version has written and this one cannot read is noted, no more: all the
    rest goes on."""
    relations, topologies, types, unreadable = dict(state.relations), dict(state.topologies), dict(state.types), dict(state.unreadable)
    functions = dict(state.functions)
    by_kind: dict[str, dict[str, Any]] = {"relation": relations, "topology": topologies, "type": types, "function": functions}
    for record in records:
        if record.key is None:
            continue
        at = record.key.decode("utf-8", "replace")
        unreadable.pop(at, None)
        try:
            kind, name, entry = decode(record.key, record.value)
        except UnreadableEntry as e:
            kind, _, name = at.partition(":")
            by_kind.get(kind, {}).pop(name, None)
            if record.value is not None:
                unreadable[at] = str(e)
                _log.warning("%s; whatever needs it is refused here", e)
            continue
        if entry is None:
            by_kind[kind].pop(name, None)
        else:
            by_kind[kind][name] = entry
    return CatalogState(position, relations, topologies, types, unreadable, functions)
