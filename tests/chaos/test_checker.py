"""The checker must see each kind of fault, or a clean run would mean nothing."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "conformance")]
import kafka_topics  # noqa: E402
import verify  # noqa: E402
from broker import Broker  # noqa: E402
from checker import (  # noqa: E402
    Violations,
    amount,
    by_key,
    check_echo,
    check_enriched,
    check_equal_stores,
    check_finals,
    check_mended,
    check_owned,
    check_pairs,
    check_running,
    check_table,
    closed_windows,
    owned,
    recount,
    rowtime,
    running,
)
from kafka_topics import Read  # noqa: E402
from penstock.errors import Fenced  # noqa: E402
from penstock.log.port import BatchBuilder, Log  # noqa: E402
from penstock.plan.nodes import StoreKind, StoreSpec  # noqa: E402
from penstock.state.lmdb import FORMAT, LmdbTaskState  # noqa: E402
from penstock.state.port import Stamp  # noqa: E402
from penstock.state.sorted_entries import SortedEntries  # noqa: E402
from support import kafka, new_topic, unique  # noqa: E402

SENT = {"k1": 5, "k2": 3}
ECHO = {"k1": [1, 2, 3, 4, 5], "k2": [1, 2, 3]}


def verdict(check, *args) -> tuple[int, int, int]:  # type: ignore[no-untyped-def]
    v = Violations()
    check(v, "t", *args)
    return v.lost, v.doubled, v.other


def test_echo() -> None:
    assert verdict(check_echo, SENT, ECHO) == (0, 0, 0)
    assert verdict(check_echo, SENT, {**ECHO, "k1": [1, 2, 4, 5]}) == (1, 0, 0)
    assert verdict(check_echo, SENT, {**ECHO, "k1": [1, 2, 3, 3, 4, 5]}) == (0, 1, 0)
    assert verdict(check_echo, SENT, {**ECHO, "k1": [2, 1, 3, 4, 5]}) == (0, 0, 1)
    assert verdict(check_echo, SENT, {**ECHO, "k9": [1]}) == (0, 0, 1)
    assert verdict(check_echo, SENT, {"k1": ECHO["k1"]}) == (3, 0, 0)


def test_mended() -> None:
    good = [("k2", 3), ("k1", 2), ("k1", 1), ("k2", 1), ("k2", 2), ("k1", 5), ("k1", 3), ("k1", 4)]
    assert verdict(check_mended, SENT, good) == (0, 0, 0)
    assert verdict(check_mended, SENT, good[1:]) == (1, 0, 0)
    assert verdict(check_mended, SENT, [*good, good[3]]) == (0, 1, 0)
    assert verdict(check_mended, SENT, [*good, ("k2", 4)]) == (0, 0, 1)


def test_running() -> None:
    good = {k: running(k, n) for k, n in SENT.items()}
    assert verdict(check_running, SENT, good) == (0, 0, 0)
    assert verdict(check_running, SENT, {**good, "k1": good["k1"][:-1]}) == (1, 0, 0)
    assert verdict(check_running, SENT, {**good, "k1": [*good["k1"], good["k1"][-1]]}) == (0, 1, 0)
    wrong = list(good["k2"])
    wrong[1] = (2, 0, 0, 0)
    assert verdict(check_running, SENT, {**good, "k2": wrong}) == (0, 0, 1)


def test_table() -> None:
    groups, _ = recount(SENT)
    assert verdict(check_table, groups, groups) == (0, 0, 0)
    some = next(iter(groups))
    count, total = groups[some]
    assert verdict(check_table, groups, {**groups, some: (count + 2, total)}) == (0, 2, 0)
    assert verdict(check_table, groups, {**groups, some: (count, total + 1)}) == (0, 0, 1)
    assert verdict(check_table, groups, {k: v for k, v in groups.items() if k != some}) == (count, 0, 0)


def test_stores() -> None:
    assert verdict(check_equal_stores, {b"a": b"1"}, {b"a": b"1"}) == (0, 0, 0)
    assert verdict(check_equal_stores, {b"a": b"1"}, {b"a": b"2"}) == (0, 0, 1)
    assert verdict(check_equal_stores, {b"a": b"1"}, {}) == (0, 0, 1)


def test_closed_windows() -> None:
    """Windows of a second hold two numbers of a key; a second of grace."""
    start = rowtime(0)
    assert closed_windows([[("a", 0), ("a", 1), ("a", 3)]], 1000, 1000) == {}
    assert closed_windows([[("a", 0), ("a", 1), ("a", 4)]], 1000, 1000) == {("a", start): (2, amount("a", 0) + amount("a", 1))}
    late = [("a", 0), ("a", 4), ("a", 1), ("b", 1), ("b", 2)]
    assert closed_windows([late], 1000, 1000) == {("a", start): (1, amount("a", 0))}
    assert closed_windows([[("a", 0)], [("b", 4)]], 1000, 1000) == {}, "time goes by the partition"


def test_finals() -> None:
    expected = {("a", 0): (2, 5), ("b", 0): (1, 3)}
    good = [(("a", 0), (2, 5)), (("b", 0), (1, 3))]
    assert verdict(check_finals, expected, good) == (0, 0, 0)
    assert verdict(check_finals, expected, good[:1]) == (1, 0, 0)
    assert verdict(check_finals, expected, [*good, good[0]]) == (0, 1, 0)
    assert verdict(check_finals, expected, [*good, (("a", 10), (1, 1))]) == (0, 0, 1)
    assert verdict(check_finals, expected, [good[0], (("b", 0), (1, 4))]) == (0, 0, 1)


def test_pairs() -> None:
    good = [("k1", (3, 3)), ("k2", (3, 3))]
    assert verdict(check_pairs, SENT, good) == (0, 0, 0)
    assert verdict(check_pairs, SENT, good[:1]) == (1, 0, 0)
    assert verdict(check_pairs, SENT, [*good, good[1]]) == (0, 1, 0)
    assert verdict(check_pairs, SENT, [*good, ("k1", (4, 3))]) == (0, 0, 1)


def test_enriched() -> None:
    versions = {"k1": 3, "k2": 1}
    good = {"k1": [(1, 1), (2, 1), (3, 3), (4, 3), (5, 3)], "k2": [(1, 1), (2, 1), (3, 1)]}
    assert verdict(check_enriched, SENT, versions, good) == (0, 0, 0)
    assert verdict(check_enriched, SENT, versions, {**good, "k2": good["k2"][:2]}) == (1, 0, 0)
    assert verdict(check_enriched, SENT, versions, {**good, "k2": [*good["k2"], (3, 1)]}) == (0, 1, 0)
    assert verdict(check_enriched, SENT, versions, {**good, "k1": [(1, 2), (2, 1), (3, 3), (4, 3), (5, 3)]}) == (0, 0, 1)
    assert verdict(check_enriched, SENT, versions, {**good, "k2": [(1, 1), (2, 1), (3, 2)]}) == (0, 0, 1)


def test_owned() -> None:
    good = owned(["k1", "k2"], {"o1": 2, "o2": 3}, {"k1": 4, "k2": 5})
    assert verdict(check_owned, good, good) == (0, 0, 0)
    assert verdict(check_owned, good, {"o1": good["o1"]}) == (1, 0, 0)
    who, change, version = good["o2"]
    assert verdict(check_owned, good, {**good, "o2": (who, change, version - 1)}) == (1, 0, 0)
    assert verdict(check_owned, good, {**good, "o2": ("k9", change - 1, version)}) == (1, 0, 0)
    assert verdict(check_owned, good, {**good, "o2": ("k9", change, version)}) == (0, 0, 1)
    assert verdict(check_owned, good, {**good, "o3": good["o1"]}) == (0, 0, 1)


@pytest.mark.kafka
@pytest.mark.parametrize("fenced", [True, False])
def test_a_zombie_that_is_not_fenced(kafka_broker: Broker, fenced: bool) -> None:
    """A writer sends, and stands still before its commit; another one does its work; it wakes, and commits."""

    async def both() -> list[Read]:
        async with kafka(kafka_broker.bootstrap) as log, kafka(kafka_broker.bootstrap, "other") as other:
            (tp,) = await new_topic(log)
            name = unique("task")
            zombie = await log.writer(name)
            await zombie.send(*tp, numbers(log))
            successor = await other.writer(name if fenced else unique("task"))
            await successor.send(*tp, numbers(other))
            await successor.commit("g", None, lambda ends: {})
            with pytest.raises(Fenced) if fenced else nullcontext():
                await zombie.commit("g", None, lambda ends: {})
            return await kafka_topics.read(kafka_broker.bootstrap, tp.topic)

    found = by_key((r.key.decode(), int(r.value)) for r in asyncio.run(both()))
    assert verdict(check_echo, {"k1": 3}, found) == (0, 0 if fenced else 3, 0)


@pytest.mark.kafka
@pytest.mark.parametrize("committed", [True, False])
def test_a_hop_that_reads_what_was_aborted(kafka_broker: Broker, committed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is aborted and done again; the next topology reads it by the service's own reader, which may have lost its isolation."""
    if not committed:
        monkeypatch.setattr("penstock.log.kafka.reader._COMMITTED", 0)

    async def hop() -> list[tuple[str, int]]:
        async with kafka(kafka_broker.bootstrap) as log:
            (tp,) = await new_topic(log)
            writer = await log.writer(unique("task"))
            await writer.send(*tp, numbers(log))
            await writer.abort()
            await writer.send(*tp, numbers(log))
            await writer.commit("g", None, lambda ends: {})
            reader, found, end = log.reader(), list[tuple[str, int]](), (await log.ends([tp], committed=False))[tp]
            reader.add({tp: 0})
            while reader.ends()[tp][0] < end:
                found += [((r.key or b"").decode(), int(r.value or b"")) for chunk in await reader.poll(1) for r in chunk.records]
            await reader.close()
            return found

    assert verdict(check_echo, {"k1": 3}, by_key(asyncio.run(hop()))) == (0, 0 if committed else 3, 0)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_copy_that_misses_a_record(tmp_path: Path, missing: int) -> None:
    """A store that follows the changelog of another one, with all of its records or not."""
    spec = StoreSpec("totals", StoreKind.KEY_VALUE, ("count", "sum"), 1)
    stamp = Stamp(1, FORMAT, "copy", {}, {"log": 3}, "boot", 0)
    active, copy = (LmdbTaskState.open(tmp_path / name, (spec,), 1, map_size=1 << 22) for name in ("active", "copy"))
    for key in (b"a", b"b", b"c"):
        active.store("totals").put(key, (0, 1, 2))
    (frozen,) = active.freeze()
    changelog = [Read(0, offset, key, value) for offset, (key, value) in enumerate(frozen.entries)]
    copy.take("copy")
    copy.restore("totals", SortedEntries.of([(r.key, r.value) for r in changelog[missing:]]), stamp)
    v = Violations()
    verify._compare(v, "copy", changelog, copy.store("totals"))
    assert (v.lost, v.doubled, v.other) == (0, 0, missing)
    active.close()
    copy.close()


def numbers(log: Log) -> BatchBuilder:
    """Three records of one key."""
    builder = log.builder()
    for n in range(1, 4):
        builder.append(rowtime(n), b"k1", str(n).encode(), [])
    return builder
