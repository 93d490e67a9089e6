"""The order in which a task takes records from its inputs: the lowest timestamp at the head goes first, ties by input order.

Slices are as long as they can be: an input keeps the lead until another one's head is earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from penstock.engine.head_times import HeadTime
from penstock.log.port import Record


def merge_by_timestamp(chunks: Iterable[tuple[str, Sequence[Record]]], times: Mapping[str, HeadTime] = MappingProxyType({})
                       ) -> Iterator[tuple[str, Sequence[Record]]]:
    """Interleave the records of several inputs, (topic, records) each, into slices of one topic; an input's own order is kept. times: of
    topics whose records have the time of a column."""
    inputs = [(topic, records) for topic, records in chunks if records]
    at = [0] * len(inputs)
    while len(inputs) > 1:
        heads = [_time(records[at[i]], times.get(topic)) for i, (topic, records) in enumerate(inputs)]
        lead = min(range(len(inputs)), key=lambda i: (heads[i], i))
        earlier = min((h for h in heads[:lead]), default=None)
        later = min((h for h in heads[lead + 1:]), default=None)
        topic, records = inputs[lead]
        first = stop = at[lead]
        while stop < len(records) and _leads(_time(records[stop], times.get(topic)), earlier, later):
            stop += 1
        yield topic, records[first:stop]
        at[lead] = stop
        if stop == len(records):
            del inputs[lead], at[lead]
    for (topic, records), first in zip(inputs, at, strict=True):
        yield topic, records[first:]


def _time(record: Record, time: HeadTime | None) -> int:
    return record.timestamp if time is None else time(record)


def _leads(timestamp: int, earlier: int | None, later: int | None) -> bool:
    """Whether a head of this timestamp goes before those of the inputs in front of it and behind it."""
    return (earlier is None or timestamp < earlier) and (later is None or timestamp <= later)
