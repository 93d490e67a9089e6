"""Where a new topology begins: what LATEST, a token and a time mean in offsets, when it is registered or reset.

They are looked up once, and kept in the plan: a task that is opened later, or on another worker, begins at the same place. What a token
does not name begins at its end, a table at its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penstock.errors import RequestError
from penstock.log.port import TopicInfo, TopicPartition
from penstock.plan.nodes import Node, SourceStream, SourceTable, Start, StartAt, TopicOffsets
from penstock.plan.resolved import ResolvedPlan
from penstock.serving.gateway import Gateway
from penstock.serving.positions import decode

MOVING = (Start.LATEST, Start.AFTER, Start.AT_TIME)

Source = SourceStream | SourceTable


async def pin(gateway: Gateway, plan: ResolvedPlan) -> ResolvedPlan:
    """The plan with the offsets at which its sources begin. Raises MALFORMED_TOKEN, FOREIGN_TOKEN, POSITION_EXPIRED, LogUnavailable."""
    sources = [n for sub in plan.subs for n in sub.nodes if isinstance(n, SourceStream | SourceTable)]
    moving = [n for n in sources if n.start.start in MOVING]
    if not moving:
        return plan
    infos = await gateway.log.topics(sorted({t.topic for n in moving for t in n.reads}))
    pinned: dict[str, Node] = {n.name: replace(n, start=await _pinned(gateway, n, infos)) for n in moving}
    return replace(plan, subs=tuple(replace(sub, nodes=tuple(pinned.get(n.name, n) for n in sub.nodes)) for sub in plan.subs))


async def _pinned(gateway: Gateway, source: Source, infos: Mapping[str, TopicInfo]) -> StartAt:
    offsets = [await _offsets(gateway, source, infos[t.topic]) for t in source.reads if t.topic in infos]
    return replace(source.start, pinned=tuple(offsets))


async def _offsets(gateway: Gateway, source: Source, info: TopicInfo) -> TopicOffsets:
    tps = [TopicPartition(info.name, p) for p in range(info.partitions)]
    log, start = gateway.log, source.start
    match start.start:
        case Start.AT_TIME:
            found = await log.offsets_at(tps, start.time_ms)
        case Start.AFTER:
            found = await _after(gateway, source, info, tps)
        case _:
            found = await log.ends(tps)
    return TopicOffsets(info.name, tuple(sorted((tp.partition, offset) for tp, offset in found.items())))


async def _after(gateway: Gateway, source: Source, info: TopicInfo, tps: list[TopicPartition]) -> Mapping[TopicPartition, int]:
    field = f"{source.name}.start.after"
    known = decode(source.start.token, gateway.log.log_id, field).topics.get(info.name)
    if known is not None and known.topic_id != info.topic_id:
        raise RequestError("FOREIGN_TOKEN", f"{field}: topic {info.name} was recreated since", {"field": field, "node": source.name})
    earliest = await gateway.log.earliest(tps)
    found = dict(earliest if isinstance(source, SourceTable) else await gateway.log.ends(tps))
    found |= {tp: known.offsets[tp.partition] for tp in tps if known is not None and tp.partition in known.offsets}
    if any(found[tp] < offset for tp, offset in earliest.items()):
        token = gateway.token_of({info.name: {tp.partition: o for tp, o in earliest.items()}}, {info.name: info})
        raise RequestError("POSITION_EXPIRED", f"{field}: what follows that position of {info.name} is no longer kept",
                           {"relation": source.relation, "earliest": token[:1000], "node": source.name})
    return found
