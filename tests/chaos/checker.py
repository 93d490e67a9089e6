"""What must hold after any storm, as pure functions from what was acknowledged and what was read to a list of violations.

The generator numbers the records of each key 1, 2, 3... and derives every other column from (key, n), so the whole expected outcome
follows from how many records of each key were acknowledged.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

START = int(time.time() * 1000) // 3_600_000 * 3_600_000
"""Rowtime of the first record, ms: of today, since Kafka's retention goes by the records' own time."""


def amount(key: str, n: int) -> int:
    """The amount of record n of a key."""
    return (n * 7919 + sum(key.encode()) * 31) % 1000


def group(key: str, n: int) -> str:
    """The group that record n of a key belongs to: another key than its own, so grouping repartitions."""
    return f"g{(n + len(key) + sum(key.encode())) % 17:02d}"


MARK_EVERY = 3
"""Each third number of a key has a mark of the same time, which a join meets."""


def owner(keys: Sequence[str], order: str, a: int) -> str:
    """The key that change a of an order points at: another one at each change."""
    return keys[(sum(order.encode()) + 7 * a) % len(keys)]


def rowtime(n: int) -> int:
    """Half a second apart for each key."""
    return START + n * 500


@dataclass
class Violations:
    """Counts and examples."""

    lost: int = 0
    doubled: int = 0
    other: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, kind: str, n: int, text: str) -> None:
        """n violations of a kind (lost, doubled, other)."""
        setattr(self, kind, getattr(self, kind) + n)
        if len(self.examples) < 12:
            self.examples.append(f"{kind}: {text} ({time.strftime('%T')})")

    @property
    def line(self) -> str:
        """The last line of a run."""
        return f"{self.lost} lost, {self.doubled} doubled, {self.other} other violations"

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.other)


def check_echo(v: Violations, where: str, sent: Mapping[str, int], seen: Mapping[str, Sequence[int]]) -> None:
    """Every number of every key once and in order. seen: key -> numbers in the order read."""
    for key, last in sent.items():
        numbers = seen.get(key, ())
        counts = Counter(numbers)
        missing = [n for n in range(1, last + 1) if n not in counts]
        twice = [n for n, c in counts.items() if c > 1]
        if missing:
            v.add("lost", len(missing), f"{where} {key}: {missing[:5]} of {last}")
        if twice:
            v.add("doubled", sum(counts[n] - 1 for n in twice), f"{where} {key}: {twice[:5]}")
        if not missing and not twice and list(numbers) != sorted(numbers):
            v.add("other", 1, f"{where} {key}: out of order")
        if strange := [n for n in counts if not 1 <= n <= last]:
            v.add("other", len(strange), f"{where} {key}: never sent {strange[:5]}")
    if unknown := set(seen) - set(sent):
        v.add("other", len(unknown), f"{where}: unknown keys {sorted(unknown)[:5]}")


def running(key: str, last: int) -> list[tuple[int, int, int, int]]:
    """(count, sum, min, max) after each record of a key."""
    out: list[tuple[int, int, int, int]] = []
    total, low, high = 0, 10**9, -1
    for n in range(1, last + 1):
        a = amount(key, n)
        total, low, high = total + a, min(low, a), max(high, a)
        out.append((n, total, low, high))
    return out


def check_running(v: Violations, where: str, sent: Mapping[str, int], seen: Mapping[str, Sequence[tuple[int, int, int, int]]]) -> None:
    """Every update of the running aggregate, exactly: a lost input would shift all that follow, a doubled one too."""
    for key, last in sent.items():
        expected, got = running(key, last), list(seen.get(key, ()))
        if got == expected:
            continue
        if len(got) < len(expected):
            v.add("lost", len(expected) - len(got), f"{where} {key}: {len(got)} updates of {len(expected)}")
        elif len(got) > len(expected):
            v.add("doubled", len(got) - len(expected), f"{where} {key}: {len(got)} updates instead of {len(expected)}")
        else:
            at = next(i for i, (e, g) in enumerate(zip(expected, got)) if e != g)
            v.add("other", 1, f"{where} {key}: update {at + 1} is {got[at]} instead of {expected[at]}")


def recount(sent: Mapping[str, int]) -> tuple[dict[str, tuple[int, int]], dict[tuple[str, int], tuple[int, int]]]:
    """(count, sum) by group, and by (group, start of the minute)."""
    by_group: dict[str, tuple[int, int]] = {}
    by_window: dict[tuple[str, int], tuple[int, int]] = {}
    for key, last in sent.items():
        for n in range(1, last + 1):
            g, a = group(key, n), amount(key, n)
            w = (g, rowtime(n) // 60_000 * 60_000)
            c, s = by_group.get(g, (0, 0))
            by_group[g] = (c + 1, s + a)
            c, s = by_window.get(w, (0, 0))
            by_window[w] = (c + 1, s + a)
    return by_group, by_window


def check_table(v: Violations, where: str, expected: Mapping[object, tuple[int, int]], got: Mapping[object, tuple[int, int]]) -> None:
    """Tables of (count, sum) must be equal."""
    for key, (count, total) in expected.items():
        row = got.get(key)
        if row is None:
            v.add("lost", count, f"{where} {key}: no row, {count} expected")
        elif row[0] < count:
            v.add("lost", count - row[0], f"{where} {key}: count {row[0]} instead of {count}")
        elif row[0] > count:
            v.add("doubled", row[0] - count, f"{where} {key}: count {row[0]} instead of {count}")
        elif row[1] != total:
            v.add("other", 1, f"{where} {key}: sum {row[1]} instead of {total}")
    if unknown := set(got) - set(expected):
        v.add("other", len(unknown), f"{where}: rows never expected {sorted(map(str, unknown))[:5]}")


def closed_windows(partitions: Iterable[Sequence[tuple[str, int]]], size_ms: int, grace_ms: int) -> dict[tuple[str, int], tuple[int, int]]:
    """(count, sum) by (key, window start) of the windows that are closed at the end. partitions: (key, n) in log order. A record opens or
    joins its window unless that window's end and the grace are over by the newest time seen before and with it (KIP-328)."""
    closed: dict[tuple[str, int], tuple[int, int]] = {}
    for records in partitions:
        now, open_windows = -1, dict[tuple[str, int], tuple[int, int]]()
        for key, n in records:
            start = rowtime(n) // size_ms * size_ms
            now = max(now, rowtime(n))
            if start + size_ms + grace_ms > now:
                count, total = open_windows.get((key, start), (0, 0))
                open_windows[key, start] = (count + 1, total + amount(key, n))
        closed |= {(key, start): row for (key, start), row in open_windows.items() if start + size_ms + grace_ms <= now}
    return closed


