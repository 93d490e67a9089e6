"""The benchmark's data: card payments, the same bytes on every machine.

    base-txn100k    2,000,000 payments, users Zipf(0.99) over 100,000    CRC-32 of all values 394f9ebe
    base-txn1k      2,000,000 payments, users uniform over 1,000         CRC-32 of all values ba7c0dba

Only random.Random(seed).random() feeds the records, drawn in the order written here, so a shorter run is a prefix of a longer one. Event
time goes on 1 ms a record, up to 5 s out of order; amounts are whole cents, so that sums compare exactly.
"""

from __future__ import annotations

import random
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import NamedTuple

RECORDS = 2_000_000
START_MS = 1_750_000_000_000
FIRST_ID = 1_000_000_000
DISORDER_MS = 5_000
CURRENCIES = (b"EUR", b"USD", b"GBP", b"CHF", b"SEK", b"JPY")
COUNTRIES = (b"DE", b"FR", b"US", b"GB", b"CH", b"SE", b"JP", b"NL", b"ES", b"IT")
LINE = (b'{"id":%d,"ts":%d,"user":"%b","card":"4929%012d","amount":%d,"currency":"%b","merchant":"merchant-%05d","country":"%b"}')


class Row(NamedTuple):
    """One record."""

    key: bytes
    value: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """One topic's data. zipf: exponent of the users' distribution, 0 for a uniform one. crc32: of all RECORDS values."""

    topic: str
    users: int
    zipf: float
    seed: int
    crc32: int

    def rows(self, records: int = RECORDS) -> Iterator[Row]:
        """The first records."""
        return islice(self._all(), records)

    def _all(self) -> Iterator[Row]:
        draw = random.Random(self.seed).random
        pick = self._picker(draw)
        names = [b"u%06d" % n for n in range(self.users)]
        for n in range(RECORDS):
            user = names[pick()]
            timestamp = START_MS + n - int(draw() * DISORDER_MS)
            yield Row(user, payment(n, timestamp, user, draw), timestamp)

    def _picker(self, draw: Callable[[], float]) -> Callable[[], int]:
        if not self.zipf:
            return lambda: int(draw() * self.users)
        sums = list(accumulate(1.0 / (rank + 1) ** self.zipf for rank in range(self.users)))
        shares = [s / sums[-1] for s in sums]
        return lambda: bisect_left(shares, draw())


def payment(n: int, timestamp: int, user: bytes, draw: Callable[[], float]) -> bytes:
    """The value of record n: three draws; amount, currency and country come from one."""
    a, card, merchant = draw(), draw(), draw()
    return LINE % (FIRST_ID + n, timestamp, user, int(card * 1e12), int(a * 100_000), CURRENCIES[int(a * 6e6) % 6], int(merchant * 20_000),
                   COUNTRIES[int(a * 1e7) % 10])


MANY_USERS = Dataset("base-txn100k", 100_000, 0.99, 11, 0x394F9EBE)
FEW_USERS = Dataset("base-txn1k", 1_000, 0, 12, 0xBA7C0DBA)


def checksum(rows: Iterator[Row]) -> int:
    """CRC-32 of all values in order."""
    crc = 0
    for row in rows:
        crc = zlib.crc32(row.value, crc)
    return crc
