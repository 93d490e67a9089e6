"""Sessions of card payments; one with many payments in many cities is flagged."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.cli.demo.feed import feed
from penstock.cli.demo.recount import Recount, moment
from penstock.cli.demo.stage import Stage

BEGIN = datetime(2025, 6, 15, 9, 0, tzinfo=UTC)
CITIES = ("Berlin", "Madrid", "Lisbon", "Oslo", "Athens", "Vienna")
CARDS = 150
GAP = timedelta(minutes=10)
HOURS = 6


def generate() -> list[dict[str, Any]]:
    """Six hours: most cards pay now and then at home, a few are used all over within minutes. Some payments come up to two minutes late."""
    rnd = random.Random(13)
    out: list[dict[str, Any]] = []
    for n in range(CARDS):
        card, home = f"4000-{n:04d}", rnd.choice(CITIES)
        at = BEGIN + timedelta(minutes=rnd.randrange(60))
        while at < BEGIN + timedelta(hours=HOURS):
            out.append({"card": card, "city": home, "amount": rnd.randrange(4, 400) / 4, "ROWTIME": at})
            at += timedelta(minutes=rnd.choice((1, 3, 8, 25, 40, 90)), seconds=rnd.randrange(60))
        if n % 15 == 0:  # stolen
            at = BEGIN + timedelta(seconds=rnd.randrange(3600, 3600 * (HOURS - 1)))
            for _ in range(rnd.randrange(7, 12)):
                out.append({"card": card, "city": rnd.choice(CITIES), "amount": rnd.randrange(400, 4000) / 4, "ROWTIME": at})
                at += timedelta(seconds=rnd.randrange(20, 90))
    arrival = {id(p): p["ROWTIME"] + timedelta(seconds=rnd.randrange(120) if rnd.random() < 0.1 else 0) for p in out}
    return sorted(out, key=lambda p: arrival[id(p)])


def sessions(payments: list[dict[str, Any]]) -> dict[tuple[str, datetime], list[dict[str, Any]]]:
    """Payments of each session, by card and first moment."""
    found: dict[tuple[str, datetime], list[dict[str, Any]]] = {}
    here: tuple[str, datetime] = ("", BEGIN)
    for p in sorted(payments, key=lambda p: (p["card"], p["ROWTIME"])):
        if p["card"] != here[0] or p["ROWTIME"] - found[here][-1]["ROWTIME"] > GAP:
            here = (p["card"], p["ROWTIME"])
            found[here] = []
        found[here].append(p)
    return found


def play(stage: Stage) -> bool:
    """Whether the recount agrees."""
    payments = generate()
    stage.apply("fraud.yaml")
    flagged = stage.follow("flagged")
    counts = stage.follow("card_sessions")
    token = feed(stage, "card_payments", payments, f"payments of {CARDS} cards", seen=lambda: bool(counts.rows))

    expected = sessions(payments)
    bad = {key: len(rows) for key, rows in expected.items() if len(rows) > 5 and len({p["city"] for p in rows}) > 3}
    table = {(r.card, moment(r.WINDOWSTART)): r for r in stage.client.scan("card_sessions", at_least=token, max_wait=25)}
    held = {(r.card, moment(r.WINDOWSTART)): r.payments for r in stage.client.scan("flagged", at_least=token, max_wait=25)}
    stage.wait("every flagged session by push", lambda: bad.keys() <= {(r.card, moment(r.WINDOWSTART)) for r in flagged.upserts})
    stage.show("flagged, pushed", flagged.upserts[-4:])
    card = next(iter(bad))[0]
    asked = stage.client.get_windows("card_sessions", card)
    stage.say(f"lookup: card {card} had {len(asked)} sessions")

    recount = Recount(stage)
    recount.count(Counter({key: len(rows) for key, rows in expected.items()}), Counter({key: r.payments for key, r in table.items()}))
    recount.rows({key: (sum(p["amount"] for p in rows), {p["city"] for p in rows}) for key, rows in expected.items()},
                 {key: (r.amount, set(r.cities)) for key, r in table.items()}, "the session")
    recount.rows(bad, held, "the flag")
    recount.right(f"the sessions of {card}", sum(c == card for c, _ in expected), len(asked))
    return recount.close(f"{len(payments):,} payments in {len(expected)} sessions, {len(bad)} flagged")