def check_finals(v: Violations, where: str, expected: Mapping[tuple[str, int], tuple[int, int]], seen: Sequence[tuple[tuple[str, int], tuple[int, int]]]) -> None:
    """Every closed window once, with its final (count, sum). seen: in the order read."""
    times = Counter(window for window, _ in seen)
    got = dict(seen)
    if missing := [w for w in expected if w not in got]:
        v.add("lost", len(missing), f"{where}: windows that never left {missing[:4]}")
    if twice := [w for w, c in times.items() if c > 1]:
        v.add("doubled", sum(times[w] - 1 for w in twice), f"{where}: left more than once {twice[:4]}")
    if early := [w for w in got if w not in expected]:
        v.add("other", len(early), f"{where}: windows that are not closed {early[:4]}")
    if wrong := [w for w in expected if w in got and got[w] != expected[w]]:
        v.add("other", len(wrong), f"{where} {wrong[0]}: {got[wrong[0]]} instead of {expected[wrong[0]]}")


def check_pairs(v: Violations, where: str, sent: Mapping[str, int], seen: Iterable[tuple[str, tuple[int, int]]]) -> None:
    """Each marked number meets its mark once. seen: key, (number, mark)."""
    met = Counter(seen)
    expected = {(key, (n, n)) for key, last in sent.items() for n in range(MARK_EVERY, last + 1, MARK_EVERY)}
    if missing := sorted(expected - met.keys()):
        v.add("lost", len(missing), f"{where}: never met {missing[:4]}")
    if twice := [pair for pair, c in met.items() if c > 1]:
        v.add("doubled", sum(met[p] - 1 for p in twice), f"{where}: met more than once {twice[:4]}")
    if strange := sorted(met.keys() - expected):
        v.add("other", len(strange), f"{where}: must not meet {strange[:4]}")


def check_mended(v: Violations, where: str, sent: Mapping[str, int], seen: Iterable[tuple[str, int]]) -> None:
    """Every number once: at once, or when its dead letter was replayed, so in any order. seen: key, number."""
    met = Counter(seen)
    expected = {(key, n) for key, last in sent.items() for n in range(1, last + 1)}
    if missing := sorted(expected - met.keys()):
        v.add("lost", len(missing), f"{where}: never came {missing[:4]}")
    if twice := [one for one, c in met.items() if c > 1]:
        v.add("doubled", sum(met[one] - 1 for one in twice), f"{where}: came more than once {twice[:4]}")
    if strange := sorted(met.keys() - expected):
        v.add("other", len(strange), f"{where}: never sent {strange[:4]}")


