"""Dead letters are processed again (plan/replay.py says how they come to their tasks).

1. the number of this topology's last replay
2. which letters were replayed: what its replay topics hold; which are to be: all others that the caller wants and that hold a record
3. the replay topics exist, and the registry says so, so that tasks read them
4. the records are appended under the next number, all or none; when another replay was faster the number is taken: begin again
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.catalog import changes
from penstock.catalog.port import TopologyEntry
from penstock.catalog.view import topology
from penstock.errors import RequestError
from penstock.expr.analyze import expect_boolean
from penstock.expr.compile import compile_condition
from penstock.expr.scope import Scope
from penstock.formats.registry import reader
from penstock.log.port import BatchBuilder, Log, TopicConfig, TopicPartition
from penstock.plan import dead_letter, replay
from penstock.plan.nodes import Format
from penstock.plan.replay import Original
from penstock.plan.resolved import ResolvedPlan
from penstock.runtime.dead_letter import KEEP, headers_of
from penstock.runtime.inputs import discover
from penstock.serving.gateway import Gateway
from penstock.serving.present import held_now
from penstock.types.sqltype import BIGINT, SqlType

PSEUDO: Mapping[str, SqlType] = {"ROWTIME": BIGINT, "ROWOFFSET": BIGINT}


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter that holds a record. offset: its own."""

    offset: int
    topic: str
    partition: int
    record: Original
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """replayed: letters appended now (or to be, for a check); before: those that had been; impossible: wanted ones that hold no record
    which could be processed again."""

    replayed: int
    before: int
    impossible: int


Wanted = Callable[[Letter], bool]


def wanted(where: str, reason: str) -> Wanted:
    """The caller's choice: an expression over the columns of `topology.dead_letter`, and a part of the reason. Raises ExpressionError."""
    names = [*dead_letter.SCHEMA.names, *PSEUDO]
    if not where:
        return lambda letter: reason in (letter.columns["REASON"] or "")
    types = {c.name: c.type for c in dead_letter.SCHEMA} | dict(PSEUDO)
    holds = compile_condition(expect_boolean(where, Scope((("dead_letter", types),))), names)
    return lambda letter: reason in (letter.columns["REASON"] or "") and holds([letter.columns[name] for name in names])


async def replay_letters(gateway: Gateway, name: str, choice: Wanted, only_check: bool) -> Outcome:
    """Replay the chosen letters of a topology; with only_check nothing is written. Raises UNKNOWN_TOPOLOGY, LogError."""
    while True:
        entry = topology(await gateway.registry.refresh(), name)
        number = await gateway.log.last_sequence(_producer(entry))
        done = await _replayed(gateway.log, entry.plan)
        subs = _readers(entry.plan, await gateway.log.topics())
        chosen = [letter for letter in await _letters(gateway.log, entry.plan) if choice(letter)]
        fresh = [letter for letter in chosen if letter.offset not in done]
        possible = [letter for letter in fresh if letter.topic in subs and _whole(letter)]
        outcome = Outcome(len(possible), len(chosen) - len(fresh), len(fresh) - len(possible))
        if only_check or not possible:
            return outcome
        await _ready(gateway, entry, sorted({subs[letter.topic] for letter in possible}))
        batches = _batches(gateway, entry.plan, subs, possible)
        _, duplicate = await gateway.log.append_many(batches, _producer(entry), number + 1)
        if not duplicate:
            gateway.notices.send("log")
            return outcome


def _producer(entry: TopologyEntry) -> str:
    return f"{entry.plan.group}-replay"


def _readers(plan: ResolvedPlan, topics: Mapping[str, Any]) -> dict[str, int]:
    """By topic, the sub-topology that reads it."""
    return {i.topic: n for n, inputs in discover(plan, topics).inputs.items() for i in inputs}


def _whole(letter: Letter) -> bool:
    """Whether the letter has all of a record of the log."""
    return letter.record.offset >= 0 and letter.partition >= 0 and len(letter.record.key or b"") + len(letter.record.value or b"") < KEEP


async def _ready(gateway: Gateway, entry: TopologyEntry, subs: Sequence[int]) -> None:
    """Step 3."""
    plan = entry.plan
    for n in subs:
        sub = plan.subs[n]
        await gateway.log.create_topic(replay.replay_topic(plan, sub), TopicConfig(sub.partitions, retention_ms=dead_letter.RETENTION_MS))
    names = [plan.subs[n].name for n in subs]
    await gateway.registry.change(lambda state: changes.replaying(state, entry, names))


def _batches(gateway: Gateway, plan: ResolvedPlan, subs: Mapping[str, int], letters: Sequence[Letter]) -> Mapping[TopicPartition, BatchBuilder]:
    now = gateway.clock.now_ms()
    found: dict[TopicPartition, BatchBuilder] = {}
    for letter in letters:
        tp = TopicPartition(replay.replay_topic(plan, plan.subs[subs[letter.topic]]), letter.partition)
        batch = found.get(tp) or found.setdefault(tp, gateway.log.builder(LIMIT, transactional=False))
        if not batch.append(now, None, replay.encode(letter.topic, letter.offset, letter.record), ()):
            raise RequestError("REQUEST_TOO_LARGE", f"the letters of {tp.topic}[{tp.partition}] are more than one batch of {LIMIT:,} bytes takes: "
                               "replay fewer at once with where", {"topology": plan.topology, "limit": str(LIMIT)})
    return found


LIMIT = 900_000
"""Bytes of letters for one task in one call: they are appended all or none."""


async def _replayed(log: Log, plan: ResolvedPlan) -> set[int]:
    """Offsets of the letters that were replayed."""
    topics = [replay.replay_topic(plan, sub) for sub in plan.subs]
    found: set[int] = set()
    async for record in _read(log, topics):
        found.add(replay.decode(record.offset, record.value).letter)
    return found


async def _letters(log: Log, plan: ResolvedPlan) -> list[Letter]:
    read = reader(Format("JSON"), dead_letter.SCHEMA.value, "value").read
    letters = []
    async for record in _read(log, [plan.dead_letter_topic]):
        columns: dict[str, Any] = dict(zip(dead_letter.SCHEMA.names, read(record.value), strict=True))
        columns |= {"ROWTIME": record.timestamp, "ROWOFFSET": record.offset}
        original = Original(columns["OFFSET"], columns["RECORD_TIME"], columns["RECORD_KEY"], columns["RECORD_VALUE"],
                            headers_of(columns["RECORD_HEADERS"]))
        letters.append(Letter(record.offset, columns["TOPIC"], columns["PARTITION"], original, columns))
    return letters


async def _read(log: Log, topics: Iterable[str]) -> AsyncIterator[Any]:
    """Everything that the topics which exist hold now."""
    tps = [TopicPartition(name, p) for name, info in (await log.topics(list(topics))).items() for p in range(info.partitions)]
    async for _, records in held_now(log, tps):
        for record in records:
            yield record
