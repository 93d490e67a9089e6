"""Record batches and the default partitioner."""

from __future__ import annotations

import random

import pytest
from aiokafka.partitioner import murmur2 as reference
from penstock.log.records import Builder, CorruptBatch, decode, max_timestamp, murmur2, partitions_of, rewrite, set_base_offset


def make(n: int, base: int = 0, transactional: bool = False, **state: int) -> bytearray:
    batch = Builder(1 << 20, transactional)
    for i in range(n):
        assert batch.append(1000 + i, b"k%d" % i, None if i % 3 == 2 else b"v%d" % i, [("h", b"x")] if i % 2 else [])
    built = batch.build(None, **state)
    set_base_offset(built, base)
    return built


def test_round_trip_keeps_keys_nulls_headers_timestamps() -> None:
    records, behind = decode(make(6, 40), 0)
    assert behind == 46
    assert [r.offset for r in records] == [40, 41, 42, 43, 44, 45]
    assert [r.timestamp for r in records] == list(range(1000, 1006))
    assert records[2].value is None and records[1].value == b"v1" and records[5].key == b"k5"
    assert list(records[1].headers) == [("h", b"x")] and list(records[0].headers) == []
    assert max_timestamp(make(6)) == 1005


def test_decode_starts_inside_a_batch_and_leaves_a_partial_one_out() -> None:
    data = bytes(make(5)) + bytes(make(5, 5)) + bytes(make(5, 10))[:-1]
    records, behind = decode(data, 3)
    assert [r.offset for r in records] == list(range(3, 10)) and behind == 10
    assert decode(data[:30], 3) == ([], 3)


def test_batches_before_the_start_are_not_progress() -> None:
    assert decode(make(5), 9) == ([], 9)


def test_damage_and_old_formats_are_refused() -> None:
    data = make(5)
    data[80] ^= 1
    with pytest.raises(CorruptBatch, match="checksum"):
        decode(data, 0)
    data = make(5)
    data[16] = 1
    with pytest.raises(CorruptBatch, match="format 1"):
        decode(data, 0)


def _marker(pid: int, base: int, commit: bool) -> bytes:
    batch = Builder(1024, True)
    batch.append(1, (0).to_bytes(2) + int(commit).to_bytes(2), b"\0" * 6, [])
    built = batch.build(None, producer_id=pid, producer_epoch=0, base_sequence=-1)
    built[22] |= 0x20
    from aiokafka.record.util import calc_crc32c

    built[17:21] = calc_crc32c(memoryview(built)[21:]).to_bytes(4)
    set_base_offset(built, base)
    return bytes(built)


def test_control_batches_and_aborted_transactions_are_left_out() -> None:
    a = bytes(make(2, 0, True, producer_id=7, producer_epoch=0, base_sequence=0))
    b = bytes(make(2, 3, True, producer_id=7, producer_epoch=0, base_sequence=2))
    data = a + _marker(7, 2, False) + b + _marker(7, 5, True)
    records, behind = decode(data, 0, [(7, 0)])
    assert [r.offset for r in records] == [3, 4] and behind == 6


def test_build_sets_producer_state_and_flag_any_number_of_times() -> None:
    batch = Builder(1 << 16, True)
    batch.append(1, None, b"v", [])
    first = bytes(batch.build(False))
    assert first[22] & 0x10 == 0 and decode(first, 0)[1] == 1
    again = bytes(batch.build(True, 5, 2, 9))
    assert again[22] & 0x10 and int.from_bytes(again[43:51]) == 5 and int.from_bytes(again[51:53]) == 2 and int.from_bytes(again[53:57]) == 9
    assert decode(again, 0)[1] == 1
    assert not batch.append(1, None, b"v", [])


def test_a_full_batch_says_so_and_takes_one_larger_record_alone() -> None:
    batch = Builder(200, False)
    assert batch.append(1, b"k", b"x" * 1000, []) and not batch.append(1, b"k", b"x", []) and batch.count == 1


def test_rewrite_keeps_offsets_with_gaps() -> None:
    records, _ = decode(make(6, 100), 0)
    kept, behind = decode(rewrite([records[1], records[4]]), 0)
    assert [(r.offset, r.key, r.timestamp) for r in kept] == [(101, b"k1", 1001), (104, b"k4", 1004)] and behind == 105


def test_partitioner_is_kafkas() -> None:
    rng = random.Random(1)
    keys: list[bytes | None] = [rng.randbytes(rng.randrange(0, 40)) for _ in range(3000)]
    expected = [(reference(k) & 0x7FFFFFFF) % 7 for k in keys if k is not None]
    assert partitions_of(keys, 7) == expected
    assert [murmur2(k) % 7 for k in keys if k is not None] == expected
    assert partitions_of([None, b"a"], 5, null=3)[0] == 3
    assert partitions_of([None] * 40, 5, null=3) == [3] * 40