def check_enriched(v: Violations, where: str, sent: Mapping[str, int], versions: Mapping[str, int], seen: Mapping[str, Sequence[tuple[int, int]]]) -> None:
    """Every number once and in order, with a version of its key's row that never goes back. seen: key -> (number, version)."""
    check_echo(v, where, sent, {key: [n for n, _ in rows] for key, rows in seen.items()})
    for key, rows in seen.items():
        found = [version for _, version in rows]
        if found != sorted(found) or any(not 1 <= version <= versions.get(key, 0) for version in found):
            v.add("other", 1, f"{where} {key}: versions up to {versions.get(key, 0)} go back or were never sent: {found[:8]}...{found[-8:]}")


def check_placed(v: Violations, where: str, sent: Mapping[str, int], versions: Mapping[str, int], seen: Mapping[str, Sequence[tuple[int, int | None]]]) -> None:
    """Every number once and in order, with a version of its key's row, any or none: a global table is read beside the stream."""
    check_echo(v, where, sent, {key: [n for n, _ in rows] for key, rows in seen.items()})
    for key, rows in seen.items():
        if strange := [version for _, version in rows if version is not None and not 1 <= version <= versions.get(key, 0)]:
            v.add("other", 1, f"{where} {key}: versions up to {versions.get(key, 0)} that were never sent: {strange[:8]}")


def check_tallied(v: Violations, where: str, sent: Mapping[str, int], seen: Mapping[str, Sequence[tuple[int, int]]]) -> None:
    """Every number once and in order, and each counted as what it is. seen: key -> (number, count)."""
    check_echo(v, where, sent, {key: [n for n, _ in rows] for key, rows in seen.items()})
    for key, rows in seen.items():
        if wrong := [(n, count) for n, count in rows if n != count]:
            v.add("other", len(wrong), f"{where} {key}: counted otherwise, (number, count) {wrong[:5]}")


def check_seconds(v: Violations, where: str, seen: Mapping[str, Sequence[int]]) -> None:
    """Punctuations of each task: 1, 2, 3..., each once and in order. seen: task -> counts in the order read."""
    if not seen:
        v.add("lost", 1, f"{where}: no task was ever called")
    check_echo(v, where, {task: max(counts) for task, counts in seen.items()}, seen)


def owned(keys: Sequence[str], orders: Mapping[str, int], versions: Mapping[str, int]) -> dict[str, tuple[str, int, int]]:
    """By order (owner, number of its last change, version of the owner's row)."""
    return {o: (owner(keys, o, a), a, versions[owner(keys, o, a)]) for o, a in orders.items()}


def check_owned(v: Violations, where: str, expected: Mapping[str, tuple[str, int, int]], got: Mapping[str, tuple[str, int, int]]) -> None:
    """The rows of a join by foreign key after everything was applied."""
    if missing := sorted(expected.keys() - got.keys()):
        v.add("lost", len(missing), f"{where}: no rows for {missing[:4]}")
    wrong = [o for o in expected if o in got and got[o] != expected[o]]
    if stale := [o for o in wrong if got[o][1:] < expected[o][1:]]:
        v.add("lost", len(stale), f"{where} {stale[0]}: {got[stale[0]]} instead of {expected[stale[0]]}")
    if other := [*(o for o in wrong if o not in stale), *sorted(got.keys() - expected.keys())]:
        v.add("other", len(other), f"{where} {other[0]}: {got[other[0]]} instead of {expected.get(other[0])}")


def check_equal_stores(v: Violations, where: str, changelog: Mapping[bytes, bytes], store: Mapping[bytes, bytes]) -> None:
    """A store and the replay of its changelog must hold the same bytes."""
    for key in changelog.keys() | store.keys():
        if changelog.get(key) != store.get(key):
            v.add("other", 1, f"{where} {key!r}: the changelog says {changelog.get(key)!r}, the store {store.get(key)!r}")


def by_key(rows: Iterable[tuple[str, object]]) -> dict[str, list[object]]:
    """Rows in the order read, by key."""
    out: dict[str, list[object]] = {}
    for key, value in rows:
        out.setdefault(key, []).append(value)
    return out
