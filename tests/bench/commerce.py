"""The joins' data: purchases with their customers, ad impressions with their clicks, the same bytes on every machine.

    base-customers   100,000 customers                                   CRC-32 of all values eda141fc
    base-purchases   1,000,000 purchases, 4.8 % of customers without row   e09a6ad9
    base-imps        1,600,000 impressions                                 e21261d0
    base-clicks      400,000 clicks, of every fourth impression, up to 15 minutes later, in order of time   6a929b57

As in transactions.py, only random.Random(seed).random() feeds them. Shorter purchases and impressions are prefixes; clicks are those of the
impressions that there are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from transactions import COUNTRIES, CURRENCIES, START_MS, Row

CUSTOMERS, PURCHASES, IMPRESSIONS = 100_000, 1_000_000, 1_600_000
BUYERS = 105_000
CLICKED = 4
"""Every so many impressions one is clicked."""
CLICK_MS = 900_000
HOUR_MS = 3_600_000
TIERS, DEVICES = (b"gold", b"silver", b"basic"), (b"mobile", b"desktop", b"tablet")
CUSTOMER = (b'{"cust":"%b","name":"Customer Number %06d","tier":"%b","country":"%b","email":"customer%06d@example.org","since":%d,'
            b'"credit":%d,"ts":%d}')
PURCHASE = b'{"id":%d,"ts":%d,"cust":"%b","sku":"sku-%06d","qty":%d,"amount":%d,"currency":"%b","store":"store-%04d"}'
IMPRESSION = (b'{"imp":"%b","ts":%d,"user":"u%06d","ad":"ad-%05d","campaign":"campaign-%03d","site":"site-%04d.example.org","country":"%b",'
              b'"cost":%d}')
CLICK = b'{"id":%d,"ts":%d,"imp":"%b","user":"u%06d","device":"%b","ref":"https://example.org/landing/%06d","x":%d,"y":%d}'


@dataclass(frozen=True, slots=True)
class Generated:
    """One topic's data. make: the rows of a run over so many records of the leading topic. whole: records of the leading topic in a whole run."""

    topic: str
    make: Callable[[int], Iterator[Row]]
    whole: int
    crc32: int

    def rows(self, records: int) -> Iterator[Row]:
        """The rows of a run."""
        return self.make(min(records, self.whole))


def _customers(_: int) -> Iterator[Row]:
    draw = random.Random(41).random
    at = START_MS - HOUR_MS
    for n in range(CUSTOMERS):
        key, tier, country = b"c%06d" % n, TIERS[int(draw() * 3)], COUNTRIES[int(draw() * 10)]
        since, credit = 2000 + int(draw() * 25), int(draw() * 10_000)
        yield Row(key, CUSTOMER % (key, n, tier, country, n, since, credit, at), at)


def _purchases(records: int) -> Iterator[Row]:
    draw = random.Random(42).random
    for n in range(records):
        key, at = b"c%06d" % int(draw() * BUYERS), START_MS + n
        sku, quantity, amount = int(draw() * 50_000), 1 + int(draw() * 5), int(draw() * 100_000)
        yield Row(key, PURCHASE % (2_000_000_000 + n, at, key, sku, quantity, amount, CURRENCIES[int(draw() * 6)], int(draw() * 500)), at)


def _impressions(records: int) -> Iterator[Row]:
    draw = random.Random(51).random
    for n in range(records):
        key, at = b"i%08d" % n, START_MS + n
        user, ad, campaign, site = int(draw() * 100_000), int(draw() * 20_000), int(draw() * 300), int(draw() * 2000)
        yield Row(key, IMPRESSION % (key, at, user, ad, campaign, site, COUNTRIES[int(draw() * 10)], int(draw() * 5000)), at)


def clicked(records: int) -> list[tuple[int, int]]:
    """(time, impression) of each click of so many impressions, in order of time; also the generator's first draws."""
    return _clicked(random.Random(52).random, records)


def _clicked(draw: Callable[[], float], records: int) -> list[tuple[int, int]]:
    return sorted((START_MS + n + int(draw() * CLICK_MS), n) for n in range(0, records, CLICKED))


def _clicks(records: int) -> Iterator[Row]:
    draw = random.Random(52).random
    for n, (at, impression) in enumerate(_clicked(draw, records)):
        key, user, device = b"i%08d" % impression, int(draw() * 100_000), DEVICES[int(draw() * 3)]
        landing, x, y = int(draw() * 1e6), int(draw() * 1920), int(draw() * 1080)
        yield Row(key, CLICK % (3_000_000_000 + n, at, key, user, device, landing, x, y), at)


customers = Generated("base-customers", _customers, PURCHASES, 0xEDA141FC)
purchases = Generated("base-purchases", _purchases, PURCHASES, 0xE09A6AD9)
impressions = Generated("base-imps", _impressions, IMPRESSIONS, 0xE21261D0)
clicks = Generated("base-clicks", _clicks, IMPRESSIONS, 0x6A929B57)
