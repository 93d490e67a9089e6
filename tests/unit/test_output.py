"""Rows become batches by partition; a record over the log's limit is reported, never sent."""

from __future__ import annotations

from penstock.log.records import Builder, decode, murmur2
from penstock.runtime.output import RECORD_LIMIT, OutputTopic, Row


def output(partitions: int, large: list[Row], max_batch: int = 0) -> OutputTopic:
    return OutputTopic("t", partitions, lambda limit: Builder(limit, False), lambda _, row: large.append(row), max_batch)


def read(out: OutputTopic) -> dict[int, list[tuple[bytes | None, bytes | None]]]:
    found: dict[int, list[tuple[bytes | None, bytes | None]]] = {}
    for p, batch in out.take_all():
        records, _ = decode(bytes(batch.build()), 0)
        found.setdefault(p, []).extend((r.key, r.value) for r in records)
    return found


def test_rows_go_to_the_partition_of_their_key() -> None:
    out = output(3, [])
    keys = [b"k%d" % i for i in range(100)]
    out.rows.extend((k, b"v", 1, []) for k in keys)
    out.rows.append((None, b"none", 1, ()))
    out.drain(7)
    found = read(out)
    assert found[7 % 3][-1] == (None, b"none")
    for p, rows in found.items():
        assert [k for k, _ in rows if k is not None] == [k for k in keys if murmur2(k) % 3 == p]
    assert not out.rows


def test_full_batches_roll() -> None:
    out = output(1, [])
    out.rows.extend((b"k", b"x" * 100_000, 1, []) for _ in range(12))
    out.drain(0)
    assert out.full == 2
    assert len(read(out)[0]) == 12


def test_a_record_over_the_limit_is_reported() -> None:
    large: list[Row] = []
    out = output(1, large)
    big = b"x" * (RECORD_LIMIT + 1)
    for rows in ([(b"0", big, 1, [])], [(b"a", b"1", 1, []), (b"b", big, 1, []), (b"c", b"3", 1, [])], [(b"d", big, 1, [])], [(b"e", b"5", 1, [])]):
        out.rows.extend(rows)
        out.drain(0)
    assert [k for k, _ in read(out)[0]] == [b"a", b"c", b"e"]
    assert [row[0] for row in large] == [b"0", b"b", b"d"]


def test_a_topics_own_limit_bounds_batches_and_records() -> None:
    large: list[Row] = []
    out = output(1, large, max_batch=50_000)
    out.rows.extend((b"k", b"x" * size, 1, []) for size in (*[20_000] * 6, 49_700, 50_000))
    out.drain(0)
    batches = out.take_all()
    assert all(len(batch.build()) <= 50_000 for _, batch in batches)
    assert sum(batch.count for _, batch in batches) == 7 and [len(row[1] or b"") for row in large] == [50_000]
