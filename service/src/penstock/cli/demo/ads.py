"""Impressions joined with clicks; the click-through rate of each ad and hour."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.cli.demo.feed import feed_in_turn, slices
from penstock.cli.demo.recount import Recount, moment
from penstock.cli.demo.stage import Stage

IMPRESSIONS = 3_000
BEGIN = datetime(2025, 6, 15, 9, 0, tzinfo=UTC)
RATES = {"shoes": 0.06, "holiday": 0.03, "coffee": 0.12, "insurance": 0.01}
WITHIN = timedelta(minutes=10)
PROBE = "probe"  # impressions that only move stream time past the last window


@dataclass(frozen=True)
class Shown:
    """An impression, and after how long it was clicked, if it was."""

    impression: str
    ad: str
    at: datetime
    clicked_after: timedelta | None

    @property
    def counts_at(self) -> datetime:
        """A matched pair has the later time of the two."""
        return self.at + self.clicked_after if self.matched and self.clicked_after else self.at

    @property
    def matched(self) -> bool:
        """A click after ten minutes does not count."""
        return self.clicked_after is not None and self.clicked_after <= WITHIN


def generate(count: int) -> list[Shown]:
    """Two and a half hours of impressions; one click in ten comes too late."""
    rnd = random.Random(3)
    out = []
    for n in range(count):
        ad = rnd.choice(list(RATES))
        seconds = rnd.randrange(601, 660) if rnd.random() < 0.1 else rnd.randrange(1, 600)
        after = timedelta(seconds=seconds) if rnd.random() < RATES[ad] * 3 else None
        out.append(Shown(f"i{n:05d}", ad, BEGIN + timedelta(seconds=3 * n), after))
    return out


def play(stage: Stage) -> bool:
    """Whether the recount agrees."""
    impressions = generate(IMPRESSIONS)
    stage.apply("ads.yaml")
    rates = stage.follow("click_through")
    clicks = [s for s in impressions if s.clicked_after is not None]
    rows: list[tuple[str, dict[str, Any]]] = [("impressions", {"impression": s.impression, "ad": s.ad, "ROWTIME": s.at}) for s in impressions]
    rows += [("clicks", {"impression": s.impression, "page": f"/{s.ad}", "ROWTIME": s.at + (s.clicked_after or timedelta())}) for s in clicks]
    end = impressions[-1].at + timedelta(hours=1)
    rows += [("impressions", {"impression": f"{PROBE}{n}", "ad": PROBE, "ROWTIME": end}) for n in range(64)]  # reach every partition
    by_minute = slices(rows, lambda row: row["ROWTIME"].replace(second=0))
    token = feed_in_turn(stage, ("clicks", "impressions"), by_minute, f"{len(impressions):,} impressions and {len(clicks)} clicks, minute by minute",
                         seen=lambda: bool(rates.rows))

    shown: Counter[tuple[str, datetime]] = Counter()
    clicked: Counter[tuple[str, datetime]] = Counter()
    for s in impressions:
        hour = (s.ad, s.counts_at.replace(minute=0, second=0))
        shown[hour] += 1
        clicked[hour] += s.matched
    table = [r for r in stage.client.scan("click_through", at_least=token, max_wait=25) if r.ad != PROBE]
    first = BEGIN.replace(minute=0)
    asked = next((r for r in stage.client.get_windows("click_through", "coffee") if moment(r.WINDOWSTART) == first), None)
    stage.say(f"lookup: of coffee {asked.rate if asked else 0:.1%} was clicked in the hour of {first:%H:%M}")
    stage.show("click_through, pushed", [r for r in rates.rows if r.ad != PROBE][-6:], 6)

    recount = Recount(stage)
    recount.count(shown, Counter({(r.ad, moment(r.WINDOWSTART)): r.shown for r in table}))
    recount.count(clicked, Counter({(r.ad, moment(r.WINDOWSTART)): r.clicked for r in table}))
    recount.right("the rate of coffee", clicked[("coffee", first)] / shown[("coffee", first)], asked and asked.rate)
    return recount.close(f"{len(impressions):,} impressions and {len(clicks)} clicks, {clicked.total()} of them in time, {len(shown)} hours of ads")
