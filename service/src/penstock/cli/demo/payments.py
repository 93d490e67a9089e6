"""Payments without a known payer take another way."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from penstock.cli.demo.feed import feed
from penstock.cli.demo.recount import Recount
from penstock.cli.demo.stage import Stage

PAYMENTS = 4_000
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Payment:
    """One payment, amounts to the cent."""

    payer: str
    payment: int
    amount: Decimal
    currency: str

    def row(self) -> dict[str, Any]:
        """For append."""
        return {"payer": self.payer, "payment": self.payment, "amount": self.amount, "currency": self.currency}


def generate(count: int) -> list[Payment]:
    """The same payments every time, about one in twenty without a known payer."""
    rnd = random.Random(11)
    payers = [f"acct-{n:03d}" for n in range(120)]
    return [Payment(UNKNOWN if rnd.random() < 0.05 else rnd.choice(payers), n, Decimal(rnd.randrange(100, 50_000)) / 100,
                    rnd.choice(("EUR", "EUR", "USD", "GBP"))) for n in range(1, count + 1)]


def play(stage: Stage) -> bool:
    """Whether the recount agrees."""
    payments = generate(PAYMENTS)
    stage.apply("payments.yaml")
    to_check = stage.follow("payments_to_check", start="earliest")
    onward = stage.follow("payments_known", start="earliest")
    paid = stage.follow("paid")
    token = feed(stage, "payments", [p.row() for p in payments], "payments", seen=lambda: bool(to_check.rows and paid.rows))

    unknown = [p for p in payments if p.payer == UNKNOWN]
    known = [p for p in payments if p.payer != UNKNOWN]
    last = known[-1].payer
    row = stage.client.get("paid", last, at_least=token, max_wait=25)
    stage.say(f"read your writes: paid by {last}: {row.amount if row else None}")
    stage.wait("every payment by push", lambda: len(to_check.rows) >= len(unknown) and len(onward.rows) >= len(known))
    stage.show("payments_to_check, pushed", to_check.rows)
    stage.show("paid, pushed: the newest row of each payer", paid.rows[-4:])

    recount = Recount(stage)
    recount.count(Counter(p.payment for p in unknown), Counter(r.payment for r in to_check.rows))
    recount.count(Counter(p.payment for p in known), Counter(r.payment for r in onward.rows))
    sums: dict[str, Decimal] = {}
    for p in known:
        sums[p.payer] = sums.get(p.payer, Decimal("0.00")) + p.amount
    recount.rows(sums, {r.payer: r.amount for r in stage.client.scan("paid", at_least=token)}, "the sum")
    recount.right(f"paid by {last}", sums[last], row and row.amount)
    return recount.close(f"{len(known):,} payments of {len(sums)} payers and {len(unknown)} of unknown ones")
